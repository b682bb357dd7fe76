//! `inproc://`: sockets of one process that hand each other messages.
//!
//! A connection is a pair of [`pipe`]s between two cores, which may belong to different threads and
//! runtimes. There are no bytes, and with them no handshake, no heartbeats, no flushing and no deadlines:
//! both sides know each other when the connection is made, a message is with its peer once it is queued,
//! and dropping one end is the end of the other. Everything else is as for streams: the wakers are those
//! of the peers, so that events come by the ready queue, and `admit` and `disconnect` begin and end it.
//!
//! Locks are taken in the order core, registry, mailbox or pipe, ready queue; never two cores at once.
//! Nobody is woken under any of them.

mod connect;
mod link;
mod mailbox;
mod pipe;
mod registry;
mod traffic;

pub(crate) use self::link::Link;
pub(crate) use self::mailbox::Mailbox;
pub(crate) use self::pipe::End;
pub(crate) use self::registry::{Bound, Ticket};
