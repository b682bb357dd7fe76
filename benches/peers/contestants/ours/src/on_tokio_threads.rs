//! tokio, multi-thread: the side is a task like any other.

#[path = "sockets.rs"]
mod sockets;

mod rt {
    pub use harness::sendable as contest;
    pub use monocoque::runtime::tokio::TokioStream as Stream;

    pub const NAMES: [&str; 4] = [
        "ours tokio-threads",
        "ours tokio-threads, eager",
        "ours tokio-threads, feed",
        "ours tokio-threads, many",
    ];
    pub const PINNED: bool = false;

    pub use harness::tokio::threads as run;
    pub use tokio::time::sleep;
}

pub use sockets::modes;
