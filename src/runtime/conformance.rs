//! What every runtime's streams, listeners and clocks must do, as checks that any runtime can be put to.
//!
//! [`runtime_conformance!`](crate::runtime_conformance) makes tests of them all. Each panics where a rule of
//! [`AsyncStream`], [`Listener`] or [`Sleeper`](super::Sleeper) is broken.

pub(super) mod calls;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use self::calls::{accept, bind, both, close, connect, options, poll_once, read, write_all};
use super::{AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Spawn};
use crate::message::Extent;

/// Makes a test of each check for a runtime: its type, and a function that runs a future on it to the end.
///
/// It takes `#[test]` from where it is used.
///
/// ```
/// # #[cfg(all(feature = "tokio", feature = "sim"))] {
/// use monocoque::runtime::tokio::TokioRuntime;
/// use std::future::Future;
///
/// fn run(test: impl Future<Output = ()>) {
///     tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
/// }
///
/// monocoque::runtime_conformance!(TokioRuntime, run);
/// # }
/// ```
#[macro_export]
macro_rules! runtime_conformance {
    ($runtime:ty, $run:path) => {
        #[test]
        fn bytes_arrive_whole() {
            use $crate::runtime::conformance::{bytes_arrive_whole, pair};
            $run(async { bytes_arrive_whole(pair::<$runtime>().await).await });
        }

        #[test]
        fn dropped_polls_lose_nothing() {
            use $crate::runtime::conformance::{dropped_polls_lose_nothing, pair};
            $run(async { dropped_polls_lose_nothing(pair::<$runtime>().await).await });
        }

        #[test]
        fn what_is_flushed_arrives() {
            use $crate::runtime::conformance::{pair, what_is_flushed_arrives};
            $run(async { what_is_flushed_arrives(pair::<$runtime>().await).await });
        }

        #[test]
        fn an_echo_comes_back() {
            use $crate::runtime::conformance::{an_echo_comes_back, echo, pair};
            $run(async { an_echo_comes_back::<$runtime, _>(pair::<$runtime>().await, echo).await });
        }

        #[test]
        fn pending_leaves_the_buffer_untouched() {
            use $crate::runtime::conformance::{pair, pending_leaves_the_buffer_untouched};
            $run(async { pending_leaves_the_buffer_untouched(pair::<$runtime>().await).await });
        }

        #[test]
        fn a_frame_is_not_read_beyond() {
            use $crate::runtime::conformance::{a_frame_is_not_read_beyond, pair};
            $run(async { a_frame_is_not_read_beyond(pair::<$runtime>().await).await });
        }

        #[test]
        fn a_lost_peer_is_an_error_or_the_end() {
            use $crate::runtime::conformance::{a_lost_peer_is_an_error_or_the_end, pair};
            $run(async { a_lost_peer_is_an_error_or_the_end(pair::<$runtime>().await).await });
        }

        #[test]
        fn a_listener_says_where_it_is() {
            $run($crate::runtime::conformance::a_listener_says_where_it_is::<$runtime>());
        }

        #[test]
        fn nobody_there_is_an_error() {
            $run($crate::runtime::conformance::nobody_there_is_an_error::<$runtime>());
        }

        #[test]
        fn sleeps_end_in_order() {
            $run($crate::runtime::conformance::sleeps_end_in_order::<$runtime>());
        }
    };
}

/// Both ends of a connection.
pub type Pair<R> = (<R as Connector>::Stream, <R as Connector>::Stream);

/// A connection over 127.0.0.1 whose ends have heard of each other: layers have shaken hands.
///
/// [`runtime_conformance!`](crate::runtime_conformance) calls it for each check.
pub async fn pair<R: Runtime>() -> Pair<R> {
    let mut listener = bind::<R>("tcp://127.0.0.1:0").await;
    let local = listener.local_endpoint().clone();
    let (dialled, accepted) = both(connect::<R>(&local), accept(&mut listener)).await;
    let (mut dialled, mut accepted) = (dialled.unwrap(), accepted.unwrap());
    both(greet(&mut dialled), greet(&mut accepted)).await;
    (dialled, accepted)
}

/// Sends a byte and waits for one.
async fn greet<S: AsyncStream>(stream: &mut S) {
    let mut queue = SendBuf::default();
    queue.put(b".");
    write_all(stream, &mut queue).await.unwrap();
    assert_eq!(read(stream, &mut RecvBuf::with_capacity(1)).await.unwrap(), 1);
}

/// Copied and referenced pieces, more than the kernel buffers; what they are together.
fn large_queue() -> (SendBuf, Vec<u8>) {
    let mut queue = SendBuf::default();
    let mut whole = Vec::new();
    for number in 0..120_u32 {
        let header: Vec<u8> = number.to_be_bytes().repeat(1 + number as usize % 40);
        let body = Bytes::from(vec![number as u8; if number % 3 == 0 { 100 } else { 130_000 }]);
        queue.put(&header);
        queue.put_shared(&body);
        queue.end_message(Extent { size: body.len(), frames: 1 });
        whole.extend_from_slice(&header);
        whole.extend_from_slice(&body);
    }
    (queue, whole)
}

/// The port that the system chose is told, and is taken as long as the listener lives.
///
/// ```
/// use monocoque::runtime::conformance::{a_listener_says_where_it_is, nobody_there_is_an_error, sleeps_end_in_order};
/// use monocoque::runtime::sim::{Sim, SimRuntime};
///
/// // Alone, without the macro: those that need no pair of streams.
/// Sim::new(7).block_on(async {
///     a_listener_says_where_it_is::<SimRuntime>().await;
///     nobody_there_is_an_error::<SimRuntime>().await;
///     sleeps_end_in_order::<SimRuntime>().await;
/// });
/// ```
pub async fn a_listener_says_where_it_is<R: Runtime>() {
    let listener = bind::<R>("tcp://127.0.0.1:0").await;
    let local = listener.local_endpoint().clone();
    assert_ne!(local.port(), Some(0));
    let runtime = R::current().unwrap();
    let taken = runtime.bind(&local, &options()).await;
    assert_eq!(taken.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    drop(listener);
}

/// Gathered writes that the kernel cuts anywhere, and the end of the stream.
///
/// ```
/// use monocoque::runtime::conformance::{an_echo_comes_back, bytes_arrive_whole, echo, pair};
/// use monocoque::runtime::sim::{Sim, SimRuntime};
///
/// // Alone, without the macro: those that are given both ends of a connection.
/// Sim::new(7).block_on(async {
///     bytes_arrive_whole(pair::<SimRuntime>().await).await;
///     an_echo_comes_back::<SimRuntime, _>(pair::<SimRuntime>().await, echo).await;
/// });
/// ```
pub async fn bytes_arrive_whole<S: AsyncStream>((mut left, mut right): (S, S)) {
    let (mut queue, whole) = large_queue();
    // Nobody reads yet: the kernel stops in the middle.
    let mut accepted = 0;
    let blocked = poll_fn(|cx| {
        loop {
            match left.poll_write(cx, &mut queue) {
                Poll::Ready(Ok(written)) => accepted += written,
                // The runtime has not looked at the stream yet.
                Poll::Pending if accepted == 0 => return Poll::Pending,
                end => return Poll::Ready(end),
            }
        }
    });
    assert!(blocked.await.is_pending());
    assert!(accepted > 0 && accepted + queue.remaining() == whole.len() && !queue.is_empty());

    let writing = async {
        write_all(&mut left, &mut queue).await.unwrap();
        close(&mut left).await;
    };
    let reading = async {
        let mut buf = RecvBuf::with_capacity(32 * 1024);
        let mut seen = Vec::new();
        while read(&mut right, &mut buf).await.unwrap() > 0 {
            seen.extend_from_slice(buf.filled());
            buf.clear();
        }
        seen
    };
    let ((), seen) = both(writing, reading).await;
    assert!(seen == whole);
    assert_eq!(read(&mut right, &mut RecvBuf::with_capacity(1)).await.unwrap(), 0, "it stays at its end");
}

/// Every second poll of either direction is dropped, together with its waker.
///
/// Called as [`bytes_arrive_whole`].
pub async fn dropped_polls_lose_nothing<S: AsyncStream>((mut left, mut right): (S, S)) {
    let (mut queue, whole) = large_queue();
    let writing = async {
        while !queue.is_empty() {
            let _dropped = poll_once(|cx| left.poll_write(cx, &mut queue));
            if !queue.is_empty() {
                poll_fn(|cx| left.poll_write(cx, &mut queue)).await.unwrap();
            }
        }
        close(&mut left).await;
    };
    let reading = async {
        let mut buf = RecvBuf::with_capacity(whole.len() + 1);
        loop {
            let dropped = poll_once(|cx| right.poll_read(cx, &mut buf));
            let read = match dropped {
                Poll::Ready(read) => read,
                Poll::Pending => read(&mut right, &mut buf).await,
            };
            if read.unwrap() == 0 {
                return buf;
            }
        }
    };
    let ((), seen) = both(writing, reading).await;
    assert!(seen.filled() == whole);
}

/// What was accepted and flushed arrives though nobody polls the stream again, and nothing is left to flush.
///
/// Called as [`bytes_arrive_whole`].
pub async fn what_is_flushed_arrives<S: AsyncStream>((mut left, mut right): (S, S)) {
    for len in [1, 10, 1000] {
        let mut queue = SendBuf::default();
        queue.put(&vec![7; len]);
        write_all(&mut left, &mut queue).await.unwrap();
        let mut buf = RecvBuf::with_capacity(len);
        while !buf.unfilled().is_empty() {
            assert!(read(&mut right, &mut buf).await.unwrap() > 0);
        }
        assert!(buf.filled().iter().all(|byte| *byte == 7));
        assert!(poll_once(|cx| left.poll_flush(cx)).is_ready());
    }
}

/// Sends back all that comes.
///
/// See [`bytes_arrive_whole`].
pub async fn echo<S: AsyncStream>(mut stream: S) {
    let mut buf = RecvBuf::with_capacity(1000);
    while read(&mut stream, &mut buf).await.unwrap() > 0 {
        let mut queue = SendBuf::default();
        queue.put(buf.filled());
        buf.clear();
        write_all(&mut stream, &mut queue).await.unwrap();
    }
    close(&mut stream).await;
}

/// What runs in the background answers: the other end is `echo`, spawned.
///
/// See [`bytes_arrive_whole`].
pub async fn an_echo_comes_back<R, F>((mut left, right): (R::Stream, R::Stream), echo: fn(R::Stream) -> F)
where
    R: Runtime + Spawn<F>,
{
    R::current().unwrap().spawn(echo(right));
    let mut buf = RecvBuf::with_capacity(100);
    for number in 0..50_u8 {
        let mut queue = SendBuf::default();
        queue.put(&[number; 100]);
        write_all(&mut left, &mut queue).await.unwrap();
        while !buf.unfilled().is_empty() {
            assert!(read(&mut left, &mut buf).await.unwrap() > 0);
        }
        assert_eq!(buf.filled(), [number; 100]);
        buf.clear();
    }
    close(&mut left).await;
    assert_eq!(read(&mut left, &mut buf).await.unwrap(), 0, "the echo ended");
}

/// A read that is pending has changed nothing of its buffer.
///
/// Called as [`bytes_arrive_whole`].
pub async fn pending_leaves_the_buffer_untouched<S: AsyncStream>((mut left, mut right): (S, S)) {
    let mut buf = RecvBuf::with_capacity(100);
    buf.extend_from_slice(b"before");
    buf.unfilled().fill(0xAA);
    assert!(poll_once(|cx| right.poll_read(cx, &mut buf)).is_pending());
    assert_eq!(buf.filled(), b"before");
    assert!(buf.unfilled().len() == 94 && buf.unfilled().iter().all(|byte| *byte == 0xAA));

    let mut queue = SendBuf::default();
    queue.put(b" and after");
    write_all(&mut left, &mut queue).await.unwrap();
    assert_eq!(read(&mut right, &mut buf).await.unwrap(), 10);
    assert_eq!(buf.filled(), b"before and after");
    assert!(buf.unfilled().iter().all(|byte| *byte == 0xAA), "nothing beyond what was read");
}

/// A read fills the buffer that it is given and takes no more from the stream.
///
/// Called as [`bytes_arrive_whole`].
pub async fn a_frame_is_not_read_beyond<S: AsyncStream>((mut left, mut right): (S, S)) {
    const FRAME: usize = 300_000;
    let mut queue = SendBuf::default();
    queue.put(&[1; FRAME]);
    queue.put(b"next");
    let reading = async {
        let mut frame = RecvBuf::for_frame(FRAME, Vec::new());
        while !frame.is_complete() {
            assert!(read(&mut right, &mut frame).await.unwrap() > 0);
        }
        assert!(frame.into_bytes() == [1; FRAME][..]);
        let mut rest = RecvBuf::with_capacity(100);
        while rest.filled().len() < 4 {
            assert!(read(&mut right, &mut rest).await.unwrap() > 0);
        }
        assert_eq!(rest.filled(), b"next");
    };
    let (written, ()) = both(write_all(&mut left, &mut queue), reading).await;
    written.unwrap();
}

/// Writing to a peer that is gone ends with an error, not with a signal or an endless wait.
///
/// Called as [`bytes_arrive_whole`].
pub async fn a_lost_peer_is_an_error_or_the_end<S: AsyncStream>((mut left, right): (S, S)) {
    drop(right);
    let read = read(&mut left, &mut RecvBuf::with_capacity(10)).await;
    assert!(matches!(read, Ok(0) | Err(_)));
    let mut failed = false;
    for _ in 0..100 {
        let mut queue = SendBuf::default();
        queue.put(&[0; 100_000]);
        failed |= write_all(&mut left, &mut queue).await.is_err();
    }
    assert!(failed);
    // Whatever this says, it does not wait.
    assert!(poll_once(|cx| left.poll_close(cx)).is_ready());
}

/// Connecting to where nobody listens is an error, `ConnectionRefused`.
///
/// See [`a_listener_says_where_it_is`].
pub async fn nobody_there_is_an_error<R: Runtime>() {
    let listener = bind::<R>("tcp://127.0.0.1:0").await;
    let local = listener.local_endpoint().clone();
    drop(listener);
    assert_eq!(connect::<R>(&local).await.err().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}

/// Sleeps end when their time has come, whether made for it or reset to it.
///
/// See [`a_listener_says_where_it_is`].
pub async fn sleeps_end_in_order<R: Runtime>() {
    let runtime = R::current().unwrap();
    let start = runtime.now();
    let later = start + Duration::from_millis(5);
    let mut sleep = runtime.sleep_until(later);
    assert!(poll_once(|cx| Pin::new(&mut sleep).poll(cx)).is_pending());
    runtime.sleep_until(start).await;
    sleep.await;
    assert!(runtime.now() >= later);

    // One that has ended, and one that has not.
    for reset in [start, later + Duration::from_secs(3600)] {
        let mut sleep = runtime.sleep_until(reset);
        let _ended = poll_once(|cx| Pin::new(&mut sleep).poll(cx));
        let soon = runtime.now() + Duration::from_millis(5);
        runtime.reset(&mut sleep, soon);
        sleep.await;
        assert!(runtime.now() >= soon);
    }
}
