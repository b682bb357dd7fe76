//! A PUSH whose peer does not read: what its process comes to hold.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::sides;
use super::{Contestant, Sends};
use crate::{Figures, Payload, Result, Task, system, wire, zmtp};

/// How often to look, and after how many looks without progress the sender counts as waiting.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 20;

/// Sends until the library makes the sender wait, or `task.count` messages.
pub fn run<C: Contestant>(contestant: C, task: Task, size: usize) -> Result<Figures> {
    let endpoint = zmtp::stalled_pull()?;
    let accepted = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&accepted);
    let (outcome, ended) = mpsc::channel();
    let (connected, before) = mpsc::channel();
    std::thread::spawn(move || {
        let sender = async move {
            let mut pushes = contestant.connect_push(&endpoint, 1).await?;
            let _ = connected.send(system::resident_kib());
            let mut message = vec![0; size];
            for number in 0..task.count {
                wire::fill(&mut message, number);
                pushes[0].send(Payload::Buffer(&message)).await?;
                counter.store(number + 1, Ordering::Relaxed);
            }
            sides::rest(pushes).await
        };
        let _ = outcome.send(contestant.run(sender));
    });
    let Ok(before) = before.recv() else { return ended.recv()? };
    let (mut seen, mut still, mut most) = (0, 0, before);
    while still < LOOKS {
        match ended.recv_timeout(LOOK) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            ended => return ended?,
        }
        let now = accepted.load(Ordering::Relaxed);
        still = if now == seen { still + 1 } else { 0 };
        seen = now;
        most = system::resident_kib().max(most);
    }
    Ok(Figures::from([
        ("growth_mib".into(), (most - before) / 1024.0),
        ("accepted".into(), seen as f64),
        ("waited".into(), f64::from(seen < task.count)),
    ]))
}
