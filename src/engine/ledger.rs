//! The accounts of a socket: nothing else writes its counters.
//!
//! Two equations hold whenever the lock is free: `accepted = sent + queued + dropped`, and
//! `received = delivered + waiting + dropped`. Builds with debug assertions check them (`check`).

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::{Counts, DisconnectKind, DropCause, EndpointStats, SocketStats};

/// What one connection has done.
#[derive(Debug, Default)]
pub(crate) struct Account {
    sent: u64,
    sent_bytes: u64,
    received: u64,
    received_bytes: u64,
    dropped: Counts<DropCause>,
    recv_dropped: Counts<DropCause>,
}

/// What came of the attempts at one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    begun: u64,
    failed: u64,
    last_error: Option<Error>,
}

impl Attempts {
    /// One began: to connect, or a connection was accepted.
    pub(crate) fn begin(&mut self) {
        self.begun += 1;
    }

    /// One never got through the handshake.
    pub(crate) fn fail(&mut self, cause: Error) {
        self.failed += 1;
        self.last_error = Some(cause);
    }

    /// One did, and the connection ended.
    pub(crate) fn lose(&mut self, cause: Error) {
        self.last_error = Some(cause);
    }

    pub(crate) fn stats(&self, endpoint: Endpoint, bound: bool, stopped: bool) -> EndpointStats {
        let Self { begun: attempts, failed: failed_attempts, ref last_error } = *self;
        EndpointStats { endpoint, bound, stopped, attempts, failed_attempts, last_error: last_error.clone() }
    }
}

/// What the socket has done, except for what the accounts of its connections say.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accepted: u64,
    delivered: u64,
    dropped: Counts<DropCause>,
    recv_dropped: Counts<DropCause>,
    incomplete: u64,
    in_doubt: u64,
    connects: u64,
    reconnects: u64,
    handshakes_failed: Counts<DisconnectKind>,
    disconnects: Counts<DisconnectKind>,
    subscriptions_refused: u64,
    /// The sums over the connections that are gone.
    closed: Totals,
    /// Calls since the last check.
    #[cfg(debug_assertions)]
    unchecked: usize,
}

/// Messages and payload bytes in both directions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Totals {
    pub(crate) sent: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) received: u64,
    pub(crate) received_bytes: u64,
}

impl Account {
    /// Messages whose last byte is with the kernel.
    #[inline]
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// So many messages, of so many payload bytes together, have left.
    #[inline]
    pub(crate) fn send(&mut self, messages: u64, bytes: u64) {
        self.sent += messages;
        self.sent_bytes += bytes;
    }

    /// A message of so many payload bytes has arrived.
    #[inline]
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.receive_all(1, bytes);
    }

    /// So many messages, of so many payload bytes together, have arrived.
    #[inline]
    pub(crate) fn receive_all(&mut self, messages: u64, bytes: usize) {
        self.received += messages;
        self.received_bytes += bytes as u64;
    }

    pub(crate) fn totals(&self) -> Totals {
        let Self { sent, sent_bytes, received, received_bytes, .. } = *self;
        Totals { sent, sent_bytes, received, received_bytes }
    }

    pub(crate) fn dropped(&self) -> &Counts<DropCause> {
        &self.dropped
    }

    pub(crate) fn recv_dropped(&self) -> &Counts<DropCause> {
        &self.recv_dropped
    }
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.sent_bytes += other.sent_bytes;
        self.received += other.received;
        self.received_bytes += other.received_bytes;
    }
}

impl Ledger {
    /// A message was accepted: it is now queued, or will be counted as dropped.
    #[inline]
    pub(crate) fn accept(&mut self) {
        self.accept_all(1);
    }

    /// So many were.
    #[inline]
    pub(crate) fn accept_all(&mut self, messages: u64) {
        self.accepted += messages;
    }

    /// Messages accepted so far.
    #[inline]
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Messages that were accepted will not be sent.
    pub(crate) fn drop_accepted(&mut self, account: Option<&mut Account>, cause: DropCause, count: u64) {
        self.dropped.add(cause, count);
        if let Some(account) = account {
            account.dropped.add(cause, count);
        }
    }

    /// Messages arrived, or are said to have, from a connection that has no account any more.
    pub(crate) fn receive_late(&mut self, messages: u64, bytes: u64) {
        self.closed.add(Totals { received: messages, received_bytes: bytes, ..Totals::default() });
    }

    /// Messages that arrived will not be received.
    pub(crate) fn drop_received(&mut self, account: Option<&mut Account>, cause: DropCause, count: u64) {
        self.recv_dropped.add(cause, count);
        if let Some(account) = account {
            account.recv_dropped.add(cause, count);
        }
    }

    /// A message went to the application.
    #[inline]
    pub(crate) fn deliver(&mut self) {
        self.deliver_all(1);
    }

    /// So many did.
    #[inline]
    pub(crate) fn deliver_all(&mut self, messages: u64) {
        self.delivered += messages;
    }

    /// It came back.
    pub(crate) fn take_back(&mut self) {
        self.delivered -= 1;
    }

    /// A message that had begun to arrive never will.
    pub(crate) fn cut(&mut self) {
        self.incomplete += 1;
    }

    pub(crate) fn connect(&mut self) {
        self.connects += 1;
    }

    /// The connection that was just counted restored one that was lost.
    pub(crate) fn reconnect(&mut self) {
        self.reconnects += 1;
    }

    pub(crate) fn fail_handshake(&mut self, kind: DisconnectKind) {
        self.handshakes_failed.add(kind, 1);
    }

    pub(crate) fn disconnect(&mut self, kind: DisconnectKind) {
        self.disconnects.add(kind, 1);
    }

    /// A peer did not get a subscription.
    pub(crate) fn refuse_subscription(&mut self) {
        self.subscriptions_refused += 1;
    }

    /// A connection is gone, and with it its account.
    pub(crate) fn close(&mut self, account: &Account, in_doubt: u64) {
        self.closed.add(account.totals());
        self.in_doubt += in_doubt;
    }

    /// So many messages of connections that are gone have arrived after all.
    pub(crate) fn prove(&mut self, messages: u64) {
        self.in_doubt -= messages;
    }

    /// The sums over all connections there ever were, given the accounts of those that there are.
    pub(crate) fn totals<'a>(&self, accounts: impl Iterator<Item = &'a Account>) -> Totals {
        let mut totals = self.closed;
        accounts.for_each(|account| totals.add(account.totals()));
        totals
    }

    /// What the end of the socket left unsent.
    pub(crate) fn unsent(&self) -> u64 {
        self.dropped.of(DropCause::Closed) + self.dropped.of(DropCause::CompanionGone)
    }

    /// The figures, but for what is queued and the connections.
    pub(crate) fn stats(&self, totals: Totals) -> SocketStats {
        SocketStats {
            accepted: self.accepted,
            sent: totals.sent,
            bytes_sent: totals.sent_bytes,
            in_doubt: self.in_doubt,
            received: totals.received,
            bytes_received: totals.received_bytes,
            delivered: self.delivered,
            recv_dropped: self.recv_dropped.total(),
            recv_incomplete: self.incomplete,
            connects: self.connects,
            reconnects: self.reconnects,
            handshakes_failed: self.handshakes_failed.total(),
            subscriptions_refused: self.subscriptions_refused,
            dropped: self.dropped.clone(),
            recv_dropped_by: self.recv_dropped.clone(),
            handshakes_failed_by: self.handshakes_failed.clone(),
            disconnects_by: self.disconnects.clone(),
            ..SocketStats::default()
        }
    }

    /// Whether the books are to be checked now: after every call while there are few connections, and for
    /// each of many once in as many calls, so that checking costs the same for any number.
    #[cfg(debug_assertions)]
    pub(crate) fn is_due(&mut self, connections: usize) -> bool {
        self.unchecked += 1;
        let due = self.unchecked > connections / 8;
        if due {
            self.unchecked = 0;
        }
        due
    }

    /// Both equations, given what is queued and what waits to be received.
    ///
    /// # Panics
    /// If a message is nowhere, or in two places.
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self, totals: Totals, queued: u64, waiting: u64) {
        assert_eq!(
            self.accepted,
            totals.sent + queued + self.dropped.total(),
            "accepted = {} sent + {queued} queued + {} dropped",
            totals.sent,
            self.dropped,
        );
        assert_eq!(
            totals.received,
            self.delivered + waiting + self.recv_dropped.total(),
            "received = {} delivered + {waiting} waiting + {} dropped",
            self.delivered,
            self.recv_dropped,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_ended_connection_did_stays_in_the_totals() {
        let mut ledger = Ledger::default();
        let (mut ended, mut open) = (Account::default(), Account::default());
        ended.send(2, 20);
        ended.receive(5);
        open.receive(7);
        ledger.close(&ended, 1);
        ledger.receive_late(1, 3);
        let totals = ledger.totals([&open].into_iter());
        assert_eq!(totals, Totals { sent: 2, sent_bytes: 20, received: 3, received_bytes: 15 });
        let stats = ledger.stats(totals);
        assert_eq!((stats.sent, stats.bytes_received, stats.in_doubt), (2, 15, 1));
    }

    #[test]
    fn drops_are_counted_for_the_socket_and_its_connection() {
        let mut ledger = Ledger::default();
        let mut account = Account::default();
        ledger.drop_accepted(Some(&mut account), DropCause::PeerFull, 3);
        ledger.drop_accepted(None, DropCause::Expired, 1);
        ledger.drop_received(Some(&mut account), DropCause::NotSubscribed, 2);
        assert_eq!((ledger.dropped.total(), account.dropped().total()), (4, 3));
        assert_eq!(ledger.unsent(), 0);
        ledger.drop_accepted(None, DropCause::Closed, 2);
        ledger.drop_accepted(None, DropCause::CompanionGone, 3);
        assert_eq!(ledger.unsent(), 5, "what was left when the socket ended");
        assert_eq!(account.recv_dropped().of(DropCause::NotSubscribed), 2);
        assert_eq!(ledger.stats(Totals::default()).recv_dropped_by(DropCause::NotSubscribed), 2);
    }

    #[test]
    #[cfg(debug_assertions)]
    fn books_that_do_not_balance_are_noticed() {
        let mut ledger = Ledger::default();
        ledger.accept();
        ledger.check(Totals::default(), 1, 0);
        let lost = std::panic::catch_unwind(|| ledger.check(Totals::default(), 0, 0));
        assert!(lost.is_err(), "accepted, and nowhere");
        let twice = std::panic::catch_unwind(|| ledger.check(Totals::default(), 1, 1));
        assert!(twice.is_err(), "never arrived, and waits");
    }

    #[test]
    #[cfg(debug_assertions)]
    fn many_connections_are_checked_less_often() {
        let mut ledger = Ledger::default();
        let mut checks = |connections| (0..1000).filter(|_| ledger.is_due(connections)).count();
        assert_eq!((checks(1), checks(8_000)), (1000, 0));
        assert_eq!(checks(80), 91, "the calls of the last line count");
    }
}
