//! Who is bound to which name, and who waits for a name to be bound.
//!
//! A global, because a name is one: `inproc://x` means the same socket to all of the process, as a port
//! does to all of a machine, whichever threads and runtimes its users run on. libzmq hangs the names on a
//! context instead, which has to be created, handed around and terminated; nothing else here needs one.
//! It holds names, never messages, and is locked only to bind, unbind and connect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::mailbox::{Call, Hello, Mailbox};
use super::pipe::End;

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { names: BTreeMap::new(), next: 0 });

#[derive(Debug)]
struct Registry {
    names: BTreeMap<String, Name>,
    /// The number of the next binding or waiter.
    next: u64,
}

/// A name that somebody is interested in.
#[derive(Debug, Default)]
struct Name {
    bound: Option<Binder>,
    /// In order of arrival.
    waiting: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Binder {
    binding: u64,
    mailbox: Arc<Mailbox>,
    listener: u32,
    hello: Hello,
}

#[derive(Debug)]
struct Waiter {
    mailbox: Arc<Mailbox>,
    dial: u32,
}

/// A bound name; dropping it frees the name.
#[derive(Debug)]
pub(crate) struct Bound {
    name: String,
    binding: u64,
}

/// A place among those that wait for a name; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Ticket {
    name: String,
    place: u64,
}

/// The outcome of connecting to a name.
#[derive(Debug)]
pub(crate) enum Connected {
    /// To the socket that is bound to it.
    To {
        end: End,
        hello: Hello,
        /// Tells one binding of a name from a later one.
        binding: u64,
        /// The companion of the other socket.
        waker: Option<Waker>,
    },
    /// Not yet: nobody is bound to it. The dial gets [`Call::Bound`] when somebody is.
    Waiting(Ticket),
}

fn lock() -> MutexGuard<'static, Registry> {
    // Nothing in here can panic half-way; a poisoned lock is as good as any.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Forgets a name that nobody is interested in any more.
    fn tidy(&mut self, name: &str) {
        if self.names.get(name).is_some_and(|name| name.bound.is_none() && name.waiting.is_empty()) {
            self.names.remove(name);
        }
    }
}

/// Binds `name`; `None` if it is taken. The wakers are of companions whose dials waited for it.
pub(crate) fn bind(
    name: &str,
    mailbox: &Arc<Mailbox>,
    listener: u32,
    hello: Hello,
) -> Option<(Bound, Vec<Waker>)> {
    let mut registry = lock();
    let binding = registry.number();
    let entry = registry.names.entry(name.to_owned()).or_default();
    if entry.bound.is_some() {
        return None;
    }
    entry.bound = Some(Binder { binding, mailbox: Arc::clone(mailbox), listener, hello });
    let waiting = std::mem::take(&mut entry.waiting);
    let wakers = waiting.values().filter_map(|waiter| waiter.mailbox.post(Call::Bound { dial: waiter.dial }));
    let wakers = wakers.collect();
    drop(registry);
    Some((Bound { name: name.to_owned(), binding }, wakers))
}

/// Connects to `name`, or waits for it to be bound.
pub(crate) fn connect(name: &str, mailbox: &Arc<Mailbox>, dial: u32, hello: Hello) -> Connected {
    let mut registry = lock();
    let place = registry.number();
    let entry = registry.names.entry(name.to_owned()).or_default();
    let Some(binder) = &entry.bound else {
        entry.waiting.insert(place, Waiter { mailbox: Arc::clone(mailbox), dial });
        return Connected::Waiting(Ticket { name: name.to_owned(), place });
    };
    let (end, theirs) = End::pair(name);
    // Under the lock: once a name is free, nothing more is offered to the socket that had it.
    let waker = binder.mailbox.post(Call::Offered { listener: binder.listener, end: theirs, hello });
    Connected::To { end, hello: binder.hello.clone(), binding: binder.binding, waker }
}

/// Whether `name` is bound, and since the same call of [`bind`].
pub(crate) fn is_bound_since(name: &str, binding: u64) -> bool {
    let registry = lock();
    let bound = registry.names.get(name).and_then(|name| name.bound.as_ref());
    bound.is_some_and(|binder| binder.binding == binding)
}

impl Drop for Bound {
    fn drop(&mut self) {
        let mut registry = lock();
        let entry = registry.names.get_mut(&self.name);
        let binder = entry.and_then(|name| name.bound.take_if(|binder| binder.binding == self.binding));
        registry.tidy(&self.name);
        drop(registry);
        // Its mailbox may be dropped with it, and with that what was offered: not under the lock.
        drop(binder);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut registry = lock();
        let waiter = registry.names.get_mut(&self.name).and_then(|name| name.waiting.remove(&self.place));
        registry.tidy(&self.name);
        drop(registry);
        drop(waiter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ready::ReadyQueue;
    use crate::options::SocketOptions;
    use crate::protocol::{Config, SocketType};

    fn mailbox() -> Arc<Mailbox> {
        let ready = Arc::new(ReadyQueue::default());
        ready.set_companion(Some(Waker::noop().clone()));
        Mailbox::new(&ready)
    }

    fn hello() -> Hello {
        Hello::new(&Arc::new(Config::new(SocketType::Dealer)), &SocketOptions::default())
    }

    fn is_known(name: &str) -> bool {
        lock().names.contains_key(name)
    }

    #[test]
    fn a_name_has_one_owner_at_a_time() {
        let mailbox = mailbox();
        let (bound, _) = bind("one owner", &mailbox, 1, hello()).unwrap();
        assert!(bind("one owner", &mailbox, 2, hello()).is_none());
        assert!(bind("One owner", &mailbox, 2, hello()).is_some(), "case counts");
        drop(bound);
        assert!(!is_known("one owner"));
        assert!(bind("one owner", &mailbox, 2, hello()).is_some());
    }

    #[test]
    fn connects_reach_the_owner_with_an_end_each() {
        let (server, client) = (mailbox(), mailbox());
        let (bound, woken) = bind("reached", &server, 7, hello()).unwrap();
        assert!(woken.is_empty());
        for dial in 0..2 {
            let connected = connect("reached", &client, dial, hello());
            let Connected::To { end, binding, waker, .. } = connected else { panic!("it is bound") };
            assert!(waker.is_some() && is_bound_since("reached", binding));
            let [Call::Offered { listener: 7, end: other, .. }] = &mut server.take()[..] else { panic!() };
            drop(end);
            assert!(matches!(other.pop().rest, crate::engine::inproc::pipe::Incoming::Ended { empty: true }));
        }
        drop(bound);
        assert!(matches!(connect("reached", &client, 0, hello()), Connected::Waiting(_)));
        assert!(!is_known("reached"), "the ticket was dropped");
    }

    #[test]
    fn those_that_wait_are_told_in_order_unless_they_have_left() {
        let (server, client) = (mailbox(), mailbox());
        let mut tickets: Vec<_> = (0..4).map(|dial| connect("awaited", &client, dial, hello())).collect();
        drop(tickets.remove(1));
        let (bound, woken) = bind("awaited", &server, 0, hello()).unwrap();
        assert_eq!(woken.len(), 3);
        let dials: Vec<u32> = client
            .take()
            .iter()
            .map(|call| match call {
                Call::Bound { dial } => *dial,
                Call::Offered { .. } => panic!("nothing was bound"),
            })
            .collect();
        assert_eq!(dials, [0, 2, 3]);
        // Tickets that were honoured leave no trace, and free nothing that they do not hold.
        drop(tickets);
        assert!(is_known("awaited"));
        drop(bound);
        assert!(!is_known("awaited"));
    }

    #[test]
    fn a_later_binding_is_another() {
        let mailbox = mailbox();
        let binding = |connected| match connected {
            Connected::To { binding, .. } => binding,
            Connected::Waiting(_) => panic!("it is bound"),
        };
        let (bound, _) = bind("rebound", &mailbox, 0, hello()).unwrap();
        let first = binding(connect("rebound", &mailbox, 0, hello()));
        drop(bound);
        assert!(!is_bound_since("rebound", first));
        let (_bound, _) = bind("rebound", &mailbox, 0, hello()).unwrap();
        assert!(!is_bound_since("rebound", first));
        drop(mailbox.take());
    }
}
