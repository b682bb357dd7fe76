//! compio.

#[path = "sockets.rs"]
mod sockets;

mod rt {
    pub use harness::local as contest;
    pub use monocoque::runtime::compio::CompioStream as Stream;

    pub const NAMES: [&str; 4] =
        ["ours compio", "ours compio, eager", "ours compio, feed", "ours compio, many"];
    pub const PINNED: bool = true;

    pub fn run<F: Future + 'static>(future: F) -> F::Output {
        ::compio::runtime::Runtime::new().expect("a runtime").block_on(future)
    }

    pub use ::compio::time::sleep;
}

pub use sockets::modes;
