use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A request under test with the wakes that it got.
struct Request {
    acquire: Option<Acquire>,
    permit: Option<Permit>,
    wakes: Arc<Counter>,
    polled: bool,
}

impl Request {
    fn new(permits: &SemaphorePermits, bytes: usize) -> Self {
        Self { acquire: Some(permits.acquire(bytes)), permit: None, wakes: Arc::default(), polled: false }
    }

    fn poll(&mut self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.polled = true;
        let Some(acquire) = &mut self.acquire else { return };
        if let Poll::Ready(permit) = Pin::new(acquire).poll(&mut Context::from_waker(&waker)) {
            self.permit = Some(permit);
            self.acquire = None;
        }
    }

    fn cancel(&mut self) {
        self.acquire = None;
        self.permit = None;
    }

    fn has_permit(&self) -> bool {
        self.permit.is_some()
    }

    fn woken(&self) -> bool {
        self.wakes.0.load(Ordering::SeqCst) > 0
    }
}

#[test]
fn first_come_first_served_and_never_overtaken() {
    let permits = SemaphorePermits::new(10);
    let mut held = Request::new(&permits, 6);
    held.poll();
    let mut big = Request::new(&permits, 8);
    let mut small = Request::new(&permits, 1);
    big.poll();
    small.poll();
    assert!(!big.has_permit() && !small.has_permit(), "4 are free, but a big one is first");
    assert!(permits.try_acquire(1).is_none(), "nor does try_acquire overtake");
    held.cancel();
    assert!(big.woken() && small.woken(), "8 + 1 fit");
    big.poll();
    small.poll();
    assert!(big.has_permit() && small.has_permit());
    assert_eq!(permits.available(), 1);
}

#[test]
fn a_giant_is_admitted_alone() {
    let permits = SemaphorePermits::new(10);
    let first = permits.try_acquire(1);
    let mut giant = Request::new(&permits, 1_000_000);
    giant.poll();
    assert!(!giant.has_permit());
    drop(first);
    giant.poll();
    assert!(giant.has_permit());
    assert_eq!(permits.available(), 0);
    giant.cancel();
    assert_eq!(permits.available(), 10);
}

#[test]
fn nothing_costs_nothing() {
    let permits = SemaphorePermits::new(0);
    assert!(permits.try_acquire(0).is_some_and(|permit| permit.is_none()));
    assert!(permits.try_acquire(5).is_some(), "a budget of nothing admits one at a time, for nothing");
}

/// Kills: not granting behind a removed waiter; losing the bytes of a granted request that is dropped.
#[test]
fn a_cancelled_head_lets_the_next_go_on() {
    let permits = SemaphorePermits::new(10);
    let held = permits.try_acquire(5);
    let mut head = Request::new(&permits, 8);
    let mut next = Request::new(&permits, 5);
    head.poll();
    next.poll();
    head.cancel();
    assert!(next.woken());
    next.cancel();
    assert_eq!(permits.available(), 5, "granted, never picked up, given back");
    drop(held);
    assert_eq!(permits.available(), 10);
}

/// Every interleaving of polls and cancellations of four requests, against the rules: bytes are
/// conserved, order is kept, and whoever could go on knows it.
#[test]
fn exhaustive_model() {
    const SIZES: [usize; 4] = [3, 5, 1, 9];
    const BUDGET: usize = 6;
    const STEPS: u32 = 7;
    // A step polls (even) or cancels (odd) one of the four.
    for script in 0..8_u32.pow(STEPS) {
        let permits = SemaphorePermits::new(BUDGET);
        let mut requests = SIZES.map(|size| Request::new(&permits, size));
        let mut arrivals = Vec::new();
        let mut code = script;
        for _ in 0..STEPS {
            let (index, cancels) = ((code % 8 / 2) as usize, code % 2 == 1);
            code /= 8;
            let request = &mut requests[index];
            if cancels {
                request.cancel();
            } else {
                if !request.polled && request.acquire.is_some() {
                    arrivals.push(index);
                }
                request.poll();
            }
            check(&permits, &requests, &arrivals, BUDGET);
        }
        requests.iter_mut().for_each(Request::cancel);
        assert_eq!((permits.available(), permits.waiters()), (BUDGET, 0), "script {script}");
    }
}

fn check(permits: &SemaphorePermits, requests: &[Request; 4], arrivals: &[usize], budget: usize) {
    let held: usize = requests.iter().filter_map(|request| request.permit.as_ref()).map(Permit::bytes).sum();
    let waiting: Vec<usize> = arrivals.iter().copied().filter(|i| requests[*i].acquire.is_some()).collect();
    // Granted but not yet picked up: a prefix of those that wait, and all of them were woken.
    let granted = waiting.len() - permits.waiters();
    let charged: usize = waiting[..granted]
        .iter()
        .filter_map(|i| requests[*i].acquire.as_ref())
        .map(|acquire| acquire.charge)
        .sum();
    assert_eq!(permits.available() + held + charged, budget, "bytes are conserved");
    assert!(waiting[..granted].iter().all(|i| requests[*i].woken()), "no wake-up is lost");
    if let Some(first) = waiting.get(granted).and_then(|i| requests[*i].acquire.as_ref()) {
        assert!(first.charge > permits.available(), "the first in line waits only for want of bytes");
    }
}

#[test]
fn a_million_random_cancels_leak_nothing() {
    let permits = SemaphorePermits::new(1000);
    let mut random = fastrand::Rng::with_seed(7);
    let mut requests: Vec<Request> = Vec::new();
    for _ in 0..1_000_000 {
        if requests.len() < 8 {
            requests.push(Request::new(&permits, random.usize(..1500)));
        }
        let index = random.usize(..requests.len());
        if random.bool() {
            requests[index].poll();
        } else {
            requests.swap_remove(index);
        }
    }
    requests.clear();
    assert_eq!((permits.available(), permits.waiters()), (1000, 0));
    assert!(permits.budget.lock().granted.is_empty());
}

#[test]
fn threads_share_a_budget() {
    let permits = SemaphorePermits::new(64);
    let used = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (permits, used) = (permits.clone(), &used);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..2_000 {
                    let permit = block_on(permits.acquire(random.usize(1..=64)));
                    let now = used.fetch_add(permit.bytes(), Ordering::SeqCst) + permit.bytes();
                    assert!(now <= 64);
                    used.fetch_sub(permit.bytes(), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(permits.available(), 64);
}

fn block_on(mut acquire: Acquire) -> Permit {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match Pin::new(&mut acquire).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(permit) => return permit,
            Poll::Pending => std::thread::park(),
        }
    }
}
