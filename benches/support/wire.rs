//! What all contestants send, and how it is checked.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Messages before the clock starts.
pub const WARM_UP: u64 = 1_000;

/// A message that carries its number, as far as it has room, and a mark at its end.
pub fn fill(buffer: &mut [u8], number: u64) {
    let head = buffer.len().min(8);
    buffer[..head].copy_from_slice(&number.to_le_bytes()[..head]);
    if let Some(last) = buffer.last_mut() {
        *last = 0x5A;
    }
}

pub fn check(message: &[u8], size: usize, number: u64) {
    assert_eq!(message.len(), size);
    assert_eq!(message[..8], number.to_le_bytes(), "in order");
    assert!(size == 8 || message[size - 1] == 0x5A);
}

/// Pins the current thread to a core, where the system lets it.
pub fn pin(core: usize) {
    if let Some(id) = core_affinity::get_core_ids().and_then(|ids| ids.get(core).copied()) {
        core_affinity::set_for_current(id);
    }
}

/// Runs a server on the last core, which announces its address and returns its seconds, and a client on
/// the first.
pub fn on_two_cores<A: Send + 'static>(
    server: impl FnOnce(mpsc::Sender<A>) -> f64 + Send + 'static,
    client: impl FnOnce(A) + Send + 'static,
) -> f64 {
    run(1, server, client)
}

/// The same on one core.
pub fn on_one_core<A: Send + 'static>(
    server: impl FnOnce(mpsc::Sender<A>) -> f64 + Send + 'static,
    client: impl FnOnce(A) + Send + 'static,
) -> f64 {
    run(0, server, client)
}

fn run<A: Send + 'static>(
    core: usize,
    server: impl FnOnce(mpsc::Sender<A>) -> f64 + Send + 'static,
    client: impl FnOnce(A) + Send + 'static,
) -> f64 {
    let (announce, address) = mpsc::channel();
    let server = thread::spawn(move || {
        pin(core);
        server(announce)
    });
    let client = thread::spawn(move || {
        pin(0);
        client(address.recv().unwrap());
    });
    let seconds = server.join().unwrap();
    client.join().unwrap();
    seconds
}

/// Seconds from the first message after the warm-up to the last.
#[derive(Default)]
pub struct Clock(Option<Instant>);

impl Clock {
    pub fn tick(&mut self, number: u64) {
        if number == WARM_UP {
            self.0 = Some(Instant::now());
        }
    }

    pub fn seconds(&self) -> f64 {
        self.0.map_or(f64::NAN, |start| start.elapsed().as_secs_f64())
    }
}
