//! tokio, for sockets that stay on one thread.
//!
//! They are those of [`runtime::tokio`](super::tokio), behind a lock without atomic operations, and their companion
//! tasks live in a [`LocalSet`].

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::time::Instant;

#[cfg(unix)]
use ::tokio::net::UnixListener;
use ::tokio::net::{TcpListener, TcpStream};
use ::tokio::task::LocalSet;
use ::tokio::time::Sleep;

use super::os::{self, System, SystemListener, SystemStream};
use super::tokio::TokioRuntime;
use super::{Adopt, Connector, Local, Runtime, Sleeper, Spawn};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::options::TransportOptions;

/// A [`LocalSet`] of a tokio runtime, which sockets that stay on its thread are opened on.
///
/// Inside of [`run`](Self::run) sockets find it by themselves; sockets of a set of your own are opened
/// [on a value](Self::on). Nothing on tokio tells whether such a set is there, so anywhere else opening one fails with
/// [`Error::NoRuntime`].
///
/// It does not keep the set: when that is dropped, the companion tasks of its sockets end, as on a runtime that is shut
/// down.
#[derive(Clone, Debug)]
pub struct LocalHost {
    set: Weak<LocalSet>,
    runtime: TokioRuntime,
}

/// A stream of tokio whose sockets stay on one thread.
pub type LocalStream = SystemStream<LocalHost>;

/// A listener of tokio whose sockets stay on one thread.
pub type LocalListener = SystemListener<LocalHost>;

thread_local! {
    /// The host whose future is being polled on this thread.
    static CURRENT: RefCell<Option<LocalHost>> = const { RefCell::new(None) };
}

/// While a future is polled, its host is the current one; hosts may be nested.
struct Entered {
    outer: Option<LocalHost>,
}

impl Entered {
    fn new(host: &LocalHost) -> Self {
        Self { outer: CURRENT.replace(Some(host.clone())) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.outer.take());
    }
}

impl LocalHost {
    /// Runs a future on this thread, in a [`LocalSet`] of its own: it and what it spawns by
    /// [`spawn_local`](::tokio::task::spawn_local) open sockets by their endpoints alone.
    ///
    /// What is still spawned when the future is done is dropped, companion tasks of sockets too: `close` what has
    /// something to send.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use monocoque::tokio_local::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> monocoque::Result<()> {
    /// LocalHost::run(async {
    ///     let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
    ///     let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
    ///     push.send("work").await?;
    ///     assert_eq!(&pull.recv().await?[0], "work");
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoRuntime`] outside of a tokio runtime; else what the future returns.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it drops the future and all that was spawned.
    pub async fn run<T, E: From<Error>>(
        future: impl Future<Output = std::result::Result<T, E>>,
    ) -> std::result::Result<T, E> {
        let set = Rc::new(LocalSet::new());
        let host = Self::on(&set)?;
        let mut running = pin!(set.run_until(future));
        poll_fn(|cx| {
            let _entered = Entered::new(&host);
            running.as_mut().poll(cx)
        })
        .await
    }

    /// A host over a set of your own, which you have to run: for sockets opened by `bind_on`, `connect_on` and `new_on`.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use monocoque::SocketOptions;
    /// use monocoque::tokio_local::prelude::*;
    /// use std::rc::Rc;
    /// use tokio::task::LocalSet;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> monocoque::Result<()> {
    /// let set = Rc::new(LocalSet::new());
    /// let host = LocalHost::on(&set)?;
    /// let pull = set.run_until(PullSocket::bind_on(&host, "tcp://127.0.0.1:0", SocketOptions::default())).await?;
    /// # drop(pull);
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoRuntime`] outside of a tokio runtime.
    pub fn on(set: &Rc<LocalSet>) -> Result<Self> {
        let runtime = TokioRuntime::current().ok_or(Error::NoRuntime { runtime: TokioRuntime::NAME })?;
        Ok(Self { set: Rc::downgrade(set), runtime })
    }
}

impl System for LocalHost {
    type Watched = TcpStream;
    type Sharing = Local;

    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        TokioRuntime::lookup(name, port).await
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>>>>;

impl Connector for LocalHost {
    type Stream = LocalStream;
    type Connecting = Boxed<LocalStream>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        Box::pin(os::connect(self.clone(), endpoint.clone(), options.clone()))
    }
}

impl Runtime for LocalHost {
    type Listener = LocalListener;
    type Binding = Boxed<LocalListener>;
    const NAME: &'static str = "tokio_local";

    /// That of [`LocalHost::run`], inside of it.
    fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        Box::pin(os::bind(endpoint.clone(), options.clone()))
    }
}

impl<F: Future<Output = ()> + 'static> Spawn<F> for LocalHost {
    fn spawn(&self, future: F) {
        // Where the set has gone, so has everything that it would have run.
        if let Some(set) = self.set.upgrade() {
            set.spawn_local(future);
        }
    }
}

impl Sleeper for LocalHost {
    type Sleep = Pin<Box<Sleep>>;

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.runtime.sleep_until(deadline)
    }

    fn reset(&self, sleep: &mut Self::Sleep, deadline: Instant) {
        self.runtime.reset(sleep, deadline);
    }
}

impl Adopt<TcpListener> for LocalHost {
    fn adopt(&self, listener: TcpListener, options: &TransportOptions) -> io::Result<LocalListener> {
        LocalListener::adopted(&listener, options)
    }
}

#[cfg(unix)]
impl Adopt<UnixListener> for LocalHost {
    fn adopt(&self, listener: UnixListener, options: &TransportOptions) -> io::Result<LocalListener> {
        LocalListener::adopted(&listener, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SocketOptions;
    use crate::runtime::os::conformance as os_conformance;
    use crate::tokio_local::{PullSocket, PushSocket};

    os_conformance::mount!(LocalHost);

    fn on_tokio<F: Future>(test: F) -> F::Output {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    fn run<F: Future>(test: F) -> F::Output {
        on_tokio(LocalHost::run(async { Ok::<_, Error>(test.await) })).unwrap()
    }

    /// On tokio, but in no set: nothing panics.
    #[test]
    fn anywhere_else_there_is_none() {
        let is_missing = |result: Result<PullSocket>| {
            assert!(matches!(result.unwrap_err(), Error::NoRuntime { runtime: "tokio_local" }));
        };
        on_tokio(async {
            is_missing(PullSocket::bind("tcp://127.0.0.1:0").await);
            // In a set that is not a host's there is none either.
            let set = LocalSet::new();
            is_missing(set.run_until(PullSocket::bind("tcp://127.0.0.1:0")).await);
        });
        let outside = futures_util::FutureExt::now_or_never(LocalHost::run(async { Ok::<_, Error>(()) }));
        assert!(matches!(outside, Some(Err(Error::NoRuntime { runtime: "tokio" }))));
    }

    #[test]
    fn a_set_of_ones_own_hosts_sockets() {
        on_tokio(async {
            let set = Rc::new(LocalSet::new());
            let host = LocalHost::on(&set).unwrap();
            let received = set.run_until(async {
                let pull = PullSocket::bind_on(&host, "tcp://127.0.0.1:0", SocketOptions::default());
                let pull = pull.await.unwrap();
                let to = pull.local_endpoint().unwrap();
                let push = PushSocket::connect_on(&host, to, SocketOptions::default()).await.unwrap();
                push.send("work").await.unwrap();
                pull.recv().await.unwrap()
            });
            assert_eq!(received.await[0], "work");
        });
    }

    /// As on a runtime that was shut down: a named error, and nobody waits.
    #[test]
    fn without_its_set_a_socket_says_so() {
        on_tokio(async {
            let set = Rc::new(LocalSet::new());
            let host = LocalHost::on(&set).unwrap();
            let pull = PullSocket::new_on(&host, SocketOptions::default()).unwrap();
            drop(set);
            let late = PullSocket::new_on(&host, SocketOptions::default()).unwrap();
            for socket in [pull, late] {
                let bound = socket.bind_to("tcp://127.0.0.1:0").await;
                assert!(matches!(bound.unwrap_err(), Error::CompanionGone));
            }
        });
    }

    #[test]
    fn hosts_may_be_nested() {
        run(async {
            let outer = LocalHost::current().unwrap();
            let inner =
                LocalHost::run(async { Ok::<_, Error>(LocalHost::current().unwrap()) }).await.unwrap();
            assert!(!Weak::ptr_eq(&outer.set, &inner.set));
            assert!(Weak::ptr_eq(&outer.set, &LocalHost::current().unwrap().set));
            let spawned = ::tokio::task::spawn_local(async { LocalHost::current().unwrap() });
            assert!(Weak::ptr_eq(&outer.set, &spawned.await.unwrap().set));
        });
        assert!(LocalHost::current().is_none());
    }
}
