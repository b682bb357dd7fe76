//! Addresses that sockets have let go and whose listeners are not closed yet.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::endpoint::{Endpoint, IpcEndpoint};

/// The addresses of one network that sockets have let go, until their listeners are closed.
///
/// A listener is closed by its socket's companion task, a little after `unbind`, `close` or the last drop;
/// who binds the same address meanwhile waits for that. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Vacating(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
struct Places {
    leaving: Vec<Place>,
    waiting: Vec<Waker>,
}

/// What two listeners cannot have at once. Of a TCP address it is the port: which addresses exclude each
/// other is the system's to say, and waiting in vain costs little.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Port(u16),
    Path(PathBuf),
    Abstract(std::ffi::OsString),
}

/// One address that is about to be free; it is when this is dropped.
#[derive(Debug)]
pub(crate) struct Leaving {
    place: Place,
    list: Vacating,
}

impl Vacating {
    /// The list of everything that binds addresses of this machine.
    ///
    /// A runtime of your own returns it from [`Runtime::vacating`](super::Runtime::vacating).
    #[must_use]
    pub fn of_this_process() -> Self {
        static PROCESS: OnceLock<Vacating> = OnceLock::new();
        PROCESS.get_or_init(Self::default).clone()
    }

    /// Notes that the listener on `endpoint` is about to close; `None` where nobody could wait for it.
    pub(crate) fn leave(&self, endpoint: &Endpoint) -> Option<Leaving> {
        let place = Place::of(endpoint)?;
        self.lock().leaving.push(place.clone());
        Some(Leaving { place, list: self.clone() })
    }

    /// Waits until no listener is about to leave `endpoint`.
    pub(crate) fn poll_left(&self, endpoint: &Endpoint, cx: &Context<'_>) -> Poll<()> {
        let Some(place) = Place::of(endpoint) else { return Poll::Ready(()) };
        // Wakers are foreign code: cloned and dropped without the lock.
        let waker = cx.waker().clone();
        let mut places = self.lock();
        if !places.leaving.contains(&place) {
            drop(places);
            return Poll::Ready(());
        }
        if !places.waiting.iter().any(|waiting| waiting.will_wake(&waker)) {
            places.waiting.push(waker);
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut places = self.list.lock();
        if let Some(at) = places.leaving.iter().position(|place| *place == self.place) {
            places.leaving.swap_remove(at);
        }
        let waiting = std::mem::take(&mut places.waiting);
        drop(places);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Place {
    /// What `endpoint` takes; `None` where the system chooses what is free, and within the process.
    fn of(endpoint: &Endpoint) -> Option<Self> {
        match endpoint {
            Endpoint::Tcp(tcp) if tcp.port() == 0 => None,
            Endpoint::Tcp(tcp) => Some(Self::Port(tcp.port())),
            Endpoint::Ipc(IpcEndpoint::Path(path)) => {
                Some(Self::Path(std::path::absolute(path).unwrap_or_else(|_| path.clone())))
            }
            Endpoint::Ipc(IpcEndpoint::Abstract(name)) => Some(Self::Abstract(name.clone())),
            Endpoint::Ipc(IpcEndpoint::Any | IpcEndpoint::Unnamed) | Endpoint::Inproc(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn whoever_binds_the_same_waits_for_all_that_leave() {
        let list = Vacating::default();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let cx = Context::from_waker(&waker);
        for (leaves, waits, does_not) in [
            ("tcp://127.0.0.1:7", "tcp://*:7", "tcp://127.0.0.1:8"),
            ("tcp://[::1]:7", "tcp://localhost:7", "tcp://*:0"),
            ("ipc://x", &*format!("ipc://{}/x", std::env::current_dir().unwrap().display()), "ipc://@x"),
            ("ipc://@x", "ipc://@x", "ipc://*"),
        ] {
            let (first, second) = (list.leave(&endpoint(leaves)), list.leave(&endpoint(leaves)));
            let woken = wakes.0.load(Ordering::Relaxed);
            assert!(list.poll_left(&endpoint(does_not), &cx).is_ready(), "{does_not}");
            for _ in 0..3 {
                assert!(list.clone().poll_left(&endpoint(waits), &cx).is_pending(), "{waits}");
            }
            drop(first);
            assert_eq!(wakes.0.load(Ordering::Relaxed), woken + 1, "once, however often it was polled");
            assert!(list.poll_left(&endpoint(waits), &cx).is_pending(), "there is another");
            drop(second);
            assert_eq!(wakes.0.load(Ordering::Relaxed), woken + 2);
            assert!(list.poll_left(&endpoint(waits), &cx).is_ready());
        }
        for nobody_waits in ["tcp://*:0", "ipc://*", "inproc://x"] {
            assert!(list.leave(&endpoint(nobody_waits)).is_none());
        }
        assert_eq!(Arc::strong_count(&wakes), 2, "no waker is left behind");
    }

    #[test]
    fn a_process_has_one_list() {
        let left = Vacating::of_this_process().leave(&endpoint("ipc://@monocoque-vacating"));
        let cx = Context::from_waker(Waker::noop());
        let other = std::thread::spawn(Vacating::of_this_process).join().unwrap();
        assert!(other.poll_left(&endpoint("ipc://@monocoque-vacating"), &cx).is_pending());
        drop(left);
        assert!(other.poll_left(&endpoint("ipc://@monocoque-vacating"), &cx).is_ready());
    }
}
