//! tokio, multi-thread: the side is a task like any other.

#[path = "sockets.rs"]
mod sockets;

mod rt {
    pub use harness::sendable as contest;
    pub use monocoque::runtime::tokio::TokioStream as Stream;

    pub const NAMES: [&str; 3] =
        ["ours tokio-threads", "ours tokio-threads, eager", "ours tokio-threads, batch calls"];
    pub const PINNED: bool = false;

    pub fn run<F: Future<Output: Send> + Send + 'static>(future: F) -> F::Output {
        let mut builder = ::tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(runtime.spawn(future)).expect("a side that does not panic")
    }

    pub use ::tokio::time::sleep;
}

pub use sockets::modes;
