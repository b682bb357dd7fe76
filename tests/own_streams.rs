//! Sockets on streams of one's own, without a runtime: whoever polls them drives them.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_util::future::{Either, join, select, try_join};
use monocoque::prelude::*;
use monocoque::runtime::FuturesIo;
use monocoque::socket::{DealerSocket, RouterSocket};

/// How much a pipe holds: less than the messages of the tests.
const CAPACITY: usize = 1000;

/// One direction of an in-memory connection.
#[derive(Default)]
struct Half {
    bytes: VecDeque<u8>,
    closed: bool,
    waker: Option<Waker>,
}

/// One end of an in-memory connection.
struct Pipe {
    incoming: Arc<Mutex<Half>>,
    outgoing: Arc<Mutex<Half>>,
}

fn pipe() -> (FuturesIo<Pipe>, FuturesIo<Pipe>) {
    let (one, other) = (Arc::<Mutex<Half>>::default(), Arc::<Mutex<Half>>::default());
    let ends = (
        Pipe { incoming: Arc::clone(&one), outgoing: Arc::clone(&other) },
        Pipe { incoming: other, outgoing: one },
    );
    (FuturesIo::new(ends.0), FuturesIo::new(ends.1))
}

/// Wakes the other end, or waits for it.
fn progress(half: &mut Half, cx: &Context<'_>, moved: usize, done: bool) -> Poll<io::Result<usize>> {
    if moved == 0 && !done {
        half.waker = Some(cx.waker().clone());
        return Poll::Pending;
    }
    if let Some(waker) = half.waker.take() {
        waker.wake();
    }
    Poll::Ready(Ok(moved))
}

impl futures_io::AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut half = self.incoming.lock().unwrap();
        let len = buf.len().min(half.bytes.len());
        buf.iter_mut().zip(half.bytes.drain(..len)).for_each(|(to, from)| *to = from);
        let closed = half.closed;
        progress(&mut half, cx, len, closed)
    }
}

impl futures_io::AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut half = self.outgoing.lock().unwrap();
        let len = buf.len().min(CAPACITY - half.bytes.len());
        half.bytes.extend(&buf[..len]);
        progress(&mut half, cx, len, false)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut half = self.outgoing.lock().unwrap();
        half.closed = true;
        progress(&mut half, cx, 0, true).map_ok(|_| ())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        for half in [&self.incoming, &self.outgoing] {
            let mut half = half.lock().unwrap();
            half.closed = true;
            half.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

/// All that is needed of a runtime. Everything happens in this one task: if nothing wakes it, it hangs.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Woken(std::sync::atomic::AtomicBool);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let woken = Arc::new(Woken(false.into()));
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        assert!(woken.0.swap(false, std::sync::atomic::Ordering::SeqCst), "nobody will ever wake the test");
    }
}

async fn pair() -> (DealerSocket<FuturesIo<Pipe>>, RouterSocket<FuturesIo<Pipe>>) {
    let (here, there) = pipe();
    try_join(DealerSocket::from_stream(here), RouterSocket::from_stream(there)).await.unwrap()
}

#[test]
fn requests_and_replies() {
    block_on(async {
        let (dealer, router) = pair().await;
        let client = async {
            for n in 0..200_u32 {
                dealer.send([&n.to_be_bytes()[..], &[0; 3000]]).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap()[0], n.to_be_bytes());
            }
        };
        let server = async {
            for _ in 0..200 {
                let (identity, message) = router.recv_from().await.unwrap();
                router.send_to(identity, message).await.unwrap();
            }
        };
        join(client, server).await;
        drop(router);
        assert!(matches!(dealer.recv().await, Err(Error::NotConnected)));
    });
}

/// Nobody flushes but the proxy itself.
#[test]
fn a_proxy_between_streams() {
    block_on(async {
        let (client, frontend) = pair().await;
        let (backend, worker) = pair().await;
        let small = async {
            for n in 0..200_u32 {
                client.send([&n.to_be_bytes()[..], &[0; 3000]]).await.unwrap();
                let (identity, request) = worker.recv_from().await.unwrap();
                worker.send_to(identity, request).await.unwrap();
                assert_eq!(client.recv().await.unwrap()[0], n.to_be_bytes());
            }
        };
        let Either::Left(((), _)) = select(pin!(small), pin!(proxy(&frontend, &backend))).await else {
            panic!("the proxy ended");
        };
        drop(worker);
        client.send("lost").await.unwrap();
        assert!(matches!(proxy(&frontend, &backend).await, Err(Error::NotConnected)));
    });
}
