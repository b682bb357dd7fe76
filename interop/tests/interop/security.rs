//! PLAIN and CURVE with a libzmq that was built with libsodium: every pair of types, either side the server and
//! either side bound, and what libzmq's authentication answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use monocoque::security::{CurveKeypair, CurvePublicKey, CurveSecretKey, Verdict, allow_keys, allow_users};

use super::matrix::{PAIRS, meet, options, play, their_echo, theirs_of};
use super::rt::{self, *};

/// The tests must not pass for lack of what they test.
#[test]
fn libzmq_was_built_with_curve() {
    assert_eq!(zmq::has("curve"), Some(true));
}

/// What docs/security-audit.md says was tried, and with what.
#[test]
fn the_matrix_is_as_the_audit_counts_it() {
    let audit = include_str!("../../../docs/security-audit.md");
    let (major, minor, patch) = zmq::version();
    assert!(audit.contains(&format!("\nlibzmq {major}.{minor}.{patch} with libsodium")));
    assert!(audit.contains(&format!("(all {} that libzmq allows)", PAIRS.len())));
    let cells = 2 * PAIRS.len();
    assert_eq!(audit.matches(&format!(" | {cells}, {} |", 3 * cells)).count(), 1 + 2 * MECHANISMS.len());
}

/// A key pair of libzmq's making, as either side takes it.
struct Keys {
    ours: CurveKeypair,
    theirs: zmq::CurveKeyPair,
}

impl Keys {
    fn new() -> Self {
        let theirs = zmq::CurveKeyPair::new().expect("libzmq has CURVE");
        let secret = CurveSecretKey::from_bytes(theirs.secret_key);
        let ours = CurveKeypair::new(CurvePublicKey::from_bytes(theirs.public_key), secret).unwrap();
        Self { ours, theirs }
    }
}

/// A context of libzmq, and what keeps the thread that answers what it asks.
struct Asking(zmq::Context, #[expect(dead_code, reason = "its end is the thread's")] Arc<()>);

/// A context whose clients are asked about: answers what libzmq asks (RFC 27), once for each code, and the last for
/// ever.
fn zap(codes: &'static [&'static str]) -> Asking {
    let context = zmq::Context::new();
    let handler = context.socket(zmq::REP).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    // So often it looks whether it is needed: a context ends after its sockets only.
    handler.set_rcvtimeo(20).unwrap();
    let needed = Arc::new(());
    let still = Arc::downgrade(&needed);
    thread::spawn(move || {
        let mut turn = 0;
        while still.strong_count() > 0 {
            let Ok(request) = handler.recv_multipart(0) else { continue };
            let code = match &request[5][..] {
                b"PLAIN" if request[6..] != [b"ann".to_vec(), b"secret".to_vec()] => "400",
                _ => codes[turn.min(codes.len() - 1)],
            };
            turn += 1;
            // A user would be told to the socket in a message, which a REQ of libzmq takes for a wrong reply.
            let reply = [b"1.0", &request[1][..], code.as_bytes(), b"text", b"", b""];
            let _ = handler.send_multipart(reply, 0);
        }
    });
    Asking(context, needed)
}

#[derive(Clone, Copy, Debug)]
enum Mechanism {
    Plain,
    Curve,
}

const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Curve];

/// Has `socket` be the server; what we need to be its client.
fn we_join(mechanism: Mechanism, socket: &zmq::Socket) -> SocketOptions {
    socket.set_zap_domain("domain").unwrap();
    match mechanism {
        Mechanism::Plain => {
            socket.set_plain_server(true).unwrap();
            options().with_plain_client("ann", "secret")
        }
        Mechanism::Curve => {
            let (server, client) = (Keys::new(), Keys::new());
            socket.set_curve_server(true).unwrap();
            socket.set_curve_secretkey(&server.theirs.secret_key).unwrap();
            options().with_curve_client(server.ours.public_key(), client.ours)
        }
    }
}

/// Has `socket` be a client; what we need to be its server.
fn they_join(mechanism: Mechanism, socket: &zmq::Socket) -> SocketOptions {
    match mechanism {
        Mechanism::Plain => {
            socket.set_plain_username(Some("ann")).unwrap();
            socket.set_plain_password(Some("secret")).unwrap();
            options().with_plain_server(allow_users([("ann", "secret")]))
        }
        Mechanism::Curve => {
            let (server, client) = (Keys::new(), Keys::new());
            socket.set_curve_serverkey(server.ours.public_key().as_bytes()).unwrap();
            socket.set_curve_publickey(&client.theirs.public_key).unwrap();
            socket.set_curve_secretkey(&client.theirs.secret_key).unwrap();
            options().with_curve_server(server.ours, allow_keys([client.ours.public_key()]))
        }
    }
}

const ANY: &str = "tcp://127.0.0.1:*";

async fn all_pairs_where_we_join(mechanism: Mechanism, ours_bind: bool) {
    for (kind, their) in PAIRS {
        let context = zap(&["200"]);
        let socket = theirs_of(&context.0, their);
        let options = we_join(mechanism, &socket);
        let ours = meet((kind, options), &socket, ANY, ours_bind).await;
        play(kind, &ours, socket, their).await;
    }
}

async fn all_pairs_where_they_join(mechanism: Mechanism, ours_bind: bool) {
    for (kind, their) in PAIRS {
        let socket = theirs_of(&zmq::Context::new(), their);
        let options = they_join(mechanism, &socket);
        let ours = meet((kind, options), &socket, ANY, ours_bind).await;
        play(kind, &ours, socket, their).await;
    }
}

#[test]
fn plain_where_we_are_the_server_and_bind() {
    rt::run(all_pairs_where_they_join(Mechanism::Plain, true));
}

#[test]
fn plain_where_we_are_the_server_and_connect() {
    rt::run(all_pairs_where_they_join(Mechanism::Plain, false));
}

#[test]
fn curve_where_we_are_the_server_and_bind() {
    rt::run(all_pairs_where_they_join(Mechanism::Curve, true));
}

#[test]
fn curve_where_we_are_the_server_and_connect() {
    rt::run(all_pairs_where_they_join(Mechanism::Curve, false));
}

#[test]
fn plain_where_we_are_the_client_and_bind() {
    rt::run(all_pairs_where_we_join(Mechanism::Plain, true));
}

#[test]
fn plain_where_we_are_the_client_and_connect() {
    rt::run(all_pairs_where_we_join(Mechanism::Plain, false));
}

#[test]
fn curve_where_we_are_the_client_and_bind() {
    rt::run(all_pairs_where_we_join(Mechanism::Curve, true));
}

#[test]
fn curve_where_we_are_the_client_and_connect() {
    rt::run(all_pairs_where_we_join(Mechanism::Curve, false));
}

/// A server of libzmq's whose authentication answers with `codes`, and a client of ours that is told where it is.
async fn join_one_that_answers(
    mechanism: Mechanism,
    codes: &'static [&'static str],
) -> (Asking, zmq::Socket, PushSocket) {
    let context = zap(codes);
    let pull = theirs_of(&context.0, zmq::PULL);
    // That is when it hangs up on whom it says nothing to.
    pull.set_handshake_ivl(100).unwrap();
    let options = we_join(mechanism, &pull);
    pull.bind(ANY).unwrap();
    let endpoint = pull.get_last_endpoint().unwrap().unwrap();
    let push = PushSocket::connect_with_reconnect_and_options(&endpoint, options).await.unwrap();
    (context, pull, push)
}

/// 300 is no answer, and a client comes back; 400 and 500 are, and it stops for good.
#[test]
fn what_their_authentication_answers_is_heeded() {
    rt::run(async {
        for mechanism in MECHANISMS {
            let (_context, pull, push) = join_one_that_answers(mechanism, &["300", "300", "200"]).await;
            push.send("let in").await.unwrap();
            rt::blocking(move || assert_eq!(pull.recv_bytes(0).unwrap(), b"let in")).await;
            for codes in [&["400"][..], &["500"]] {
                let (_context, _pull, push) = join_one_that_answers(mechanism, codes).await;
                let error = push.wait_for_peers(1).await.unwrap_err();
                assert!(matches!(error, Error::GaveUp { .. }), "{mechanism:?} {codes:?}: {error:?}");
                assert!(error.to_string().contains(codes[0]), "{error}");
            }
        }
    });
}

/// Those that are told no, for what they say or for what they are not told.
#[test]
fn a_client_with_the_wrong_credentials_stops() {
    rt::run(async {
        let context = zap(&["200"]);
        let pull = theirs_of(&context.0, zmq::PULL);
        we_join(Mechanism::Plain, &pull);
        pull.bind(ANY).unwrap();
        let endpoint = pull.get_last_endpoint().unwrap().unwrap();
        for (user, password) in [("ann", "Secret"), ("bob", "secret"), ("ann", "")] {
            let options = options().with_plain_client(user, password);
            let push = PushSocket::connect_with_reconnect_and_options(&endpoint, options).await.unwrap();
            let error = push.wait_for_peers(1).await.unwrap_err();
            assert!(matches!(error, Error::GaveUp { .. }), "{error:?}");
        }
    });
}

/// libzmq hangs up on whoever was given another server key, or another mechanism.
#[test]
fn a_client_with_the_wrong_server_key_is_never_let_in() {
    rt::run(async {
        let context = zmq::Context::new();
        let pull = theirs_of(&context, zmq::PULL);
        we_join(Mechanism::Curve, &pull);
        pull.bind(ANY).unwrap();
        let endpoint = pull.get_last_endpoint().unwrap().unwrap();
        let (other, own) = (Keys::new(), Keys::new());
        let options = options().with_curve_client(other.ours.public_key(), own.ours);
        let push = PushSocket::connect_with_reconnect_and_options(&endpoint, options).await.unwrap();
        let mut monitor = push.monitor();
        for _ in 0..3 {
            while !matches!(monitor.next().await, Some(SocketEvent::HandshakeFailed { .. })) {}
        }
        assert!(!push.is_connected());
    });
}

/// The sizes of payloads: all of them where a variable asks for it, else a sample.
fn sizes() -> Vec<usize> {
    let all = std::env::var_os("MONOCOQUE_INTEROP_ALL_SIZES").is_some();
    let sample = [0, 1, 31, 32, 33, 222, 223, 255, 256, 8_191, 16_350, 16_384, 65_536, 1 << 20];
    if all { (0..=24).flat_map(|n| [(1 << n) - 1, 1 << n, (1 << n) + 1]).collect() } else { sample.to_vec() }
}

/// There and back, alone and in parts.
#[test]
fn payloads_of_all_sizes() {
    rt::run(async {
        let context = zmq::Context::new();
        let socket = theirs_of(&context, zmq::PAIR);
        let options = we_join(Mechanism::Curve, &socket);
        socket.bind(ANY).unwrap();
        let endpoint = socket.get_last_endpoint().unwrap().unwrap();
        let pair = PairSocket::connect_with_options(&endpoint, options).await.unwrap();
        let sizes = sizes();
        let echo = their_echo(socket, sizes.len() * 2);
        let asking = async {
            for size in sizes {
                let payload: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
                for frames in [vec![payload.clone()], vec![payload, vec![], vec![1; 40]]] {
                    let message: Message = frames.into_iter().collect();
                    pair.send(message.clone()).await.unwrap();
                    assert!(pair.recv().await.unwrap() == message, "{size} bytes");
                }
            }
        };
        join(echo, asking).await;
    });
}

/// What our authenticator answers is what libzmq's clients make of it: they come back after 300, and stop after 400.
#[test]
fn their_clients_heed_what_our_authenticator_answers() {
    rt::run(async {
        for mechanism in MECHANISMS {
            let socket = theirs_of(&zmq::Context::new(), zmq::PUSH);
            let asked = Arc::new(AtomicUsize::new(0));
            let count = asked.clone();
            let judge = move |_| {
                let turn = count.fetch_add(1, Ordering::Relaxed);
                async move { if turn < 2 { Verdict::try_later("busy") } else { Verdict::accept() } }
            };
            let options = they_join(mechanism, &socket).with_authenticator(judge);
            let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            socket.connect(&pull.local_endpoint().unwrap().to_string()).unwrap();
            socket.send("let in", 0).unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "let in");
            assert_eq!(asked.load(Ordering::Relaxed), 3);

            let socket = theirs_of(&zmq::Context::new(), zmq::PUSH);
            let options = they_join(mechanism, &socket).with_authenticator(async |_| Verdict::deny("no"));
            let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            let mut monitor = pull.monitor();
            socket.connect(&pull.local_endpoint().unwrap().to_string()).unwrap();
            while !matches!(monitor.next().await, Some(SocketEvent::HandshakeFailed { .. })) {}
            assert_eq!(pull.stats().connects, 0);
        }
    });
}

/// PINGs of either side, sealed, are answered by the other; without an answer the connection would end.
#[test]
fn heartbeats_are_answered_both_ways() {
    rt::run(async {
        for we_are_server in [false, true] {
            let context = zmq::Context::new();
            let socket = theirs_of(&context, zmq::PAIR);
            socket.set_heartbeat_ivl(10).unwrap();
            socket.set_heartbeat_timeout(2_000).unwrap();
            let options = if we_are_server {
                they_join(Mechanism::Curve, &socket)
            } else {
                we_join(Mechanism::Curve, &socket)
            };
            let often = Duration::from_millis(10);
            let options =
                options.with_heartbeat_interval(Some(often)).with_heartbeat_timeout(Duration::from_secs(2));
            let pair = PairSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            socket.connect(&pair.local_endpoint().unwrap().to_string()).unwrap();
            pair.wait_for_peers(1).await.unwrap();
            // Ended, it would come back as another connection.
            rt::timeout(Duration::from_millis(2_500), std::future::pending::<()>()).await;
            pair.send("still there").await.unwrap();
            rt::blocking(move || assert_eq!(socket.recv_bytes(0).unwrap(), b"still there")).await;
            assert_eq!(pair.stats().connects, 1);
        }
    });
}

/// The side that binds goes and comes back, and everything is shaken hands over anew.
#[test]
fn everything_works_again_after_a_restart() {
    rt::run(async {
        let context = zmq::Context::new();
        let push = theirs_of(&context, zmq::PUSH);
        let options = they_join(Mechanism::Curve, &push);
        let endpoint = vacant();
        push.connect(&endpoint).unwrap();
        let (tell, told) = mpsc::channel::<()>();
        let sending = rt::blocking(move || {
            let pause = Duration::from_millis(1);
            while told.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let _ = push.send("x", zmq::DONTWAIT);
            }
        });
        let receiving = async move {
            for _ in 0..5 {
                let pull = PullSocket::bind_with_options(&endpoint, options.clone()).await.unwrap();
                assert_eq!(pull.recv().await.unwrap()[0], "x");
                pull.close().await;
            }
            drop(tell);
        };
        join(sending, receiving).await;
    });
}
