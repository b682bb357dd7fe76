//! Answers to PINGs: one slot, however many come.

use crate::protocol::{Connection, Context};
use crate::runtime::SendBuf;

/// The PONG that a peer is to get.
///
/// A PING is answered at once, unless the answer to an earlier one has not left yet. Then it waits here, and the
/// next one takes its place: what a peer asks for without reading must not pile up, and what it wants to know
/// is whether we live.
#[derive(Debug, Default)]
pub(crate) struct Pong {
    /// What is to be answered.
    asked: Option<Context>,
    /// Where in the queue the last answer ends.
    end: u64,
}

impl Pong {
    /// A PING came.
    pub(crate) fn ask(&mut self, context: Context) {
        self.asked = Some(context);
    }

    /// Queues the answer, if there is one to be given and the one before it has left.
    #[inline]
    pub(crate) fn queue(&mut self, connection: &mut Connection, out: &mut SendBuf) {
        if let Some(context) = self.asked.take_if(|_| out.written_total() >= self.end) {
            connection.encode_pong(&context, out);
            out.end_control();
            self.end = out.queued_total();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::protocol::{Config, Role, SocketType};

    fn connection() -> Connection {
        Connection::new(&Arc::new(Config::new(SocketType::Pull)), Role::First)
    }

    /// Takes all that is queued, as a stream would.
    fn write(out: &mut SendBuf) -> Vec<u8> {
        let mut written = Vec::new();
        while !out.is_empty() {
            let chunk = out.chunk().to_vec();
            out.advance(chunk.len());
            written.extend(chunk);
        }
        out.flush();
        while out.pop_written().is_some() {}
        written
    }

    #[test]
    fn only_the_newest_waits_while_one_is_unwritten() {
        let (mut pong, mut connection, mut out) = (Pong::default(), connection(), SendBuf::default());
        pong.ask(b"first"[..].into());
        pong.queue(&mut connection, &mut out);
        let one = out.queued_total();
        for number in 0..1000_u16 {
            pong.ask(number.to_be_bytes()[..].into());
            pong.queue(&mut connection, &mut out);
        }
        assert_eq!(out.queued_total(), one, "one PONG and a slot, however many PINGs");
        assert!(write(&mut out).ends_with(b"PONGfirst"));
        pong.queue(&mut connection, &mut out);
        assert!(write(&mut out).ends_with(&[b"PONG", &999_u16.to_be_bytes()[..]].concat()));
        pong.queue(&mut connection, &mut out);
        assert!(out.is_empty(), "every PING is answered once at most");
    }

    #[test]
    fn sixteen_bytes_of_a_context_come_back() {
        let (mut pong, mut connection, mut out) = (Pong::default(), connection(), SendBuf::default());
        pong.ask([7; 40][..].into());
        pong.queue(&mut connection, &mut out);
        assert!(write(&mut out).ends_with(&[b"PONG", &[7; 16][..]].concat()));
    }
}
