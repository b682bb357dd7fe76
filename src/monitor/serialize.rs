//! Events and figures for `serde`: as text what has a text. The metadata of peers, which may hold tokens, are left
//! out.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::causes::{Cause, Counts};
use super::event::{PeerId, SocketEvent};
use super::stats::{EndpointStats, PeerStats, SocketStats};
use super::wait_times::WaitTimes;

impl Serialize for PeerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A map of those causes of which there were any, by their names in Rust.
impl<C: Cause> Serialize for Counts<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(cause, count)| (Text(Name(cause)), count)))
    }
}

/// A cause by its name in Rust.
struct Name<C>(C);

impl<C: fmt::Debug> Display for Name<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What can be printed, as text.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A map of what the event is about: `kind`, `weight` (`warning`, `information` or `detail`), `message`, and those of `peer`, `endpoint`, `address`, `cause`, `count`
/// and `delay` (seconds) that it has.
impl Serialize for SocketEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let facts = self.facts();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", facts.kind)?;
        map.serialize_entry("weight", facts.weight.as_str())?;
        map.serialize_entry("message", &Text(self))?;
        let texts: [(&str, Option<&dyn Display>); 4] = [
            ("peer", facts.peer.as_ref().map(|peer| peer as _)),
            ("endpoint", facts.endpoint.map(|endpoint| endpoint as _)),
            ("address", facts.address.map(|address| address as _)),
            ("cause", facts.cause),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, &Text(text))?;
            }
        }
        if let Some(count) = facts.count {
            map.serialize_entry("count", &count)?;
        }
        if let Some(delay) = facts.delay {
            map.serialize_entry("delay", &delay.as_secs_f64())?;
        }
        map.end()
    }
}

/// Fields by their own names, as they are, and then those that are given another form.
macro_rules! fields {
    ($self:ident, $serializer:ident, $name:literal: $($field:ident)+; $($other:ident: $form:expr),*) => {{
        let count = [$(stringify!($field),)+ $(stringify!($other),)*].len();
        let mut state = $serializer.serialize_struct($name, count)?;
        $(state.serialize_field(stringify!($field), &$self.$field)?;)+
        $(state.serialize_field(stringify!($other), &$form)?;)*
        state.end()
    }};
}

impl Serialize for SocketStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields!(self, serializer, "SocketStats":
            accepted sent bytes_sent queued queued_bytes in_doubt received bytes_received delivered recv_queued
            recv_queued_bytes recv_dropped recv_incomplete connects reconnects handshakes_failed
            subscriptions_refused send_waits recv_waits connections peers endpoints dropped recv_dropped_by handshakes_failed_by disconnects_by;
        )
    }
}

/// The number of waits, their sum in seconds, and a map from each bound in seconds to those that did not exceed it.
impl Serialize for WaitTimes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let within: Vec<_> = self
            .cumulative()
            .filter_map(|(bound, count)| Some((bound?.as_secs_f64().to_string(), count)))
            .collect();
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("count", &self.count())?;
        map.serialize_entry("seconds", &self.total().as_secs_f64())?;
        map.serialize_entry("within", &BTreeMap::from_iter(within))?;
        map.end()
    }
}

impl Serialize for EndpointStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields!(self, serializer, "EndpointStats": bound stopped attempts failed_attempts;
            endpoint: Text(&self.endpoint),
            last_error: self.last_error.as_ref().map(Text)
        )
    }
}

impl Serialize for PeerStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields!(self, serializer, "PeerStats":
            peer sent bytes_sent queued_messages queued_bytes received bytes_received recv_queued_messages
            recv_queued_bytes dropped recv_dropped;
            endpoint: self.endpoint.as_ref().map(Text),
            address: self.address.as_ref().map(Text),
            socket_type: self.socket_type.as_str(),
            identity: Text(self.identity.escape_ascii()),
            user: self.user.as_deref()
        )
    }
}
