//! What encrypted sockets do.

use std::time::Duration;

use futures_util::future::{join, join_all};
use monocoque::runtime::Layered;
use monocoque::runtime::tls::Tls;
use monocoque::security::{Claim, Verdict};

use super::facade;
use super::rt::{self, *};
use crate::certificates::{AUTHORITY, NAMES};
use crate::configured::Configured;

mod checks {
    use super::super::rt;

    monocoque::runtime_conformance!(rt::Host, rt::run);
}

const ANY: &str = "tcp://127.0.0.1:0";

fn on(tls: &Tls) -> rt::Host {
    Layered::on_current(Configured(tls.clone())).unwrap()
}

/// A request and its reply.
async fn round_trip(dealer: &DealerSocket, router: &RouterSocket) {
    dealer.send("x").await.unwrap();
    let (identity, message) = router.recv_from().await.unwrap();
    router.send_to(identity, message).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap()[0], "x");
}

/// The certificate that the only peer has shown.
fn shown(peer: Option<PeerStats>) -> Option<Bytes> {
    peer.unwrap().certificates.first().cloned()
}

#[test]
fn each_end_sees_what_the_other_has_shown() {
    rt::run(async {
        for demands in [false, true] {
            let (ours, theirs) = (AUTHORITY.issue(&["client"]), AUTHORITY.issue(&NAMES));
            let (client, server) = (ours.certificate.to_vec(), theirs.certificate.to_vec());
            let tls = Tls::client(AUTHORITY.client(Some(ours)));
            tls.replace_server(AUTHORITY.server(theirs, demands));
            let host = on(&tls);
            let router = RouterSocket::bind_on(&host, ANY, SocketOptions::default()).await.unwrap();
            let endpoint = router.local_endpoint().unwrap();
            let dealer = DealerSocket::connect_on(&host, &endpoint, SocketOptions::default()).await.unwrap();
            round_trip(&dealer, &router).await;
            assert_eq!(shown(dealer.peer(dealer.peers()[0])).unwrap(), server);
            let seen = shown(router.peer(router.peers()[0]));
            assert_eq!(seen.as_deref(), demands.then_some(&client[..]));
        }
    });
}

/// Two clients of one authority, of which one is let in.
#[test]
fn the_authenticator_sees_the_certificate() {
    rt::run(async {
        let (friend, stranger) = (AUTHORITY.issue(&["client"]), AUTHORITY.issue(&["client"]));
        let known = friend.certificate.to_vec();
        let options = SocketOptions::default().with_authenticator(move |claim: Claim| {
            let is_known = claim.certificates.first().is_some_and(|certificate| *certificate == known);
            async move { if is_known { Verdict::accept_as("friend") } else { Verdict::deny("unknown") } }
        });
        let server = on(&Tls::server(AUTHORITY.server(AUTHORITY.issue(&NAMES), true)));
        let router = RouterSocket::bind_on(&server, ANY, options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let connect = |identity| {
            let host = on(&Tls::client(AUTHORITY.client(Some(identity))));
            let endpoint = endpoint.clone();
            async move { DealerSocket::connect_on(&host, endpoint, SocketOptions::default()).await }
        };
        connect(stranger).await.unwrap_err();
        let dealer = connect(friend).await.unwrap();
        round_trip(&dealer, &router).await;
        assert_eq!(router.peer(router.peers()[0]).unwrap().user.as_deref(), Some("friend"));
    });
}

/// By the names of the facade, and the name of the host.
#[test]
fn the_name_of_the_host_is_asked_for() {
    rt::run(async {
        let host =
            facade::host(Tls::server(AUTHORITY.server(AUTHORITY.issue(&["localhost"]), false))).unwrap();
        let pull = facade::PullSocket::bind_on(&host, "tcp://localhost:0", SocketOptions::default());
        let pull = pull.await.unwrap();
        let port = pull.local_endpoint().unwrap().port().unwrap();
        let host = facade::host(Tls::client(AUTHORITY.client(None))).unwrap();
        let connect = |name: &str| {
            let endpoint = format!("tcp://{name}:{port}");
            let host = host.clone();
            async move { facade::PushSocket::connect_on(&host, endpoint, SocketOptions::default()).await }
        };
        connect("localhost").await.unwrap().send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        let error = connect("127.0.0.1").await.unwrap_err();
        assert!(error.to_string().contains("not valid for name"), "{error}");
    });
}

/// New connections see the new certificate, and those that there are go on.
#[test]
fn certificates_are_renewed_while_sockets_live() {
    rt::run(async {
        let (old, new) = (AUTHORITY.issue(&NAMES), AUTHORITY.issue(&NAMES));
        let certificates = [old.certificate.to_vec(), new.certificate.to_vec()];
        let tls = Tls::client(AUTHORITY.client(None));
        tls.replace_server(AUTHORITY.server(old, false));
        let host = on(&tls);
        let router = RouterSocket::bind_on(&host, ANY, SocketOptions::default()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let connect = || DealerSocket::connect_on(&host, &endpoint, SocketOptions::default());
        let first = connect().await.unwrap();
        tls.replace_server(AUTHORITY.server(new, false));
        let second = connect().await.unwrap();
        for (dealer, certificate) in [&first, &second].into_iter().zip(certificates) {
            assert_eq!(shown(dealer.peer(dealer.peers()[0])).unwrap(), certificate);
            round_trip(dealer, &router).await;
        }
    });
}

/// Clients that come while the certificate is replaced again and again all come in, by one of them.
#[test]
fn certificates_are_renewed_while_clients_come() {
    rt::run(async {
        let server = || AUTHORITY.server(AUTHORITY.issue(&NAMES), false);
        let tls = Tls::client(AUTHORITY.client(None));
        tls.replace_server(server());
        let host = on(&tls);
        let router = RouterSocket::bind_on(&host, ANY, SocketOptions::default()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        for _ in 0..5 {
            let connect = || DealerSocket::connect_on(&host, &endpoint, SocketOptions::default());
            let renewing = async {
                for _ in 0..10 {
                    tls.replace_server(server());
                    rt::yield_now().await;
                }
            };
            let (dealers, ()) = join(join_all((0..10).map(|_| connect())), renewing).await;
            for dealer in dealers {
                round_trip(&dealer.unwrap(), &router).await;
            }
        }
        assert_eq!((router.stats().connects, router.stats().handshakes_failed), (50, 0));
    });
}

#[test]
fn large_messages_pass_in_both_directions_at_once() {
    rt::run(async {
        let one = PairSocket::bind(ANY).await.unwrap();
        let other = PairSocket::connect(one.local_endpoint().unwrap()).await.unwrap();
        let message = |byte| Message::from(vec![byte; 10_000_000]);
        let sending = join(one.send(message(1)), other.send(message(2)));
        let ((sent, also_sent), (received, also_received)) =
            join(sending, join(one.recv(), other.recv())).await;
        sent.and(also_sent).unwrap();
        assert!(received.unwrap() == message(2) && also_received.unwrap() == message(1));
    });
}

#[test]
fn many_peers_come_back_after_the_server_does() {
    const PEERS: usize = 50;
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealers = join_all((0..PEERS).map(|_| DealerSocket::connect(&endpoint))).await;
        let dealers: Vec<_> = dealers.into_iter().map(Result::unwrap).collect();
        for dealer in &dealers {
            round_trip(dealer, &router).await;
        }
        router.close().await;
        let router = RouterSocket::bind(&endpoint).await.unwrap();
        for dealer in &dealers {
            round_trip(dealer, &router).await;
        }
        assert_eq!(router.peers().len(), PEERS);
    });
}

/// The end of a session is said in TLS, and then that of the stream; bytes are sent when they are written below.
#[test]
fn nothing_is_in_doubt_where_peers_go_in_order() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        for _ in 0..10 {
            let dealer = DealerSocket::connect(&endpoint).await.unwrap();
            round_trip(&dealer, &router).await;
            let seen = dealer.clone();
            assert_eq!(dealer.close().await, 0);
            assert_eq!((seen.stats().sent, seen.stats().in_doubt), (1, 0));
        }
        while router.stats().disconnects() < 10 || router.stats().in_doubt > 0 {
            rt::yield_now().await;
        }
    });
}

/// Many heartbeats are asked for and answered while nothing else passes.
#[test]
fn an_idle_connection_lives_by_heartbeats() {
    rt::run(async {
        let options = || {
            SocketOptions::default()
                .with_heartbeat_interval(Some(Duration::from_millis(10)))
                .with_heartbeat_timeout(Duration::from_secs(5))
        };
        let pull = PullSocket::bind_with_options(ANY, options()).await.unwrap();
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options()).await.unwrap();
        let mut monitor = push.monitor();
        assert!(rt::timeout(Duration::from_millis(300), monitor.next()).await.is_none());
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        assert_eq!((push.stats().disconnects(), pull.stats().disconnects()), (0, 0));
    });
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_encrypted_too() {
    rt::run(async {
        let folder = Folder::new();
        let router = RouterSocket::bind(&*folder.socket("socket").1).await.unwrap();
        let dealer = DealerSocket::connect(&*folder.socket("socket").1).await.unwrap();
        round_trip(&dealer, &router).await;
        assert!(shown(dealer.peer(dealer.peers()[0])).is_some());
    });
}

#[test]
fn what_is_missing_is_told_at_the_call() {
    rt::run(async {
        let client = on(&Tls::client(AUTHORITY.client(None)));
        let server = on(&Tls::server(AUTHORITY.server(AUTHORITY.issue(&NAMES), false)));
        let options = SocketOptions::default;
        let bound = RouterSocket::bind_on(&client, ANY, options()).await.unwrap_err();
        let dialled = DealerSocket::connect_on(&server, "tcp://localhost:1", options()).await.unwrap_err();
        let unnamed = DealerSocket::connect_on(&client, "ipc://@nowhere", options()).await.unwrap_err();
        for (error, says) in [(bound, "TLS server"), (dialled, "TLS client"), (unnamed, "names no host")] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(says), "{error}");
        }
        let shown = format!("{:?}", Tls::client(AUTHORITY.client(None)));
        assert_eq!(shown, "Tls { client: true, server: false, name: None }");
        let none = facade::DealerSocket::connect("tcp://localhost:1").await.err();
        assert!(matches!(none, Some(Error::NoRuntime { runtime: "TLS" })), "{none:?}");
    });
}
