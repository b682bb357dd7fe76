//! PUSH to PULL.

use super::sides::{self, Cores};
use super::{Contestant, Receives, Sends};
use crate::clock::LateClock;
use crate::task::Transport;
use crate::{Figures, Numbering, Payloads, Result, Task, wire};

pub fn run<C: Contestant>(contestant: C, task: Task, transport: Transport, size: usize) -> Result<Figures> {
    let total = task.warm_up + task.count;
    let cores = Cores::two(contestant, &task);
    let server = move |bind| async move {
        let mut pull = contestant.bind_pull(bind).await?;
        let mut clock = LateClock::new(task.warm_up, task.count);
        let mut next = 0;
        let numbering = Numbering::new(task.source, size, 1);
        while next < total {
            let mut each = |message: &[u8]| {
                clock.tick(next);
                wire::check(message, size, numbering.of(next));
                next += 1;
            };
            pull.recv(&mut each).await?;
        }
        Ok(clock.figures())
    };
    let client = move |endpoint: String| async move {
        let mut payloads = Payloads::new(task.source, size, 1);
        let mut pushes = contestant.connect_push(&endpoint, 1).await?;
        pushes[0].send_run(&mut payloads, 0..total).await?;
        pushes[0].flush().await?;
        sides::rest(pushes).await
    };
    sides::run(contestant, cores, (sides::endpoint(transport), 1), server, client)
}
