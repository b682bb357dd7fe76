//! tokio, current-thread.

#[path = "sockets.rs"]
mod sockets;

mod rt {
    pub use harness::local as contest;
    pub use monocoque::runtime::tokio::TokioStream as Stream;

    pub const NAMES: [&str; 4] = ["ours tokio", "ours tokio, eager", "ours tokio, feed", "ours tokio, many"];
    pub const PINNED: bool = true;

    pub use harness::tokio::current_thread as run;
    pub use tokio::time::sleep;
}

pub use sockets::modes;
