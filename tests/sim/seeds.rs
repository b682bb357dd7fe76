//! Random schedules: short reads and writes, spurious wakes, latency, stalls, cuts and dropped futures.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use fastrand::Rng;

use super::support::*;

const MESSAGES: u32 = 40;
const SEEDS: u64 = 60;
/// As often a run cuts connections; a large message has to get through in the end.
const CUTS_PER_RUN: u32 = 10;

/// What goes wrong in a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trouble {
    Stalls,
    Cuts,
}

/// One run: what is drawn from its seed.
#[derive(Clone)]
struct Run {
    seed: u64,
    on_cancel: OnCancel,
    trouble: Trouble,
    /// The largest frame.
    largest: usize,
    links: Plan,
}

impl Run {
    fn new(seed: u64, on_cancel: OnCancel, trouble: Trouble) -> Self {
        let mut rng = Rng::with_seed(seed);
        let chunk = [20, 1_000, 50_000, 500_000][rng.usize(..4)];
        let links = Plan::new()
            .with_give_up(ms(200))
            .with_latency(ms(0)..=std::time::Duration::from_micros(rng.u64(1..5_000)))
            .with_read_chunk(1..=chunk)
            .with_write_chunk(1..=chunk)
            .with_capacity(Direction::ToServer, rng.usize(100..100_000))
            .with_capacity(Direction::ToClient, rng.usize(100..100_000));
        // A hundred kilobytes in steps of ten would take all day.
        let largest = if chunk == 20 { 1_000 } else { 100_000 };
        Self { seed, on_cancel, trouble, largest, links }
    }

    fn sim(&self) -> Sim {
        let config = SimConfig::new()
            .with_links(self.links.clone())
            .with_spurious_pending(self.seed % 2 == 0)
            .with_spurious_wakes(self.seed % 3 == 0);
        Sim::with_config(self.seed, config)
    }

    fn options(&self) -> SocketOptions {
        let options = if self.trouble == Trouble::Cuts { quick() } else { without_heartbeats() };
        let options = options.with_backoff(Backoff::new().with_initial(ms(5)).with_max(ms(20)));
        options.with_send_hwm(4).with_recv_hwm(4).with_on_cancel(self.on_cancel)
    }

    /// Cut again and again in the middle of one message: that looks as if the peer refused it.
    fn undaunted(&self) -> SocketOptions {
        self.options().with_max_resends(None)
    }

    /// Message `n`: the number, then up to three frames of any size.
    fn message(&self, n: u32) -> Message {
        let mut rng = Rng::with_seed(self.seed ^ u64::from(n) << 32);
        let mut message = Message::from(n.to_be_bytes());
        for _ in 0..rng.usize(..=3) {
            let most = (1 << rng.usize(0..18)).min(self.largest);
            message.push_back(vec![n as u8; rng.usize(0..=most)]);
        }
        message
    }

    /// Stalls and cuts links until told to stop.
    fn make_trouble(&self, sim: &Sim) -> Rc<Cell<bool>> {
        let (over, network) = (Rc::new(Cell::new(false)), sim.network());
        let (stop, mut rng) = (Rc::clone(&over), Rng::with_seed(!self.seed));
        let mut cuts = if self.trouble == Trouble::Cuts { CUTS_PER_RUN } else { 0 };
        sim::spawn(async move {
            while !stop.get() {
                sim::sleep(ms(rng.u64(0..30))).await;
                let links = network.links();
                let Some(link) = links.get(rng.usize(..links.len().max(1))) else { continue };
                let direction = DIRECTIONS[rng.usize(..2)];
                if cuts > 0 && rng.bool() {
                    cuts -= 1;
                    network.cut(link.id, CUTS[rng.usize(..3)]);
                } else {
                    network.stall(link.id, direction);
                    sim::sleep(ms(rng.u64(0..40))).await;
                    network.resume(link.id, direction);
                }
            }
        });
        over
    }

    /// Sends all messages, dropping futures again and again; a dropped `send` has sent nothing.
    async fn send_all<T: monocoque::socket::SendsToAny>(
        &self,
        socket: &monocoque::socket::Socket<T, SimStream>,
    ) {
        let mut rng = Rng::with_seed(self.seed.wrapping_mul(3));
        let mut next = 0;
        while next < MESSAGES {
            let patience = std::time::Duration::from_micros(rng.u64(0..3_000));
            let result = match rng.u8(..8) {
                0 => {
                    let flushed = sim::timeout(patience, socket.flush()).await;
                    assert!(matches!(flushed, Err(_) | Ok(Ok(()) | Err(Error::Poisoned))), "{flushed:?}");
                    continue;
                }
                1 => socket.try_send(self.message(next)).map(Some),
                2 => {
                    let message = self.message(next);
                    let reserve = socket.reserve_frames(message.size(), message.len());
                    match sim::timeout(patience, reserve).await {
                        Ok(Ok(permit)) => permit.send(message).map(Some),
                        Ok(Err(Error::Poisoned)) | Err(_) => continue,
                        Ok(Err(other)) => panic!("{other}"),
                    }
                }
                3 => match sim::timeout(patience, socket.feed(self.message(next))).await {
                    Ok(result) => result.map(Some),
                    Err(_) => Ok(None),
                },
                _ => match sim::timeout(patience, socket.send(self.message(next))).await {
                    Ok(result) => result.map(Some),
                    Err(_) => Ok(None),
                },
            };
            match result {
                Ok(Some(())) => next += 1,
                Ok(None) => {}
                Err(refused) => {
                    assert!(matches!(refused.error(), Error::Poisoned | Error::WouldBlock), "{refused}");
                    assert!(
                        self.on_cancel == OnCancel::Poison || !matches!(refused.error(), Error::Poisoned)
                    );
                    assert!(refused.into_message() == self.message(next), "comes back whole");
                    sim::sleep(patience).await;
                }
            }
        }
    }
}

/// Receives with all calls there are, dropping futures again and again, until there was nothing for long.
async fn receive_all<T: monocoque::socket::Receives>(
    socket: &monocoque::socket::Socket<T, SimStream>,
    rng: &mut Rng,
    over: &Cell<bool>,
    mut got: impl FnMut(Message),
) {
    let mut quiet = 0;
    while !over.get() || quiet < 200 {
        let patience = std::time::Duration::from_micros(rng.u64(0..10_000));
        let mut many = Vec::new();
        match rng.u8(..6) {
            0 => sim::sleep(patience).await,
            1 => many.extend(socket.try_recv().ok()),
            2 => drop(sim::timeout(patience, socket.recv_many(&mut many, 3)).await),
            _ => many.extend(sim::timeout(patience, socket.recv()).await.map(Result::unwrap)),
        }
        quiet = if many.is_empty() { quiet + 1 } else { 0 };
        many.into_iter().for_each(&mut got);
    }
}

/// Everything is flushed, whatever was poisoned on the way.
async fn flush(socket: &Push) {
    while let Err(error) = socket.flush().await {
        assert!(matches!(error, Error::Poisoned), "{error}");
    }
}

fn push_pull(run: &Run) {
    let sim = run.sim();
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, run.options()).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, run.undaunted()).await.unwrap();
        let trouble = run.make_trouble(&sim);
        let done = Rc::new(Cell::new(false));
        let (finished, sending, sender) = (Rc::clone(&done), run.clone(), push.clone());
        let sent = sim::spawn(async move {
            sending.send_all(&sender).await;
            trouble.set(true);
            flush(&sender).await;
            sim::sleep(secs(1)).await;
            finished.set(true);
        });
        let mut received = BTreeSet::new();
        let mut last = None;
        receive_all(&pull, &mut Rng::with_seed(run.seed), &done, |message| {
            let n = number(&message);
            assert!(message == run.message(n), "message {n} is whole");
            assert!(received.insert(n), "message {n} comes once");
            // What a lost connection left may come after the first of the next.
            let one_connection = run.trouble == Trouble::Stalls && run.on_cancel == OnCancel::Resume;
            let before = last.replace(n);
            assert!(!one_connection || before < Some(n), "{n} after {before:?}");
        })
        .await;
        sent.await.unwrap();
        let (sender, receiver) = (push.stats(), pull.stats());
        assert_balanced(&sender);
        assert_balanced(&receiver);
        assert_eq!((sender.accepted, sender.queued), (u64::from(MESSAGES), 0));
        assert_eq!(sender.dropped_total(), sender.dropped(DropCause::Cancelled));
        assert_eq!(receiver.delivered, received.len() as u64);
        assert!(receiver.delivered >= sender.sent - sender.in_doubt, "{sender:?}\n{receiver:?}");
        if run.on_cancel == OnCancel::Resume {
            assert_eq!(sender.dropped_total(), 0);
        }
        if run.trouble == Trouble::Stalls && run.on_cancel == OnCancel::Resume {
            assert_eq!(received.len(), MESSAGES as usize);
            assert_eq!((sender.connects, sender.in_doubt), (1, 0));
        }
    });
}

/// Requests and replies; each connection has an identity of its own, so that order shows.
fn dealer_router(run: &Run) {
    let sim = run.sim();
    sim.block_on(async {
        let mandatory = run.options().with_router_mandatory(true);
        let router = Router::bind_with_options(SERVER, mandatory).await.unwrap();
        let dealer = Dealer::connect_with_reconnect_and_options(SERVER, run.undaunted()).await.unwrap();
        let trouble = run.make_trouble(&sim);
        let done = Rc::new(Cell::new(false));
        let (echo, echoing) = (router.clone(), run.clone());
        sim::spawn(async move {
            let mut rng = Rng::with_seed(echoing.seed);
            let mut order: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            let mut requests = BTreeSet::new();
            while let Ok((identity, message)) = echo.recv_from().await {
                let n = number(&message);
                assert!(message == echoing.message(n), "request {n} is whole");
                assert!(requests.insert(n), "request {n} comes once");
                let before = order.insert(identity.to_vec(), n);
                assert!(before < Some(n), "{n} after {before:?} on one connection");
                // Poisoned is said once; a reply to a lost connection goes nowhere.
                loop {
                    let patience = std::time::Duration::from_micros(rng.u64(0..3_000));
                    match sim::timeout(patience, echo.send_to(identity.clone(), message.clone())).await {
                        Ok(Err(refused)) if matches!(refused.error(), Error::Poisoned) => {}
                        Ok(Err(refused)) => {
                            assert!(matches!(refused.error(), Error::Unroutable), "{refused}");
                            break;
                        }
                        Ok(Ok(())) => break,
                        Err(_) => {}
                    }
                }
            }
        });
        let (finished, sending, sender) = (Rc::clone(&done), run.clone(), dealer.clone());
        let sent = sim::spawn(async move {
            sending.send_all(&sender).await;
            trouble.set(true);
            while let Err(error) = sender.flush().await {
                assert!(matches!(error, Error::Poisoned), "{error}");
            }
            sim::sleep(secs(1)).await;
            finished.set(true);
        });
        let mut replies = BTreeSet::new();
        receive_all(&dealer, &mut Rng::with_seed(run.seed), &done, |message| {
            let n = number(&message);
            assert!(message == run.message(n), "reply {n} is whole");
            assert!(replies.insert(n), "reply {n} comes once");
        })
        .await;
        sent.await.unwrap();
        let (client, server) = (dealer.stats(), router.stats());
        assert_balanced(&client);
        assert_balanced(&server);
        assert_eq!((client.accepted, client.queued), (u64::from(MESSAGES), 0));
        assert!(server.delivered >= client.sent - client.in_doubt, "{client:?}\n{server:?}");
        assert!(client.delivered >= server.sent - server.in_doubt, "{client:?}\n{server:?}");
        if run.trouble == Trouble::Stalls && run.on_cancel == OnCancel::Resume {
            assert_eq!(replies.len(), MESSAGES as usize);
        }
    });
}

fn many(scenario: fn(&Run), on_cancel: OnCancel, trouble: Trouble) {
    for seed in 0..SEEDS {
        scenario(&Run::new(seed, on_cancel, trouble));
    }
}

#[test]
fn push_pull_through_stalls() {
    many(push_pull, OnCancel::Resume, Trouble::Stalls);
}

#[test]
fn push_pull_through_stalls_and_poison() {
    many(push_pull, OnCancel::Poison, Trouble::Stalls);
}

#[test]
fn push_pull_through_cuts() {
    many(push_pull, OnCancel::Resume, Trouble::Cuts);
}

#[test]
fn push_pull_through_cuts_and_poison() {
    many(push_pull, OnCancel::Poison, Trouble::Cuts);
}

#[test]
fn dealer_router_through_stalls() {
    many(dealer_router, OnCancel::Resume, Trouble::Stalls);
}

#[test]
fn dealer_router_through_stalls_and_poison() {
    many(dealer_router, OnCancel::Poison, Trouble::Stalls);
}

#[test]
fn dealer_router_through_cuts() {
    many(dealer_router, OnCancel::Resume, Trouble::Cuts);
}

#[test]
fn dealer_router_through_cuts_and_poison() {
    many(dealer_router, OnCancel::Poison, Trouble::Cuts);
}

/// The same seed does the same, sockets included.
#[test]
fn a_run_can_be_repeated() {
    let fingerprint = || {
        let run = Run::new(7, OnCancel::Resume, Trouble::Cuts);
        let sim = run.sim();
        sim.block_on(async {
            let pull = Pull::bind_with_options(SERVER, run.options()).await.unwrap();
            let push = Push::connect_with_reconnect_and_options(SERVER, run.undaunted()).await.unwrap();
            let trouble = run.make_trouble(&sim);
            let receiver = sim::spawn(async move { while pull.recv().await.is_ok() {} });
            run.send_all(&push).await;
            trouble.set(true);
            drop(receiver);
        });
        sim.fingerprint()
    };
    assert_eq!(fingerprint(), fingerprint());
}
