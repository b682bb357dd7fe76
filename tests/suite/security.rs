//! PLAIN and CURVE among sockets of this crate: all types, either role on either side, over tcp and ipc.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use futures_util::future;
use monocoque::ProtocolError;
use monocoque::monitor::DisconnectKind;
use monocoque::options::OptionError;
use monocoque::security::{
    Claim, Credentials, CurveKeypair, CurveServerKeys, Verdict, accept_any_client, allow_keys, allow_users,
};

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";

fn keypair() -> CurveKeypair {
    CurveKeypair::generate().unwrap()
}

fn options() -> SocketOptions {
    SocketOptions::default()
        .with_reconnect_interval(Duration::from_millis(2))
        .with_reconnect_interval_max(Duration::from_millis(20))
}

/// The options of a server and a client that fit.
fn plain() -> [SocketOptions; 2] {
    let server = options().with_plain_server(allow_users([("bob", "other"), ("ann", "secret")]));
    [server, options().with_plain_client("ann", "secret")]
}

fn curve() -> [SocketOptions; 2] {
    let (server, client) = (keypair(), keypair());
    let joined = options().with_curve_client(server.public_key(), client.clone());
    [options().with_curve_server(server, allow_keys([keypair().public_key(), client.public_key()])), joined]
}

/// Each of the eleven types, with the options of the side that binds and of the one that connects.
async fn all_types([bound, connected]: [SocketOptions; 2], mut endpoint: impl FnMut() -> String) {
    let large = vec![7; 70_000];

    let rep = RepSocket::bind_with_options(endpoint(), bound.clone()).await.unwrap();
    let at = rep.local_endpoint().unwrap();
    let req = ReqSocket::connect_with_options(at, connected.clone()).await.unwrap();
    req.send("question").await.unwrap();
    assert_eq!(rep.recv().await.unwrap()[0], "question");
    rep.send(large.clone()).await.unwrap();
    assert_eq!(req.recv().await.unwrap()[0], large);

    let router = RouterSocket::bind_with_options(endpoint(), bound.clone()).await.unwrap();
    let at = router.local_endpoint().unwrap();
    let named = connected.clone().with_identity("dealer");
    let dealer = DealerSocket::connect_with_options(at, named).await.unwrap();
    let parts = || ["one", "", "three"].into_iter().map(Frame::from).collect::<Message>();
    dealer.send(parts()).await.unwrap();
    let (identity, message) = router.recv_from().await.unwrap();
    assert_eq!((&identity[..], &message), (&b"dealer"[..], &parts()));
    router.send_to(identity, message).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), parts());

    let pull = PullSocket::bind_with_options(endpoint(), bound.clone()).await.unwrap();
    let at = pull.local_endpoint().unwrap();
    let push = PushSocket::connect_with_options(at, connected.clone()).await.unwrap();
    for n in 0..200_u32 {
        push.send(n.to_be_bytes()).await.unwrap();
    }
    for n in 0..200_u32 {
        assert_eq!(pull.recv().await.unwrap()[0], n.to_be_bytes());
    }

    let pair = PairSocket::bind_with_options(endpoint(), bound.clone()).await.unwrap();
    let at = pair.local_endpoint().unwrap();
    let other = PairSocket::connect_with_options(at, connected.clone()).await.unwrap();
    for (from, to) in [(&pair, &other), (&other, &pair)] {
        from.send("hello").await.unwrap();
        assert_eq!(to.recv().await.unwrap()[0], "hello");
    }

    let publisher = PubSocket::bind_with_options(endpoint(), bound.clone()).await.unwrap();
    let at = publisher.local_endpoint().unwrap();
    let sub = SubSocket::connect_with_options(at, connected.clone()).await.unwrap();
    sub.subscribe("").unwrap();
    sub.subscribe("news").unwrap();
    publisher.wait_for_subscribers("news", 1).await.unwrap();
    publisher.send("news today").await.unwrap();
    assert_eq!(sub.recv().await.unwrap()[0], "news today");
    sub.unsubscribe("").unwrap();
    while publisher.topic_count() > 1 {
        rt::yield_now().await;
    }
    publisher.send("weather").await.unwrap();
    publisher.send("news again").await.unwrap();
    assert_eq!(sub.recv().await.unwrap()[0], "news again");

    let xpub = XPubSocket::bind_with_options(endpoint(), bound).await.unwrap();
    let at = xpub.local_endpoint().unwrap();
    let xsub = XSubSocket::connect_with_options(at, connected).await.unwrap();
    xsub.send("\u{1}topic").await.unwrap();
    assert_eq!(xpub.recv().await.unwrap()[0], "\u{1}topic");
    xpub.send("topic of the day").await.unwrap();
    assert_eq!(xsub.recv().await.unwrap()[0], "topic of the day");
    xsub.send("\0topic").await.unwrap();
    assert_eq!(xpub.recv().await.unwrap()[0], "\0topic");
}

#[test]
fn all_types_over_tcp() {
    rt::run(async {
        for [server, client] in [plain(), curve()] {
            all_types([server.clone(), client.clone()], || ANY.to_owned()).await;
            all_types([client, server], || ANY.to_owned()).await;
        }
    });
}

#[cfg(unix)]
#[test]
fn all_types_over_ipc() {
    rt::run(async {
        let folder = Folder::new();
        let mut names = 0_u32..;
        let mut endpoint = || folder.socket(&names.next().unwrap().to_string()).1;
        for [server, client] in [plain(), curve()] {
            all_types([server.clone(), client.clone()], &mut endpoint).await;
            all_types([client, server], &mut endpoint).await;
        }
    });
}

/// A proxy that keeps what goes by, so that it can be searched and replayed.
struct Wiretap {
    endpoint: String,
    heard: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
}

impl Wiretap {
    fn before(server: &Endpoint) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let heard = std::sync::Arc::<std::sync::Mutex<Vec<u8>>>::default();
        let (port, tap) = (server.port().unwrap(), heard.clone());
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (back_from, back_to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || carry(back_from, back_to, None));
            carry(client, server, Some(tap));
        });
        Self { endpoint, heard }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, tap: Option<std::sync::Arc<std::sync::Mutex<Vec<u8>>>>) {
    let mut bytes = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        if let Some(tap) = &tap {
            tap.lock().unwrap().extend_from_slice(&bytes[..len]);
        }
        if to.write_all(&bytes[..len]).is_err() {
            return;
        }
    }
}

/// Whoever listens reads passwords of PLAIN, and nothing of CURVE; what was heard is of no use a second time.
#[test]
fn what_is_heard_on_the_way() {
    rt::run(async {
        for (mechanism, [server, client], is_readable) in
            [("PLAIN", plain(), true), ("CURVE", curve(), false)]
        {
            let pull = PullSocket::bind_with_options(ANY, server).await.unwrap();
            let at = pull.local_endpoint().unwrap();
            let tap = Wiretap::before(&at);
            let push = PushSocket::connect_with_options(&tap.endpoint, client).await.unwrap();
            push.send("the message in question").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "the message in question");
            let heard = tap.heard.lock().unwrap().clone();
            let reads = |text: &[u8]| heard.windows(text.len()).any(|window| window == text);
            assert!(reads(mechanism.as_bytes()));
            assert_eq!(reads(b"the message in question"), is_readable);
            assert_eq!(reads(b"Socket-Type"), is_readable);
            if !is_readable {
                let mut monitor = pull.monitor();
                rt::blocking(move || {
                    let mut replay = TcpStream::connect(("127.0.0.1", at.port().unwrap())).unwrap();
                    replay.write_all(&heard).unwrap();
                    // Until it is hung up on.
                    let _ = replay.read_to_end(&mut vec![]);
                })
                .await;
                while !matches!(monitor.next().await, Some(SocketEvent::HandshakeFailed { .. })) {}
                assert_eq!(pull.stats().delivered, 1, "the message came once");
                assert!(pull.try_recv().is_err());
            }
        }
    });
}

async fn refused(server: SocketOptions, client: SocketOptions) -> (Error, SocketStats) {
    let router = RouterSocket::bind_with_options(ANY, server).await.unwrap();
    let at = router.local_endpoint().unwrap();
    let dealer = DealerSocket::connect_with_options(at, client).await;
    (dealer.unwrap_err(), router.stats())
}

#[test]
fn whoever_has_no_permission_is_told_and_stops() {
    rt::run(async {
        let [plain_server, _] = plain();
        for (user, password) in [("ann", "Secret"), ("ann", ""), ("Ann", "secret"), ("bob", "secret")] {
            let client = options().with_plain_client(user, password);
            let (error, stats) = refused(plain_server.clone(), client).await;
            assert!(error.to_string().contains("400"), "{error}");
            assert_eq!((stats.connects, stats.handshakes_failed_by(DisconnectKind::Denied)), (0, 1));
        }
        let (server, client) = (keypair(), keypair());
        let bound = options().with_curve_server(server.clone(), allow_keys([client.public_key()]));
        let other = options().with_curve_client(server.public_key(), keypair());
        let (error, stats) = refused(bound.clone(), other).await;
        assert!(error.to_string().contains("400"), "{error}");
        assert_eq!((stats.connects, stats.handshakes_failed_by(DisconnectKind::Denied)), (0, 1));
        // The right key, for another server.
        let elsewhere = options().with_curve_client(keypair().public_key(), client.clone());
        let (error, stats) = refused(bound.clone(), elsewhere).await;
        assert!(error.to_string().contains("400"), "{error}");
        assert_eq!((stats.connects, stats.handshakes_failed), (0, 1));
        // One that goes on trying stops as well.
        let router = RouterSocket::bind_with_options(ANY, bound).await.unwrap();
        let other = options().with_curve_client(server.public_key(), keypair());
        let at = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_with_reconnect_and_options(at, other).await.unwrap();
        let error = dealer.wait_for_peers(1).await.unwrap_err();
        assert!(matches!(error, Error::GaveUp { .. }), "{error}");
        let error = dealer.send("x").await.unwrap_err();
        assert!(matches!(error.error(), Error::GaveUp { .. }), "{error}");
    });
}

/// What was asked for is not negotiated away.
#[test]
fn mechanisms_and_roles_must_fit() {
    rt::run(async {
        let ([plain_server, plain_client], [curve_server, curve_client]) = (plain(), curve());
        for (server, client) in [
            (&plain_server, &options()),
            (&curve_server, &options()),
            (&options(), &plain_client),
            (&options(), &curve_client),
            (&plain_server, &curve_client),
            (&curve_server, &plain_client),
        ] {
            let (error, stats) = refused(server.clone(), client.clone()).await;
            assert!(format!("{error:?}").contains("MechanismMismatch"), "{error:?}");
            assert_eq!(stats.connects, 0);
        }
        for client in [plain_client, curve_client] {
            let (error, _) = refused(client.clone(), client).await;
            assert!(format!("{error:?}").contains("BothClients"), "{error:?}");
        }
        for server in [plain_server, curve_server] {
            let hasty = server.with_handshake_timeout(Duration::from_millis(50));
            let (error, _) = refused(hasty.clone(), hasty).await;
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
        }
    });
}

/// What a peer says right before its end is what is told, not the end, though it takes a work to find out.
#[test]
fn the_last_word_of_a_handshake_is_heard() {
    rt::run(async {
        let [_, client] = curve();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("tcp://{}", listener.local_addr().unwrap());
        let other_client = rt::blocking(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut greeting = [0; 64];
            greeting[..12].copy_from_slice(b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01");
            greeting[12..17].copy_from_slice(b"CURVE");
            let hello = [&[4, 200][..], b"\x05HELLO\x01\0", &[7; 192]].concat();
            stream.write_all(&[&greeting[..], &hello].concat()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let connecting = DealerSocket::connect_with_options(at, client);
        let (result, ()) = future::join(connecting, other_client).await;
        let error = result.unwrap_err();
        assert!(format!("{error:?}").contains("BothClients"), "{error:?}");
    });
}

/// The authenticator is told what the mechanism found out, and what it says of the peer is there afterwards.
#[test]
fn who_a_peer_is_can_be_asked() {
    rt::run(async {
        let (server, client) = (keypair(), keypair());
        let known = client.public_key();
        let judge = move |claim: Claim| async move {
            match claim.credentials {
                Credentials::Curve { public_key } if public_key == known => Verdict::accept_as("ann"),
                Credentials::Curve { .. } => Verdict::accept(),
                _ => Verdict::deny("no key"),
            }
        };
        let bound = options().with_curve_server(server.clone(), judge);
        let pull = PullSocket::bind_with_options(ANY, bound).await.unwrap();
        let at = pull.local_endpoint().unwrap();
        let unknown = keypair();
        for (keypair, user) in
            [(client, "ann".to_owned()), (unknown.clone(), unknown.public_key().to_string())]
        {
            let joined = options().with_curve_client(server.public_key(), keypair);
            let push = PushSocket::connect_with_options(&at, joined).await.unwrap();
            push.send("x").await.unwrap();
            let (id, _) = pull.recv_with_peer().await.unwrap();
            assert_eq!(pull.peer(id).unwrap().user.as_deref(), Some(&user[..]));
        }
        let [server, client] = plain();
        let pull = PullSocket::bind_with_options(ANY, server).await.unwrap();
        let at = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_options(at, client).await.unwrap();
        push.send("x").await.unwrap();
        let (id, _) = pull.recv_with_peer().await.unwrap();
        assert_eq!(pull.peer(id).unwrap().user.as_deref(), Some("ann"));
    });
}

/// New connections use new keys; old ones stay.
#[test]
fn server_keys_are_replaced_without_binding_again() {
    rt::run(async {
        let (old, new) = (keypair(), keypair());
        let keys = CurveServerKeys::from(old.clone());
        let bound = options().with_curve_server(keys.clone(), accept_any_client());
        let pull = PullSocket::bind_with_options(ANY, bound).await.unwrap();
        let at = pull.local_endpoint().unwrap();
        let connect = async |to: &CurveKeypair| {
            let joined = options().with_curve_client(to.public_key(), keypair());
            PushSocket::connect_with_options(&at, joined).await
        };
        let first = connect(&old).await.unwrap();
        assert!(connect(&new).await.is_err());
        keys.replace([new.clone()]);
        let second = connect(&new).await.unwrap();
        assert!(connect(&old).await.is_err());
        for push in [first, second] {
            push.send("x").await.unwrap();
            pull.recv().await.unwrap();
        }
    });
}

/// Those who connect, shake half a hand and stay cost the others their turn at most.
#[test]
fn raw_connections_stall_no_curve_server() {
    rt::run(async {
        let [server, client] = curve();
        let bound = server.with_max_handshakes(50);
        let pull = PullSocket::bind_with_options(ANY, bound).await.unwrap();
        let at = pull.local_endpoint().unwrap();
        let port = at.port().unwrap();
        let silent = rt::blocking(move || {
            let open = |n: usize| {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                // Nothing, half a greeting, all of it, or a HELLO of noise too.
                let said = [rt::greeting("CURVE"), vec![4, 200], vec![9; 200]].concat();
                let _ = stream.write_all(&said[..[0, 20, 64, 266][n % 4]]);
                stream
            };
            (0..200).map(open).collect::<Vec<_>>()
        })
        .await;
        let push = PushSocket::connect_with_options(at, client).await.unwrap();
        push.send("let in").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "let in");
        drop(silent);
    });
}

/// One that cannot prove the server key is not talked to, and tried again: somebody else may answer there.
#[test]
fn a_server_that_only_claims_to_be_it_is_found_out() {
    rt::run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("tcp://{}", listener.local_addr().unwrap());
        let joined = options().with_curve_client(keypair().public_key(), keypair());
        let push = PushSocket::connect_with_reconnect_and_options(at, joined).await.unwrap();
        let mut monitor = push.monitor();
        let impostor = rt::blocking(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(&rt::greeting("CURVE")).unwrap();
                stream.read_exact(&mut [0; 64 + 202]).unwrap();
                stream.write_all(&[&[4, 168][..], b"\x07WELCOME", &[3; 160]].concat()).unwrap();
                // Nothing but the end comes: no ERROR, and no INITIATE.
                let mut rest = vec![];
                stream.read_to_end(&mut rest).unwrap();
                assert_eq!(rest, b"");
            }
        });
        let failures = async {
            for _ in 0..2 {
                let cause = loop {
                    if let Some(SocketEvent::HandshakeFailed { cause, .. }) = monitor.next().await {
                        break cause;
                    }
                };
                let Error::Protocol(cause) = cause else { panic!("{cause:?}") };
                assert_eq!(*cause, ProtocolError::WrongServerKey);
            }
        };
        futures_util::future::join(impostor, failures).await;
    });
}

#[test]
fn heartbeats_are_sealed_and_answered() {
    rt::run(async {
        let [server, client] = curve().map(|options| {
            let often = Some(Duration::from_millis(5));
            options.with_heartbeat_interval(often).with_heartbeat_timeout(Duration::from_secs(20))
        });
        let pull = PullSocket::bind_with_options(ANY, server).await.unwrap();
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), client).await.unwrap();
        // Answers that would not open would end the connection.
        rt::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        assert_eq!((push.stats().connects, pull.stats().connects), (1, 1));
    });
}

#[test]
fn names_that_cannot_be_told_are_refused_when_the_socket_is_opened() {
    rt::run(async {
        for user in ["", &"u".repeat(256)] {
            let refused = DealerSocket::bind_with_options(ANY, options().with_plain_client(user, "x")).await;
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::Option(OptionError::OutOfRange { .. })), "{error}");
        }
    });
}
