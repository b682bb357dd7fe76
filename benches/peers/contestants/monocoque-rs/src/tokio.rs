//! `monocoque-rs` on tokio.

mod contestant;
mod sockets;

fn main() {
    contestant::main([
        "monocoque-rs tokio",
        "monocoque-rs tokio, coalescing",
        "monocoque-rs tokio, drained",
        "monocoque-rs tokio, drained, tuned",
        "monocoque-rs tokio, batch calls",
    ]);
}
