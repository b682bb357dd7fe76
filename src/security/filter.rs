//! Who may subscribe to what.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::Credentials;
use crate::monitor::PeerId;
#[cfg(doc)]
use crate::options::SocketOptions;

/// A peer that subscribes, for a [filter](SocketOptions::with_subscription_filter) to judge.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subscriber {
    /// Its connection.
    pub peer: PeerId,
    /// Who it is, as the authenticator says; `None` where it names nobody, or there is none.
    pub user: Option<Arc<str>>,
    /// What else the authenticator says of it.
    pub user_metadata: Vec<(String, Bytes)>,
    /// What it has shown in the handshake; a password is not kept.
    pub credentials: Credentials,
}

/// A filter of whatever type, as options hold it.
#[derive(Clone)]
pub(crate) struct SubscriptionFilter(Arc<Allows>);

type Allows = dyn Fn(&Subscriber, &[u8]) -> bool + Send + Sync;

impl SubscriptionFilter {
    pub(crate) fn new(allows: impl Fn(&Subscriber, &[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allows))
    }

    /// Whether a peer may have this subscription. One that panics says no: it only looks, so that nothing can be
    /// left half done but what is its own.
    pub(crate) fn allows(&self, subscriber: &Subscriber, topic: &[u8]) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.0)(subscriber, topic))).unwrap_or_else(|payload| {
            // Dropping it could panic once more.
            std::mem::forget(payload);
            false
        })
    }
}

impl PartialEq for SubscriptionFilter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for SubscriptionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscriptionFilter")
    }
}
