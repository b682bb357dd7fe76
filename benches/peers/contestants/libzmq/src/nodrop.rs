//! ZMQ_XPUB_NODROP, which the `zmq` crate does not know.

use std::ffi::c_int;

use harness::Result;

/// Makes a PUB wait for slow subscribers instead of dropping their messages.
#[expect(unsafe_code, reason = "a call into C")]
pub fn set(socket: &mut zmq::Socket) -> Result<()> {
    let on: c_int = 1;
    // SAFETY: the handle is that of a live socket, and the value an int that outlives the call.
    let failed = unsafe {
        zmq_sys::zmq_setsockopt(
            socket.as_mut_ptr(),
            zmq_sys::ZMQ_XPUB_NODROP as c_int,
            (&raw const on).cast(),
            size_of::<c_int>(),
        )
    };
    if failed == 0 { Ok(()) } else { Err("ZMQ_XPUB_NODROP was refused".into()) }
}
