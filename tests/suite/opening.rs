//! Opening and closing dropped at every await point: what was begun is undone, and leaves nothing behind.

use std::future::Future;

use super::rt::{self, *};
use crate::dropping::poll_times;

/// How often an attempt is polled before it is dropped. How far it gets by then depends on the machine.
const POLLS: [usize; 10] = [0, 1, 2, 3, 4, 6, 9, 14, 30, 200];

/// Opens sockets again and again, dropping each attempt a little later; those that got through are closed, as
/// is one that has all the time that it takes. Says how many of the others got through.
async fn dropped_at_every_point<F: Future<Output = Result<DealerSocket>>>(open: impl Fn() -> F) -> usize {
    let mut opened = 0;
    for _ in 0..4 {
        for polls in POLLS {
            opened += usize::from(poll_times(open(), polls, rt::yield_now).await.is_some());
        }
        drop(open().await.unwrap());
    }
    opened
}

/// The ROUTER that everything was opened to works, and is alone in the end.
async fn is_left_alone(router: &RouterSocket) {
    let endpoint = router.local_endpoint().unwrap();
    let mut monitor = router.monitor();
    let dealer = DealerSocket::connect(endpoint).await.unwrap();
    dealer.send("still there").await.unwrap();
    assert_eq!(router.recv().await.unwrap()[1], "still there");
    drop(dealer);
    while !router.peers().is_empty() {
        monitor.next().await;
    }
}

async fn router() -> (RouterSocket, Endpoint) {
    let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = router.local_endpoint().unwrap();
    (router, endpoint)
}

#[test]
fn connect() {
    rt::run(async {
        let (router, endpoint) = router().await;
        dropped_at_every_point(|| DealerSocket::connect(&endpoint)).await;
        let options = || SocketOptions::default().with_identity("same");
        let connect = || DealerSocket::connect_with_options(&endpoint, options());
        dropped_at_every_point(connect).await;
        // Ready at once, and closed at once.
        let connect = || DealerSocket::connect_with_reconnect(&endpoint);
        assert_eq!(dropped_at_every_point(connect).await, 4 * (POLLS.len() - 1));
        let connect = || DealerSocket::connect_with_reconnect_and_options(&endpoint, options());
        assert_eq!(dropped_at_every_point(connect).await, 4 * (POLLS.len() - 1));
        is_left_alone(&router).await;
    });
}

#[test]
fn bind() {
    rt::run(async {
        // One port for all: each attempt that is dropped has to give it back.
        let (router, endpoint) = router().await;
        router.close().await;
        for polls in POLLS {
            drop(poll_times(RouterSocket::bind(&endpoint), polls, rt::yield_now).await);
            let options = SocketOptions::default();
            drop(poll_times(RouterSocket::bind_with_options(&endpoint, options), polls, rt::yield_now).await);
            let again = async {
                loop {
                    if let Ok(router) = RouterSocket::bind(&endpoint).await {
                        break router;
                    }
                    rt::yield_now().await;
                }
            };
            again.await.close().await;
        }
    });
}

/// `bind_to` dropped may or may not listen; `unbind` settles it.
#[test]
fn bind_to() {
    rt::run(async {
        let (router, _) = router().await;
        let (free, endpoint) = self::router().await;
        free.close().await;
        for polls in POLLS {
            let _ = poll_times(router.bind_to(&endpoint), polls, rt::yield_now).await;
            let _ = router.unbind(&endpoint);
            assert!(matches!(router.unbind(&endpoint), Err(Error::UnknownEndpoint(_))));
            while router.bind_to(&endpoint).await.is_err() {
                rt::yield_now().await;
            }
            router.unbind(&endpoint).unwrap();
        }
        is_left_alone(&router).await;
    });
}

#[test]
fn from_tcp() {
    rt::run(async {
        let (router, endpoint) = router().await;
        let options = || SocketOptions::default().with_identity("same");
        for polls in POLLS {
            let stream = rt::tcp(&endpoint).await;
            drop(poll_times(DealerSocket::from_tcp(stream), polls, rt::yield_now).await);
            let stream = rt::tcp(&endpoint).await;
            let opening = DealerSocket::from_tcp_with_options(stream, options());
            drop(poll_times(opening, polls, rt::yield_now).await);
        }
        is_left_alone(&router).await;
    });
}

#[cfg(unix)]
#[test]
fn from_unix() {
    rt::run(async {
        let options = || SocketOptions::default().with_identity("same");
        for polls in POLLS {
            // Whichever end is dropped, the other learns of it, or has a socket.
            let (ours, theirs) = rt::unix_pair();
            let ours = poll_times(DealerSocket::from_unix(ours), polls, rt::yield_now).await;
            assert!(ours.is_none(), "nobody answers");
            assert!(RouterSocket::from_unix(theirs).await.is_err());

            let (ours, theirs) = rt::unix_pair();
            let (ours, theirs) = futures_util::future::join(
                poll_times(DealerSocket::from_unix_with_options(ours, options()), polls, rt::yield_now),
                RouterSocket::from_unix_with_options(theirs, options()),
            )
            .await;
            if let (Some(Ok(ours)), Ok(theirs)) = (ours, theirs) {
                ours.send("x").await.unwrap();
                assert_eq!(theirs.recv().await.unwrap()[1], "x");
            }
        }
    });
}

/// Closing goes on without its future, and sends what is queued.
#[test]
fn close() {
    rt::run(async {
        let (router, endpoint) = router().await;
        for polls in POLLS {
            let dealer = DealerSocket::connect(&endpoint).await.unwrap();
            dealer.send_buffered("last words").unwrap();
            let unsent = poll_times(dealer.close(), polls, rt::yield_now).await;
            assert!(matches!(unsent, None | Some(0)));
            assert_eq!(router.recv().await.unwrap()[1], "last words");
            // A close that was never polled is none.
            assert_eq!(dealer.send("more").await.is_err(), polls > 0);
            if polls == 0 {
                assert_eq!(router.recv().await.unwrap()[1], "more");
            }
        }
        is_left_alone(&router).await;
    });
}
