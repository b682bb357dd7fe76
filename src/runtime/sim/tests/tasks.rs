//! Spawning, joining, and what cannot go on.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::Wake;

use super::*;
use crate::options::TransportOptions;
use crate::runtime::{Connector, Runtime, Spawn};

#[test]
fn tasks_are_joined_and_aborted() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let answer = spawn(async {
            sleep(MS).await;
            42
        });
        let alive = Rc::new(());
        let held = Rc::clone(&alive);
        let endless = spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        assert!(!answer.is_finished());
        assert_eq!(answer.await.unwrap(), 42);
        assert_eq!(sim.tasks(), 1);
        endless.abort();
        assert!(endless.await.unwrap_err().is_cancelled());
        assert_eq!(Rc::strong_count(&alive), 1);
        assert_eq!(sim.tasks(), 0);
    });
}

#[test]
fn an_abort_after_the_end_changes_nothing() {
    Sim::new(1).block_on(async {
        let done = spawn(async { 1 });
        sleep(MS).await;
        assert!(done.is_finished());
        done.abort();
        sleep(MS).await;
        assert_eq!(done.await.unwrap(), 1);
    });
}

#[test]
fn a_panic_of_a_task_goes_on_in_block_on() {
    let sim = Sim::new(1);
    let message = panic_of(|| {
        sim.block_on(async {
            spawn(async { panic!("lost in a task") });
            sleep(MS).await;
        });
    });
    assert_eq!(message, "lost in a task");
    let instead_of_deadlock = panic_of(|| {
        sim.block_on(async {
            drop(spawn(async { panic!("the cause") }));
            pending::<()>().await;
        });
    });
    assert_eq!(instead_of_deadlock, "the cause");
}

#[test]
fn a_panic_that_was_joined_is_known() {
    Sim::new(1).block_on(async {
        let error = spawn(async { panic!("expected") }).await.unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(error.to_string(), "the task panicked: expected");
        assert_eq!(*error.try_into_panic().unwrap().downcast::<&str>().unwrap(), "expected");
    });
}

#[test]
fn dropping_the_simulation_drops_its_tasks() {
    struct SpawnsWhenDropped(Rc<()>);
    impl Drop for SpawnsWhenDropped {
        fn drop(&mut self) {
            let again = Rc::clone(&self.0);
            assert!(spawn(async move { drop(again) }).is_finished());
        }
    }
    let alive = Rc::new(());
    let sim = Sim::new(1);
    let held = SpawnsWhenDropped(Rc::clone(&alive));
    sim.spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    sim.advance(MS);
    assert_eq!(Rc::strong_count(&alive), 2);
    drop(sim);
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn a_deadlock_says_who_waits() {
    let sim = fixed(1);
    let message = panic_of(|| {
        sim.block_on(async {
            let (mut client, _server) = pair().await;
            sim.network().stall(client.link(), Direction::ToServer);
            client.write_all(b"abc").await.unwrap();
            spawn(pending::<()>());
            client.read_some(&mut [0]).await.unwrap();
        });
    });
    for part in ["nothing can make progress", "1 spawned tasks", "tasks.rs", "0 of 3 bytes", "(stalled)"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    // The simulation can be used again.
    sim.block_on(async { sleep(MS).await });
}

#[test]
fn tasks_in_circles_are_a_livelock() {
    let sim = Sim::with_config(1, SimConfig::new().with_poll_limit(100));
    sim.block_on(async {
        for _ in 0..300 {
            yield_now().await;
            sleep(MS).await;
        }
    });
    let message = panic_of(|| {
        sim.block_on(async {
            loop {
                yield_now().await;
            }
        });
    });
    assert!(message.contains("livelock: 101 polls"), "{message}");
}

#[test]
fn wakes_before_a_poll_are_one() {
    let sim = fixed(1);
    let parked = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&parked);
    let polled = Rc::new(Cell::new(0));
    let count = Rc::clone(&polled);
    sim.spawn(poll_fn(move |cx| {
        count.set(count.get() + 1);
        *slot.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    }));
    sim.advance(MS);
    let waker = parked.take().unwrap();
    (0..3).for_each(|_| waker.wake_by_ref());
    assert_eq!(polled.get(), 1, "never inside the wake");
    sim.advance(MS);
    assert_eq!(polled.get(), 2);
}

/// A waker that owns part of the simulation, as those of sockets do.
#[derive(Default)]
struct Owner(Mutex<Vec<SimStream>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// What becomes of a parked waker.
enum End {
    Replaced,
    Dropped,
    Left,
}

#[test]
fn wakers_that_own_streams_are_dropped_outside_of_the_lock() {
    let sim = fixed(1);
    sim.network().on_next_connect(Plan::new().with_capacity(Direction::ToServer, 0));
    let mut alive = Vec::new();
    let (mut left, mut held) = (Vec::new(), Vec::new());
    sim.block_on(async {
        let (target, _server) = pair().await;
        let target = target.into_inner();
        for operation in 0..4 {
            for end in [End::Replaced, End::Dropped, End::Left] {
                let owner = Arc::new(Owner::default());
                let (one, two) = pair().await;
                owner.0.lock().unwrap().extend([one.into_inner(), two.into_inner()]);
                alive.push(Arc::downgrade(&owner));
                let waker = Waker::from(owner);
                let mut sleeping = sleep(3600 * 1000 * MS);
                let mut dial = SimRuntime::current()
                    .unwrap()
                    .connect(&SERVER.parse().unwrap(), &TransportOptions::default());
                let mut poll = |waker: &Waker| {
                    let cx = &mut Context::from_waker(waker);
                    let pending = match operation {
                        0 => target.poll_read_slice(cx, &mut [0]).is_pending(),
                        1 => target.poll_write_slices(cx, &[IoSlice::new(b"x")]).is_pending(),
                        2 => Pin::new(&mut sleeping).poll(cx).is_pending(),
                        _ => Pin::new(&mut dial).poll(cx).is_pending(),
                    };
                    assert!(pending);
                };
                poll(&waker);
                drop(waker);
                match end {
                    End::Replaced => poll(Waker::noop()),
                    End::Dropped => drop((sleeping, dial)),
                    End::Left => left.push((sleeping, dial)),
                }
            }
        }
        held.push(target);
    });
    drop(sim);
    assert_eq!(alive.iter().filter(|owner| owner.upgrade().is_some()).count(), 0);
}

#[test]
fn an_idle_simulation_polls_nobody() {
    let sim = fixed(1);
    let (_client, _server) = sim.block_on(pair());
    sim.spawn(pending::<()>());
    sim.advance(MS);
    let polls = sim.polls();
    sim.advance(Duration::from_secs(3600));
    assert_eq!(sim.polls() - polls, 2, "the start and the end of advance");
}

#[test]
fn outside_of_a_simulation_there_is_no_runtime() {
    assert!(SimRuntime::current().is_none());
    let mut listener = Box::pin(raw_listen(SERVER));
    assert!(matches!(poll_once(&mut listener), Poll::Ready(Err(_))));
    let mut dial = Box::pin(raw_connect(SERVER));
    assert!(matches!(poll_once(&mut dial), Poll::Ready(Err(_))));
    assert!(panic_of(|| _ = now()).contains("inside Sim::block_on"));
    let (one, two) = (Sim::new(1), Sim::new(2));
    assert!(panic_of(|| one.block_on(async { two.block_on(async {}) })).contains("already"));
    assert!(SimRuntime::current().is_none(), "also after a panic");
    let handle = one.handle();
    let foreign = panic_of(|| two.block_on(async { Spawn::spawn(&handle, async {}) }));
    assert!(foreign.contains("another simulation"));
}

#[test]
fn what_sockets_hold_is_send_but_tasks_need_not_be() {
    fn is_send<T: Send + Sync>() {}
    fn is_runtime<R: Runtime + Spawn<std::future::Ready<()>>>() {}
    is_send::<SimStream>();
    is_send::<SimListener>();
    is_send::<Connecting>();
    is_send::<Sleep>();
    is_send::<SimRuntime>();
    is_send::<Network>();
    is_send::<JoinError>();
    is_runtime::<SimRuntime>();
}
