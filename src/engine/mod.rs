//! The machinery under all socket types: connections, queues, timers and the companion task.
//!
//! A socket is a [`Core`] behind one short-held lock. The futures of its handles and its companion task
//! drive the same synchronous functions: whoever polls, makes progress. Nothing here names a runtime or
//! a socket type.

mod accept;
mod act;
mod ahead;
mod authentication;
mod base;
mod burst;
mod caller;
mod changes;
mod clock;
mod close;
mod commands;
mod companion;
mod conflate;
mod core;
mod dial;
mod displace;
mod doorway;
mod effects;
mod endings;
mod endpoints;
mod ends;
mod enqueue;
mod fan_out;
mod flush;
mod held;
mod inbound;
mod incomplete;
mod inproc;
mod intake;
mod judgements;
mod ledger;
mod leftovers;
mod life;
mod lifecycle;
mod liveness;
mod next;
mod notices;
mod outbound;
mod outcomes;
mod parked;
mod pattern;
mod peer;
mod peers;
mod pending;
mod pong;
mod proof;
mod put_back;
mod read_ahead;
mod reading;
mod ready;
mod receive;
mod resend;
mod reserve;
mod retry;
mod shaking;
mod shared;
mod slab;
mod stats;
#[cfg(test)]
mod test_wakers;
mod timers;
mod wire;

pub(crate) use self::ahead::{Ahead, BudgetId};
pub(crate) use self::burst::Payment;
pub(crate) use self::changes::Change;
pub(crate) use self::commands::Commands;
pub use self::companion::CompanionTask;
pub(crate) use self::core::Core;
pub(crate) use self::ends::{Ends, notice};
pub(crate) use self::judgements::Judgements;
pub(crate) use self::life::Companion;
pub(crate) use self::outbound::Manner;
pub(crate) use self::parked::{Attempt, Parked, Turn, Waiter};
pub(crate) use self::pattern::{
    Admission, Arrived, Delivery, Exceeded, Finished, Newcomer, Outcome, Pattern, RequestPattern, Room,
    Route, TopicPattern, Verdict,
};
pub(crate) use self::peer::Origin;
pub(crate) use self::resend::is_given_up;
pub(crate) use self::reserve::Reservation;
pub(crate) use self::shared::Shared;
