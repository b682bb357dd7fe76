//! The random bytes that libsodium hands out, kept.

use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// As libsodium declares it; what is `None` it does without.
#[repr(C)]
struct Implementation {
    name: extern "C" fn() -> *const c_char,
    random: extern "C" fn() -> u32,
    stir: Option<extern "C" fn()>,
    uniform: Option<extern "C" fn(u32) -> u32>,
    buf: unsafe extern "C" fn(*mut c_void, usize),
    close: Option<extern "C" fn() -> c_int>,
}

unsafe extern "C" {
    fn randombytes_set_implementation(implementation: *const Implementation) -> c_int;
}

static KEPT: Mutex<Vec<(ThreadId, Vec<u8>)>> = Mutex::new(Vec::new());

static KEEPING: Implementation = Implementation { name, random, stir: None, uniform: None, buf, close: None };

extern "C" fn name() -> *const c_char {
    c"kept".as_ptr()
}

extern "C" fn random() -> u32 {
    fastrand::u32(..)
}

unsafe extern "C" fn buf(bytes: *mut c_void, len: usize) {
    let drawn: Vec<u8> = (0..len).map(|_| fastrand::u8(..)).collect();
    // SAFETY: libsodium's callers give as much room as they say.
    unsafe { bytes.cast::<u8>().copy_from_nonoverlapping(drawn.as_ptr(), len) };
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push((thread::current().id(), drawn));
}

/// Has libsodium draw here; to be called before libzmq is.
pub fn install() {
    // SAFETY: it is valid for ever, and nobody draws yet.
    assert_eq!(unsafe { randombytes_set_implementation(&KEEPING) }, 0);
}

pub fn forget() {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// What the client drew, and what the server drew, in their order.
///
/// The client: its transient secret key, and the nonce of its vouch. The server: its transient secret key, a nonce and
/// a key for its cookie, and the nonce of WELCOME.
pub fn by_thread() -> [Vec<Vec<u8>>; 2] {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let of = |thread| kept.iter().filter(move |(other, _)| *other == thread).map(|(_, drawn)| drawn.clone());
    [2, 4].map(|count| {
        let mut all = kept.iter().map(|(thread, _)| of(*thread).collect::<Vec<_>>());
        all.find(|drawn| drawn.len() == count).expect("a side that has drawn so often")
    })
}
