//! A PULL that is killed in the middle of a stream, and comes back at the same endpoint.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Contestant, Receives, Sends};
use crate::children::Process;
use crate::task::{Scenario, Transport};
use crate::{Bind, Figures, Outcome, Payload, Result, Task, unsupported, wire};

/// A message each.
const PACE: Duration = Duration::from_millis(1);

/// How long messages flow before the crash, and after the return.
const FLOW: Duration = Duration::from_millis(500);

/// After how long a library counts as one that does not come back.
const PATIENCE: Duration = Duration::from_secs(15);

/// After how long without a message nothing more is on its way.
const SILENCE: Duration = Duration::from_secs(1);

/// The server's process: prints where and when it listens, and each message's number and time of arrival.
pub fn serve<C: Contestant>(contestant: C, endpoint: String, size: usize) -> Result<Figures> {
    let bind = Bind::new(endpoint, 1, |endpoint| println!("bound {endpoint} {}", now()));
    contestant.run(async move {
        let mut pull = contestant.bind_pull(bind).await?;
        loop {
            pull.recv(&mut |message: &[u8]| println!("got {} {}", wire::number(message, size), now()))
                .await?;
        }
    })
}

/// Seconds, on the clock that processes share.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs_f64()
}

/// Kills the server, starts it again after `down_ms`, and looks at what arrived.
pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, down_ms: u64) -> Result<Figures> {
    let mut arrivals = Arrivals::default();
    let endpoint = super::sides::endpoint(Transport::Tcp);
    let mut server = Server::start(&task, endpoint, size)?;
    let sender = Sender::start(contestant, server.endpoint.clone(), size);
    arrivals.take(&server, PATIENCE)?.ok_or("nothing arrived before the crash")?;
    arrivals.take_for(&server, FLOW)?;
    server.process.kill();
    arrivals.take_for(&server, FLOW)?;
    std::thread::sleep(Duration::from_millis(down_ms));
    let server = Server::start(&task, server.endpoint, size)?;
    let first = arrivals.take(&server, PATIENCE)?;
    let first = first.ok_or_else(|| format!("does not come back within {PATIENCE:?}"))?;
    arrivals.take_for(&server, FLOW)?;
    let mut figures = sender.stop()?;
    while arrivals.take(&server, SILENCE)?.is_some() {}
    let accepted = figures["accepted"] as u64;
    let lost = (0..accepted).filter(|number| !arrivals.0.contains_key(number)).count();
    let twice = arrivals.0.values().filter(|&&times| times > 1).count();
    if let Some(attempt) = figures.remove("attempt_at") {
        figures.insert("after_attempt_ms".into(), (first - attempt.max(server.bound)) * 1e3);
    }
    figures.extend([
        ("first_ms".into(), (first - server.bound) * 1e3),
        ("lost".into(), lost as f64),
        ("twice".into(), twice as f64),
    ]);
    Ok(figures)
}

struct Server {
    process: Process,
    endpoint: String,
    bound: f64,
}

impl Server {
    /// Starts the process, again if the endpoint is not free yet.
    fn start(task: &Task, endpoint: String, size: usize) -> Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let scenario = Scenario::RestartServer { endpoint: endpoint.clone(), size };
            let process = Process::start(&Task { scenario, ..task.clone() })?;
            let line = process.lines.recv_timeout(PATIENCE)?;
            if let Ok(Outcome::Unsupported(why)) = serde_json::from_str(&line) {
                return unsupported(why);
            }
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["bound", endpoint, bound] => {
                    return Ok(Self { endpoint: endpoint.into(), bound: bound.parse()?, process });
                }
                _ if Instant::now() > deadline => return Err(format!("the server: {line}").into()),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// How often each number arrived.
#[derive(Default)]
struct Arrivals(HashMap<u64, u64>);

impl Arrivals {
    /// The time of the next arrival, unless there is none within `patience`, or the server is dead.
    fn take(&mut self, server: &Server, patience: Duration) -> Result<Option<f64>> {
        let Ok(line) = server.process.lines.recv_timeout(patience) else { return Ok(None) };
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["got", number, at] => {
                *self.0.entry(number.parse()?).or_default() += 1;
                Ok(Some(at.parse()?))
            }
            _ => Err(format!("the server: {line}").into()),
        }
    }

    fn take_for(&mut self, server: &Server, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        while Instant::now() < end
            && self.take(server, end.saturating_duration_since(Instant::now()))?.is_some()
        {}
        Ok(())
    }
}

/// A thread that sends numbered messages until it is told to stop.
struct Sender {
    stop: Arc<AtomicBool>,
    outcome: mpsc::Receiver<Result<Figures>>,
}

impl Sender {
    fn start<C: Contestant>(contestant: C, endpoint: String, size: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (sender, outcome) = mpsc::channel();
        let told = sender.clone();
        std::thread::spawn(move || {
            let stream = async move {
                let mut pushes = contestant.connect_push(&endpoint, 1).await?;
                let push = &mut pushes[0];
                let mut message = vec![0; size];
                let mut accepted = 0;
                while !stopped.load(Ordering::Relaxed) {
                    wire::fill(&mut message, accepted);
                    // What the library refuses is not lost: the program knows, and tries again.
                    if push.send_again(Payload::Buffer(&message)).await.is_ok() {
                        let _ = push.flush().await;
                        accepted += 1;
                    }
                    contestant.pause(PACE).await;
                }
                let mut figures = Figures::from([("accepted".into(), accepted as f64)]);
                figures.extend(push.notes());
                let _ = told.send(Ok(figures));
                super::sides::rest(pushes).await
            };
            let _ = sender.send(contestant.run(stream));
        });
        Self { stop, outcome }
    }

    /// How many messages were accepted, and what the library noted.
    fn stop(self) -> Result<Figures> {
        self.stop.store(true, Ordering::Relaxed);
        self.outcome.recv_timeout(PATIENCE)?
    }
}
