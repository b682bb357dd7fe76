//! Whoever waits does the work of a socket that nobody else drives, and hands it on when it goes away.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use futures_util::future::{join, join3};
use monocoque::runtime::FuturesIo;
use monocoque::socket;

use crate::pipe::{self, End};

type Push = socket::PushSocket<FuturesIo<End>>;
type Pull = socket::PullSocket<FuturesIo<End>>;
type Pub = socket::PubSocket<FuturesIo<End>>;
type Sub = socket::SubSocket<FuturesIo<End>>;

/// Polls once and drops.
fn poll_once(future: impl Future) {
    let future = pin!(future);
    assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// Two sockets, and what the first has queued for the second and cannot write at once.
async fn more_than_the_pipe_holds() -> (Push, Pull) {
    let (ours, theirs) = pipe::pair(4096);
    let (push, pull) = join(Push::from_stream(ours), Pull::from_stream(theirs)).await;
    let (push, pull) = (push.unwrap(), pull.unwrap());
    for n in 0..4_u8 {
        push.send_buffered(vec![n; 8000]).unwrap();
    }
    (push, pull)
}

async fn receives_all(pull: &Pull) {
    for n in 0..4_u8 {
        assert_eq!(pull.recv().await.unwrap()[0], vec![n; 8000]);
    }
}

#[test]
fn a_dropped_close_leaves_the_work_to_another() {
    pipe::run(async {
        let (push, pull) = more_than_the_pipe_holds().await;
        let other = push.clone();
        poll_once(push.close());
        let (unsent, ()) = join(other.close(), receives_all(&pull)).await;
        assert_eq!(unsent, 0);
    });
}

/// Each wait, dropped while it drove the socket, leaves that to the `recv` of another handle.
#[test]
fn any_dropped_wait_leaves_the_work_to_another() {
    pipe::run(async {
        let (push, pull) = more_than_the_pipe_holds().await;
        poll_once(push.wait_for_peers(2));
        poll_once(push.flush());
        poll_once(push.send("x"));
        poll_once(pull.wait_for_peers(2));
        let receive = async {
            receives_all(&pull).await;
            assert_eq!(pull.recv().await.unwrap()[0], "x");
        };
        let (flushed, ()) = join(push.flush(), receive).await;
        flushed.unwrap();
    });
}

#[test]
fn waiting_for_subscribers_reads_what_they_say() {
    pipe::run(async {
        let (ours, theirs) = pipe::pair(4096);
        let (publisher, subscriber) = join(Pub::from_stream(ours), Sub::from_stream(theirs)).await;
        let (publisher, subscriber) = (publisher.unwrap(), subscriber.unwrap());
        subscriber.subscribe("").unwrap();
        let receive = async { assert_eq!(subscriber.recv().await.unwrap()[0], "x") };
        let publish = async {
            publisher.wait_for_subscribers("", 1).await.unwrap();
            publisher.send("x").await.unwrap();
        };
        // A wait that is dropped takes nothing along.
        poll_once(publisher.wait_for_subscribers("", 2));
        let second = async { publisher.wait_for_subscribers("", 1).await.unwrap() };
        join3(publish, second, receive).await;
    });
}
