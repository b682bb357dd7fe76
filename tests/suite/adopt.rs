//! Sockets on listeners that are bound already.

use super::rt::{self, *};
use std::net::TcpListener;

/// A socket on a listener at `endpoint` says where it is, passes messages, and lets the address go.
async fn works(router: Result<RouterSocket>, endpoint: &str) {
    let router = router.unwrap();
    let local = router.local_endpoint().unwrap();
    assert_eq!(local.to_string(), endpoint);
    let dealer = DealerSocket::connect(&local).await.unwrap();
    dealer.send("x").await.unwrap();
    let (identity, message) = router.recv_from().await.unwrap();
    router.send_to(identity, message).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap()[0], "x");

    let mut monitor = router.monitor();
    router.unbind(&local).unwrap();
    while !matches!(monitor.next().await, Some(SocketEvent::Unbound { endpoint }) if endpoint == local) {}
    drop(dealer);
    let refused = DealerSocket::connect(&local).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn listeners_of_tcp() {
    rt::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        works(RouterSocket::bind_listener(listener), &endpoint).await;
        let listener = rt::tcp_listener().await;
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        works(RouterSocket::bind_listener(listener), &endpoint).await;
    });
}

/// The file is not ours to remove.
#[cfg(unix)]
#[test]
fn listeners_of_unix() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("std");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        works(RouterSocket::bind_listener(listener), &endpoint).await;
        assert!(path.exists());
        let (path, endpoint) = folder.socket("runtime");
        let listener = rt::unix_listener(&path).await;
        works(RouterSocket::bind_listener(listener), &endpoint).await;
        assert!(path.exists());
    });
}

#[test]
fn connections_made_before_are_accepted_and_others_can_be_bound() {
    rt::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint: Endpoint = listener.local_addr().unwrap().into();
        let push = PushSocket::connect_with_reconnect(&endpoint).await.unwrap();
        let mut monitor = push.monitor();
        while !matches!(monitor.next().await, Some(SocketEvent::Connected { .. })) {}
        let options = SocketOptions::default().with_recv_hwm(7);
        let pull = PullSocket::bind_listener_with_options(listener, options).unwrap();
        push.send("first").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "first");
        let other = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        let second = PushSocket::connect(&other).await.unwrap();
        second.send("second").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "second");
        pull.close().await;
        TcpListener::bind(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    });
}

#[test]
fn options_and_runtime_are_checked() {
    let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
    let outside = PullSocket::bind_listener(listener());
    assert!(rt::EVERYWHERE || matches!(outside, Err(Error::NoRuntime { .. })), "{outside:?}");
    rt::run(async move {
        let options = SocketOptions::default().with_recv_hwm(0);
        let refused = PullSocket::bind_listener_with_options(listener(), options);
        assert!(matches!(refused, Err(Error::Option(_))), "{refused:?}");
    });
}
