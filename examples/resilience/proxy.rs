//! A TCP proxy that does to a link what networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The proxy's address and what it has done; it ends when this is dropped.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    target: SocketAddr,
    /// Bytes towards the target between two faults, on average.
    every: u64,
    faults: AtomicU64,
    seed: AtomicU64,
    ended: AtomicBool,
    /// The listener is to be closed for a while.
    restart: AtomicBool,
}

/// What happens to a link.
enum Fault {
    /// An orderly end.
    Fin,
    /// A reset.
    Reset,
    /// Silence for a while, then a reset.
    Stall(Duration),
    /// A reset, and nobody listens for a while.
    Restart,
}

impl Proxy {
    pub fn start(target: SocketAddr, every: u64, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            target,
            every,
            faults: AtomicU64::new(0),
            seed: AtomicU64::new(seed),
            ended: AtomicBool::new(false),
            restart: AtomicBool::new(false),
        });
        let serving = Arc::clone(&state);
        thread::spawn(move || serve(listener, address, &serving));
        Ok(Self { address, state })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn faults(&self) -> u64 {
        self.state.faults.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        // Wakes the listener, to find out.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut listener: TcpListener, address: SocketAddr, state: &Arc<State>) {
    while let Ok((client, _)) = listener.accept() {
        if state.ended.load(Ordering::Relaxed) {
            return;
        }
        let Ok(server) = TcpStream::connect(state.target) else { continue };
        let linked = Arc::clone(state);
        let link = thread::spawn(move || link(client, server, &linked));
        // One client: the next connection comes after this one has ended.
        let _ = link.join();
        if state.restart.swap(false, Ordering::Relaxed) {
            drop(listener);
            thread::sleep(Duration::from_millis(60));
            let Ok(again) = TcpListener::bind(address) else { return };
            listener = again;
        }
    }
}

/// Passes bytes both ways until the next fault, or until either end is done.
fn link(client: TcpStream, server: TcpStream, state: &State) {
    let mut random = fastrand::Rng::with_seed(state.seed.fetch_add(1, Ordering::Relaxed));
    let budget = random.u64(state.every / 2..=state.every * 3 / 2);
    let (Ok(from_server), Ok(to_client)) = (server.try_clone(), client.try_clone()) else { return };
    let back = thread::spawn(move || pump(from_server, to_client, u64::MAX));
    let cut = pump(clone(&client), clone(&server), budget);
    if cut {
        state.faults.fetch_add(1, Ordering::Relaxed);
        let fault = match random.u8(..8) {
            0..3 => Fault::Fin,
            3..6 => Fault::Reset,
            6 => Fault::Stall(Duration::from_millis(random.u64(50..300))),
            _ => Fault::Restart,
        };
        apply(fault, &client, &server, state);
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
}

fn clone(stream: &TcpStream) -> Option<TcpStream> {
    stream.try_clone().ok()
}

fn apply(fault: Fault, client: &TcpStream, server: &TcpStream, state: &State) {
    match fault {
        Fault::Fin => return,
        Fault::Stall(time) => thread::sleep(time),
        Fault::Restart => state.restart.store(true, Ordering::Relaxed),
        Fault::Reset => {}
    }
    for stream in [client, server] {
        // Closing without linger resets the connection, and destroys what is under way.
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

/// Copies until the budget is used up (true) or either end is done (false). The cut falls anywhere, in the
/// middle of frames too.
fn pump(from: impl Into<Option<TcpStream>>, to: impl Into<Option<TcpStream>>, mut budget: u64) -> bool {
    let (Some(mut from), Some(mut to)) = (from.into(), to.into()) else { return false };
    let mut buffer = vec![0; 16 * 1024];
    while budget > 0 {
        let room = buffer.len().min(usize::try_from(budget).unwrap_or(usize::MAX));
        match from.read(&mut buffer[..room]) {
            Ok(read) if read > 0 && to.write_all(&buffer[..read]).is_ok() => budget -= read as u64,
            _ => {
                let _ = to.shutdown(Shutdown::Write);
                return false;
            }
        }
    }
    true
}
