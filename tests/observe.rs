//! Sockets as those see them who watch a service: by `tracing`, by `metrics`, and by `serde`.
#![cfg(all(feature = "sim", feature = "tracing", feature = "metrics", feature = "serde"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use monocoque::monitor::{Monitor, SocketStats};
use monocoque::prelude::*;
use monocoque::runtime::sim::{self, Sim, SimStream};
use monocoque::socket::{self, Collector};

type Push = socket::PushSocket<SimStream>;
type Pull = socket::PullSocket<SimStream>;
type Publisher = socket::PubSocket<SimStream>;

const SERVER: &str = "tcp://server:5555";

/// Where lines of the log go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a subscriber of this level writes while `work` runs.
fn logged(level: tracing_subscriber::filter::LevelFilter, work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let bytes = std::mem::take(&mut *lines.0.lock().unwrap());
    String::from_utf8(bytes).unwrap()
}

fn named(name: &str) -> SocketOptions {
    SocketOptions::default().with_name(name)
}

/// One of each kind: a listener, a handshake, drops, an end, a refusal to go on.
fn a_life() {
    Sim::new(1).block_on(async {
        let publisher = Publisher::bind_with_options(SERVER, named("ticks")).await.unwrap();
        let tracing = sim::spawn(publisher.monitor().trace());
        publisher.send("nobody has subscribed").await.unwrap();
        let mut stranger = sim::raw_connect(SERVER).await.unwrap();
        stranger.write_all(&[0xFF; 200]).await.unwrap();
        sim::sleep(Duration::from_millis(100)).await;
        let pull = Pull::new(named("wrong")).unwrap();
        let refused = sim::spawn(pull.monitor().trace());
        pull.connect_to(SERVER).unwrap();
        sim::sleep(Duration::from_millis(100)).await;
        pull.close().await;
        publisher.close().await;
        tracing.await.unwrap();
        refused.await.unwrap();
    });
}

#[test]
fn events_become_events_of_tracing() {
    use tracing_subscriber::filter::LevelFilter;
    let log = logged(LevelFilter::DEBUG, a_life);
    let line = |parts: &[&str]| {
        let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "no line with {parts:?} in:\n{log}");
    };
    line(&["WARN", "monocoque", "dropped 1 messages", "socket.name=\"ticks\"", "cause=", "count=1"]);
    line(&["DEBUG", "monocoque", "accepted on tcp://server:5555", "kind=\"Accepted\""]);
    line(&["WARN", "connection{", "kind=\"HandshakeFailed\"", "socket.type=\"PUB\""]);
    line(&["DEBUG", "kind=\"ConnectStarted\"", "socket.name=\"wrong\"", "endpoint=tcp://server:5555"]);
    line(&["INFO", "kind=\"Closed\"", "socket.type=\"PULL\""]);
    assert!(!log.contains("nobody has subscribed\n") && !log.contains("payload"), "{log}");
    let warnings = logged(LevelFilter::WARN, a_life);
    assert!(warnings.lines().all(|line| line.contains("WARN")) && !warnings.is_empty(), "{warnings}");
}

#[test]
fn a_connection_is_a_span() {
    let log = logged(tracing_subscriber::filter::LevelFilter::INFO, || {
        Sim::new(1).block_on(async {
            let pull = Pull::bind_with_options(SERVER, named("jobs")).await.unwrap();
            let tracing = sim::spawn(pull.monitor().trace());
            let push = Push::connect(SERVER).await.unwrap();
            push.send("job").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "job");
            push.close().await;
            sim::sleep(Duration::from_secs(1)).await;
            pull.close().await;
            tracing.await.unwrap();
        });
    });
    for kind in ["HandshakeSucceeded", "Disconnected"] {
        let line = log
            .lines()
            .find(|line| line.contains(&format!("kind=\"{kind}\"")))
            .unwrap_or_else(|| panic!("{log}"));
        for part in
            ["INFO", "connection{socket.name=\"jobs\"", "peer.type=\"PUSH\"", "endpoint=tcp://server:5555"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(!log.contains("job\""), "no payload: {log}");
}

/// All figures by name and labels.
fn figures(snapshotter: &Snapshotter) -> HashMap<String, f64> {
    let figure = |value| match value {
        DebugValue::Counter(count) => count as f64,
        DebugValue::Gauge(value) => value.into_inner(),
        DebugValue::Histogram(_) => f64::NAN,
    };
    let snapshot = snapshotter.snapshot().into_vec().into_iter();
    let named = snapshot.map(|(key, _, _, value)| {
        let labels = key.key().labels().map(|label| format!("{}={}", label.key(), label.value()));
        (format!("{}{:?}", key.key().name(), labels.collect::<Vec<_>>()).replace('"', ""), figure(value))
    });
    named.collect()
}

#[test]
fn figures_are_collected_when_asked_for() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        Sim::new(1).block_on(async {
            let permits = SemaphorePermits::new(10_000);
            let pull = Pull::bind_with_options(SERVER, named("jobs")).await.unwrap();
            let push = Push::connect_with_options(SERVER, named("work"))
                .await
                .unwrap()
                .with_permits(permits.clone());
            let mut collector = Collector::new();
            collector.watch(&pull);
            collector.watch(&push);
            collector.watch_permits("shared", &permits);
            for _ in 0..3 {
                push.send("12345").await.unwrap();
            }
            for _ in 0..2 {
                pull.recv().await.unwrap();
            }
            sim::sleep(Duration::from_secs(1)).await;
            collector.collect();
            let seen = figures(&snapshotter);
            let expected = [
                ("messaging.client.sent.messages[socket=work, type=PUSH]", 3.0),
                ("zeromq.sent.bytes[socket=work, type=PUSH]", 15.0),
                ("zeromq.accepted.messages[socket=work, type=PUSH]", 3.0),
                ("messaging.client.consumed.messages[socket=jobs, type=PULL]", 2.0),
                ("zeromq.received.messages[socket=jobs, type=PULL]", 3.0),
                ("zeromq.received.queued.messages[socket=jobs, type=PULL]", 1.0),
                ("zeromq.received.queued.bytes[socket=jobs, type=PULL]", (5 + monocoque::Frame::COST) as f64),
                ("zeromq.connections[socket=jobs, type=PULL]", 1.0),
                ("zeromq.permits.bytes[permits=shared]", 0.0),
                ("zeromq.permits.budget.bytes[permits=shared]", 10_000.0),
            ];
            for (name, value) in expected {
                assert_eq!(seen.get(name), Some(&value), "{name} among {seen:#?}");
            }
            push.close().await;
            pull.close().await;
            collector.collect();
            let seen = figures(&snapshotter);
            let dropped = "zeromq.received.dropped.messages[socket=jobs, type=PULL, cause=Closed]";
            assert_eq!(seen.get(dropped), Some(&1.0), "{seen:#?}");
        });
    });
}

/// Who waits is measured, and nobody else; those who give up too.
#[test]
fn waits_are_measured_where_that_is_wanted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || Sim::new(1).block_on(measured(&snapshotter)));
}

async fn measured(snapshotter: &Snapshotter) {
    let millis = Duration::from_millis;
    let pull = Pull::bind_with_options(SERVER, named("jobs").with_wait_times(true)).await.unwrap();
    let limited = named("work").with_wait_times(true).with_send_timeout(Some(millis(30)));
    let push = Push::new(limited.with_send_hwm(1)).unwrap();
    assert_eq!(push.stats().send_waits.unwrap().count(), 0);
    // There is nobody.
    assert!(push.send("too early").await.is_err());
    push.connect_to(SERVER).unwrap();
    push.wait_for_peers(1).await.unwrap();
    let receiving = sim::spawn(async move {
        for _ in 0..2 {
            pull.recv().await.unwrap();
        }
        pull
    });
    sim::sleep(millis(700)).await;
    push.send("waited for").await.unwrap();
    push.send("and there soon").await.unwrap();
    let pull = receiving.await.unwrap();
    push.send("there already").await.unwrap();
    sim::sleep(millis(700)).await;
    pull.recv().await.unwrap();
    let (sent, received) = (push.stats().send_waits.unwrap(), pull.stats().recv_waits.unwrap());
    assert_eq!(sent.quantile(1.0), Some(millis(50)), "{sent:?}");
    assert!(sent.total() >= millis(30), "{sent:?}");
    assert_eq!(received.quantile(1.0), Some(millis(1_000)), "{received:?}");
    assert!((millis(700)..millis(705)).contains(&received.total()), "{received:?}");
    assert_eq!(pull.stats().send_waits.unwrap().count(), 0);
    let unmeasured = Pull::new(named("other")).unwrap().stats();
    assert!(unmeasured.send_waits.is_none() && unmeasured.recv_waits.is_none());
    let json = serde_json::to_value(pull.stats()).unwrap();
    assert_eq!(json["recv_waits"]["count"], received.count());
    assert_eq!(json["recv_waits"]["within"]["1"], received.count());
    let mut collector = Collector::new();
    collector.watch(&pull);
    collector.collect();
    let seen = figures(snapshotter);
    for (name, value) in [
        ("zeromq.recv.wait.seconds.count[socket=jobs, type=PULL]", received.count() as f64),
        ("zeromq.recv.wait.seconds.bucket[socket=jobs, type=PULL, le=0.5]", received.count() as f64 - 1.0),
        ("zeromq.recv.wait.seconds.bucket[socket=jobs, type=PULL, le=+Inf]", received.count() as f64),
        ("zeromq.recv.wait.seconds.sum[socket=jobs, type=PULL]", received.total().as_secs_f64()),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name} among {seen:#?}");
    }
}

/// It ends by itself, so that a task that collects does not outlive what it watches.
#[test]
fn collecting_again_and_again_ends_with_the_sockets() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind(SERVER).await.unwrap();
        let mut collector = Collector::new();
        collector.watch(&pull);
        let collecting = sim::spawn(collector.every(Duration::from_secs(5), sim.handle()));
        sim::sleep(Duration::from_secs(60)).await;
        pull.close().await;
        drop(pull);
        collecting.await.unwrap();
    });
}

#[test]
fn totals_are_the_figures_without_the_lists() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, named("jobs")).await.unwrap();
        let push = Push::connect(SERVER).await.unwrap();
        push.send("12345").await.unwrap();
        sim::sleep(Duration::from_secs(1)).await;
        let (stats, totals) = (pull.stats(), pull.totals());
        assert_eq!((stats.peers.len(), stats.endpoints.len(), stats.connections), (1, 1, 1));
        assert!(totals.peers.is_empty() && totals.endpoints.is_empty());
        let mut figures: SocketStats = stats;
        figures.peers.clear();
        figures.endpoints.clear();
        assert_eq!(format!("{totals:?}"), format!("{figures:?}"));
        assert_eq!((totals.recv_queued, totals.recv_queued_bytes), (1, 5 + monocoque::Frame::COST as u64));
        assert_eq!(pull.name().as_deref(), Some("jobs"));
        let monitor: Monitor = pull.monitor();
        assert_eq!((monitor.socket_name(), monitor.socket_type().as_str()), (Some("jobs"), "PULL"));
    });
}

#[test]
fn figures_and_events_are_serialized() {
    Sim::new(1).block_on(async {
        let publisher = Publisher::bind_with_options(SERVER, named("ticks")).await.unwrap();
        let mut monitor = publisher.monitor();
        publisher.send("nobody has subscribed").await.unwrap();
        let _subscriber = socket::SubSocket::<SimStream>::connect(SERVER).await.unwrap();
        publisher.wait_for_peers(1).await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = monitor.try_next() {
            events.push(serde_json::to_value(&event).unwrap());
        }
        let dropped = events.iter().find(|event| event["kind"] == "MessagesDropped").unwrap();
        assert_eq!((&dropped["count"], dropped.get("peer")), (&1.into(), None));
        assert_eq!(dropped["weight"], "warning");
        let accepted = events.iter().find(|event| event["kind"] == "Accepted").unwrap();
        assert_eq!((&accepted["peer"], &accepted["endpoint"]), (&"0.0".into(), &SERVER.into()));
        let stats = serde_json::to_value(publisher.stats()).unwrap();
        assert_eq!((&stats["accepted"], &stats["dropped"]["NoSubscriber"]), (&1.into(), &1.into()));
        assert_eq!(stats["peers"][0]["socket_type"], "SUB");
        assert_eq!(stats["endpoints"][0]["endpoint"], SERVER);
        assert!(stats["peers"][0].get("metadata").is_none(), "metadata may hold a token");
    });
}
