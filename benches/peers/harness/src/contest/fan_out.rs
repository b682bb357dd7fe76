//! One PUB to many SUB, and to one with many subscriptions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::sides::{self, Cores};
use super::{Contestant, Receives, Sends};
use crate::clock::Clock;
use crate::task::Transport;
use crate::{Bind, Figures, Result, Task, wire};

/// The length of a topic, which stands at the head of a message.
const TOPIC: usize = 16;

/// Of how many messages one matches.
const ONE_IN: u64 = 10;

/// Each subscriber gets each message. The figures count deliveries.
pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, subscribers: usize) -> Result<Figures> {
    let total = task.warm_up + task.count;
    let bodies = move |message: &mut [u8], number| wire::fill(message, number);
    let receive = move |mut subs: Vec<C::Sub>, deaf: Arc<AtomicBool>| async move {
        wait_for_probes(&mut subs, size, 0, &deaf).await?;
        let clock = Arc::new(Mutex::new(Clock::new(task.warm_up, task.count * subscribers as u64)));
        let follow = |_| {
            let (clock, mut next) = (Arc::clone(&clock), 0);
            move |message: &[u8]| {
                if take(message, size, &mut next, 1) == Some(task.warm_up) {
                    clock.lock().expect("no panic goes on").start_once();
                }
                next < total
            }
        };
        contestant.recv_all(subs, (0..subscribers).map(follow).collect()).await?;
        let figures = clock.lock().expect("no panic goes on").figures();
        Ok(figures)
    };
    publish(contestant, &task.clone(), (size, total), (subscribers, vec![String::new()]), bodies, receive)
}

/// One subscriber with many subscriptions. The figures count what is published.
pub fn filter<C: Contestant>(
    contestant: C,
    task: Task,
    size: usize,
    subscriptions: usize,
) -> Result<Figures> {
    let total = (task.warm_up + task.count).next_multiple_of(ONE_IN);
    let warm_up = task.warm_up.next_multiple_of(ONE_IN);
    // Those that match come in turn; between them, others that nobody wants.
    let topic = |number: u64| format!("topic-{number:010}");
    let topics: Vec<String> = (0..subscriptions as u64).map(|number| topic(number * ONE_IN)).collect();
    let all: Vec<String> = (0..subscriptions as u64 * ONE_IN).map(topic).collect();
    let bodies = move |message: &mut [u8], number| {
        // Probes have the topic that was subscribed last.
        let topic =
            if number == wire::PROBE { all.len() - ONE_IN as usize } else { number as usize % all.len() };
        message[..TOPIC].copy_from_slice(all[topic].as_bytes());
        wire::fill(&mut message[TOPIC..], number);
    };
    let receive = move |mut subs: Vec<C::Sub>, deaf: Arc<AtomicBool>| async move {
        wait_for_probes(&mut subs, size - TOPIC, TOPIC, &deaf).await?;
        let mut clock = Clock::new(warm_up, total - warm_up);
        let mut next = 0;
        let each = |message: &[u8]| {
            let number = take(&message[TOPIC..], size - TOPIC, &mut next, ONE_IN);
            clock.tick(number.unwrap_or(wire::PROBE));
            next < total
        };
        contestant.recv_all(subs, vec![each]).await?;
        Ok(clock.figures())
    };
    publish(contestant, &task, (size, total), (1, topics), bodies, receive)
}

/// Binds a publisher that sends probes as long as subscribers are deaf, and then the messages.
fn publish<C: Contestant, B, R, F>(
    contestant: C,
    task: &Task,
    (size, total): (usize, u64),
    (subscribers, topics): (usize, Vec<String>),
    bodies: B,
    receive: R,
) -> Result<Figures>
where
    B: Fn(&mut [u8], u64) + Send + 'static,
    R: FnOnce(Vec<C::Sub>, Arc<AtomicBool>) -> F + Send + 'static,
    F: Future<Output = Result<Figures>> + super::MaybeSend + 'static,
{
    let deaf = Arc::new(AtomicBool::new(true));
    let still_deaf = Arc::clone(&deaf);
    let subscriptions = subscribers * topics.len();
    let server = move |bind: Bind| async move {
        let mut publisher = contestant.bind_pub(bind.with_subscriptions(subscriptions)).await?;
        let mut message = vec![0; size];
        while still_deaf.load(Ordering::Acquire) {
            bodies(&mut message, wire::PROBE);
            publisher.send(&message).await?;
            publisher.flush().await?;
            contestant.pause(Duration::from_millis(1)).await;
        }
        for number in 0..total {
            bodies(&mut message, number);
            publisher.send(&message).await?;
        }
        publisher.flush().await?;
        sides::rest(publisher).await
    };
    let client = move |endpoint: String| async move {
        let subs = contestant.connect_sub(&endpoint, subscribers, &topics).await?;
        receive(subs, deaf).await
    };
    let bind = (sides::endpoint(Transport::Tcp), subscribers);
    sides::run(contestant, Cores::two(contestant, task), bind, server, client)
}

/// Returns when each subscriber has got a probe.
async fn wait_for_probes<S: Receives>(
    subs: &mut [S],
    size: usize,
    offset: usize,
    deaf: &AtomicBool,
) -> Result<()> {
    for sub in subs {
        let mut each = |message: &[u8]| {
            assert_eq!(wire::number(&message[offset..], size), wire::PROBE, "a message before it was sent");
        };
        sub.recv(&mut each).await?;
    }
    deaf.store(false, Ordering::Release);
    Ok(())
}

/// Checks a message and steps on to the next. Its number, unless it is a probe.
fn take(message: &[u8], size: usize, next: &mut u64, step: u64) -> Option<u64> {
    let number = wire::number(message, size);
    if number == wire::PROBE {
        return None;
    }
    assert_eq!(number, *next, "a message lost or out of order");
    *next += step;
    Some(number)
}
