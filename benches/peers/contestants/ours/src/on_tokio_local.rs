//! tokio, current-thread, sockets that stay on their thread.

#[path = "sockets.rs"]
mod sockets;

mod rt {
    pub use harness::local as contest;
    use harness::{Figures, Result};
    pub use monocoque::runtime::tokio_local::LocalStream as Stream;
    use monocoque::tokio_local::LocalHost;

    pub const NAMES: [&str; 4] =
        ["ours tokio-local", "ours tokio-local, eager", "ours tokio-local, feed", "ours tokio-local, many"];
    pub const PINNED: bool = true;

    pub fn run<F: Future<Output = Result<Figures>> + 'static>(side: F) -> F::Output {
        harness::tokio::current_thread(LocalHost::run(side))
    }

    pub use tokio::time::sleep;
}

pub use sockets::modes;
