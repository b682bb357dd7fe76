//! Who decides about peers, with what each runtime has.

use std::time::Duration;

use super::rt::{self, *};
use monocoque::monitor::DisconnectKind;
use monocoque::options::OptionError;
use monocoque::security::{Claim, Verdict};

const ANY: &str = "tcp://127.0.0.1:0";

/// The user is what the peer says; "mallory" is nobody.
async fn judged(claim: Claim) -> Verdict {
    match claim.property("X-User").map(|user| String::from_utf8_lossy(user).into_owned()) {
        Some(user) if user != "mallory" => Verdict::accept_as(user),
        _ => Verdict::deny("nobody"),
    }
}

fn as_user(user: &'static str) -> SocketOptions {
    SocketOptions::default().with_metadata("X-User", user)
}

#[test]
fn those_who_may_come_in_and_those_who_may_not() {
    rt::run(async {
        let options = SocketOptions::default().with_authenticator(judged);
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let ann = DealerSocket::connect_with_options(endpoint.clone(), as_user("ann")).await.unwrap();
        for options in [as_user("mallory"), SocketOptions::default()] {
            let error = DealerSocket::connect_with_options(endpoint.clone(), options).await.unwrap_err();
            assert!(error.to_string().contains("400"), "{error}");
        }
        ann.send("hello").await.unwrap();
        let (id, message) = router.recv_with_peer().await.unwrap();
        assert_eq!((&message[1][..], router.peer(id).unwrap().user.as_deref()), (&b"hello"[..], Some("ann")));
        let stats = router.stats();
        assert_eq!((stats.connects, stats.handshakes_failed_by(DisconnectKind::Denied)), (1, 2));
    });
}

/// What waits for the runtime itself, where its sockets stay on their thread; elsewhere they do not open.
#[test]
fn futures_that_stay_are_for_sockets_that_stay() {
    rt::run(async {
        let options = SocketOptions::default().with_local_authenticator(async |claim| {
            let stays = std::rc::Rc::new(claim);
            rt::yield_now().await;
            judged((*stays).clone()).await
        });
        let opened = RouterSocket::bind_with_options(ANY, options).await;
        assert_eq!(opened.is_ok(), rt::STAYS);
        match opened {
            Ok(router) => {
                let endpoint = router.local_endpoint().unwrap();
                let ann = DealerSocket::connect_with_options(endpoint, as_user("ann")).await.unwrap();
                ann.send("hello").await.unwrap();
                router.recv().await.unwrap();
            }
            Err(error) => {
                assert!(matches!(error, Error::Option(OptionError::LocalAuthenticator)), "{error}");
            }
        }
    });
}

/// Two hundred connections of which half say nothing, and an authenticator that hangs for the other half.
#[test]
fn raw_connections_stall_nobody() {
    rt::run(async {
        let options =
            SocketOptions::default().with_max_handshakes(32).with_authenticator(async |claim: Claim| {
                match claim.property("X-User") {
                    Some(_) => judged(claim).await,
                    None => std::future::pending().await,
                }
            });
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let port = endpoint.port().unwrap();
        let crowd = rt::blocking(move || {
            let connect = |n: usize| {
                let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
                if n % 2 == 0 {
                    let _ = std::io::Write::write_all(&mut stream, &opening("DEALER", b""));
                }
                stream
            };
            (0..200).map(connect).collect::<Vec<_>>()
        })
        .await;
        let served = async {
            let ann = DealerSocket::connect_with_options(endpoint, as_user("ann")).await.unwrap();
            for _ in 0..100 {
                ann.send("x").await.unwrap();
                let request = router.recv().await.unwrap();
                router.send(request).await.unwrap();
                ann.recv().await.unwrap();
            }
        };
        // Far below the time limit of a handshake, far above what a busy machine takes.
        rt::timeout(Duration::from_secs(25), served).await.expect("she is served meanwhile");
        assert!(router.stats().handshakes_failed >= 200 - 32);
        drop(crowd);
    });
}

/// All clients of this test are on one host.
#[test]
fn one_address_has_its_share_of_connections() {
    rt::run(async {
        let options = SocketOptions::default().with_max_connections_per_address(2);
        let pull = PullSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let first = PushSocket::connect(endpoint.clone()).await.unwrap();
        let second = PushSocket::connect(endpoint.clone()).await.unwrap();
        PushSocket::connect(endpoint.clone()).await.unwrap_err();
        assert_eq!(pull.stats().handshakes_failed_by(DisconnectKind::Crowded), 1);
        for push in [&first, &second] {
            push.send("x").await.unwrap();
            pull.recv().await.unwrap();
        }
        first.close().await;
        let third = PushSocket::connect_with_reconnect(endpoint).await.unwrap();
        third.send("x").await.unwrap();
        pull.recv().await.unwrap();
    });
}
