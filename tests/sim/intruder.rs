//! What somebody tries who is not to come in; each of the attempts is listed in docs/security-audit.md.

use std::cell::Cell;
use std::rc::Rc;

use super::support::*;
use monocoque::monitor::DisconnectKind;
use monocoque::options::RouterHandover;
use monocoque::security::{Claim, CurveKeypair, CurveSecretKey, Verdict, allow_keys, allow_users};

fn keypair(seed: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([seed; 32]).into()
}

const SERVER_KEY: u8 = 1;
const ANN: u8 = 2;
const BOB: u8 = 3;
const MALLORY: u8 = 66;

/// A server that Ann and Bob may come to.
fn guarded() -> SocketOptions {
    let allowed = allow_keys([ANN, BOB].map(|seed| keypair(seed).public_key()));
    without_heartbeats().with_curve_server(keypair(SERVER_KEY), allowed)
}

fn client(seed: u8) -> SocketOptions {
    without_heartbeats().with_curve_client(keypair(SERVER_KEY).public_key(), keypair(seed))
}

/// What Ann's client begins with: the greeting and HELLO, as whoever is in between hears them.
async fn heard_hello() -> Vec<u8> {
    const TAP: &str = "tcp://tap:1";
    let mut listener = sim::raw_listen(TAP).await.unwrap();
    let connecting = sim::spawn(async { Dealer::connect_with_options(TAP, client(ANN)).await });
    let mut stream = listener.accept().await.unwrap();
    // Half of the greeting is sent when the other end's has begun.
    let mut greeting = vec![0; 64];
    greeting[..12].copy_from_slice(&[0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 1]);
    greeting[12..17].copy_from_slice(b"CURVE");
    stream.write_all(&greeting).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < 64 + 202 {
        let mut bytes = [0; 512];
        let read = stream.read_some(&mut bytes).await.unwrap();
        assert!(read > 0, "it goes on");
        heard.extend_from_slice(&bytes[..read]);
    }
    drop(stream);
    assert!(connecting.await.unwrap().is_err());
    heard
}

async fn round_trip(dealer: &Dealer, router: &Router) {
    dealer.send("x").await.unwrap();
    let (identity, message) = router.recv_from().await.unwrap();
    router.send_to(identity, message).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap()[0], "x");
}

/// The HELLO of another opens, and is answered each time; what it takes to go on is not in it. No more of them are
/// kept than may be in the handshake, and only for as long.
#[test]
fn hellos_that_were_heard_lead_nowhere_and_stall_nobody() {
    Sim::new(1).block_on(async {
        let options = guarded().with_max_handshakes(16).with_handshake_timeout(secs(5));
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let hello = heard_hello().await;
        let ann = Dealer::connect_with_options(SERVER, client(ANN)).await.unwrap();
        let (mut crowd, mut welcomed) = (Vec::new(), 0);
        for _ in 0..1_000 {
            let mut stream = sim::raw_connect(SERVER).await.unwrap();
            stream.write_all(&hello).await.unwrap();
            let mut heard = 0;
            while heard < 64 + 170 {
                match stream.read_some(&mut [0; 512]).await {
                    Ok(read @ 1..) => heard += read,
                    _ => break,
                }
            }
            welcomed += usize::from(heard == 64 + 170);
            crowd.push(stream);
        }
        assert_eq!(welcomed, 1_000, "WELCOME is for everybody who knows the server's key");
        let begun = sim::elapsed();
        let bob = Dealer::connect_with_options(SERVER, client(BOB)).await.unwrap();
        for dealer in [&ann, &bob] {
            round_trip(dealer, &router).await;
        }
        assert!(sim::elapsed() - begun < secs(1));
        sim::sleep(secs(6)).await;
        let stats = router.stats();
        assert_eq!((stats.connects, stats.handshakes_failed, router.peers().len()), (2, 1_000, 2));
    });
}

/// What a handshake computes takes as long as hundreds of messages: no more than one is computed before others have
/// their turn.
#[test]
fn hellos_that_come_at_once_leave_turns_to_others() {
    const HELLOS: usize = 64;
    let links = Plan::new().with_latency(ms(0)..=ms(0));
    Sim::with_config(1, SimConfig::new().with_links(links)).block_on(async {
        let router = Router::bind_with_options(SERVER, guarded()).await.unwrap();
        let hello = heard_hello().await;
        let ann = Dealer::connect_with_options(SERVER, client(ANN)).await.unwrap();
        let mut crowd = Vec::new();
        for _ in 0..HELLOS {
            crowd.push(sim::raw_connect(SERVER).await.unwrap());
        }
        let welcomed = Rc::new(Cell::new(0));
        for mut stream in crowd {
            let (hello, welcomed) = (hello.clone(), Rc::clone(&welcomed));
            sim::spawn(async move {
                stream.write_all(&hello).await.unwrap();
                stream.read_exact(&mut [0; 64 + 170]).await.unwrap();
                welcomed.set(welcomed.get() + 1);
            });
        }
        let mut round_trips = 0;
        while welcomed.get() < HELLOS {
            round_trip(&ann, &router).await;
            round_trips += 1;
        }
        println!("{round_trips} round trips while {HELLOS} were welcomed");
        assert!(round_trips >= HELLOS / 4, "{round_trips} round trips");
    });
}

/// Strangers who know the server's key and shake hands to the end.
#[test]
fn strangers_are_turned_away_by_the_hundred() {
    Sim::new(1).block_on(async {
        let options = guarded().with_router_mandatory(true);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let ann = Dealer::connect_with_options(SERVER, client(ANN)).await.unwrap();
        for _ in 0..100 {
            let options = client(MALLORY).with_identity("mallory");
            let error = Dealer::connect_with_options(SERVER, options).await.unwrap_err();
            assert!(error.to_string().contains("400"), "{error}");
            round_trip(&ann, &router).await;
        }
        let stats = router.stats();
        assert_eq!((stats.connects, stats.handshakes_failed_by(DisconnectKind::Denied)), (1, 100));
        assert_eq!((router.peers().len(), stats.received), (1, 100));
        let error = router.send_to("mallory", "x").await.unwrap_err();
        assert!(matches!(error.error(), Error::Unroutable), "{:?}", error.error());
    });
}

/// Somebody who may come in as himself, and says that he is another.
#[test]
fn a_key_of_ones_own_does_not_take_over_the_identity_of_another() {
    Sim::new(1).block_on(async {
        let options = guarded().with_router_handover(RouterHandover::SameOrigin);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let ann = Dealer::connect_with_options(SERVER, client(ANN).with_identity("ann")).await.unwrap();
        round_trip(&ann, &router).await;
        let bob = client(BOB).with_identity("ann").with_reconnect(false);
        assert!(Dealer::connect_with_options(SERVER, bob).await.is_err());
        router.send_to("ann", "for Ann").await.unwrap();
        assert_eq!(ann.recv().await.unwrap()[0], "for Ann");
        let ann_again = Dealer::connect_with_options(SERVER, client(ANN).with_identity("ann")).await.unwrap();
        router.send_to("ann", "for Ann").await.unwrap();
        assert_eq!(ann_again.recv().await.unwrap()[0], "for Ann");
    });
}

/// Whoever has all of a server's configuration printed has none of its secrets.
#[test]
fn options_do_not_show_secrets() {
    let secret = keypair(ANN);
    let spelled = secret.secret_key().to_z85();
    let plain = without_heartbeats().with_plain_client("ann", "geheim");
    let users = without_heartbeats().with_plain_server(allow_users([("ann", "geheim")]));
    let server = without_heartbeats().with_curve_server(secret.clone(), allow_keys([]));
    for options in [client(ANN), server, plain, users] {
        let shown = format!("{options:?} {options:#?}");
        let listed = format!("{:?}", secret.secret_key().as_bytes());
        for hidden in [&spelled[..], &listed, "geheim"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}

/// A token that lets somebody in is as good as a password, on both ends.
#[test]
fn tokens_are_not_shown() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_authenticator(|claim: Claim| async move {
            let known = claim.property("X-Token").is_some_and(|token| token == "geheim");
            if known {
                Verdict::accept_as("ann").with_metadata("next", "heimlich")
            } else {
                Verdict::deny("no")
            }
        });
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let options = without_heartbeats().with_metadata("X-Token", "geheim");
        let shown = format!("{options:?} {options:#?}");
        let dealer = Dealer::connect_with_options(SERVER, options).await.unwrap();
        round_trip(&dealer, &router).await;
        let (peers, stats) = (router.peers(), router.stats());
        let peer = router.peer(peers[0]).unwrap();
        let shown = format!("{shown} {peer:?} {peer:#?} {peer} {stats:?} {stats} {router:?} {dealer:?}");
        assert!(shown.contains("X-Token"), "{shown}");
        for hidden in ["geheim", "heimlich"] {
            let listed = format!("{:?}", hidden.as_bytes());
            assert!(!shown.contains(hidden) && !shown.contains(&listed), "{shown}");
        }
    });
}

/// Names that mean something to ZAP, to terminals or to whoever splits lines are names like others.
#[test]
fn names_are_taken_as_they_are() {
    let long = "u".repeat(255);
    let names =
        ["200", "400", "1.0", "ann\0", "ann\r\nERROR", "\u{1b}[2J", "../ann", "ann' OR '1'='1", &long];
    Sim::new(1).block_on(async {
        let users = allow_users(names.map(|name| (name, "x")));
        let options = without_heartbeats().with_plain_server(users);
        let pull = Pull::bind_with_options(SERVER, options).await.unwrap();
        for name in names {
            let options = without_heartbeats().with_plain_client(name, "x");
            let push = Push::connect_with_options(SERVER, options).await.unwrap();
            push.send("x").await.unwrap();
            let (id, _) = pull.recv_with_peer().await.unwrap();
            assert_eq!(pull.peer(id).unwrap().user.as_deref(), Some(name));
            let options = without_heartbeats().with_plain_client(name, "y");
            let mut monitor = pull.monitor();
            assert!(Push::connect_with_options(SERVER, options).await.is_err());
            let told = event(&mut monitor, |event| match event {
                SocketEvent::HandshakeFailed { .. } => Some(event.to_string()),
                _ => None,
            });
            assert!(!told.await.contains(['\0', '\n', '\u{1b}']));
        }
    });
}
