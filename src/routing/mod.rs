//! Choice of peers: pure strategies that the socket types are composed of.

mod by_identity;
mod fair_queue;
mod load_balance;

pub(crate) use self::by_identity::{AutoIdentity, ByIdentity};
pub(crate) use self::fair_queue::FairQueue;
pub(crate) use self::load_balance::LoadBalance;
