//! What an event is about, for those who pass it on in another form.

use std::fmt::Display;
use std::time::Duration;

use super::event::{DisconnectReason, PeerId, SocketEvent};
use crate::endpoint::Endpoint;

/// How much it matters to who runs the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Weight {
    /// Something is lost or fails.
    Warning,
    /// Something that changes seldom has changed.
    Information,
    /// Steps on the way.
    Detail,
}

impl Weight {
    #[cfg(feature = "serde")]
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Information => "information",
            Self::Detail => "detail",
        }
    }
}

/// The parts of an event.
pub(super) struct Facts<'a> {
    pub(super) kind: &'static str,
    pub(super) weight: Weight,
    pub(super) peer: Option<PeerId>,
    pub(super) endpoint: Option<&'a Endpoint>,
    pub(super) address: Option<&'a Endpoint>,
    pub(super) cause: Option<&'a dyn Display>,
    /// Messages, or missed events.
    pub(super) count: Option<u64>,
    pub(super) delay: Option<Duration>,
}

impl<'a> Facts<'a> {
    fn new(kind: &'static str, weight: Weight) -> Self {
        Self {
            kind,
            weight,
            peer: None,
            endpoint: None,
            address: None,
            cause: None,
            count: None,
            delay: None,
        }
    }

    fn at(self, endpoint: impl Into<Option<&'a Endpoint>>) -> Self {
        Self { endpoint: endpoint.into(), ..self }
    }

    fn of(self, peer: impl Into<Option<PeerId>>) -> Self {
        Self { peer: peer.into(), ..self }
    }

    fn from(self, address: &'a Option<Endpoint>) -> Self {
        Self { address: address.as_ref(), ..self }
    }

    fn because(self, cause: &'a dyn Display) -> Self {
        Self { cause: Some(cause), ..self }
    }

    fn counting(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    fn lasting(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }
}

impl DisconnectReason {
    /// Whether a connection that is of no more use ends like this.
    fn is_in_order(&self) -> bool {
        matches!(self, Self::EndOfStream | Self::Closed | Self::Dismissed | Self::Replaced)
    }
}

impl SocketEvent {
    pub(super) fn facts(&self) -> Facts<'_> {
        use Weight::{Detail, Information, Warning};
        let unless = |in_order| if in_order { Information } else { Warning };
        match self {
            Self::Listening { endpoint } => Facts::new("Listening", Information).at(endpoint),
            Self::BindFailed { endpoint, cause } => {
                Facts::new("BindFailed", Warning).at(endpoint).because(cause)
            }
            Self::Unbound { endpoint } => Facts::new("Unbound", Information).at(endpoint),
            Self::Accepted { peer, address, endpoint } => {
                Facts::new("Accepted", Detail).of(*peer).at(endpoint).from(address)
            }
            Self::AcceptFailed { endpoint, cause, retry_in } => {
                Facts::new("AcceptFailed", Warning).at(endpoint).because(cause).lasting(*retry_in)
            }
            Self::ConnectStarted { endpoint } => Facts::new("ConnectStarted", Detail).at(endpoint),
            Self::Connected { peer, address, endpoint, .. } => {
                Facts::new("Connected", Detail).of(*peer).at(endpoint).from(address)
            }
            Self::ConnectFailed { endpoint, cause } => {
                Facts::new("ConnectFailed", Warning).at(endpoint).because(cause)
            }
            Self::ShortLived { endpoint, lasted, cause } => {
                Facts::new("ShortLived", Warning).at(endpoint).because(cause).lasting(*lasted)
            }
            Self::RetryPutOff { endpoint, delay } => {
                Facts::new("RetryPutOff", Warning).at(endpoint).lasting(*delay)
            }
            Self::RetryIn { endpoint, delay } => Facts::new("RetryIn", Detail).at(endpoint).lasting(*delay),
            Self::ReconnectStopped { endpoint, cause } => {
                Facts::new("ReconnectStopped", Warning).at(endpoint).because(cause)
            }
            Self::HandshakeSucceeded { peer, .. } => Facts::new("HandshakeSucceeded", Information).of(*peer),
            Self::HandshakeFailed { peer, endpoint, address, cause } => {
                Facts::new("HandshakeFailed", Warning)
                    .of(*peer)
                    .at(endpoint.as_ref())
                    .from(address)
                    .because(cause)
            }
            Self::Disconnected { peer, endpoint, address, reason } => {
                let facts = Facts::new("Disconnected", unless(reason.is_in_order()));
                facts.of(*peer).at(endpoint.as_ref()).from(address).because(reason)
            }
            Self::SubscriptionRefused { peer, .. } => Facts::new("SubscriptionRefused", Warning).of(*peer),
            Self::MessagesDropped { peer, cause, count } => {
                Facts::new("MessagesDropped", Warning).of(*peer).because(cause).counting(*count)
            }
            Self::ReceivedDropped { peer, cause, count } => {
                Facts::new("ReceivedDropped", Warning).of(*peer).because(cause).counting(*count)
            }
            Self::Missed(missed) => Facts::new("Missed", Warning).counting(missed.total()),
            Self::CompanionGone => Facts::new("CompanionGone", Warning),
            Self::Closed { unsent } => Facts::new("Closed", unless(*unsent == 0)).counting(*unsent),
        }
    }
}
