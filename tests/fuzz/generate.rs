//! Draws sessions from seeds.

use std::time::Duration;

use fastrand::Rng;
use monocoque::options::{ReconnectStop, RouterHandover, RouterNotify};
use monocoque::prelude::*;
use monocoque::runtime::sim::{Cut, Direction};

use crate::options::{Choice, Judge, Role, Rpc};
use crate::plan::*;
use crate::scripts;

const DIRECTIONS: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

const ON_FULL: [OnFull; 6] =
    [OnFull::Wait, OnFull::Fail, OnFull::Drop, OnFull::DropOldest, OnFull::DropOldest, OnFull::Disconnect];

/// Where a scripted listener waits.
const HOSTILE: Place = Place::Tcp(9);

/// What a session is drawn with.
pub struct Draw {
    pub rng: Rng,
    kinds: Vec<Kind>,
    /// Where sockets are bound, and of what kind they are.
    bound: Vec<(Place, Kind)>,
    /// The largest frames that the links carry in reasonable time.
    largest: usize,
    /// What all sockets secure their connections with.
    mechanism: Option<fn(Role) -> Choice>,
}

pub fn plan(seed: u64) -> Plan {
    let mut rng = Rng::with_seed(seed);
    let (network, largest) = weather(&mut rng);
    let kinds = kinds(&mut rng);
    let mechanism =
        [None, None, None, Some(Choice::Plain as fn(_) -> _), Some(Choice::Curve)][rng.usize(..5)];
    let mut draw = Draw { rng, kinds, bound: Vec::new(), largest, mechanism };
    let sockets = (0..draw.kinds.len()).map(|id| draw.socket(id)).collect();
    let mut steps = draw.opening();
    let listeners = draw.listeners();
    let count = draw.rng.usize(5..70);
    steps.extend((0..count).map(|_| draw.step()));
    let end = End { heal: draw.rng.u8(..4) > 0, settle: draw.micros(2_000_000) };
    let budget = draw.one(&[1, 300, 2_000, 100_000, 10_000_000]);
    Plan { seed, network, budget, sockets, listeners, steps, end }
}

fn weather(rng: &mut Rng) -> (Vec<Weather>, usize) {
    let chunk = [1, 20, 1_000, 50_000][rng.usize(..4)];
    let mut weather = vec![Weather::Latency(Duration::from_micros(rng.u64(1..5_000)))];
    if rng.bool() {
        weather.extend([Weather::ReadChunk(chunk), Weather::WriteChunk(chunk)]);
    }
    for direction in DIRECTIONS {
        if rng.bool() {
            weather.push(Weather::Capacity(direction, rng.usize(1..3_000)));
        }
    }
    let rare = [Weather::SpuriousPending, Weather::SpuriousWakes, Weather::Fifo];
    weather.extend(rare.into_iter().filter(|_| rng.u8(..4) == 0));
    let largest =
        if weather.iter().any(|one| matches!(one, Weather::WriteChunk(1..=20))) { 400 } else { 40_000 };
    (weather, largest)
}

/// One kind, and others that may mostly talk to those before.
fn kinds(rng: &mut Rng) -> Vec<Kind> {
    let mut kinds = vec![Kind::ALL[rng.usize(..Kind::ALL.len())]];
    for _ in 0..rng.usize(..4) {
        let partner = *rng.choice(&kinds).unwrap();
        let partners = if rng.u8(..16) == 0 { &Kind::ALL[..] } else { partner.partners() };
        kinds.push(partners[rng.usize(..partners.len())]);
    }
    kinds
}

impl Draw {
    pub fn one<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())].clone()
    }

    /// One in so many times.
    pub fn rarely(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    pub fn micros(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.rng.u64(..most))
    }

    fn direction(&mut self) -> Direction {
        self.one(&DIRECTIONS)
    }

    fn socket(&mut self, id: usize) -> SocketPlan {
        let kind = self.kinds[id];
        let count = if self.rarely(4) { 0 } else { self.rng.usize(..9) };
        let drawn = (0..count).map(|_| self.option(kind));
        let mut options: Vec<Choice> = drawn.filter(|choice| choice.is_of(kind)).collect();
        if let Some(secured) = self.mechanism {
            options.push(secured(self.role(id)));
        }
        let end = self.one(&[Ending::Close, Ending::Close, Ending::Drop, Ending::DrainAndClose]);
        SocketPlan { id, kind, options, permits: self.rarely(3), end }
    }

    /// Those that bind mostly are servers, and the others their clients; rarely it fits nobody.
    fn role(&mut self, id: usize) -> Role {
        match (self.rng.u8(..12), id % 2) {
            (0, _) => self.one(&[Role::Client, Role::Server]),
            (1, _) => Role::Stranger,
            (2..=4, 0) => Role::ServerForAll,
            (_, 0) => Role::Server,
            _ => Role::Client,
        }
    }

    /// What a scripted peer says that it speaks: mostly what the sockets do.
    pub fn mechanism(&mut self) -> &'static str {
        let theirs = self.mechanism.map_or("NULL", |secured| match secured(Role::Client) {
            Choice::Plain(_) => "PLAIN",
            _ => "CURVE",
        });
        if self.rarely(12) { self.one(&["NULL", "PLAIN", "CURVE", "NOISE"]) } else { theirs }
    }

    fn judge(&mut self) -> Judge {
        let delay = self.micros(300_000);
        self.one(&[
            Judge::Accepts,
            Judge::AcceptsAfter(delay),
            Judge::AcceptsAfter(delay),
            Judge::Denies,
            Judge::SaysLater,
            Judge::Wavers,
            Judge::Hangs,
        ])
    }

    fn option(&mut self, kind: Kind) -> Choice {
        let limit = self.micros(100_000) + Duration::from_micros(1);
        match self.rng.u8(..38) {
            0 | 1 => Choice::SendHwm(self.rng.usize(1..6)),
            2 | 3 => Choice::RecvHwm(self.rng.usize(1..6)),
            4 => Choice::SendHwmBytes(self.rng.usize(1..3_000)),
            5 => Choice::RecvHwmBytes(self.rng.usize(1..3_000)),
            6 => Choice::LeftoverBytes(self.one(&[0, 100, 3_000, 40_000])),
            7 => Choice::MaxMessageSize(self.one(&[1, 100, 1_000, 20_000])),
            8 => Choice::MaxFrames(self.one(&[1, 2, 4, 50])),
            9 => Choice::MaxConnections(self.rng.usize(1..4)),
            10 => Choice::MaxHandshakes(self.rng.usize(1..3)),
            11 => Choice::MaxResends(self.one(&[None, Some(0), Some(1), Some(5)])),
            12 => Choice::MaxAttempts(self.rng.u32(1..5)),
            13 | 14 => {
                Choice::Flush(self.one(&[FlushPolicy::Eager, FlushPolicy::Manual, FlushPolicy::Manual]))
            }
            15 | 16 => Choice::Full(self.one(&ON_FULL)),
            17 => Choice::Cancel(OnCancel::Poison),
            18 => Choice::Disconnected(self.while_disconnected()),
            19 => Choice::HandshakeTimeout(limit),
            20 => Choice::FrameTimeout(Some(limit).filter(|_| self.rarely(2))),
            21 => self.one(&[
                Choice::RecvTimeout(limit),
                Choice::SendTimeout(limit),
                Choice::ConnectTimeout(limit),
            ]),
            22 => self.heartbeats(),
            23 | 24 => Choice::Linger(self.one(&[0, 1, 20_000, 2_000_000].map(Duration::from_micros))),
            25 => self.one(&[
                Choice::NoReconnect,
                Choice::Stop(ReconnectStop::new().on_connection_refused()),
                Choice::Stop(ReconnectStop::new().on_handshake_failure()),
                Choice::UnlimitedLinger,
            ]),
            26 => self.one(&[Choice::MonitorEvents(1), Choice::MonitorDrops(0)]),
            27 => self.greetings(),
            28 => Choice::Identity(self.rng.u8(..4)),
            29 => Choice::Judge(self.judge()),
            30 => Choice::MaxConnectionsPerAddress(self.rng.usize(1..4)),
            31 => self.one(&[Choice::IncompleteBytes(1), Choice::IncompleteBytes(3_000)]),
            32 => self.one(&[Choice::BackoffFn, Choice::RetryBudget(1), Choice::RetryBudget(5)]),
            33 => self.looking(),
            _ => self.option_of(kind),
        }
    }

    /// Choices about how a socket waits.
    fn looking(&mut self) -> Choice {
        let spin = self.micros(1_500);
        if self.rarely(4) { Choice::RecvSpin(spin) } else { Choice::WaitTimes }
    }

    fn rpc(&mut self) -> Choice {
        let limit = self.micros(200_000);
        let most = self.rng.usize(1..6);
        Choice::Rpc(self.one(&[
            Rpc::Timeout(None),
            Rpc::Timeout(Some(limit)),
            Rpc::MaxOutstanding(most),
            Rpc::Resend,
        ]))
    }

    fn while_disconnected(&mut self) -> WhileDisconnected {
        let age = self.micros(50_000) + Duration::from_micros(1);
        let up_to = WhileDisconnected::QueueUpTo {
            messages: self.rng.usize(1..5),
            bytes: self.rng.usize(1..2_000),
            max_age: Some(age).filter(|_| self.rarely(2)),
        };
        self.one(&[WhileDisconnected::Wait, WhileDisconnected::Fail, up_to])
    }

    fn heartbeats(&mut self) -> Choice {
        let some = |draw: &mut Self| draw.micros(60_000) + Duration::from_millis(1);
        let (interval, timeout, ttl) = (some(self), some(self), some(self));
        Choice::Heartbeats { interval, timeout, ttl: Some(ttl).filter(|_| self.rarely(2)) }
    }

    fn greetings(&mut self) -> Choice {
        let len = self.one(&[0, 1, 50, 3_000]);
        self.one(&[Choice::Hello(len), Choice::Farewell(len), Choice::Hiccup(len)])
    }

    fn option_of(&mut self, kind: Kind) -> Choice {
        match kind {
            Kind::Router => {
                let handover = Choice::Handover(self.one(&[RouterHandover::Never, RouterHandover::Always]));
                let notify = [RouterNotify::Connect, RouterNotify::Disconnect, RouterNotify::Both];
                let notify = Choice::RouterNotify(self.one(&notify));
                self.one(&[Choice::RouterMandatory, handover, notify, Choice::ProbeRouter])
            }
            Kind::Req => self.one(&[Choice::ReqCorrelate, Choice::ReqRelaxed, Choice::ReqResend]),
            Kind::Pub | Kind::XPub => self.publishing(),
            Kind::Sub | Kind::XSub => self.subscribing(),
            Kind::Dealer => self.one(&[Choice::ProbeRouter, Choice::Conflate]),
            Kind::Push | Kind::Pull | Kind::Rep | Kind::Pair => Choice::Conflate,
            Kind::Client | Kind::Server => self.rpc(),
        }
    }

    fn publishing(&mut self) -> Choice {
        let welcome = Choice::Welcome(self.one(&[0, 1, 50, 3_000]));
        self.one(&[
            Choice::MaxSubscriptions(2),
            Choice::MaxSubscriptionBytes(20),
            Choice::XPubVerbose,
            Choice::XPubVerboser,
            Choice::XPubManual,
            Choice::XPubManualLastValue,
            Choice::InvertMatching,
            Choice::OnlyFirstSubscribe,
            Choice::Conflate,
            Choice::Filter,
            welcome,
        ])
    }

    fn subscribing(&mut self) -> Choice {
        self.one(&[
            Choice::MaxSubscriptions(2),
            Choice::InvertMatching,
            Choice::OnlyFirstSubscribe,
            Choice::XSubVerboseUnsubscribe,
            Choice::Conflate,
        ])
    }

    /// Sockets bind, or connect to one that is mostly bound, and subscribe.
    fn opening(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for id in 0..self.kinds.len() {
            if id % 2 == 0 || self.rarely(4) {
                let place = self.place(id as u8);
                self.bound.push((place, self.kinds[id]));
                steps.push(waited(id, Call::Bind(place)));
            }
            if id % 2 == 1 || self.rarely(3) {
                steps.push(waited(id, Call::Connect(self.target())));
            }
            if matches!(self.kinds[id], Kind::Sub | Kind::XSub) {
                steps.push(waited(id, Call::Subscribe(Topic(self.rng.u8(..3)))));
            }
        }
        steps
    }

    fn place(&mut self, n: u8) -> Place {
        match self.rng.u8(..6) {
            0 => Place::Inproc(n),
            1 => Place::Ipc(n),
            _ => Place::Tcp(n),
        }
    }

    fn target(&mut self) -> Place {
        if self.bound.is_empty() || self.rarely(8) {
            HOSTILE
        } else {
            let at = self.rng.usize(..self.bound.len());
            self.bound[at].0
        }
    }

    fn listeners(&mut self) -> Vec<ListenerPlan> {
        if self.rarely(3) {
            let kind = self.one(&self.kinds.clone());
            let scripts = (0..self.rng.usize(1..5)).map(|_| scripts::script(self, kind)).collect();
            return vec![ListenerPlan { place: HOSTILE, scripts }];
        }
        Vec::new()
    }

    fn step(&mut self) -> Step {
        let socket = self.rng.usize(..self.kinds.len());
        match self.rng.u8(..24) {
            0 => Step::DropHandle(socket),
            1 => Step::CloneHandle(socket),
            2 | 3 if !self.bound.is_empty() => {
                let at = self.rng.usize(..self.bound.len());
                let (place, kind) = self.bound[at];
                Step::Dial(place, scripts::script(self, kind))
            }
            4 | 5 => Step::Network(self.trouble()),
            6 | 7 => Step::Sleep(self.micros(100_000)),
            8 if self.rarely(4) => Step::Skip(self.micros(1_000_000)),
            _ => self.call(socket),
        }
    }

    fn call(&mut self, socket: usize) -> Step {
        let kind = self.kinds[socket];
        let call = match self.rng.u8(..16) {
            0..=11 if kind == Kind::Client => self.asking(),
            0..=11 if kind == Kind::Server => self.answering(),
            0..=4 if kind.sends() => self.sending(kind),
            5..=9 if kind.receives() => self.receiving(kind),
            10 | 11 => self.typical(kind),
            12 => Call::Flush,
            13 if self.rarely(3) => self.connecting(),
            14 if self.rarely(12) => self.one(&[Call::Close, Call::Drain]),
            15 => self.waiting(),
            _ if kind == Kind::Client => self.asking(),
            _ if kind == Kind::Server => self.answering(),
            _ if kind.sends() => self.sending(kind),
            _ => self.receiving(kind),
        };
        let patience = if self.rarely(3) { Some(self.micros(20_000)) } else { None };
        Step::Call { socket, call, patience, wait: self.rarely(2) }
    }

    fn asking(&mut self) -> Call {
        let (letter, time) = (self.letter(), self.micros(100_000));
        let later = Call::TryRequest { letter: letter.clone(), hold: time / 4, take: !self.rarely(3) };
        let within = Call::RequestWithin(letter.clone(), time);
        self.one(&[Call::Request(letter.clone()), Call::Request(letter), within, later])
    }

    fn answering(&mut self) -> Call {
        let (times, count, hold) = (self.rng.u8(1..12), self.one(&[1, 1, 1, 2, 3]), self.micros(30_000));
        let answer = Call::Answer { times, count, hold, stream: self.rarely(2), drop: self.rarely(3) };
        if self.rarely(20) { Call::DrainWithin(hold) } else { answer }
    }

    fn sending(&mut self, kind: Kind) -> Call {
        use How::*;
        let how = self.one(&[Send, Send, Feed, Try, Buffered, Sink, Reconnect]);
        let letter = self.letter();
        match self.rng.u8(..8) {
            0 if kind == Kind::Req => Call::Request(letter),
            0 if kind == Kind::Router => Call::SendTo(self.rng.u8(..4), letter),
            0 => Call::Reserve {
                bytes: self.one(&[0, 30, 500, self.largest]),
                frames: self.rng.usize(..5),
                hold: self.micros(30_000),
                letter: Some(letter).filter(|_| !self.rarely(3)),
            },
            1 => Call::SendTogether(letter, self.rng.u8(1..150)),
            2..=3 => Call::SendMany(how, letter, self.rng.u8(2..40)),
            _ => Call::Send(how, letter),
        }
    }

    fn letter(&mut self) -> Letter {
        let frames = if self.rarely(3) { self.rng.usize(1..5) } else { 1 };
        let sizes = (0..frames).map(|_| self.size()).collect();
        let to = if self.rarely(4) { To::Name(self.rng.u8(..4)) } else { To::Last };
        Letter { to, topic: Topic(self.rng.u8(..6)), sizes }
    }

    pub fn size(&mut self) -> usize {
        match self.rng.u8(..8) {
            0 => 0,
            1 => self.rng.usize(..self.largest.min(2_000)),
            2 if self.rarely(3) => self.rng.usize(..=self.largest),
            _ => self.rng.usize(..40),
        }
    }

    fn receiving(&mut self, kind: Kind) -> Call {
        use Take::*;
        let many = Many(self.rng.usize(1..9));
        let take = self.one(&[Recv, Recv, Try, many, WithPeer, WithPeer, Stream, Reconnect]);
        match self.rng.u8(..4) {
            0 if matches!(kind, Kind::Rep | Kind::Router | Kind::Pair) => Call::Serve(self.rng.u8(1..30)),
            0 => Call::Receive(take),
            _ => Call::ReceiveMany(take, self.rng.u8(1..60)),
        }
    }

    /// What only sockets of this kind do, or do most.
    fn typical(&mut self, kind: Kind) -> Call {
        let topic = Topic(self.rng.u8(..6));
        match kind {
            Kind::Sub | Kind::XSub | Kind::XPub => {
                self.one(&[Call::Subscribe(topic), Call::Unsubscribe(topic)])
            }
            Kind::Pub => Call::WaitForSubscribers(topic, self.rng.usize(..3)),
            Kind::Router => Call::DisconnectIdentity(self.rng.u8(..4)),
            _ => Call::DisconnectPeer(self.rng.usize(..4)),
        }
    }

    fn connecting(&mut self) -> Call {
        let place = self.target();
        let fresh = self.place(5);
        let identity = self.rng.u8(..4);
        self.one(&[
            Call::Bind(fresh),
            Call::Unbind(place),
            Call::Connect(place),
            Call::ConnectAs(place, identity),
            Call::Disconnect(place),
        ])
    }

    fn waiting(&mut self) -> Call {
        let topic = Topic(self.rng.u8(..6));
        let count = self.rng.usize(..3);
        self.one(&[Call::WaitForPeers(count), Call::TryReconnect, Call::WaitForSubscribers(topic, count)])
    }

    fn trouble(&mut self) -> Trouble {
        let place = self.target();
        match self.rng.u8(..16) {
            0 => Trouble::Refuse(place),
            1 => Trouble::BlackHole(place),
            2 | 3 => Trouble::Allow(place),
            4 => Trouble::Hold,
            5 => Trouble::Release,
            _ => Trouble::Link(self.rng.usize(..6), self.link_trouble()),
        }
    }

    fn link_trouble(&mut self) -> LinkTrouble {
        let (direction, bytes) = (self.direction(), self.rng.u64(..2_000));
        let cut = self.one(&[Cut::Fin, Cut::Reset, Cut::Silence]);
        self.one(&[
            LinkTrouble::Cut(cut),
            LinkTrouble::CutAfter(direction, bytes, cut),
            LinkTrouble::Stall(direction),
            LinkTrouble::Stall(direction),
            LinkTrouble::Resume(direction),
            LinkTrouble::Resume(direction),
            LinkTrouble::Capacity(direction, bytes as usize),
        ])
    }
}

fn waited(socket: usize, call: Call) -> Step {
    Step::Call { socket, call, patience: None, wait: true }
}
