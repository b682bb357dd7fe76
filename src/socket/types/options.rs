//! Which options only some socket types have.

use crate::options::{OptionError, SocketOptions};
use crate::protocol::SocketType;
use crate::resilience::OnFull;
use crate::runtime::{Sharing, can_ask};

/// An option that not every type has.
struct Row {
    name: &'static str,
    has: fn(SocketType) -> bool,
    differs: fn(&SocketOptions, &SocketOptions) -> bool,
}

/// A row for each option of these fields: its name is that of the field.
macro_rules! rows {
    ($($has:path: $($($field:ident).+),+;)+) => {
        [$($(Row {
            name: last!($($field).+),
            has: $has,
            differs: |options, default| options.$($field).+ != default.$($field).+,
        }),+),+]
    };
}

macro_rules! last {
    ($name:ident) => {
        stringify!($name)
    };
    ($first:ident.$($rest:ident).+) => {
        last!($($rest).+)
    };
}

/// All of them. What is not here every type has; where a type does not send, or does not receive, marks and time
/// limits of that direction have nothing to act upon.
const ROWS: &[Row] = &rows! {
    SocketType::is_router: router_mandatory, router_handover, types.router_notify;
    SocketType::is_req: types.req_correlate, types.req_relaxed, types.req_resend;
    SocketType::is_xpub: types.xpub_verbose, types.xpub_verboser, types.xpub_manual, types.xpub_manual_last_value;
    SocketType::publishes: types.xpub_welcome_message, types.subscription_filter;
    SocketType::is_xsub: types.xsub_verbose_unsubscribe;
    SocketType::parses_subscriptions: types.only_first_subscribe;
    SocketType::matches_topics: types.invert_matching;
    SocketType::is_topical: types.max_subscriptions, types.max_subscription_bytes;
    SocketType::conflates: types.conflate;
    SocketType::probes: probe_router;
    SocketType::converses: types.hello_message, types.disconnect_message, types.hiccup_message;
    SocketType::sends: on_full;
    SocketType::queues_without_peer: while_disconnected, max_resends;
};

/// Choices of an option that not every type has which has the option.
const CHOICES: &[Row] = &[
    Row {
        name: "on_full(DropOldest)",
        has: SocketType::displaces,
        differs: |options, _| options.on_full == Some(OnFull::DropOldest),
    },
    Row {
        name: "on_full(Disconnect)",
        has: SocketType::lets_go,
        differs: |options, _| options.on_full == Some(OnFull::Disconnect),
    },
];

/// Checks what can be checked before a socket of this type is opened: an option that it does not have would be
/// without effect.
pub(in crate::socket) fn validate<K: Sharing>(
    options: &SocketOptions,
    socket_type: SocketType,
) -> Result<(), OptionError> {
    options.validate()?;
    if options.authenticator.as_ref().is_some_and(|authenticator| !can_ask::<K>(authenticator)) {
        return Err(OptionError::LocalAuthenticator);
    }
    let default = SocketOptions::default();
    let mut rows = ROWS.iter().chain(CHOICES);
    let foreign = rows.find(|row| !(row.has)(socket_type) && (row.differs)(options, &default));
    let refused = |row: &Row| OptionError::NotOfType { option: row.name, socket_type: socket_type.as_str() };
    foreign.map_or(Ok(()), |row| Err(refused(row)))
}
