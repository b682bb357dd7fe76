//! One PUB to many SUB, and to one with many subscriptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::sides::{self, Cores};
use super::start::Start;
use super::{Contestant, Receives, Sends};
use crate::task::Transport;
use crate::{Bind, Figures, Numbering, Payload, Payloads, Result, Source, Task, wire};

/// The length of a topic, which stands at the head of a message.
const TOPIC: usize = 16;

/// Of how many messages one matches.
const ONE_IN: u64 = 10;

/// Each subscriber gets each message. The figures count deliveries.
pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, subscribers: usize) -> Result<Figures> {
    let parts = [task.warm_up, task.warm_up + task.count];
    let meeting = Arc::new(Meeting::new(subscribers));
    let met = Arc::clone(&meeting);
    let receive = move |mut subs: Vec<C::Sub>| async move {
        met.wait_for_probes(&mut subs, size, 0).await?;
        let numbering = Numbering::new(task.source, size, 1);
        let follow = |_| {
            let (met, mut next) = (Arc::clone(&met), 0);
            move |message: &[u8]| {
                if take(message, size, numbering.of(next)) {
                    next += 1;
                    if next == parts[0] {
                        met.start.warm();
                    }
                }
                next < parts[1]
            }
        };
        contestant.recv_all(subs, (0..subscribers).map(follow).collect()).await?;
        met.start.figures(task.count * subscribers as u64)
    };
    let source = task.source;
    let server = move |bind: Bind| async move {
        let mut publisher = contestant.bind_pub(bind.with_subscriptions(subscribers)).await?;
        let mut payloads = Payloads::new(source, size, 1);
        let mut probe = vec![0; size];
        wire::fill(&mut probe, wire::PROBE);
        meeting.send_probes(contestant, &mut publisher, &probe).await?;
        publisher.send_run(&mut payloads, 0..parts[0]).await?;
        publisher.flush().await?;
        meeting.start.wait(contestant).await;
        publisher.send_run(&mut payloads, parts[0]..parts[1]).await?;
        publisher.flush().await?;
        sides::rest(publisher).await
    };
    let client = move |endpoint: String| async move {
        receive(contestant.connect_sub(&endpoint, subscribers, &[String::new()]).await?).await
    };
    let bind = (sides::endpoint(Transport::Tcp), subscribers);
    sides::run(contestant, Cores::two(contestant, &task), bind, server, client)
}

/// One subscriber with many subscriptions. The figures count what is published.
pub fn filter<C: Contestant>(
    contestant: C,
    task: Task,
    size: usize,
    subscriptions: usize,
) -> Result<Figures> {
    if task.source != Source::Hot {
        return Err("topics are written into one buffer".into());
    }
    let total = (task.warm_up + task.count).next_multiple_of(ONE_IN);
    let warm_up = task.warm_up.next_multiple_of(ONE_IN);
    // Those that match come in turn; between them, others that nobody wants.
    let topic = |number: u64| format!("topic-{number:010}");
    let topics: Vec<String> = (0..subscriptions as u64).map(|number| topic(number * ONE_IN)).collect();
    let all: Vec<String> = (0..subscriptions as u64 * ONE_IN).map(topic).collect();
    let fill = move |message: &mut [u8], number: u64| {
        // Probes have the topic that was subscribed last.
        let topic =
            if number == wire::PROBE { all.len() - ONE_IN as usize } else { number as usize % all.len() };
        message[..TOPIC].copy_from_slice(all[topic].as_bytes());
        wire::fill(&mut message[TOPIC..], number);
    };
    let meeting = Arc::new(Meeting::new(1));
    let met = Arc::clone(&meeting);
    let server = move |bind: Bind| async move {
        let mut publisher = contestant.bind_pub(bind.with_subscriptions(subscriptions)).await?;
        let mut message = vec![0; size];
        fill(&mut message, wire::PROBE);
        meeting.send_probes(contestant, &mut publisher, &message).await?;
        for number in 0..total {
            if number == warm_up {
                publisher.flush().await?;
                meeting.start.wait(contestant).await;
            }
            fill(&mut message, number);
            publisher.send(Payload::Buffer(&message)).await?;
        }
        publisher.flush().await?;
        sides::rest(publisher).await
    };
    let client = move |endpoint: String| async move {
        let mut subs = contestant.connect_sub(&endpoint, 1, &topics).await?;
        met.wait_for_probes(&mut subs, size - TOPIC, TOPIC).await?;
        let mut next = 0;
        let each = |message: &[u8]| {
            if take(&message[TOPIC..], size - TOPIC, next) {
                next += ONE_IN;
                if next == warm_up {
                    met.start.warm();
                }
            }
            next < total
        };
        contestant.recv_all(subs, vec![each]).await?;
        met.start.figures(total - warm_up)
    };
    let bind = (sides::endpoint(Transport::Tcp), 1);
    sides::run(contestant, Cores::two(contestant, &task), bind, server, client)
}

/// How a publisher and its subscribers find each other, and begin together.
struct Meeting {
    deaf: AtomicBool,
    start: Start,
}

impl Meeting {
    fn new(subscribers: usize) -> Self {
        Self { deaf: AtomicBool::new(true), start: Start::new(subscribers) }
    }

    /// Publishes probes as long as subscribers are deaf.
    async fn send_probes<C: Contestant>(
        &self,
        contestant: C,
        publisher: &mut C::Pub,
        probe: &[u8],
    ) -> Result<()> {
        while self.deaf.load(Ordering::Acquire) {
            publisher.send(Payload::Buffer(probe)).await?;
            publisher.flush().await?;
            contestant.pause(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Returns when each subscriber has got a probe.
    async fn wait_for_probes<S: Receives>(&self, subs: &mut [S], size: usize, offset: usize) -> Result<()> {
        for sub in subs {
            let mut each = |message: &[u8]| {
                let number = wire::number(&message[offset..], size);
                assert_eq!(number, wire::PROBE, "a message before it was sent");
            };
            sub.recv(&mut each).await?;
        }
        self.deaf.store(false, Ordering::Release);
        Ok(())
    }
}

/// Checks a message. Whether it is one that counts, and no probe.
fn take(message: &[u8], size: usize, expected: u64) -> bool {
    let number = wire::number(message, size);
    if number == wire::PROBE {
        return false;
    }
    assert_eq!(number, expected, "a message lost or out of order");
    true
}
