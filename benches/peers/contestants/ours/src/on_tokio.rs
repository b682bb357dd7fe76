//! tokio, current-thread.

#[path = "sockets.rs"]
mod sockets;

mod rt {
    pub use harness::local as contest;
    pub use monocoque::runtime::tokio::TokioStream as Stream;

    pub const NAMES: [&str; 3] = ["ours tokio", "ours tokio, eager", "ours tokio, batch calls"];
    pub const PINNED: bool = true;

    pub fn run<F: Future + 'static>(future: F) -> F::Output {
        let mut builder = ::tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime").block_on(future)
    }

    pub use ::tokio::time::sleep;
}

pub use sockets::modes;
