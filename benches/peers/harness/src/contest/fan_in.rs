//! Many PUSH to one PULL.

use super::sides::{self, Cores};
use super::{Contestant, Receives, Sends};
use crate::clock::Clock;
use crate::task::Transport;
use crate::{Figures, Result, Task, wire};

/// How many messages a client sends when its turn has come.
const BURST: u64 = 32;

/// The clients take turns. Numbers count per client, which stands above them.
pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, clients: usize) -> Result<Figures> {
    let lap = clients as u64 * BURST;
    let total = (task.warm_up + task.count).next_multiple_of(lap);
    let cores = Cores::two(contestant, &task);
    let server = move |bind| async move {
        let mut pull = contestant.bind_pull(bind).await?;
        let mut clock = Clock::new(task.warm_up, total - task.warm_up);
        let mut next = vec![0; clients];
        let mut received = 0;
        while received < total {
            let mut each = |message: &[u8]| {
                clock.tick(received);
                let number = wire::number(message, size);
                let next = &mut next[(number >> 32) as usize];
                assert_eq!(number & 0xFFFF_FFFF, *next, "a message lost or out of order");
                *next += 1;
                received += 1;
            };
            pull.recv(&mut each).await?;
        }
        Ok(clock.figures())
    };
    let client = move |endpoint: String| async move {
        let mut pushes = contestant.connect_push(&endpoint, clients).await?;
        let mut message = vec![0; size];
        for lap in 0..total / lap {
            for (client, push) in pushes.iter_mut().enumerate() {
                for number in lap * BURST..(lap + 1) * BURST {
                    wire::fill(&mut message, (client as u64) << 32 | number);
                    push.send(&message).await?;
                }
                push.flush().await?;
            }
        }
        sides::rest(pushes).await
    };
    sides::run(contestant, cores, (sides::endpoint(Transport::Tcp), clients), server, client)
}
