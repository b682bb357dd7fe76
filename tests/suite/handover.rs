//! Who may take over an identity, by transport.

use std::time::Duration;

use super::rt::{self, *};
use monocoque::options::RouterHandover;

fn named() -> SocketOptions {
    SocketOptions::default()
        .with_identity("same")
        .with_backoff(Backoff::new().with_max(Duration::from_millis(50)))
}

/// A ROUTER bound at `endpoint`, and a DEALER that has the identity.
async fn taken(endpoint: &str, options: SocketOptions) -> (RouterSocket, Endpoint, DealerSocket) {
    let router = RouterSocket::bind_with_options(endpoint, options).await.unwrap();
    let local = router.local_endpoint().unwrap();
    let old = DealerSocket::connect_with_options(&local, named()).await.unwrap();
    old.send("old").await.unwrap();
    assert_eq!(router.recv().await.unwrap()[1], "old");
    (router, local, old)
}

/// What is sent to the identity reaches this one.
async fn assert_addressed(router: &RouterSocket, dealer: &DealerSocket) {
    dealer.send("hello").await.unwrap();
    let (identity, message) = router.recv_from().await.unwrap();
    assert_eq!((identity, &message[0]), ("same".into(), &"hello".into()));
    router.send_to("same", "yours").await.unwrap();
    assert_eq!(dealer.recv().await.unwrap()[0], "yours");
}

async fn until_refused(monitor: &mut Monitor) {
    while !matches!(monitor.next().await, Some(SocketEvent::HandshakeFailed { .. })) {}
}

#[test]
fn the_same_address_the_same_file_and_the_same_process_take_over() {
    rt::run(async {
        let inproc = concat!("inproc://", module_path!(), "/same");
        for endpoint in ["tcp://127.0.0.1:0", "ipc://*", inproc] {
            if endpoint.starts_with("ipc") && cfg!(not(unix)) {
                continue;
            }
            let (router, local, _old) = taken(endpoint, SocketOptions::default()).await;
            let new = DealerSocket::connect_with_options(&local, named()).await.unwrap();
            new.send("new").await.unwrap();
            assert_eq!(router.recv().await.unwrap()[1], "new", "{endpoint}");
        }
    });
}

/// Two hosts, as far as loopback has them.
#[cfg(target_os = "linux")]
#[test]
fn another_address_is_refused_until_the_identity_is_free() {
    rt::run(async {
        let (router, local, old) = taken("tcp://127.0.0.1:0", SocketOptions::default()).await;
        let elsewhere = format!("tcp://127.0.0.2:0;127.0.0.1:{}", local.port().unwrap());
        let stranger = DealerSocket::new(named()).unwrap();
        let mut monitor = stranger.monitor();
        stranger.connect_to(&elsewhere).unwrap();
        until_refused(&mut monitor).await;
        assert_addressed(&router, &old).await;
        old.close().await;
        assert_addressed(&router, &stranger).await;
    });
}

#[cfg(target_os = "linux")]
#[test]
fn always_lets_anybody_take_over_and_never_nobody() {
    rt::run(async {
        let options = SocketOptions::default().with_router_handover(true);
        assert_eq!(options.router_handover(), RouterHandover::Always);
        let (router, local, _old) = taken("tcp://127.0.0.1:0", options).await;
        let elsewhere = format!("tcp://127.0.0.2:0;127.0.0.1:{}", local.port().unwrap());
        let new = DealerSocket::connect_with_options(&elsewhere, named()).await.unwrap();
        assert_addressed(&router, &new).await;

        let options = SocketOptions::default().with_router_handover(RouterHandover::from(false));
        assert_eq!(options.router_handover(), RouterHandover::Never);
        let (router, local, old) = taken("tcp://127.0.0.1:0", options).await;
        assert!(DealerSocket::connect_with_options(&local, named()).await.is_err());
        assert_addressed(&router, &old).await;
    });
}

/// One host, which reaches one listener by IPv4 and the other by IPv4 in IPv6.
#[test]
fn a_mapped_address_is_the_same_address() {
    rt::run(async {
        let (router, _, _old) = taken("tcp://127.0.0.1:0", SocketOptions::default()).await;
        let both = router.bind_to("tcp://*:0").await.unwrap();
        let mapped = format!("tcp://127.0.0.1:{}", both.port().unwrap());
        let new = DealerSocket::connect_with_options(&mapped, named()).await.unwrap();
        new.send("hello").await.unwrap();
        assert_eq!(router.recv().await.unwrap()[1], "hello");
    });
}

/// The application's own word for a peer needs no other right to the name.
#[cfg(target_os = "linux")]
#[test]
fn what_the_application_named_takes_over() {
    rt::run(async {
        let dealer = DealerSocket::bind("tcp://127.0.0.2:0").await.unwrap();
        let home = dealer.local_endpoint().unwrap();
        dealer.close().await;
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", named()).await.unwrap();
        router.connect_to_as(&home, "same").unwrap();
        let squatter =
            DealerSocket::connect_with_options(router.local_endpoint().unwrap(), named()).await.unwrap();
        assert_addressed(&router, &squatter).await;

        let mut monitor = router.monitor();
        let dealer = DealerSocket::bind(&home).await.unwrap();
        dealer.wait_for_peers(1).await.unwrap();
        while !matches!(monitor.next().await, Some(SocketEvent::HandshakeSucceeded { .. })) {}
        assert_addressed(&router, &dealer).await;
    });
}
