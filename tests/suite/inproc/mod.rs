//! Sockets of one process that pass messages without a wire.

use super::rt;

mod ends;
mod marks;
mod names;
mod sockets;

/// A name of its own for each test and runtime: names are those of the whole process.
macro_rules! name {
    ($name:literal) => {
        concat!("inproc://", module_path!(), "/", $name)
    };
}
use name;

/// Waits for the next event that fits.
async fn event<T>(monitor: &mut rt::Monitor, fits: impl Fn(&rt::SocketEvent) -> Option<T>) -> T {
    loop {
        let event = monitor.next().await.expect("the socket lives");
        if let Some(found) = fits(&event) {
            return found;
        }
    }
}

/// Why the next connection ends.
async fn disconnection(monitor: &mut rt::Monitor) -> rt::DisconnectReason {
    event(monitor, |event| match event {
        rt::SocketEvent::Disconnected { reason, .. } => Some(reason.clone()),
        _ => None,
    })
    .await
}
