//! What must be true.

use std::collections::BTreeMap;
use std::time::Duration;

use monocoque::monitor::DropCause;
use monocoque::options::RouterNotify;
use monocoque::prelude::*;
use monocoque::runtime::sim::{self, Network, Sim};

use crate::able::Able;
use crate::journal::{Fate, Journal, Name, Receipt};
use crate::plan::Kind;
use crate::session::{Failure, Member};

/// Beyond its linger a socket waits at most so long for the other side's end of the stream, and for all its
/// connections at once.
pub const PARTING: Duration = Duration::from_millis(1_100);

/// The largest message that sessions send costs less: one of 3,000 empty frames.
const LARGEST: usize = 400_000;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure(otherwise())) }
}

/// Accounts and bounds, at any time.
pub fn running(id: usize, member: &Member, handle: &dyn Able) -> Result<(), Failure> {
    let (stats, buffered) = (handle.stats(), handle.buffered_messages() as u64);
    balanced(id, &stats)?;
    ensure(buffered == stats.queued, || format!("socket {id} says it has {buffered} buffered: {stats}"))?;
    let (options, kind) = (&member.options, member.plan.kind);
    for peer in &stats.peers {
        let inproc = peer.endpoint.as_ref().is_none_or(|endpoint| matches!(endpoint, Endpoint::Inproc(_)));
        // What an XPUB is told at the end of a peer comes all at once.
        if inproc || kind == Kind::XPub {
            continue;
        }
        // What a ROUTER says itself of a peer's coming and going was never read.
        let notices = if options.router_notify() == RouterNotify::Off { 0 } else { 2 };
        let most = options.recv_hwm().map_or(usize::MAX, |most| most + notices);
        ensure(peer.recv_queued_messages <= most, || format!("socket {id} has read past recv_hwm: {peer}"))?;
        let most = options.recv_hwm_bytes().map_or(usize::MAX, |most| most.saturating_add(LARGEST));
        ensure(peer.recv_queued_bytes <= most, || {
            format!("socket {id} has read past recv_hwm_bytes: {peer}")
        })?;
        let most = options.send_hwm().map_or(usize::MAX, |most| most.saturating_add(1));
        ensure(peer.queued_messages <= most, || format!("socket {id} has queued past send_hwm: {peer}"))?;
        let most = options.send_hwm_bytes().map_or(usize::MAX, |most| most.saturating_add(LARGEST));
        ensure(peer.queued_bytes <= most, || format!("socket {id} has queued past send_hwm_bytes: {peer}"))?;
    }
    Ok(())
}

fn balanced(id: usize, stats: &SocketStats) -> Result<(), Failure> {
    let accepted = stats.sent + stats.queued + stats.dropped_total();
    ensure(stats.accepted == accepted, || format!("socket {id} has lost what it was to send: {stats}"))?;
    let received = stats.delivered + stats.recv_queued + stats.recv_dropped;
    ensure(stats.received == received, || format!("socket {id} has lost what it received: {stats}"))?;
    ensure(stats.in_doubt <= stats.sent, || format!("socket {id} doubts more than it sent: {stats}"))
}

/// Nothing turns in circles while nobody asks for anything: in a second there are at most so many polls.
pub async fn rate(sim: &Sim, most: u64) -> Result<(), Failure> {
    let before = sim.polls();
    sim::sleep(Duration::from_secs(1)).await;
    let polls = sim.polls() - before;
    ensure(polls < most, || format!("so many polls in a second of rest: {polls}"))
}

/// `close` ends in time.
pub async fn close(id: usize, handle: &dyn Able, linger: Option<Duration>) -> Result<(), Failure> {
    let limit = linger.unwrap_or(Duration::from_secs(2)) + PARTING;
    let closed = sim::timeout(limit, handle.close()).await;
    ensure(closed.is_ok() || linger.is_none(), || {
        format!("close of socket {id} takes longer than its linger")
    })
}

/// A closed socket has nothing left, and its calls told the truth.
pub fn closed(id: usize, member: &mut Member, stats: &SocketStats, journal: &Journal) -> Result<(), Failure> {
    balanced(id, stats)?;
    if member.options.linger().is_none() {
        return Ok(());
    }
    ensure(stats.queued == 0, || format!("socket {id} is closed and has messages queued: {stats}"))?;
    ensure(stats.recv_queued == 0, || format!("socket {id} is closed and has messages to receive: {stats}"))?;
    ensure(stats.peers.is_empty(), || format!("socket {id} is closed and has peers: {stats}"))?;
    told(id, &mut member.monitor, stats)?;
    let delivered = journal.delivered(id);
    ensure(stats.delivered == delivered, || format!("calls of socket {id} returned {delivered}: {stats}"))?;
    let accepted = journal.accepted(id);
    let known = !journal.has_unsure(id);
    ensure(!known || stats.accepted >= accepted, || {
        format!("calls of socket {id} gave it {accepted}: {stats}")
    })
}

/// A monitor that is read late has been told of every drop.
fn told(id: usize, monitor: &mut Monitor, stats: &SocketStats) -> Result<(), Failure> {
    let (mut sending, mut receiving, mut unanswered) = (0, 0, 0);
    while let Some(event) = monitor.try_next() {
        match event {
            SocketEvent::MessagesDropped { count, cause: DropCause::Unanswered, .. } => unanswered += count,
            SocketEvent::MessagesDropped { count, .. } => sending += count,
            SocketEvent::ReceivedDropped { count, .. } => receiving += count,
            _ => {}
        }
    }
    // Handles of requests that outlive their server are counted when its monitors have ended.
    let outlived = stats.dropped(DropCause::Unanswered);
    let dropped = (stats.dropped_total() - outlived, stats.recv_dropped + stats.recv_incomplete);
    ensure((sending, receiving) == dropped && unanswered <= outlived, || {
        format!("the monitor of socket {id} told of drops {sending} and {receiving}: {stats}")
    })
}

/// What arrived was sent, once, and in order.
pub fn messages(journal: &Journal, members: &BTreeMap<usize, Member>) -> Result<(), Failure> {
    let mut seen: BTreeMap<Name, usize> = BTreeMap::new();
    let mut latest: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for Receipt { name, receiver } in &journal.receipts {
        let fate = journal.fate(*name);
        let sent = matches!(fate, Some(Fate::Accepted(_) | Fate::Unsure));
        ensure(sent, || {
            format!("{receiver} received {name:?}, whose call says that it was not sent: {fate:?}")
        })?;
        let Some(sender) = members.get(&name.0) else { continue };
        let before = seen.insert(*name, *receiver);
        let once = sender.plan.kind.sends_once() && !sender.plan.resends();
        ensure(!once || before.is_none(), || {
            format!("{name:?} was received twice, by {before:?} and {receiver}")
        })?;
        let one_connection = sender.last.as_ref().is_some_and(|stats| stats.connects <= 1);
        // Replies come to whoever asked, in no order.
        let asked = members.get(receiver).is_some_and(|member| member.plan.kind == Kind::Client);
        if let Some(Fate::Accepted(place)) = fate.filter(|_| one_connection && !asked) {
            let before = latest.insert((name.0, *receiver), place);
            ensure(before < Some(place), || {
                format!("{receiver} received {name:?}, number {place}, after {before:?}")
            })?;
        }
    }
    Ok(())
}

/// Nothing is left of anything.
pub fn vacated(sim: &Sim, network: &Network, budget: &SemaphorePermits) -> Result<(), Failure> {
    ensure(sim.tasks() == 0, || format!("tasks are left: {}", sim.tasks()))?;
    ensure(network.links().is_empty(), || format!("connections are left: {:?}", network.links()))?;
    ensure(budget.in_use() == 0 && budget.waiters() == 0, || format!("permits are left: {budget:?}"))
}
