//! The transfer itself, the same on every runtime.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::rt::{self, *};
use crate::proxy::Proxy;
use crate::report::Report;

/// What may be queued in the sending socket, in bytes.
const BUDGET: usize = 4 * 1024;
/// Lines under way without an acknowledgement.
const WINDOW: usize = 128;
/// Without any acknowledgement for so long, what is under way is sent again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends all lines through the proxy, and reports.
pub fn run(lines: &[Vec<u8>], seed: u64) -> Report {
    rt::run(transfer(lines, seed))
}

async fn transfer(lines: &[Vec<u8>], seed: u64) -> Report {
    let started = Instant::now();
    let router = RouterSocket::bind("tcp://127.0.0.1:0").await.expect("a free port");
    let target = router.local_endpoint().and_then(|endpoint| endpoint.port()).expect("a port");
    let bytes: usize = lines.iter().map(Vec::len).sum();
    // Some thirty faults, however much there is to send; but the longest line has to get through whole
    // between two of them, and its acknowledgement back.
    let longest = lines.iter().map(Vec::len).max().unwrap_or_default() as u64;
    let every = (bytes as u64 / 30).clamp(2_000, 8_000_000).max(8 * longest);
    let proxy = Proxy::start(([127, 0, 0, 1], target).into(), every, seed).expect("a free port");

    let done = Cell::new(false);
    let mut receiver = Receiving::new(lines.len(), seed);
    let mut sender = Sending::new(lines, seed);
    let sending = async {
        sender.run(Endpoint::from(proxy.address())).await;
        done.set(true);
    };
    futures_util::future::join(sending, receiver.run(&router, &done)).await;

    let received: Vec<&[u8]> = receiver.lines.iter().flatten().map(|line| &line[..]).collect();
    Report {
        lines: lines.len(),
        bytes,
        delivered: received.len(),
        longest: longest as usize,
        faults: proxy.faults(),
        fault_every: every,
        reconnects: sender.reconnects,
        causes: sender.causes,
        cancelled: sender.cancelled + receiver.cancelled,
        resent: sender.resent,
        duplicates: receiver.duplicates,
        peak_queued: sender.peak_queued,
        budget: BUDGET,
        elapsed: started.elapsed(),
        sent_checksum: checksum(lines.iter().map(Vec::as_slice)),
        received_checksum: checksum(received.into_iter()),
    }
}

fn checksum<'a>(lines: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    lines.for_each(|line| hasher.update(line));
    hasher.finalize()
}

/// A limit that cancels some operations and lets most of them be.
fn random_limit(random: &mut fastrand::Rng) -> Duration {
    match random.u8(..4) {
        0 => Duration::from_micros(random.u64(..200)),
        _ => Duration::from_millis(20),
    }
}

/// The DEALER's side.
struct Sending<'a> {
    lines: &'a [Vec<u8>],
    random: fastrand::Rng,
    /// The first line that was never sent.
    next: usize,
    unacknowledged: BTreeSet<usize>,
    in_doubt: BTreeSet<usize>,
    last_progress: Instant,
    connected: bool,
    reconnects: u64,
    causes: BTreeMap<String, u64>,
    cancelled: u64,
    resent: u64,
    peak_queued: usize,
    progress: ProgressBar,
}

impl<'a> Sending<'a> {
    fn new(lines: &'a [Vec<u8>], seed: u64) -> Self {
        let progress = ProgressBar::new(lines.len() as u64);
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} lines, {elapsed}, {msg}");
        progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            lines,
            random: fastrand::Rng::with_seed(seed),
            next: 0,
            unacknowledged: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            last_progress: Instant::now(),
            connected: false,
            reconnects: 0,
            causes: BTreeMap::new(),
            cancelled: 0,
            resent: 0,
            peak_queued: 0,
            progress,
        }
    }

    async fn run(&mut self, proxy: Endpoint) {
        let backoff =
            Backoff::new().with_initial(Duration::from_millis(5)).with_max(Duration::from_millis(50));
        let options = SocketOptions::default()
            .with_backoff(backoff)
            .with_heartbeat_interval(Duration::from_millis(200))
            .with_heartbeat_timeout(Duration::from_millis(200))
            .with_linger(Duration::ZERO)
            // Every line arrives, however often its connection is cut in the middle of it.
            .with_max_resends(None);
        let connecting = DealerSocket::connect_with_reconnect_and_options(proxy, options);
        let budget = SemaphorePermits::new(BUDGET);
        let dealer = connecting.await.expect("a well-formed endpoint").with_permits(budget);
        let mut monitor = dealer.monitor();
        while self.next < self.lines.len() || !self.unacknowledged.is_empty() {
            while let Some(event) = monitor.try_next() {
                self.observe(&event);
            }
            self.resend_if_stuck();
            if self.in_doubt.is_empty()
                && (self.unacknowledged.len() >= WINDOW || self.next == self.lines.len())
            {
                self.await_acknowledgement(&dealer).await;
            } else {
                self.send_one(&dealer).await;
            }
            while let Ok(message) = dealer.try_recv() {
                self.acknowledged(&message);
            }
        }
        dealer.close().await;
        self.progress.finish();
    }

    /// After a reconnection, what was sent and not acknowledged is in doubt. The first connection may come when
    /// lines wait for it already: none of them was sent.
    fn observe(&mut self, event: &SocketEvent) {
        match event {
            SocketEvent::Disconnected { reason, .. } => {
                *self.causes.entry(reason.to_string()).or_default() += 1
            }
            SocketEvent::HandshakeSucceeded { .. } if std::mem::replace(&mut self.connected, true) => {
                self.reconnects += 1;
                self.in_doubt = self.unacknowledged.clone();
                self.progress.set_message(format!("{} reconnects", self.reconnects));
            }
            _ => {}
        }
    }

    fn resend_if_stuck(&mut self) {
        if self.last_progress.elapsed() > PATIENCE {
            self.last_progress = Instant::now();
            self.in_doubt = self.unacknowledged.clone();
        }
    }

    async fn send_one(&mut self, dealer: &DealerSocket<SemaphorePermits>) {
        let number = self.in_doubt.first().copied().unwrap_or(self.next);
        let Some(line) = self.lines.get(number) else { return };
        let message: Message = [Frame::from((number as u64).to_be_bytes()), Frame::from(&line[..])].into();
        let limit = random_limit(&mut self.random);
        match rt::timeout(limit, dealer.send(message)).await {
            // Dropped before it was ready: the line was not sent, and its turn comes again.
            None => self.cancelled += 1,
            Some(Err(refused)) => panic!("a reconnecting socket accepts messages: {refused}"),
            Some(Ok(())) => {
                if self.in_doubt.remove(&number) {
                    self.resent += 1;
                } else {
                    self.next += 1;
                }
                self.unacknowledged.insert(number);
                self.peak_queued = self.peak_queued.max(dealer.buffered_bytes());
            }
        }
    }

    async fn await_acknowledgement(&mut self, dealer: &DealerSocket<SemaphorePermits>) {
        let limit = random_limit(&mut self.random);
        match rt::timeout(limit, dealer.recv()).await {
            None => self.cancelled += 1,
            Some(received) => self.acknowledged(&received.expect("a reconnecting socket receives")),
        }
    }

    fn acknowledged(&mut self, message: &Message) {
        if let Some(number) = number_in(&message[0]) {
            self.in_doubt.remove(&number);
            if self.unacknowledged.remove(&number) {
                self.last_progress = Instant::now();
                self.progress.inc(1);
            }
        }
    }
}

fn number_in(frame: &Frame) -> Option<usize> {
    let bytes: [u8; 8] = frame[..].try_into().ok()?;
    usize::try_from(u64::from_be_bytes(bytes)).ok()
}

/// The ROUTER's side.
struct Receiving {
    random: fastrand::Rng,
    lines: Vec<Option<Frame>>,
    duplicates: u64,
    cancelled: u64,
}

impl Receiving {
    fn new(lines: usize, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed ^ 0xACED);
        Self { random, lines: vec![None; lines], duplicates: 0, cancelled: 0 }
    }

    /// Receives and acknowledges until the sender has all acknowledgements.
    async fn run(&mut self, router: &RouterSocket, done: &Cell<bool>) {
        while !done.get() {
            let limit = random_limit(&mut self.random);
            match rt::timeout(limit, router.recv_from()).await {
                None => self.cancelled += 1,
                Some(Ok((identity, message))) => self.take(router, identity, message).await,
                Some(Err(error)) => panic!("a bound socket receives: {error}"),
            }
        }
    }

    async fn take(&mut self, router: &RouterSocket, identity: Frame, mut message: Message) {
        let (Some(number), Some(line)) = (message.pop_front(), message.pop_front()) else { return };
        let Some(slot) = number_in(&number).and_then(|index| self.lines.get_mut(index)) else { return };
        match slot {
            Some(_) => self.duplicates += 1,
            None => *slot = Some(line),
        }
        // A cancelled acknowledgement was not sent: again, unless the peer is gone. Then the line is in
        // doubt over there, and will come again.
        loop {
            let limit = random_limit(&mut self.random);
            match rt::timeout(limit, router.send_to(identity.clone(), number.clone())).await {
                None => self.cancelled += 1,
                Some(_) => return,
            }
        }
    }
}
