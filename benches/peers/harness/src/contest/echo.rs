//! DEALER to ROUTER and back, with many messages under way.

use super::sides::{self, Cores};
use super::{Contestant, Echoes, Receives, Sends};
use crate::clock::LateClock;
use crate::task::Transport;
use crate::{Figures, Numbering, Payloads, Result, Task, wire};

pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, outstanding: u64) -> Result<Figures> {
    let total = task.warm_up + task.count;
    let cores = Cores::two(contestant, &task);
    let numbering = Numbering::new(task.source, size, 1);
    let server = move |bind| async move {
        let mut router = contestant.bind_router(bind).await?;
        let mut next = 0;
        while next < total {
            let mut each = |message: &[u8]| {
                wire::check(message, size, numbering.of(next));
                next += 1;
            };
            router.echo(&mut each).await?;
        }
        sides::rest(router).await
    };
    let client = move |endpoint: String| async move {
        let mut dealer = contestant.connect_dealer(&endpoint).await?;
        let mut clock = LateClock::new(task.warm_up, task.count);
        let mut payloads = Payloads::new(task.source, size, 1);
        let (mut sent, mut back) = (0, 0);
        while back < total {
            let room = total.min(back + outstanding);
            dealer.send_run(&mut payloads, sent..room).await?;
            sent = room;
            dealer.flush().await?;
            let mut each = |message: &[u8]| {
                clock.tick(back);
                wire::check(message, size, numbering.of(back));
                back += 1;
            };
            dealer.recv(&mut each).await?;
        }
        Ok(clock.figures())
    };
    sides::run(contestant, cores, (sides::endpoint(Transport::Tcp), 1), server, client)
}
