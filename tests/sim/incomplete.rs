//! Messages in the making of all connections share a budget.

use std::cell::Cell;
use std::rc::Rc;

use super::support::*;

const KIB: usize = 1024;

fn budget(kib: usize) -> SocketOptions {
    without_heartbeats().with_incomplete_bytes(kib * KIB)
}

/// A PUSH that has sent so many bytes of a frame of so many.
async fn begun(len: usize, sent: usize) -> RawStream {
    let mut raw = sim::raw_connect(SERVER).await.unwrap();
    shake(&mut raw, "PUSH").await;
    raw.write_all(&header(2, len)).await.unwrap();
    raw.write_all(&vec![1; sent]).await.unwrap();
    sim::sleep(ms(10)).await;
    raw
}

fn header(flags: u8, len: usize) -> Vec<u8> {
    [&[flags][..], &(len as u64).to_be_bytes()].concat()
}

/// Sends the rest in a task of its own, and keeps the connection; whether all of it has left.
fn finish(mut raw: RawStream, rest: Vec<u8>) -> Rc<Cell<bool>> {
    let done = Rc::new(Cell::new(false));
    let sent = Rc::clone(&done);
    sim::spawn(async move {
        if raw.write_all(&rest).await.is_ok() {
            sent.set(true);
        }
        std::future::pending::<()>().await;
    });
    done
}

fn is_empty(pull: &Pull) -> bool {
    matches!(pull.try_recv(), Err(Error::WouldBlock))
}

#[test]
fn what_is_announced_takes_nothing_of_the_budget() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, budget(1024)).await.unwrap();
        let mut greedy = Vec::new();
        for _ in 0..50 {
            greedy.push(begun(256 * KIB * KIB, 20 * KIB).await);
        }
        finish(begun(2048 * KIB, 0).await, vec![1; 2048 * KIB]);
        assert_eq!(pull.recv().await.unwrap().size(), 2048 * KIB);
        assert!(sim::elapsed() < secs(1));
        assert_eq!(pull.peers().len(), 51);
    });
}

#[test]
fn what_is_small_is_outside_of_the_budget() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, budget(100)).await.unwrap();
        let mut holders = Vec::new();
        for _ in 0..2 {
            holders.push(begun(4096 * KIB, 300 * KIB).await);
        }
        let small = without_heartbeats();
        let push = Push::connect_with_options(SERVER, small).await.unwrap();
        let at = sim::elapsed();
        for n in 0..100 {
            push.send((vec![1; 30 * KIB], vec![2; 30 * KIB], n.to_string())).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[2], n.to_string());
        }
        assert!(sim::elapsed() - at < secs(1));
    });
}

/// However much the others have to send: messages end in the order in which they began.
#[test]
fn the_oldest_goes_on_and_the_others_wait() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, budget(100)).await.unwrap();
        let oldest = begun(4096 * KIB, 200 * KIB).await;
        let mut sent = Vec::new();
        for len in [3072, 2048, 1024] {
            sent.push(finish(begun(len * KIB, 0).await, vec![1; len * KIB]));
            sim::sleep(secs(1)).await;
        }
        assert!(is_empty(&pull) && sent.iter().all(|sent| !sent.get()));
        finish(oldest, vec![1; 3896 * KIB]);
        for len in [4096, 3072, 2048, 1024] {
            assert_eq!(pull.recv().await.unwrap().size(), len * KIB);
        }
        assert_eq!(pull.peers().len(), 4);
    });
}

/// A message of many small frames is one in the making as well.
#[test]
fn frames_of_one_message_count_together() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, budget(100)).await.unwrap();
        let oldest = begun(2048 * KIB, 200 * KIB).await;
        let mut frames = Vec::new();
        for n in 0..500 {
            frames.extend(header(if n < 499 { 3 } else { 2 }, 4 * KIB));
            frames.resize(frames.len() + 4 * KIB, 1);
        }
        let many = finish(begun(0, 0).await, frames);
        assert_eq!(pull.recv().await.unwrap().size(), 0);
        sim::sleep(secs(1)).await;
        assert!(is_empty(&pull) && !many.get());
        finish(oldest, vec![1; 1848 * KIB]);
        assert_eq!(pull.recv().await.unwrap().len(), 1);
        assert_eq!(pull.recv().await.unwrap().len(), 500);
    });
}

/// Whose turn it is not may take any time, and one that is fast enough may let others wait.
#[test]
fn who_waits_does_not_time_out() {
    Sim::new(1).block_on(async {
        let options = budget(100).with_frame_timeout(Some(secs(1)));
        let pull = Pull::bind_with_options(SERVER, options).await.unwrap();
        let mut oldest = begun(20_000 * KIB, 200 * KIB).await;
        finish(begun(2048 * KIB, 0).await, vec![1; 2048 * KIB]);
        for _ in 0..190 {
            oldest.write_all(&vec![1; 100 * KIB]).await.unwrap();
            sim::sleep(ms(500)).await;
        }
        assert!(is_empty(&pull) && sim::elapsed() > secs(90));
        assert_eq!(pull.peers().len(), 2);
        finish(oldest, vec![1; 800 * KIB]);
        assert_eq!(pull.recv().await.unwrap().size(), 20_000 * KIB);
        assert_eq!(pull.recv().await.unwrap().size(), 2048 * KIB);
        assert_eq!(pull.stats().disconnects_by(DisconnectKind::Timeout), 0);
    });
}

/// A holder that trickles, for ever.
fn trickle(mut raw: RawStream, each: usize) {
    sim::spawn(async move {
        while raw.write_all(&vec![1; each]).await.is_ok() {
            sim::sleep(secs(1)).await;
        }
    });
}

/// Connections that hold the budget and bring next to nothing are ended while others wait, the slowest first, and
/// no more of them than it takes.
#[test]
fn who_makes_others_wait_and_is_slow_is_ended() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, budget(1024)).await.unwrap();
        trickle(begun(256 * KIB * KIB, 500 * KIB).await, KIB);
        let silent = begun(256 * KIB * KIB, 400 * KIB).await;
        sim::sleep(secs(10)).await;
        assert_eq!(pull.peers().len(), 2, "nobody waits");
        let mut monitor = pull.monitor();
        let ended = async |monitor: &mut Monitor| match disconnection(monitor).await {
            DisconnectReason::Timeout(TimeoutKind::Frame) => sim::elapsed(),
            other => panic!("{other}"),
        };
        let at = sim::elapsed();
        finish(begun(250 * KIB, 0).await, vec![1; 250 * KIB]);
        assert!((secs(10)..secs(11)).contains(&(ended(&mut monitor).await - at)));
        assert_eq!(pull.recv().await.unwrap().size(), 250 * KIB);
        sim::sleep(secs(60)).await;
        assert_eq!(pull.peers().len(), 2, "there is room");
        drop(silent);
        let at = sim::elapsed();
        finish(begun(4096 * KIB, 0).await, vec![1; 4096 * KIB]);
        assert!((secs(10)..secs(21)).contains(&(ended(&mut monitor).await - at)));
        assert_eq!(pull.recv().await.unwrap().size(), 4096 * KIB);
        assert_balanced(&pull.stats());
    });
}

/// One whose turn it would be, but whose messages the application does not receive, is not slow.
#[test]
fn who_waits_for_the_application_is_not_slow() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, budget(100).with_recv_hwm(1)).await.unwrap();
        let mut oldest = begun(0, 0).await;
        oldest.write_all(&[0, 0]).await.unwrap();
        oldest.write_all(&header(2, 300 * KIB)).await.unwrap();
        finish(oldest, vec![1; 300 * KIB]);
        let other = begun(300 * KIB, 200 * KIB).await;
        finish(other, vec![1; 100 * KIB]);
        sim::sleep(secs(60)).await;
        assert_eq!(pull.peers().len(), 2);
        for _ in 0..4 {
            pull.recv().await.unwrap();
        }
        assert_eq!(pull.peers().len(), 2);
    });
}
