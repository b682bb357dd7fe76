//! `ipc://`: Unix sockets by path, by abstract name, and wherever there is room.

use super::rt::{self, *};
use monocoque::endpoint::{EndpointError, IpcEndpoint};
use monocoque::options::ReconnectStop;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

fn quick() -> SocketOptions {
    SocketOptions::default().with_reconnect_interval(Duration::from_millis(1))
}

/// A name that nobody else uses.
fn unique() -> String {
    format!("monocoque-test-{}-{:016x}", std::process::id(), fastrand::u64(..))
}

async fn pass(push: &PushSocket, pull: &PullSocket) {
    push.send("x").await.unwrap();
    assert_eq!(pull.recv().await.unwrap()[0], "x");
}

/// The companion removes the file of a listener, and not the call that ends it.
async fn gone(path: &Path) {
    while path.exists() {
        rt::yield_now().await;
    }
}

#[track_caller]
fn assert_in_use<T: std::fmt::Debug>(result: Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::AddrInUse);
}

/// libzmq's test_pair_ipc, test_reqrep_ipc and test_abstract_ipc, over every form there is.
#[test]
fn every_form_carries_messages() {
    rt::run(async {
        let folder = Folder::new();
        let mut forms = vec![folder.socket("socket").1, format!("ipc://{}", unique()), "ipc://*".into()];
        if cfg!(any(target_os = "linux", target_os = "android")) {
            forms.push(format!("ipc://@{}", unique()));
        }
        for form in forms {
            let pull = PullSocket::bind(&form).await.unwrap();
            let local = pull.local_endpoint().unwrap();
            assert_eq!(local.to_string() == form, form != "ipc://*", "{local}");
            let push = PushSocket::connect(&local).await.unwrap();
            for size in [0, 1, 300, 100_000, 10_000_000] {
                let message = Message::from([Frame::from(vec![7; size]), Frame::new()]);
                let (sent, received) =
                    futures_util::future::join(push.send(message.clone()), pull.recv()).await;
                sent.unwrap();
                assert!(received.unwrap() == message, "{size} bytes");
            }
            pull.close().await;

            // The other way round.
            let push = PushSocket::bind(&form).await.unwrap();
            let pull = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
            pass(&push, &pull).await;
        }
    });
}

#[test]
fn dealer_and_router_round_trips() {
    rt::run(async {
        let router = RouterSocket::bind("ipc://*").await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealers = [
            DealerSocket::connect(&endpoint).await.unwrap(),
            DealerSocket::connect(&endpoint).await.unwrap(),
        ];
        for n in 0..100_u8 {
            for dealer in &dealers {
                dealer.send([n]).await.unwrap();
                let (identity, message) = router.recv_from().await.unwrap();
                router.send_to(identity, message).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap()[0], [n]);
            }
        }
    });
}

#[test]
fn one_socket_mixes_transports() {
    rt::run(async {
        let pull = PullSocket::bind("ipc://*").await.unwrap();
        let ipc = pull.local_endpoint().unwrap();
        let tcp = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        for endpoint in [&ipc, &tcp] {
            pass(&PushSocket::connect(endpoint).await.unwrap(), &pull).await;
        }
        let push = PushSocket::new(quick()).unwrap();
        push.connect_to(&ipc).unwrap();
        push.connect_to(&tcp).unwrap();
        push.wait_for_peers(2).await.unwrap();
        pass(&push, &pull).await;
        pass(&push, &pull).await;
        assert!(push.stats().peers.iter().all(|peer| peer.sent == 1), "{:?}", push.stats());
    });
}

/// libzmq's test_rebind_ipc: the same path again, by the same socket and by the next one.
#[test]
fn rebind_ipc() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        pass(&PushSocket::connect(&endpoint).await.unwrap(), &pull).await;
        pull.unbind(&endpoint).unwrap();
        pull.bind_to(&endpoint).await.unwrap();
        pass(&PushSocket::connect(&endpoint).await.unwrap(), &pull).await;
        for _ in 0..10 {
            pull.unbind(&endpoint).unwrap();
            gone(&path).await;
            let next = PullSocket::bind(&endpoint).await.unwrap();
            pass(&PushSocket::connect(&endpoint).await.unwrap(), &next).await;
            next.close().await;
            gone(&path).await;
            pull.bind_to(&endpoint).await.unwrap();
        }
        drop(pull);
        gone(&path).await;
    });
}

#[test]
fn a_dead_socket_file_is_replaced() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        pass(&PushSocket::connect(&endpoint).await.unwrap(), &pull).await;
    });
}

#[test]
fn a_path_in_use_is_refused() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        let push = PushSocket::connect(&endpoint).await.unwrap();
        assert_in_use(PullSocket::bind(&endpoint).await);
        assert_in_use(pull.bind_to(&endpoint).await);
        pass(&push, &pull).await;
        pass(&PushSocket::connect(&endpoint).await.unwrap(), &pull).await;
        pull.close().await;
        gone(&path).await;

        std::fs::write(&path, "precious").unwrap();
        let refused = PullSocket::bind(&endpoint).await.unwrap_err();
        assert!(refused.to_string().contains("not a socket"), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    });
}

#[test]
fn only_our_own_file_is_removed() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        let other = pull.bind_to(folder.socket("other").1).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        pull.close().await;
        // The companion has dropped all its listeners when this one is gone.
        let Endpoint::Ipc(IpcEndpoint::Path(other)) = other else { panic!("{other}") };
        gone(&other).await;
        UnixStream::connect(&path).unwrap();
    });
}

#[test]
fn what_cannot_be_bound_or_connected_to_is_refused() {
    rt::run(async {
        for text in ["ipc://", "ipc://@"] {
            let refused = PullSocket::bind(text).await.unwrap_err();
            assert!(matches!(refused, Error::Endpoint(EndpointError::MissingPath(_))), "{refused}");
        }
        let refused = PullSocket::bind(format!("ipc://{}", "x".repeat(200))).await.unwrap_err();
        assert!(matches!(refused, Error::Endpoint(EndpointError::PathTooLong { .. })), "{refused}");
        let refused = PushSocket::connect("ipc://*").await.unwrap_err();
        assert!(matches!(refused, Error::Endpoint(EndpointError::NotConnectable(_))), "{refused}");
        let refused = PullSocket::bind(Endpoint::Ipc(IpcEndpoint::Unnamed)).await.unwrap_err();
        assert!(matches!(refused, Error::Endpoint(EndpointError::NotBindable(_))), "{refused}");

        let folder = Folder::new();
        let (path, endpoint) = folder.socket("nowhere");
        assert_eq!(PushSocket::connect(&endpoint).await.unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(PushSocket::connect(&endpoint).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let no_folder = format!("{endpoint}/no/folder");
        assert!(PullSocket::bind(no_folder).await.is_err());
    });
}

/// Connect before bind, and reconnection, as over TCP.
#[test]
fn reconnects_and_delivers_what_was_queued() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        let push = PushSocket::connect_with_reconnect_and_options(&endpoint, quick()).await.unwrap();
        for _ in 0..3 {
            push.send("queued").await.unwrap();
            let pull = PullSocket::bind(&endpoint).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "queued");
            pull.close().await;
            gone(&path).await;
            let mut monitor = push.monitor();
            while push.is_connected() {
                monitor.next().await;
            }
        }
        // However many attempts found nobody.
        assert_eq!((push.stats().connects, push.stats().reconnects), (3, 2));
    });
}

#[test]
fn peers_have_addresses() {
    rt::run(async {
        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let mut monitor = pull.monitor();
        let endpoint = pull.bind_to("ipc://*").await.unwrap();
        let push = PushSocket::connect(&endpoint).await.unwrap();
        let unnamed = Some(Endpoint::Ipc(IpcEndpoint::Unnamed));
        loop {
            if let Some(SocketEvent::Accepted { address, endpoint: on, .. }) = monitor.next().await {
                assert_eq!((address, on), (unnamed.clone(), endpoint.clone()));
                break;
            }
        }
        pull.wait_for_peers(1).await.unwrap();
        assert_eq!(pull.stats().peers[0].address, unnamed);
        assert_eq!(push.stats().peers[0].address, Some(endpoint));
    });
}

/// A kernel does not say when a full backlog has room again: it is asked until it has.
#[test]
fn a_full_backlog_is_waited_out() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        listener.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
        listener.listen(1).unwrap();
        let connect = || {
            let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket.connect(&socket2::SockAddr::unix(&path).unwrap()).map(|()| socket)
        };
        let waiting: Vec<_> = std::iter::from_fn(|| connect().ok()).collect();

        let push = PushSocket::new(SocketOptions::default()).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(&endpoint).unwrap();
        assert!(matches!(monitor.next().await, Some(SocketEvent::ConnectStarted { .. })));
        let waits = rt::timeout(Duration::from_millis(50), monitor.next()).await;
        assert!(waits.is_none(), "{waits:?}");
        for _ in &waiting {
            listener.accept().unwrap();
        }
        assert!(matches!(monitor.next().await, Some(SocketEvent::Connected { .. })));
    });
}

/// A missing file is what a refused connection is to TCP.
#[test]
fn a_missing_file_stops_those_who_stop_at_refusals() {
    rt::run(async {
        let folder = Folder::new();
        let (path, endpoint) = folder.socket("socket");
        let stop = ReconnectStop::new().on_connection_refused();
        for dead in [false, true] {
            if dead {
                drop(UnixListener::bind(&path).unwrap());
            }
            let options = quick().with_reconnect_stop(stop);
            let push = PushSocket::connect_with_reconnect_and_options(&endpoint, options).await.unwrap();
            let gave_up = push.wait_for_peers(1).await.unwrap_err();
            assert!(matches!(gave_up, Error::GaveUp { .. }), "{gave_up}");
        }
    });
}
