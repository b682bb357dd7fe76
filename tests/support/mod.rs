//! What the tests need of each runtime, under the same names.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]

/// Mounts modules once for each runtime: their files lie in this folder, say `use super::rt` and name no runtime.
#[allow(unused_macros, reason = "the binaries that look at the whole process mount theirs in another way")]
macro_rules! on_each_runtime {
    ($folder:literal $modules:tt) => {
        on_each_runtime!(tokio, "tokio", $folder, $modules);
        on_each_runtime!(tokio_threads, "tokio", $folder, $modules);
        on_each_runtime!(tokio_local, "tokio", $folder, $modules);
        on_each_runtime!(compio, "compio", $folder, $modules);
        on_each_runtime!(smol, "smol", $folder, $modules);
    };
    ($runtime:ident, $feature:literal, $folder:literal, { $($module:item)* }) => {
        #[cfg(feature = $feature)]
        #[path = $folder]
        mod $runtime {
            use crate::support::$runtime as rt;

            $($module)*
        }
    };
}

mod folder;
mod stalled;
mod vacant;

pub use self::stalled::{handshake, opening};

/// All flavours of tokio: all but the sockets, and the thread that a test runs on.
#[cfg(feature = "tokio")]
mod any_tokio {
    pub use super::folder::Folder;
    pub use super::stalled::{
        Flooder, StalledPeer, dealer_that_never_reads, greeting, handshake, opening, stalled_peer,
    };
    pub use super::vacant::vacant;
    use monocoque::Endpoint;
    use std::future::Future;
    use std::time::Duration;

    /// Whether there is one wherever the caller runs, for as long as the process lives.
    pub const EVERYWHERE: bool = false;

    pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        ::tokio::time::timeout(limit, future).await.ok()
    }

    pub async fn yield_now() {
        ::tokio::task::yield_now().await;
    }

    /// Runs what blocks, such as a peer made of plain streams, on a thread of its own.
    pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        ::tokio::task::spawn_blocking(work).await.unwrap()
    }

    /// How many tasks live on this runtime, where it tells.
    pub fn tasks() -> Option<usize> {
        Some(::tokio::runtime::Handle::current().metrics().num_alive_tasks())
    }

    #[cfg(unix)]
    pub fn unix_pair() -> (::tokio::net::UnixStream, ::tokio::net::UnixStream) {
        ::tokio::net::UnixStream::pair().unwrap()
    }

    pub fn tcp_from_std(stream: std::net::TcpStream) -> ::tokio::net::TcpStream {
        stream.set_nonblocking(true).unwrap();
        ::tokio::net::TcpStream::from_std(stream).unwrap()
    }

    pub async fn tcp(endpoint: &Endpoint) -> ::tokio::net::TcpStream {
        ::tokio::net::TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).await.unwrap()
    }

    pub async fn tcp_listener() -> ::tokio::net::TcpListener {
        ::tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    #[cfg(unix)]
    pub async fn unix_listener(path: &std::path::Path) -> ::tokio::net::UnixListener {
        ::tokio::net::UnixListener::bind(path).unwrap()
    }

    #[cfg(unix)]
    pub async fn unix(path: &std::path::Path) -> ::tokio::net::UnixStream {
        ::tokio::net::UnixStream::connect(path).await.unwrap()
    }
}

/// The flavours of tokio whose sockets may go to other threads.
#[cfg(feature = "tokio")]
mod sent_tokio {
    pub use super::any_tokio::*;
    pub use futures_util::future::BoxFuture;
    pub use monocoque::tokio::prelude::*;
    use std::future::Future;

    /// Whether its sockets stay on their thread.
    pub const STAYS: bool = false;

    pub fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) {
        ::tokio::spawn(future);
    }
}

/// On one thread, where the order of things is easier to reason about.
#[cfg(feature = "tokio")]
pub mod tokio {
    pub use super::sent_tokio::*;
    use std::future::Future;

    pub fn run<F: Future<Output = ()>>(test: F) {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }
}

/// Beside others, on threads that tasks move between.
#[cfg(feature = "tokio")]
pub mod tokio_threads {
    pub use super::sent_tokio::*;
    use std::future::Future;

    /// Spawned, so that the test moves between threads like the rest.
    pub fn run<F: Future<Output = ()> + Send + 'static>(test: F) {
        let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let result = runtime.unwrap().block_on(async { ::tokio::spawn(test).await });
        if let Err(error) = result {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// On one thread that sockets stay on.
#[cfg(feature = "tokio")]
pub mod tokio_local {
    pub use super::any_tokio::*;
    pub use futures_util::future::LocalBoxFuture as BoxFuture;
    pub use monocoque::tokio_local::prelude::*;
    use std::future::Future;

    /// Whether its sockets stay on their thread.
    pub const STAYS: bool = true;

    pub fn spawn<F: Future<Output = ()> + 'static>(future: F) {
        ::tokio::task::spawn_local(future);
    }

    pub fn run<F: Future<Output = ()>>(test: F) {
        let local = LocalHost::run(async {
            test.await;
            Ok::<_, Error>(())
        });
        ::tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(local)
            .unwrap();
    }
}

#[cfg(feature = "compio")]
pub mod compio {
    pub use super::folder::Folder;
    pub use super::stalled::{
        Flooder, StalledPeer, dealer_that_never_reads, greeting, handshake, opening, stalled_peer,
    };
    pub use super::vacant::vacant;
    pub use futures_util::future::LocalBoxFuture as BoxFuture;
    pub use monocoque::compio::prelude::*;
    use std::future::Future;
    use std::time::Duration;

    /// Whether its sockets stay on their thread.
    pub const STAYS: bool = true;

    /// Whether there is one wherever the caller runs, for as long as the process lives.
    pub const EVERYWHERE: bool = false;

    pub fn run<F: Future<Output = ()>>(test: F) {
        ::compio::runtime::Runtime::new().unwrap().block_on(test);
    }

    pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        ::compio::time::timeout(limit, future).await.ok()
    }

    pub fn spawn<F: Future<Output = ()> + 'static>(future: F) {
        ::compio::runtime::spawn(future).detach();
    }

    pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        ::compio::runtime::spawn_blocking(work).await.unwrap()
    }

    #[cfg(unix)]
    pub fn unix_pair() -> (::compio::net::UnixStream, ::compio::net::UnixStream) {
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        let [one, other] = [one, other].map(|stream| ::compio::net::UnixStream::from_std(stream).unwrap());
        (one, other)
    }

    /// How many tasks live on this runtime, where it tells.
    pub fn tasks() -> Option<usize> {
        None
    }

    pub fn tcp_from_std(stream: std::net::TcpStream) -> ::compio::net::TcpStream {
        ::compio::net::TcpStream::from_std(stream).unwrap()
    }

    pub async fn tcp(endpoint: &Endpoint) -> ::compio::net::TcpStream {
        ::compio::net::TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).await.unwrap()
    }

    pub async fn tcp_listener() -> ::compio::net::TcpListener {
        ::compio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    #[cfg(unix)]
    pub async fn unix_listener(path: &std::path::Path) -> ::compio::net::UnixListener {
        ::compio::net::UnixListener::bind(path).await.unwrap()
    }

    #[cfg(unix)]
    pub async fn unix(path: &std::path::Path) -> ::compio::net::UnixStream {
        ::compio::net::UnixStream::connect(path).await.unwrap()
    }

    pub async fn yield_now() {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}

/// The test in `block_on`, and companions on the thread of the executor of `smol::spawn`.
#[cfg(feature = "smol")]
pub mod smol {
    pub use super::folder::Folder;
    pub use super::stalled::{
        Flooder, StalledPeer, dealer_that_never_reads, greeting, handshake, opening, stalled_peer,
    };
    pub use super::vacant::vacant;
    use ::smol::Async;
    use ::smol::net::unix::{UnixListener, UnixStream};
    use ::smol::net::{TcpListener, TcpStream};
    pub use futures_util::future::BoxFuture;
    pub use monocoque::smol::prelude::*;
    use std::future::Future;
    use std::time::Duration;

    /// Whether its sockets stay on their thread.
    pub const STAYS: bool = false;

    /// Whether there is one wherever the caller runs, for as long as the process lives.
    pub const EVERYWHERE: bool = true;

    pub fn run<F: Future<Output = ()>>(test: F) {
        ::smol::block_on(test);
    }

    pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        ::smol::future::or(async { Some(future.await) }, async {
            ::smol::Timer::after(limit).await;
            None
        })
        .await
    }

    pub fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) {
        ::smol::spawn(future).detach();
    }

    pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        ::smol::unblock(work).await
    }

    pub async fn yield_now() {
        ::smol::future::yield_now().await;
    }

    /// How many tasks live on this runtime, where it tells.
    pub fn tasks() -> Option<usize> {
        None
    }

    pub fn unix_pair() -> (UnixStream, UnixStream) {
        UnixStream::pair().unwrap()
    }

    pub fn tcp_from_std(stream: std::net::TcpStream) -> TcpStream {
        Async::new(stream).unwrap().into()
    }

    pub async fn tcp(endpoint: &Endpoint) -> TcpStream {
        TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).await.unwrap()
    }

    pub async fn tcp_listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    pub async fn unix_listener(path: &std::path::Path) -> UnixListener {
        UnixListener::bind(path).unwrap()
    }

    pub async fn unix(path: &std::path::Path) -> UnixStream {
        UnixStream::connect(path).await.unwrap()
    }
}
