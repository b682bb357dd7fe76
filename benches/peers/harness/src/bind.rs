//! Where a socket is to listen, and for whom.

/// Where a socket is to listen, and for whom.
pub struct Bind {
    /// `tcp://127.0.0.1:0`, or a path or name for the other transports.
    pub endpoint: String,
    /// How many peers will connect: some libraries accept them one by one.
    pub peers: usize,
    /// How many subscriptions these will make in all, for a PUB socket.
    pub subscriptions: usize,
    announce: Box<dyn FnOnce(String) + Send>,
}

impl Bind {
    pub(crate) fn new(
        endpoint: String,
        peers: usize,
        announce: impl FnOnce(String) + Send + 'static,
    ) -> Self {
        Self { endpoint, peers, subscriptions: 0, announce: Box::new(announce) }
    }

    pub(crate) fn with_subscriptions(self, subscriptions: usize) -> Self {
        Self { subscriptions, ..self }
    }

    /// Tells the other side where to connect: as soon as the socket listens, and before it waits for peers.
    pub fn announce(self, endpoint: impl Into<String>) {
        (self.announce)(endpoint.into());
    }
}
