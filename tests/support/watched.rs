//! Futures whose polls are counted, and wakers that look at what they are asked by.

use std::future::{Future, poll_fn};
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{RawWaker, RawWakerVTable, Wake, Waker};

/// The future, with its polls counted.
pub async fn counting<F: Future>(polls: &AtomicUsize, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}

/// A waker that panics.
pub fn panicking() -> Waker {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    Waker::from(Arc::new(Panicking))
}

/// What happened to a nosy waker and its clones.
#[derive(Default)]
pub struct Seen {
    pub clones: AtomicUsize,
    pub wakes: AtomicUsize,
    pub drops: AtomicUsize,
}

struct Nosy<F> {
    look: F,
    seen: Arc<Seen>,
}

/// A waker that looks at something whenever it is cloned, woken or dropped.
///
/// What it looks at may belong to one thread: then the test has to stay on it.
pub fn nosy<F: Fn() + 'static>(look: F, seen: &Arc<Seen>) -> Waker {
    let nosy = Arc::new(Nosy { look, seen: Arc::clone(seen) });
    // SAFETY: the functions below keep to the contract of the table: the pointer is that of an `Arc` of this
    // type, each waker owns one count of it, and only its drop and its wake give that back.
    unsafe { Waker::from_raw(raw(nosy)) }
}

fn raw<F: Fn() + 'static>(nosy: Arc<Nosy<F>>) -> RawWaker {
    let table = &RawWakerVTable::new(clone::<F>, wake::<F>, wake_by_ref::<F>, drop_it::<F>);
    RawWaker::new(Arc::into_raw(nosy).cast(), table)
}

unsafe fn clone<F: Fn() + 'static>(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned holds a count, which stays with it.
    let nosy = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<Nosy<F>>()) });
    nosy.seen.clones.fetch_add(1, Ordering::SeqCst);
    (nosy.look)();
    raw(Arc::clone(&nosy))
}

unsafe fn wake<F: Fn() + 'static>(data: *const ()) {
    // SAFETY: as for the two that this is made of.
    unsafe {
        wake_by_ref::<F>(data);
        drop_it::<F>(data);
    }
}

unsafe fn wake_by_ref<F: Fn() + 'static>(data: *const ()) {
    // SAFETY: the waker that is woken holds a count, which stays with it.
    let nosy = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<Nosy<F>>()) });
    nosy.seen.wakes.fetch_add(1, Ordering::SeqCst);
    (nosy.look)();
}

unsafe fn drop_it<F: Fn() + 'static>(data: *const ()) {
    // SAFETY: the waker that is dropped gives its count back.
    let nosy = unsafe { Arc::from_raw(data.cast::<Nosy<F>>()) };
    nosy.seen.drops.fetch_add(1, Ordering::SeqCst);
    (nosy.look)();
}
