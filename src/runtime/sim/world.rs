//! The state of a simulation behind one lock, and the rule for wakers: never woken or dropped inside.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use fastrand::Rng;

use super::clock::{Clock, Event};
use super::config::SimConfig;
use super::fault::{Cut, Direction, LinkId};
use super::hosts::Hosts;
use super::link::{End, Link};
use super::link_info::LinkInfo;
use super::task::TaskId;
use crate::runtime::Vacating;

/// What streams, listeners, sleeps and the executor of one simulation share.
#[derive(Debug)]
pub(super) struct Shared(Mutex<World>);

/// The network and its clock.
#[derive(Debug)]
pub(super) struct World {
    pub(super) core: Core,
    pub(super) hosts: Hosts,
    pub(super) vacating: Vacating,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// The last state of links that both ends have dropped.
    pub(super) closed: BTreeMap<LinkId, LinkInfo>,
}

/// What everything in the network needs: time, chance, and a place for wakers on their way out.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) clock: Clock,
    pub(super) config: SimConfig,
    /// Nothing arrives anywhere.
    pub(super) held: bool,
    pub(super) rng: Rng,
    fingerprint: u64,
    /// Polls since the clock was last moved.
    polls_here: u64,
    wakes: Vec<Waker>,
    discarded: Vec<Waker>,
}

impl Shared {
    pub(super) fn new(seed: u64, config: SimConfig) -> Self {
        Self(Mutex::new(World {
            core: Core {
                clock: Clock::new(),
                config,
                held: false,
                rng: Rng::with_seed(seed),
                fingerprint: FNV_OFFSET,
                polls_here: 0,
                wakes: Vec::new(),
                discarded: Vec::new(),
            },
            hosts: Hosts::default(),
            vacating: Vacating::default(),
            links: BTreeMap::new(),
            closed: BTreeMap::new(),
        }))
    }

    /// Runs `f` under the lock; wakers run after it, because they may come back for the lock.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut world);
        let wakes = std::mem::take(&mut world.core.wakes);
        let discarded = std::mem::take(&mut world.core.discarded);
        drop(world);
        wakes.into_iter().for_each(Waker::wake);
        drop(discarded);
        result
    }
}

impl World {
    /// Lets everything happen whose time has come.
    pub(super) fn fire_due(&mut self) {
        while let Some(event) = self.core.clock.pop_due() {
            match event {
                Event::Wake(waker) => self.core.wakes.push(waker),
                Event::Arrive(link, direction) => {
                    if let Some(link) = self.links.get_mut(&link) {
                        link.arrive(direction, &mut self.core);
                    }
                }
                Event::GiveUp(link, direction) => {
                    if let Some(link) = self.links.get_mut(&link) {
                        link.give_up(direction, &mut self.core);
                    }
                }
                Event::Connect(dial) => self.handle_dial(dial),
            }
        }
    }

    /// One end of a link is dropped; `abort` resets the connection instead of closing it in order.
    pub(super) fn drop_end(&mut self, id: LinkId, end: End, abort: bool) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.drop_end(end, abort, &mut self.core);
        if link.is_abandoned() {
            link.clear(&mut self.core);
            self.closed.insert(id, link.info());
            self.links.remove(&id);
        }
    }

    /// Stops or starts all arrivals.
    pub(super) fn hold(&mut self, held: bool) {
        self.core.held = held;
        self.catch_up();
    }

    /// Parts two hosts, or brings them together.
    pub(super) fn part(&mut self, hosts: [&str; 2], parted: bool) {
        self.hosts.parting.set(hosts, parted);
        for link in self.links.values_mut() {
            link.part(&self.hosts.parting);
        }
        self.catch_up();
    }

    /// Lets everything arrive that should have, and that nothing holds up any more.
    fn catch_up(&mut self) {
        for link in self.links.values_mut() {
            for direction in Direction::BOTH {
                link.arrive(direction, &mut self.core);
            }
        }
        for dial in self.hosts.take_held() {
            self.handle_dial(dial);
        }
    }

    /// Cuts all connections of a host.
    pub(super) fn cut_host(&mut self, host: &str, cut: Cut) {
        for link in self.links.values_mut().filter(|link| link.is_of(host)) {
            link.cut(cut, &mut self.core);
        }
    }

    /// Lets go of all wakers: they may own sockets, which own this world.
    pub(super) fn clear(&mut self) {
        for (_, event) in self.core.clock.clear() {
            self.core.discard_event(event);
        }
        for link in self.links.values_mut() {
            link.discard_wakers(&mut self.core);
        }
        self.hosts.discard_wakers(&mut self.core);
    }
}

impl Core {
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Moves the clock to the next event; `false` if there is none.
    pub(super) fn advance(&mut self) -> bool {
        self.polls_here = 0;
        self.clock.advance()
    }

    /// Counts a poll of `task`; returns how many there were since the clock was last moved.
    pub(super) fn count_poll(&mut self, task: TaskId) -> u64 {
        self.note(&[0, task.0]);
        self.polls_here += 1;
        self.polls_here
    }

    /// Wakes what is parked in `slot`.
    pub(super) fn wake(&mut self, slot: &mut Option<Waker>) {
        self.wakes.extend(slot.take());
    }

    /// Drops what is parked in `slot`, outside of the lock.
    pub(super) fn discard(&mut self, slot: &mut Option<Waker>) {
        self.discarded.extend(slot.take());
    }

    /// Drops an event that was taken back, outside of the lock.
    pub(super) fn discard_event(&mut self, event: Event) {
        if let Event::Wake(waker) = event {
            self.discarded.push(waker);
        }
    }

    /// Parks the waker of `cx` in `slot`; the last one wins. May wake it at once, for no reason.
    pub(super) fn park(&mut self, slot: &mut Option<Waker>, cx: &Context<'_>) {
        if !slot.as_ref().is_some_and(|parked| parked.will_wake(cx.waker())) {
            self.discarded.extend(slot.replace(cx.waker().clone()));
        }
        if self.config.spurious_wakes && self.one_in_four() {
            self.wake_soon(cx);
        }
    }

    /// Whether a poll that could succeed is to be put off, as runtimes with a budget do; then its waker
    /// has been seen to.
    pub(super) fn put_off(&mut self, cx: &Context<'_>) -> bool {
        let put_off = self.config.spurious_pending && self.one_in_four();
        if put_off {
            self.wake_soon(cx);
        }
        put_off
    }

    /// Adds to the fingerprint of the run.
    pub(super) fn note(&mut self, values: &[u64]) {
        let now = self.now().as_nanos() as u64;
        for value in values.iter().chain([&now]) {
            for byte in value.to_le_bytes() {
                self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
        }
    }

    pub(super) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn wake_soon(&mut self, cx: &Context<'_>) {
        let now = self.now();
        self.clock.schedule(now, Event::Wake(cx.waker().clone()));
    }

    fn one_in_four(&mut self) -> bool {
        self.rng.u8(..) < 64
    }
}

/// The start of a 64-bit FNV-1a hash: stable between versions of Rust, unlike the standard hasher.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
