//! Hosts: where code runs, which crash and are parted.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use super::executor::Executor;
use super::fault::Cut;
use super::simulation::{OUTSIDE, spawn};
use super::task::JoinHandle;

/// The name of a host.
pub(super) type Host = Arc<str>;

/// Where code runs that is on no other host.
const LOCALHOST: &str = "localhost";

thread_local! {
    static HERE: RefCell<Host> = RefCell::new(LOCALHOST.into());
}

/// The host that code runs on.
pub(super) fn current() -> Host {
    HERE.with_borrow(Clone::clone)
}

/// The host that code runs on, as far as it was said.
pub(super) fn said() -> Option<Host> {
    Some(current()).filter(|host| **host != *LOCALHOST)
}

/// Code runs on a host until it is dropped, and then where it did before.
pub(super) struct Here {
    before: Host,
}

impl Here {
    pub(super) fn on(host: Host) -> Self {
        Self { before: HERE.replace(host) }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        HERE.with_borrow_mut(|here| std::mem::swap(here, &mut self.before));
    }
}

/// Pairs of hosts between which nothing arrives.
#[derive(Debug, Default)]
pub(super) struct Parting(BTreeSet<[Host; 2]>);

impl Parting {
    pub(super) fn set(&mut self, hosts: [&str; 2], parted: bool) {
        let pair = sorted(hosts.map(Host::from));
        if parted {
            self.0.insert(pair);
        } else {
            self.0.remove(&pair);
        }
    }

    pub(super) fn parts(&self, hosts: &[Host; 2]) -> bool {
        !self.0.is_empty() && self.0.contains(&sorted(hosts.clone()))
    }
}

fn sorted(mut hosts: [Host; 2]) -> [Host; 2] {
    hosts.sort();
    hosts
}

/// Runs `future` on a host, and with it the tasks and sockets that it spawns and opens: they are parted from others
/// by [`Network::partition`](super::Network::partition), and tasks go down in a [`crash`].
///
/// Code that is on no host is on `localhost`; a listener of it is on the host that its endpoint names.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim};
///
/// let sim = Sim::new(7);
/// let _client = sim.block_on(async {
///     sim::spawn_on("server", async { sim::raw_listen("tcp://*:5555").await?.accept().await });
///     sim::on("client", async { sim::raw_connect("tcp://server:5555").await }).await
/// })?;
/// let [client, server] = &sim.network().links()[0].hosts;
/// assert_eq!((&**client, &**server), ("client", "server"));
/// # Ok::<_, std::io::Error>(())
/// ```
///
/// # Cancel safety
/// That of `future`.
pub async fn on<F: Future>(host: impl Into<String>, future: F) -> F::Output {
    let host = Host::from(host.into());
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _here = Here::on(host.clone());
        future.as_mut().poll(cx)
    })
    .await
}

/// Spawns a task that runs [on](on) a host.
///
/// [`crash`] shows a server that is spawned on a host.
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
pub fn spawn_on<F>(host: impl Into<String>, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let _here = Here::on(Host::from(host.into()));
    spawn(future)
}

/// A host goes down: its connections are cut in the way given, then all tasks that were spawned on it are dropped,
/// and with them their sockets and listeners.
///
/// [`Cut::Silence`] is a machine without power, whose peers hear nothing; [`Cut::Reset`] and [`Cut::Fin`] are what a
/// system does for a process that has died. The host can be used again at once. What is left of it is what other hosts
/// hold, such as a handle of a socket.
///
/// ```
/// use monocoque::Error;
/// use monocoque::runtime::sim::{self, Cut, Sim, SimStream};
/// use monocoque::socket::{RepSocket, ReqSocket};
///
/// async fn server() -> Result<(), Error> {
///     let rep = RepSocket::<SimStream>::bind("tcp://server:5555").await?;
///     loop {
///         let request = rep.recv().await?;
///         rep.send(request).await?;
///     }
/// }
///
/// let sim = Sim::new(1);
/// sim.block_on(async {
///     sim::spawn_on("server", server());
///     let req = ReqSocket::<SimStream>::connect_with_reconnect("tcp://server:5555").await?;
///     req.send("one").await?;
///     assert_eq!(req.recv().await?[0], "one");
///     sim::crash("server", Cut::Reset);
///     sim::spawn_on("server", server());
///     req.send("two").await?;
///     assert_eq!(req.recv().await?[0], "two");
///     Ok(())
/// })
/// # .unwrap_or_else(|error: Error| panic!("{error}"));
/// ```
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
pub fn crash(host: &str, cut: Cut) {
    let executor = Executor::current().expect(OUTSIDE);
    executor.shared().with(|world| world.cut_host(host, cut));
    executor.crash(host);
}
