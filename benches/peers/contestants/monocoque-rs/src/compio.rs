//! `monocoque-rs` on compio.

mod contestant;
mod sockets;

fn main() {
    contestant::main([
        "monocoque-rs compio",
        "monocoque-rs compio, coalescing",
        "monocoque-rs compio, drained",
        "monocoque-rs compio, drained, tuned",
        "monocoque-rs compio, batch calls",
    ]);
}
