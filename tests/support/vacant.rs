//! Ports.

/// A port that can be bound again and again: outside of the range that the system gives to connections, one
/// of which might else take it in between.
pub fn vacant() -> String {
    loop {
        let port = fastrand::u16(10_000..30_000);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return format!("tcp://127.0.0.1:{port}");
        }
    }
}
