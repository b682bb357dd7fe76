//! JeroMQ at its mark, silent, and asking for signs of life.

use std::future::pending;
use std::time::Duration;

use super::jeromq::{Java, Theirs, meet, our_envelope};
use super::matrix::{Kind, Ours, PAIRS, options};
use super::rt::{self, *};
use super::slow::{impatient, rest};
use futures_util::future::{join, join_all};

const COUNT: usize = 100;

/// A megabyte in all, more than the buffers of both kernels.
fn body(n: usize) -> Vec<u8> {
    [&n.to_be_bytes()[..], &[n as u8; 10_000]].concat()
}

/// Until whoever is to receive does so; like libzmq it subscribes when its application calls it.
async fn wait_for_receiver(kind: Kind, ours: &Ours, theirs: &Theirs, their: zmq::SocketType) {
    if their == zmq::XSUB {
        theirs.send(&[vec![1]]).await;
    }
    if matches!(kind, Kind::Pub | Kind::XPub) {
        let greeting = async {
            ours.wait_for_receiver().await;
            ours.send("subscribed".into()).await;
        };
        join(theirs.recv(), greeting).await;
    } else {
        ours.wait_for_peer().await;
    }
}

/// Nothing for longer than every timer of ours, then all of it, over the same connection.
async fn rests(java: &Java, kind: Kind, their: zmq::SocketType, ours_bind: bool) {
    let theirs = java.open(their, "RCVHWM=1 RCVBUF=16384").await;
    let (ours, _) = meet(kind, impatient(), &theirs, ours_bind).await;
    wait_for_receiver(kind, &ours, &theirs, their).await;
    let mut monitor = ours.monitor();
    let count = if their == zmq::REP { 1 } else { COUNT };
    let sending = async {
        for n in 0..count {
            ours.send(our_envelope(kind, their).into_iter().chain([body(n)]).collect()).await;
        }
    };
    let resting = async {
        rt::timeout(rest(), pending::<()>()).await;
        for n in 0..count {
            assert!(theirs.recv().await.last() == Some(&body(n)), "{kind:?} to {their:?}: {n}");
        }
    };
    join(sending, resting).await;
    let stats = ours.stats();
    assert_eq!((stats.queued, stats.in_doubt, stats.dropped_total()), (0, 0, 0), "{kind:?} to {their:?}");
    assert_eq!(stats.sent, stats.accepted, "{kind:?} to {their:?}");
    while let Some(event) = monitor.try_next() {
        assert!(!matches!(event, SocketEvent::Disconnected { .. }), "{kind:?} to {their:?}: {event:?}");
    }
    theirs.close().await;
    ours.close().await;
}

/// All pairs in which ours sends without being asked.
#[test]
fn one_that_rests_gets_everything() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        for ours_bind in [true, false] {
            let sends = |kind: &Kind| {
                matches!(kind, Kind::Dealer | Kind::Router | Kind::Pub | Kind::XPub | Kind::Push | Kind::Pair)
            };
            let loads = PAIRS.iter().filter(|(kind, their)| sends(kind) && *their != zmq::REQ);
            join_all(loads.map(|(kind, their)| rests(&java, *kind, *their, ours_bind))).await;
        }
    });
}

/// For longer than the timeout nothing happens but what heartbeats do; then a message passes in each direction.
async fn quiet(theirs: &Theirs, options: SocketOptions, ours_bind: bool) {
    let (ours, _) = meet(Kind::Pair, options, theirs, ours_bind).await;
    ours.wait_for_peer().await;
    let mut monitor = ours.monitor();
    let event = rt::timeout(Duration::from_millis(2_500), monitor.next()).await;
    assert!(event.is_none(), "an event on a quiet connection: {event:?}");
    ours.send("there?".into()).await;
    assert_eq!(theirs.recv().await, [b"there?"]);
    theirs.send(&[b"here".to_vec()]).await;
    assert_eq!(ours.recv().await[0], "here");
    ours.close().await;
}

/// It greets as ZMTP 3.0, so that it is sent none, and its silence is no sign of death.
#[test]
fn our_heartbeats_do_not_end_it() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        let (interval, timeout) = (Duration::from_millis(50), Duration::from_millis(1_000));
        for ours_bind in [true, false] {
            let theirs = java.open(zmq::PAIR, "").await;
            let options = options().with_heartbeat_interval(Some(interval)).with_heartbeat_timeout(timeout);
            quiet(&theirs, options, ours_bind).await;
            theirs.close().await;
        }
    });
}

/// Its PINGs are answered, although it greets as ZMTP 3.0: without an answer it would hang up.
#[test]
fn its_heartbeats_are_answered() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        for ours_bind in [true, false] {
            let beating = "HEARTBEAT_IVL=50 HEARTBEAT_TIMEOUT=1000 HEARTBEAT_TTL=1000";
            let Some(theirs) = java.try_open(zmq::PAIR, beating).await else { return };
            quiet(&theirs, options(), ours_bind).await;
            theirs.close().await;
        }
    });
}
