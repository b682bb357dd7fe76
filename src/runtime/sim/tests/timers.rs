//! Virtual time.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use super::*;
use crate::runtime::Sleeper;

#[test]
fn the_clock_leaps_to_the_next_timer() {
    let sim = Sim::new(1);
    let (day, start) = (Duration::from_secs(86_400), sim.now());
    sim.block_on(async {
        let late = spawn(async move {
            sleep(day * 2).await;
            elapsed()
        });
        sleep(day).await;
        assert_eq!(elapsed(), day);
        assert_eq!(now(), start + day);
        assert_eq!(late.await.unwrap(), day * 2);
        sleep(Duration::ZERO).await;
        assert_eq!(elapsed(), day * 2);
    });
    sim.advance(day);
    assert_eq!(sim.elapsed(), day * 3);
}

#[test]
fn a_dropped_timer_does_not_move_the_clock() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut long = sleep(Duration::from_secs(3600));
        assert!(poll_once(&mut long).is_pending());
        drop(long);
        sleep(MS).await;
    });
    let message = panic_of(|| sim.block_on(pending()));
    assert!(message.contains("deadlock after 1ms"), "{message}");
}

#[test]
fn timeouts_drop_what_is_late() {
    Sim::new(1).block_on(async {
        let alive = Rc::new(());
        let held = Rc::clone(&alive);
        let late = timeout(5 * MS, async move {
            sleep(6 * MS).await;
            drop(held);
        });
        assert_eq!(late.await, Err(Elapsed));
        assert_eq!(elapsed(), 5 * MS);
        assert_eq!(Rc::strong_count(&alive), 1);
        assert_eq!(timeout(5 * MS, async { 7 }).await, Ok(7));
    });
}

#[test]
fn a_leap_lets_nobody_run_in_between() {
    Sim::new(1).block_on(async {
        let ticks = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&ticks);
        spawn(async move {
            loop {
                sleep(MS).await;
                seen.borrow_mut().push(elapsed());
            }
        });
        sleep(MS / 2).await;
        skip(10 * MS);
        sleep(MS + MS / 4).await;
        assert_eq!(ticks.borrow().as_slice(), [10 * MS + MS / 2, 11 * MS + MS / 2]);
    });
}

#[test]
fn sleepers_follow_the_handle() {
    let sim = Sim::new(1);
    let handle = sim.handle();
    let deadline = handle.now() + 3 * MS;
    sim.block_on(handle.sleep_until(deadline));
    assert_eq!(handle.now(), deadline);
    assert_eq!(handle.elapsed(), 3 * MS);
    sim.block_on(handle.sleep_until(deadline - 2 * MS));
    assert_eq!(handle.elapsed(), 3 * MS);
}
