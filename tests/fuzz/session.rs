//! Runs a plan.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use monocoque::prelude::*;
use monocoque::runtime::sim::{self, JoinHandle, Network, Sim, SimConfig, TaskOrder};

use crate::able::{self, Able};
use crate::calls::Caller;
use crate::check;
use crate::journal::Journal;
use crate::options;
use crate::plan::*;
use crate::watch::Watch;
use crate::wire::Script;

/// Polls at one instant after which tasks are taken to wake each other in circles, and in a second of virtual time in
/// which nothing new is asked for.
const POLLS: (u64, u64) = (300_000, 100_000);

/// How long a step waits for its call, and the end for calls of a closed socket.
const A_WHILE: Duration = Duration::from_millis(50);

/// What was wrong with a session.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

/// What a session did, to show that sessions do something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub received: usize,
    /// Of those, by clients of `rpc`.
    pub replies: usize,
    pub polls: u64,
}

impl Report {
    pub fn add(&mut self, other: Self) {
        self.received += other.received;
        self.replies += other.replies;
        self.polls += other.polls;
    }
}

impl Failure {
    /// Failures are the same if they differ in numbers only.
    pub fn is_like(&self, other: &Self) -> bool {
        let key = |text: &str| -> String {
            let first = text.lines().take(2).collect::<Vec<_>>().concat();
            first.split(" with ").next().unwrap_or_default().chars().filter(|c| !c.is_numeric()).collect()
        };
        key(&self.0) == key(&other.0)
    }
}

thread_local! {
    /// Those of the session that runs on this thread, and what it is.
    static PANICS: RefCell<Option<Panics>> = const { RefCell::new(None) };
}

struct Panics {
    seed: u64,
    texts: Vec<String>,
}

impl Panics {
    /// A panic on the way out of another ends the process: whatever was found is told before.
    fn note(&mut self, text: String) {
        static ONCE: Once = Once::new();
        self.texts.push(text);
        if self.texts.len() > 1 {
            ONCE.call_once(|| {
                let message = format!(
                    "\nMONOCOQUE_FUZZ_SEED={} panics again and again: {:#?}\n",
                    self.seed, self.texts
                );
                let _ = std::io::stderr().write_all(message.as_bytes());
            });
        }
    }
}

/// Panics of sessions are findings, not output.
fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let noted = PANICS.with_borrow_mut(|panics| {
                panics.as_mut().map(|panics| panics.note(info.to_string())).is_some()
            });
            if !noted {
                usual(info);
            }
        }));
    });
}

/// Runs a session; panics anywhere in it are failures like others.
pub fn run(plan: &Plan) -> Result<Report, Failure> {
    catch_panics();
    let _watch = Watch::new(plan);
    PANICS.set(Some(Panics { seed: plan.seed, texts: Vec::new() }));
    let result = catch_unwind(AssertUnwindSafe(|| play(plan)));
    let panics = PANICS.take().map_or_else(Vec::new, |panics| panics.texts);
    match (panics.into_iter().next(), result) {
        (Some(panic), _) => Err(Failure(format!("panic: {panic}"))),
        (None, Ok(result)) => result,
        (None, Err(_)) => Err(Failure("a panic that said nothing".into())),
    }
}

fn play(plan: &Plan) -> Result<Report, Failure> {
    static SESSION: AtomicU64 = AtomicU64::new(0);
    let session = SESSION.fetch_add(1, Ordering::Relaxed);
    let sim = Sim::with_config(plan.seed, config(&plan.network).with_poll_limit(polls(plan).0));
    let journal = Rc::new(RefCell::new(Journal::default()));
    let report = Rc::clone(&journal);
    sim.block_on(async {
        let mut stage = Stage::set(plan, sim.network(), journal, session).await;
        stage.perform(&plan.steps).await?;
        stage.finish(plan, &sim).await
    })?;
    let receipts = &report.borrow().receipts;
    let is_client = |id| plan.sockets.iter().any(|socket| socket.id == id && socket.kind == Kind::Client);
    let replies = receipts.iter().filter(|receipt| is_client(receipt.receiver)).count();
    Ok(Report { received: receipts.len(), replies, polls: sim.polls() })
}

/// Who spins looks thousands of times at one instant, since the time stands still meanwhile.
fn polls(plan: &Plan) -> (u64, u64) {
    let times = if plan.sockets.iter().any(SocketPlan::spins) { 100 } else { 1 };
    (times * POLLS.0, times * POLLS.1)
}

fn config(network: &[Weather]) -> SimConfig {
    let mut config = SimConfig::new();
    let mut links = sim::Plan::new();
    for weather in network {
        match *weather {
            Weather::Latency(most) => links = links.with_latency(Duration::from_micros(1)..=most),
            Weather::ReadChunk(most) => links = links.with_read_chunk(1..=most),
            Weather::WriteChunk(most) => links = links.with_write_chunk(1..=most),
            Weather::Capacity(direction, bytes) => links = links.with_capacity(direction, bytes),
            Weather::SpuriousPending => config = config.with_spurious_pending(true),
            Weather::SpuriousWakes => config = config.with_spurious_wakes(true),
            Weather::Fifo => config = config.with_order(TaskOrder::Fifo),
        }
    }
    config.with_links(links)
}

/// A socket and its handles, those of calls aside.
pub struct Member {
    pub plan: SocketPlan,
    pub options: SocketOptions,
    pub handles: Vec<Box<dyn Able>>,
    pub monitor: Monitor,
    /// Before it was closed.
    pub last: Option<SocketStats>,
}

struct Running {
    socket: usize,
    call: Call,
    task: JoinHandle<()>,
}

struct Stage {
    session: u64,
    network: Network,
    journal: Rc<RefCell<Journal>>,
    budget: SemaphorePermits,
    members: BTreeMap<usize, Member>,
    running: Vec<Running>,
    peers: Vec<JoinHandle<()>>,
}

impl Stage {
    async fn set(plan: &Plan, network: Network, journal: Rc<RefCell<Journal>>, session: u64) -> Self {
        let budget = SemaphorePermits::new(plan.budget);
        let mut stage = Self {
            session,
            network,
            journal,
            budget,
            members: BTreeMap::new(),
            running: Vec::new(),
            peers: Vec::new(),
        };
        for socket in &plan.sockets {
            if let Some(member) = open(socket, &stage.budget) {
                stage.members.insert(socket.id, member);
            }
        }
        for listener in &plan.listeners {
            stage.listen(listener).await;
        }
        stage
    }

    async fn listen(&mut self, plan: &ListenerPlan) {
        let Ok(mut listener) = sim::raw_listen(plan.place.endpoint(self.session)).await else { return };
        let scripts = plan.scripts.clone();
        self.peers.push(sim::spawn(async move {
            for script in scripts {
                let Ok(stream) = listener.accept().await else { continue };
                script.play(stream).await;
            }
        }));
    }

    async fn perform(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            self.step(step).await;
            self.check()?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Call { socket, call, patience, wait } => self.call(*socket, call, *patience, *wait).await,
            Step::DropHandle(socket) => {
                let handle = self.members.get_mut(socket).and_then(|member| member.handles.pop());
                drop(handle);
            }
            Step::CloneHandle(socket) => {
                if let Some(member) = self.members.get_mut(socket) {
                    let another = member.handles.first().map(|handle| handle.another());
                    member.handles.extend(another);
                }
            }
            Step::Dial(place, script) => self.dial(*place, script.clone()),
            Step::Network(trouble) => self.make(trouble),
            Step::Sleep(time) => sim::sleep(*time).await,
            Step::Skip(time) => sim::skip(*time),
        }
    }

    async fn call(&mut self, id: usize, call: &Call, patience: Option<Duration>, wait: bool) {
        let Some(member) = self.members.get(&id) else { return };
        let Some(handle) = member.handles.last() else { return };
        let (kind, handle, session) = (member.plan.kind, handle.another(), self.session);
        let caller = Caller { id, kind, handle, journal: Rc::clone(&self.journal), session };
        let performed = caller.perform(call.clone());
        let mut task = match patience {
            Some(patience) => {
                let limited = sim::timeout(patience, performed);
                sim::spawn(async move { limited.await.unwrap_or_default() })
            }
            None => sim::spawn(performed),
        };
        if wait {
            let _ = sim::timeout(A_WHILE, &mut task).await;
        }
        if !task.is_finished() {
            self.running.push(Running { socket: id, call: call.clone(), task });
        }
    }

    fn dial(&mut self, place: Place, script: Script) {
        // Nothing but sockets of ours comes by inproc.
        if matches!(place, Place::Inproc(_)) {
            return;
        }
        let endpoint = place.endpoint(self.session);
        self.peers.push(sim::spawn(async move {
            if let Ok(stream) = sim::raw_connect(endpoint).await {
                script.play(stream).await;
            }
        }));
    }

    fn make(&self, trouble: &Trouble) {
        let network = &self.network;
        match trouble {
            Trouble::Hold => network.hold(),
            Trouble::Release => network.release(),
            Trouble::Refuse(Place::Inproc(_))
            | Trouble::BlackHole(Place::Inproc(_))
            | Trouble::Allow(Place::Inproc(_)) => {}
            Trouble::Refuse(place) => network.refuse(place.endpoint(self.session)),
            Trouble::BlackHole(place) => network.black_hole(place.endpoint(self.session)),
            Trouble::Allow(place) => network.allow(place.endpoint(self.session)),
            Trouble::Link(n, trouble) => self.make_on_link(*n, trouble),
        }
    }

    fn make_on_link(&self, n: usize, trouble: &LinkTrouble) {
        let (network, links) = (&self.network, self.network.links());
        let Some(link) = links.get(n % links.len().max(1)).map(|link| link.id) else { return };
        match *trouble {
            LinkTrouble::Cut(cut) => network.cut(link, cut),
            LinkTrouble::CutAfter(direction, bytes, cut) => network.cut_after(link, direction, bytes, cut),
            LinkTrouble::Stall(direction) => network.stall(link, direction),
            LinkTrouble::Resume(direction) => network.resume(link, direction),
            LinkTrouble::Capacity(direction, bytes) => network.set_capacity(link, direction, bytes),
        }
    }

    fn heal(&self) {
        self.network.release();
        for link in self.network.links() {
            for direction in [sim::Direction::ToServer, sim::Direction::ToClient] {
                self.network.resume(link.id, direction);
            }
        }
    }

    /// What holds at any time.
    fn check(&self) -> Result<(), Failure> {
        let journal = self.journal.borrow();
        if let Some(fault) = journal.faults.first() {
            return Err(Failure(fault.clone()));
        }
        for (id, member) in &self.members {
            if let Some(handle) = member.handles.first() {
                check::running(*id, member, &**handle)?;
            }
        }
        Ok(())
    }

    /// Everything is let go, and everything comes back.
    async fn finish(&mut self, plan: &Plan, sim: &Sim) -> Result<(), Failure> {
        if plan.end.heal {
            self.heal();
        }
        sim::sleep(plan.end.settle).await;
        self.check()?;
        check::rate(sim, polls(plan).1).await?;
        let ids: Vec<usize> = self.members.keys().copied().collect();
        for id in ids {
            self.part(id).await?;
        }
        self.check()?;
        check::messages(&self.journal.borrow(), &self.members)?;
        self.vacate(sim).await
    }

    /// Lets one socket go.
    async fn part(&mut self, id: usize) -> Result<(), Failure> {
        let Some(member) = self.members.get_mut(&id) else { return Ok(()) };
        let handles = std::mem::take(&mut member.handles);
        let (ending, linger) = (member.plan.end, member.options.linger());
        let Some(handle) = handles.first() else { return Ok(()) };
        member.last = Some(handle.stats());
        match ending {
            Ending::Drop => {
                self.running.iter().filter(|running| running.socket == id).for_each(|call| call.task.abort());
                sim::sleep(Duration::from_nanos(1)).await;
                return Ok(());
            }
            Ending::DrainAndClose => drop(handle.drain()),
            Ending::Close => {}
        }
        check::close(id, &**handle, linger).await?;
        sim::sleep(A_WHILE).await;
        // Who lingers for ever over what nobody takes is right to.
        if linger.is_some() {
            self.nobody_hangs(id)?;
        }
        let Some(member) = self.members.get_mut(&id) else { return Ok(()) };
        check::closed(id, member, &handle.stats(), &self.journal.borrow())
    }

    /// No call outlives its socket, but for what it does by itself.
    fn nobody_hangs(&self, id: usize) -> Result<(), Failure> {
        let hangs = self.running.iter().find(|running| running.socket == id && !running.task.is_finished());
        match hangs {
            Some(running) => {
                Err(Failure(format!("after close of socket {id} this hangs: {:?}", running.call)))
            }
            None => Ok(()),
        }
    }

    /// All calls, peers and sockets are gone: so is everything else.
    async fn vacate(&mut self, sim: &Sim) -> Result<(), Failure> {
        self.running.drain(..).for_each(|running| running.task.abort());
        self.peers.drain(..).for_each(|peer| peer.abort());
        let mut lingers = self.members.values().map(|member| member.options.linger());
        let Some(linger) = lingers.try_fold(Duration::ZERO, |most, linger| Some(most.max(linger?))) else {
            return Ok(());
        };
        sim::sleep(linger + check::PARTING).await;
        check::vacated(sim, &self.network, &self.budget)
    }
}

/// Opens a socket; options that its type or their combination does not allow are left out.
fn open(plan: &SocketPlan, budget: &SemaphorePermits) -> Option<Member> {
    let open = |choices: &[options::Choice]| {
        let budget = plan.permits.then(|| budget.clone());
        able::open(plan.kind, choices, budget).map(|handle| (options::build(choices), handle))
    };
    let mut choices = plan.options.clone();
    let opened = open(&choices).or_else(|_| {
        choices.retain(|choice| open(std::slice::from_ref(choice)).is_ok());
        open(&choices)
    });
    let (options, handle) = opened.ok()?;
    let monitor = handle.monitor();
    Some(Member { plan: plan.clone(), options, handles: vec![handle], monitor, last: None })
}
