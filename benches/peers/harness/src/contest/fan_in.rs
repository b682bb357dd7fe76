//! Many PUSH to one PULL.

use std::sync::Arc;

use super::sides::{self, Cores};
use super::start::Start;
use super::{Contestant, Receives, Sends};
use crate::task::Transport;
use crate::{Figures, Numbering, Payloads, Result, Task, wire};

/// How many messages a client sends when its turn has come.
const BURST: u64 = 32;

/// The clients take turns, and flush when all have sent all. Numbers count per client, which stands above them.
pub fn run<C: Contestant>(contestant: C, task: Task, size: usize, clients: usize) -> Result<Figures> {
    let lap = clients as u64 * BURST;
    let warm_up = task.warm_up.next_multiple_of(lap);
    let total = warm_up + task.count.next_multiple_of(lap);
    let cores = Cores::two(contestant, &task);
    let start = Arc::new(Start::new(1));
    let started = Arc::clone(&start);
    let server = move |bind| async move {
        let mut pull = contestant.bind_pull(bind).await?;
        let numbering = Numbering::new(task.source, size, clients);
        let mut next = vec![0; clients];
        let mut received = 0;
        while received < total {
            let mut each = |message: &[u8]| {
                let number = wire::number(message, size);
                let next = &mut next[(number >> 32) as usize];
                assert_eq!(number & 0xFFFF_FFFF, numbering.of(*next), "a message lost or out of order");
                *next += 1;
                received += 1;
                if received == warm_up {
                    started.warm();
                }
            };
            pull.recv(&mut each).await?;
        }
        started.figures(total - warm_up)
    };
    let client = move |endpoint: String| async move {
        let mut payloads = Payloads::new(task.source, size, clients);
        let mut pushes = contestant.connect_push(&endpoint, clients).await?;
        for part in [0..warm_up / lap, warm_up / lap..total / lap] {
            if part.start > 0 {
                start.wait(contestant).await;
            }
            for lap in part {
                for (client, push) in (0..).zip(&mut pushes) {
                    let first = (client << 32) | (lap * BURST);
                    push.send_run(&mut payloads, first..first + BURST).await?;
                }
            }
            for push in &mut pushes {
                push.flush().await?;
            }
        }
        sides::rest(pushes).await
    };
    sides::run(contestant, cores, (sides::endpoint(Transport::Tcp), clients), server, client)
}
