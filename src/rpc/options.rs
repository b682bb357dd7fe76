//! How clients and servers behave.

use std::time::Duration;

use crate::options::{OptionError, RouterNotify, SocketOptions};
use crate::resilience::{FlushPolicy, OnFull, WhileDisconnected};

/// Requests under way at once, for a client as for a server: as many messages as a socket queues for one peer.
const MAX_OUTSTANDING: usize = 1000;

/// What clients and servers both have.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) socket: SocketOptions,
    pub(super) max_outstanding: usize,
}

impl Settings {
    fn new(socket: SocketOptions) -> Self {
        Self { socket, max_outstanding: MAX_OUTSTANDING }
    }

    /// Refuses what cannot work with either, and options of the socket that are not for this one, called `name`.
    fn check(&self, name: &'static str, refused: &[(&'static str, bool)]) -> Result<(), OptionError> {
        if self.max_outstanding == 0 {
            return Err(OptionError::Zero { option: "max_outstanding", no_limit: None });
        }
        let socket = &self.socket;
        let by_both = [
            ("flush_policy(Manual)", socket.flush_policy() == FlushPolicy::Manual),
            ("disconnect_message", socket.disconnect_message().is_some()),
            ("hiccup_message", socket.hiccup_message().is_some()),
        ];
        let found = refused.iter().chain(&by_both).find(|(_, is_set)| *is_set);
        found.map_or(Ok(()), |(option, _)| Err(OptionError::NotOfType { option, socket_type: name }))
    }
}

/// What becomes of requests whose server is lost before it has replied.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnServerLost {
    /// They fail with [`Error::PeerLost`](crate::Error::PeerLost), and may or may not have been acted on; the default.
    #[default]
    Fail,
    /// They are sent again, to the server whose turn it is, or the first to be there again, within their time limit:
    /// for requests that may be acted on twice. One whose servers are lost again and again, perhaps because of it,
    /// fails once it was sent again as often as the option `max_resends` says (default 3).
    Resend,
}

/// How a [`Client`](super::Client) behaves.
///
/// Options of the socket by which requests would vanish, with their callers left to their time limits, or that would be
/// without effect are refused when it is opened: `conflate`, `on_full` of `Drop` and `DropOldest`, `while_disconnected` of
/// `QueueUpTo`, `flush_policy` of `Manual`, `disconnect_message` and `hiccup_message`.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::rpc::{ClientOptions, OnServerLost};
/// use std::time::Duration;
///
/// let options = ClientOptions::from(SocketOptions::default().with_name("orders"))
///     .with_timeout(Duration::from_secs(5))
///     .with_max_outstanding(100)
///     .with_on_server_lost(OnServerLost::Resend);
/// assert_eq!(options.max_outstanding(), 100);
/// ```
#[derive(Clone, Debug)]
pub struct ClientOptions {
    settings: Settings,
    timeout: Option<Duration>,
    on_server_lost: OnServerLost,
}

impl Default for ClientOptions {
    fn default() -> Self {
        SocketOptions::default().into()
    }
}

/// Those of its socket, with all others at their defaults.
impl From<SocketOptions> for ClientOptions {
    fn from(socket: SocketOptions) -> Self {
        Self {
            settings: Settings::new(socket),
            timeout: Some(Duration::from_secs(30)),
            on_server_lost: OnServerLost::default(),
        }
    }
}

impl ClientOptions {
    /// How long a request may take, from the call to the reply; `None` for no limit. Default 30 s.
    /// [`request_within`](super::Client::request_within) has a limit of its own.
    ///
    /// ```
    /// use monocoque::rpc::ClientOptions;
    /// use std::time::Duration;
    ///
    /// assert_eq!(ClientOptions::default().timeout(), Some(Duration::from_secs(30)));
    /// // None where each request says for itself how long it may take.
    /// assert_eq!(ClientOptions::default().with_timeout(None).timeout(), None);
    /// ```
    #[must_use]
    pub fn with_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { timeout: timeout.into(), ..self }
    }

    /// How long a request may take; see [`with_timeout`](Self::with_timeout).
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// How many requests all clones of a client together have under way; further ones wait. Default 1,000.
    ///
    /// It bounds the replies that wait to be taken: one of at most `max_message_size` for each request.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::rpc::ClientOptions;
    ///
    /// // Replies of at most 64 KiB that nobody has taken yet take no more than 1 MiB together.
    /// let socket = SocketOptions::default().with_max_message_size(64 * 1024);
    /// let options = ClientOptions::from(socket).with_max_outstanding(16);
    /// assert_eq!(options.max_outstanding() * options.socket().max_message_size(), 1024 * 1024);
    /// ```
    #[must_use]
    pub fn with_max_outstanding(mut self, max_outstanding: usize) -> Self {
        self.settings.max_outstanding = max_outstanding;
        self
    }

    /// How many requests may be under way; see [`with_max_outstanding`](Self::with_max_outstanding).
    #[must_use]
    pub fn max_outstanding(&self) -> usize {
        self.settings.max_outstanding
    }

    /// What becomes of requests whose server is lost. Default [`OnServerLost::Fail`].
    ///
    /// ```
    /// use monocoque::rpc::{ClientOptions, OnServerLost};
    ///
    /// // For requests that may be carried out twice.
    /// let options = ClientOptions::default().with_on_server_lost(OnServerLost::Resend);
    /// assert_ne!(options.on_server_lost(), ClientOptions::default().on_server_lost());
    /// ```
    #[must_use]
    pub fn with_on_server_lost(self, on_server_lost: OnServerLost) -> Self {
        Self { on_server_lost, ..self }
    }

    /// What becomes of requests whose server is lost; see [`with_on_server_lost`](Self::with_on_server_lost).
    #[must_use]
    pub fn on_server_lost(&self) -> OnServerLost {
        self.on_server_lost
    }

    /// The options of the socket.
    ///
    /// See [`with_max_outstanding`](Self::with_max_outstanding).
    #[must_use]
    pub fn socket(&self) -> &SocketOptions {
        &self.settings.socket
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How often a request is sent again; `None` for as often as it takes.
    pub(super) fn resends(&self) -> Option<u32> {
        match self.on_server_lost {
            OnServerLost::Fail => Some(0),
            OnServerLost::Resend => self.settings.socket.max_resends(),
        }
    }

    /// Refuses what would have requests vanish, or be without effect.
    pub(super) fn check(&self) -> Result<(), OptionError> {
        let socket = &self.settings.socket;
        let queues = matches!(socket.while_disconnected(), WhileDisconnected::QueueUpTo { .. });
        let refused = [
            ("conflate", socket.conflate()),
            ("while_disconnected(QueueUpTo)", queues),
            ("on_full(Drop)", socket.on_full() == Some(OnFull::Drop)),
            ("on_full(DropOldest)", socket.on_full() == Some(OnFull::DropOldest)),
        ];
        self.settings.check("Client", &refused)
    }
}

/// How a [`Server`](super::Server) behaves.
///
/// Options of the socket by which replies would vanish untold, or that would bring what is no request are refused when it
/// is opened: `router_mandatory`, `router_notify`, `on_full` of `Fail`, `flush_policy` of `Manual`, `disconnect_message`
/// and `hiccup_message`.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::rpc::ServerOptions;
///
/// let options = ServerOptions::from(SocketOptions::default()).with_max_outstanding(100);
/// assert_eq!(options.max_outstanding(), 100);
/// ```
#[derive(Clone, Debug)]
pub struct ServerOptions {
    settings: Settings,
}

impl Default for ServerOptions {
    fn default() -> Self {
        SocketOptions::default().into()
    }
}

/// Those of its socket, with all others at their defaults.
impl From<SocketOptions> for ServerOptions {
    fn from(socket: SocketOptions) -> Self {
        Self { settings: Settings::new(socket) }
    }
}

impl ServerOptions {
    /// How many requests all clones of a server together hand out before one of them is answered or dropped; further
    /// ones wait where the marks of the socket have them wait. Default 1,000.
    ///
    /// ```
    /// use monocoque::rpc::ServerOptions;
    ///
    /// // As many as work on them at once, and the others wait where a client can see them.
    /// let options = ServerOptions::default().with_max_outstanding(8);
    /// assert_eq!(options.socket().recv_hwm(), Some(1000));
    /// ```
    #[must_use]
    pub fn with_max_outstanding(mut self, max_outstanding: usize) -> Self {
        self.settings.max_outstanding = max_outstanding;
        self
    }

    /// How many requests may be handed out; see [`with_max_outstanding`](Self::with_max_outstanding).
    #[must_use]
    pub fn max_outstanding(&self) -> usize {
        self.settings.max_outstanding
    }

    /// The options of the socket.
    ///
    /// See [`with_max_outstanding`](Self::with_max_outstanding).
    #[must_use]
    pub fn socket(&self) -> &SocketOptions {
        &self.settings.socket
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Refuses what would have replies vanish untold, or bring what is no request.
    pub(super) fn check(&self) -> Result<(), OptionError> {
        let socket = &self.settings.socket;
        let refused = [
            ("router_mandatory", socket.router_mandatory()),
            ("router_notify", socket.router_notify() != RouterNotify::default()),
            ("on_full(Fail)", socket.on_full() == Some(OnFull::Fail)),
        ];
        self.settings.check("Server", &refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn refused_by_client(socket: SocketOptions) -> Option<OptionError> {
        ClientOptions::from(socket).check().err()
    }

    fn refused_by_server(socket: SocketOptions) -> Option<OptionError> {
        ServerOptions::from(socket).check().err()
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let options = ClientOptions::default();
        assert_eq!(options.timeout(), Some(Duration::from_secs(30)));
        assert_eq!((options.max_outstanding(), options.on_server_lost()), (1000, OnServerLost::Fail));
        assert_eq!(options.resends(), Some(0));
        let resends = options.with_on_server_lost(OnServerLost::Resend).resends();
        assert_eq!(resends, Some(3));
        assert_eq!(ServerOptions::default().max_outstanding(), 1000);
        assert_eq!(ServerOptions::default().socket().send_hwm(), Some(1000));
    }

    #[test]
    fn options_that_cannot_work_are_refused() {
        let options = SocketOptions::default;
        assert!(refused_by_client(options()).is_none() && refused_by_server(options()).is_none());
        let queues = WhileDisconnected::QueueUpTo { messages: 1, bytes: 1, max_age: None };
        let farewell = Message::from("gone");
        let for_client = [
            (options().with_conflate(true), "conflate"),
            (options().with_while_disconnected(queues), "while_disconnected(QueueUpTo)"),
            (options().with_on_full(OnFull::Drop), "on_full(Drop)"),
            (options().with_on_full(OnFull::DropOldest), "on_full(DropOldest)"),
            (options().with_flush_policy(FlushPolicy::Manual), "flush_policy(Manual)"),
            (options().with_disconnect_message(farewell.clone()), "disconnect_message"),
            (options().with_hiccup_message(farewell.clone()), "hiccup_message"),
        ];
        for (options, option) in for_client {
            let expected = OptionError::NotOfType { option, socket_type: "Client" };
            assert_eq!(refused_by_client(options), Some(expected));
        }
        let for_server = [
            (options().with_router_mandatory(true), "router_mandatory"),
            (options().with_router_notify(RouterNotify::Both), "router_notify"),
            (options().with_on_full(OnFull::Fail), "on_full(Fail)"),
            (options().with_flush_policy(FlushPolicy::Manual), "flush_policy(Manual)"),
            (options().with_disconnect_message(farewell.clone()), "disconnect_message"),
            (options().with_hiccup_message(farewell), "hiccup_message"),
        ];
        for (options, option) in for_server {
            let expected = OptionError::NotOfType { option, socket_type: "Server" };
            assert_eq!(refused_by_server(options), Some(expected));
        }
        let zero = OptionError::Zero { option: "max_outstanding", no_limit: None };
        assert_eq!(ClientOptions::default().with_max_outstanding(0).check(), Err(zero.clone()));
        assert_eq!(ServerOptions::default().with_max_outstanding(0).check(), Err(zero));
    }
}
