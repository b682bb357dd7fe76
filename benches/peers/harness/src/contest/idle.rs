//! Memory of connections that do nothing, on the side that binds.

use std::sync::mpsc;

use super::sides;
use super::{Contestant, Receives};
use crate::children::Process;
use crate::task::{Scenario, Transport};
use crate::{Bind, Figures, Result, Task, system, wire, zmtp};

/// Descriptors for everything but the connections.
const RESERVE: usize = 64;

/// A PULL here, and its peers in a process of their own, as many as descriptors allow.
pub fn run<C: Contestant>(contestant: C, task: Task, connections: usize) -> Result<Figures> {
    let limit = system::raise_descriptors();
    let connections = connections.min(limit.saturating_sub(RESERVE));
    let (announce, bound) = mpsc::channel();
    let (outcome, first) = mpsc::channel();
    let outcome_of_peers = outcome.clone();
    std::thread::spawn(move || {
        let bind = Bind::new(sides::endpoint(Transport::Tcp), connections, move |endpoint| {
            let _ = announce.send((endpoint, system::resident_kib()));
        });
        let _ = outcome.send(contestant.run(serve(contestant, bind)));
    });
    let Ok((endpoint, before)) = bound.recv() else { return first.recv()? };
    let scenario = Scenario::IdlePeers { endpoint, connections };
    let mut peers = Process::start(&Task { scenario, ..task })?;
    // They say nothing unless they fail.
    let lines = std::mem::replace(&mut peers.lines, mpsc::channel().1);
    std::thread::spawn(move || {
        if let Ok(line) = lines.recv() {
            let _ = outcome_of_peers.send(Err(format!("the peers: {line}").into()));
        }
    });
    let mut figures = first.recv()??;
    let growth = figures["resident_kib"] - before;
    figures.insert("kib_per_connection".into(), growth / figures["connections"]);
    figures.insert("descriptor_limit".into(), limit as f64);
    Ok(figures)
}

/// Waits for the one message that says how many peers there are.
async fn serve<C: Contestant>(contestant: C, bind: Bind) -> Result<Figures> {
    let mut pull = contestant.bind_pull(bind).await?;
    let mut connections = 0;
    while connections == 0 {
        pull.recv(&mut |message: &[u8]| connections = wire::number(message, zmtp::NOTE)).await?;
    }
    Ok(Figures::from([
        ("resident_kib".into(), system::resident_kib()),
        ("connections".into(), connections as f64),
    ]))
}
