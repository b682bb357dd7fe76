//! DEALER to ROUTER and back, one message at a time.

use std::time::Instant;

use super::sides::{self, Cores};
use super::{Contestant, Echoes, Receives, Sends};
use crate::task::Transport;
use crate::{Figures, Numbering, Payloads, Result, Task, wire};

pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, one_core: bool) -> Result<Figures> {
    let total = task.warm_up + task.count;
    let cores = if one_core { Cores::one() } else { Cores::apart() };
    let numbering = Numbering::new(task.source, size, 1);
    let server = move |bind| async move {
        let mut router = contestant.bind_router(bind).await?;
        for number in 0..total {
            router.echo(&mut |message: &[u8]| wire::check(message, size, numbering.of(number))).await?;
        }
        sides::rest(router).await
    };
    let client = move |endpoint: String| async move {
        let mut dealer = contestant.connect_dealer(&endpoint).await?;
        let mut payloads = Payloads::new(task.source, size, 1);
        let mut nanos = Vec::with_capacity(total as usize);
        for number in 0..total {
            let payload = payloads.get(number);
            let start = Instant::now();
            dealer.send(payload).await?;
            dealer.flush().await?;
            dealer.recv(&mut |message: &[u8]| wire::check(message, size, numbering.of(number))).await?;
            nanos.push(start.elapsed().as_nanos() as u64);
        }
        Ok(percentiles(&mut nanos[task.warm_up as usize..]))
    };
    sides::run(contestant, cores, (sides::endpoint(Transport::Tcp), 1), server, client)
}

fn percentiles(nanos: &mut [u64]) -> Figures {
    let seconds = nanos.iter().sum::<u64>() as f64 / 1e9;
    nanos.sort_unstable();
    let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share).round() as usize] as f64 / 1e3;
    Figures::from([
        ("seconds".into(), seconds),
        ("count".into(), nanos.len() as f64),
        ("p50_us".into(), at(0.5)),
        ("p99_us".into(), at(0.99)),
        ("p99.9_us".into(), at(0.999)),
    ])
}
