//! Streams that hold what they took until they are flushed: what was taken has left only then, and what was taken whole is
//! not sent again.

use std::pin::pin;

use futures_util::poll;
use monocoque::runtime::sim::SimRuntime;
use monocoque::runtime::{Layered, LayeredStream};
use monocoque::socket;

use super::support::*;
use crate::hold::{Hold, ROOM};

type Host = Layered<SimRuntime, Hold>;
type HoldingPush = socket::PushSocket<LayeredStream<SimRuntime, Hold>>;

mod checks {
    use std::future::Future;

    use super::{Host, Sim};

    fn run(test: impl Future<Output = ()>) {
        Sim::new(1).block_on(test);
    }

    monocoque::runtime_conformance!(Host, run);
}

/// A PUSH that holds, connected to a PULL that does not, and what its gate is moved with.
async fn pipeline(options: SocketOptions) -> (HoldingPush, Pull, Hold) {
    let hold = Hold::default();
    let host: Host = Layered::on_current(hold.clone()).unwrap();
    let pull = Pull::bind(SERVER).await.unwrap();
    let push = HoldingPush::connect_on(&host, SERVER, options).await.unwrap();
    (push, pull, hold)
}

fn options() -> SocketOptions {
    without_heartbeats().with_backoff(Backoff::new().with_initial(ms(10)).with_max(ms(10)))
}

/// Kills flushing too seldom: after an empty queue, and where a stream is full.
#[test]
fn what_is_held_leaves_by_itself() {
    Sim::new(1).block_on(async {
        let (push, pull, _hold) = pipeline(options()).await;
        for len in [1, ROOM / 2, ROOM, 5 * ROOM, 100 * ROOM] {
            push.send(vec![7; len]).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0].len(), len);
            for _ in 0..10 {
                push.send_buffered(vec![8; len]).unwrap();
            }
            push.flush().await.unwrap();
            for _ in 0..10 {
                assert_eq!(pull.recv().await.unwrap()[0].len(), len);
            }
        }
        assert_eq!((push.stats().sent, push.buffered_messages()), (55, 0));
        assert_balanced(&push.stats());
    });
}

#[test]
fn what_is_held_is_not_sent_yet() {
    Sim::new(1).block_on(async {
        let (push, pull, hold) = pipeline(options().with_send_hwm(1)).await;
        hold.shut();
        push.send("held").await.unwrap();
        let mut flushing = pin!(push.flush());
        assert!(poll!(&mut flushing).is_pending());
        sim::sleep(secs(1)).await;
        assert!(poll!(&mut flushing).is_pending());
        assert_eq!((push.stats().sent, push.buffered_messages()), (0, 1));
        assert!(push.try_send("at the mark").is_err());
        let mut sending = pin!(push.send("waits for room"));
        assert!(poll!(&mut sending).is_pending());

        hold.open();
        flushing.await.unwrap();
        sending.await.unwrap();
        push.flush().await.unwrap();
        assert_eq!((push.stats().sent, push.buffered_messages()), (2, 0));
        assert_eq!(pull.recv().await.unwrap()[0], "held");
        assert_eq!(pull.recv().await.unwrap()[0], "waits for room");
    });
}

#[test]
fn closing_waits_for_what_is_held() {
    Sim::new(1).block_on(async {
        let (push, pull, hold) = pipeline(options().with_linger(secs(1000))).await;
        hold.shut();
        push.send("held").await.unwrap();
        let mut closing = pin!(push.close());
        assert!(poll!(&mut closing).is_pending());
        sim::sleep(secs(10)).await;
        assert!(poll!(&mut closing).is_pending());
        hold.open();
        assert_eq!(closing.await, 0);
        assert_eq!(pull.recv().await.unwrap()[0], "held");
    });
}

/// What was taken whole may arrive or not, once linger has run out: it is in doubt, and the rest is unsent.
#[test]
fn linger_ends_for_what_is_held() {
    Sim::new(1).block_on(async {
        let (push, _pull, hold) = pipeline(options().with_linger(ms(100))).await;
        hold.shut();
        push.send("held").await.unwrap();
        push.send(vec![0; ROOM]).await.unwrap();
        let handle = push.clone();
        assert_eq!(push.close().await, 1);
        let stats = handle.stats();
        assert_eq!((stats.sent, stats.in_doubt, stats.dropped(DropCause::Closed)), (1, 1, 1));
        assert_balanced(&stats);
    });
}

/// Kills sending again what was taken whole, and forgetting what was taken in part.
#[test]
fn what_was_handed_over_is_not_sent_again() {
    Sim::new(1).block_on(async {
        let (push, pull, hold) = pipeline(options()).await;
        let mut monitor = push.monitor();
        hold.shut();
        push.send("handed over").await.unwrap();
        push.send(vec![1; ROOM]).await.unwrap();
        push.send("never taken").await.unwrap();
        pull.close().await;
        disconnection(&mut monitor).await;
        hold.open();
        let pull = Pull::bind(SERVER).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], [1; ROOM]);
        assert_eq!(pull.recv().await.unwrap()[0], "never taken");
        push.flush().await.unwrap();
        let stats = push.stats();
        assert_eq!((stats.sent, stats.in_doubt), (3, 1));
        assert_balanced(&stats);
    });
}

/// Kills an older message overtaking a newer one while the queue is empty and not flushed.
#[test]
fn the_last_message_stays_the_last() {
    Sim::new(1).block_on(async {
        let (push, pull, hold) = pipeline(options().with_conflate(true)).await;
        hold.shut();
        for n in 0..5_u8 {
            push.send([n]).await.unwrap();
        }
        assert_eq!(push.stats().sent, 0);
        hold.open();
        push.flush().await.unwrap();
        let mut received = pull.recv().await.unwrap()[0][0];
        while received < 4 {
            let next = pull.recv().await.unwrap()[0][0];
            assert!(received < next);
            received = next;
        }
        assert_balanced(&push.stats());
    });
}
