//! What a contestant says of its library, and the scenarios that are made of it.

mod echo;
mod fan_in;
mod fan_out;
mod idle;
mod missing;
mod restart;
mod round_trip;
mod sides;
mod stall;
mod start;
mod throughput;
mod within;

use std::ops::Range;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::MaybeSend;
use crate::task::Scenario;
use crate::{Bind, Figures, Payload, Payloads, Result, Task, unsupported};

pub use missing::Missing;
use within::Within;

/// Sends messages.
pub trait Sends: MaybeSend {
    /// Sends one message of one frame, by a plain call.
    fn send(&mut self, payload: Payload<'_>) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Sends the messages of these numbers, one after the other, or many at once where that is what the mode is about.
    fn send_run(
        &mut self,
        payloads: &mut Payloads,
        numbers: Range<u64>,
    ) -> impl Future<Output = Result<()>> + MaybeSend {
        async move {
            for number in numbers {
                self.send(payloads.get(number)).await?;
            }
            Ok(())
        }
    }

    /// What a program must do before it waits for something else, where the library does not do it by itself.
    fn flush(&mut self) -> impl Future<Output = Result<()>> + MaybeSend {
        async { Ok(()) }
    }

    /// Sends one message over a connection that may have to be made again.
    fn send_again(&mut self, payload: Payload<'_>) -> impl Future<Output = Result<()>> + MaybeSend {
        self.send(payload)
    }

    /// What the library itself knows after a connection was lost: `in_doubt`, how many messages it counts as
    /// perhaps lost; `attempt_at`, when it meant to connect for the last time, in seconds since 1970.
    fn notes(&self) -> Figures {
        Figures::new()
    }
}

/// Receives messages.
pub trait Receives: MaybeSend {
    /// Waits for a message and shows its last frame; or for some, where that is what the mode is about.
    fn recv<F: FnMut(&[u8]) + MaybeSend>(
        &mut self,
        each: &mut F,
    ) -> impl Future<Output = Result<()>> + MaybeSend;
}

/// Sends back what it receives.
pub trait Echoes: MaybeSend {
    /// Waits for a message, shows its last frame and sends it back; or some.
    fn echo<F: FnMut(&[u8]) + MaybeSend>(
        &mut self,
        each: &mut F,
    ) -> impl Future<Output = Result<()>> + MaybeSend;
}

/// A way of using a library. What it does not have is [`Missing`], and not overridden.
pub trait Contestant: Copy + Send + Sync + 'static {
    type Push: Sends + 'static;
    type Pull: Receives + 'static;
    type Dealer: Sends + Receives + 'static;
    type Router: Echoes + 'static;
    type Pub: Sends + 'static;
    type Sub: Receives + 'static;

    /// Runs one side in the calling thread, on a runtime of its own.
    fn run<F>(self, side: F) -> F::Output
    where
        F: Future<Output = Result<Figures>> + MaybeSend + 'static;

    /// Waits, and lets the runtime go on.
    fn pause(self, duration: Duration) -> impl Future<Output = ()> + MaybeSend;

    /// Whether a side is to have one core for all its threads.
    fn pinned(self) -> bool {
        true
    }

    fn bind_pull(self, _: Bind) -> impl Future<Output = Result<Self::Pull>> + MaybeSend {
        std::future::ready(unsupported("no PULL"))
    }

    fn connect_push(self, _: &str, _: usize) -> impl Future<Output = Result<Vec<Self::Push>>> + MaybeSend {
        std::future::ready(unsupported("no PUSH"))
    }

    fn bind_router(self, _: Bind) -> impl Future<Output = Result<Self::Router>> + MaybeSend {
        std::future::ready(unsupported("no ROUTER"))
    }

    fn connect_dealer(self, _: &str) -> impl Future<Output = Result<Self::Dealer>> + MaybeSend {
        std::future::ready(unsupported("no DEALER"))
    }

    /// A PUB that waits for slow subscribers, where the library has it: the scenarios count no lost messages.
    fn bind_pub(self, _: Bind) -> impl Future<Output = Result<Self::Pub>> + MaybeSend {
        std::future::ready(unsupported("no PUB"))
    }

    /// Some SUBs, each of which takes all topics given.
    fn connect_sub(
        self,
        _: &str,
        _: usize,
        _topics: &[String],
    ) -> impl Future<Output = Result<Vec<Self::Sub>>> + MaybeSend {
        std::future::ready(unsupported("no SUB"))
    }

    /// Lets all subscribers receive at once, each until its function has had enough and says false.
    fn recv_all<F: FnMut(&[u8]) -> bool + MaybeSend>(
        self,
        subs: Vec<Self::Sub>,
        each: Vec<F>,
    ) -> impl Future<Output = Result<Vec<Self::Sub>>> + MaybeSend {
        try_join_all(subs.into_iter().zip(each).map(|(sub, each)| recv_while(sub, each)))
    }
}

async fn recv_while<S: Receives, F: FnMut(&[u8]) -> bool + MaybeSend>(mut sub: S, mut each: F) -> Result<S> {
    let mut more = true;
    while more {
        sub.recv(&mut |message: &[u8]| more = each(message)).await?;
    }
    Ok(sub)
}

/// Runs a task.
pub fn run<C: Contestant>(contestant: C, task: Task) -> Result<Figures> {
    if task.within { perform(Within(contestant), task) } else { perform(contestant, task) }
}

fn perform<C: Contestant>(contestant: C, task: Task) -> Result<Figures> {
    match task.scenario.clone() {
        Scenario::Throughput { transport, size } => throughput::run(contestant, task, transport, size),
        Scenario::RoundTrip { size, one_core } => round_trip::run(contestant, task, size, one_core),
        Scenario::Echo { size, outstanding } => echo::run(contestant, task, size, outstanding),
        Scenario::FanIn { size, clients } => fan_in::run(contestant, task, size, clients),
        Scenario::FanOut { size, subscribers } => fan_out::run(contestant, task, size, subscribers),
        Scenario::Filter { size, subscriptions } => fan_out::filter(contestant, task, size, subscriptions),
        Scenario::Idle { connections } => idle::run(contestant, task, connections),
        Scenario::Stall { size } => stall::run(contestant, task, size),
        Scenario::Restart { size, down_ms } => restart::run(contestant, task, size, down_ms),
        Scenario::RestartServer { endpoint, size } => restart::serve(contestant, endpoint, size),
        Scenario::IdlePeers { .. } => Err("no part of a contestant".into()),
    }
}
