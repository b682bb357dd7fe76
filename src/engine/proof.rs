//! What proves that messages have arrived: the answers to PINGs that ride on traffic.
//!
//! A PING carries the number of messages before it, and its PONG brings that back. One is put behind the messages
//! of a flush when enough has gone out since the last one and that is answered, so that proof costs nothing where
//! nothing is sent, and no timer. Nothing is concluded from an answer that does not come: a libzmq peer that has
//! reached its mark reads no PING.

/// How much goes out between two PINGs: a thousandth of the traffic, or less.
const MESSAGES: u64 = 1_000;
const BYTES: u64 = 1024 * 1024;

/// What is known of what a peer has received.
#[derive(Debug)]
pub(crate) struct Proof {
    /// Messages that have arrived.
    proven: u64,
    /// What stands before the newest PING.
    asked: Position,
    /// A PONG has come.
    pub(crate) answered: bool,
    /// Where the next PING goes: nowhere while one is unanswered.
    due: Position,
}

/// A place in what was ever queued for a connection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Position {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Position {
    const NOWHERE: Self = Self { messages: u64::MAX, bytes: u64::MAX };
}

impl Default for Proof {
    fn default() -> Self {
        Self { proven: 0, asked: Position::default(), answered: false, due: Position::NOWHERE }
    }
}

impl Proof {
    /// The peer answers PINGs, as its handshake shows.
    pub(crate) fn begin(&mut self) {
        self.plan();
    }

    /// Whether it is time for a PING, with so much queued.
    #[inline]
    pub(crate) fn is_due(&self, queued: Position) -> bool {
        queued.messages >= self.due.messages || queued.bytes >= self.due.bytes
    }

    /// A PING is queued: returns its context.
    pub(crate) fn ask(&mut self, queued: Position) -> [u8; 8] {
        self.asked = queued;
        self.due = Position::NOWHERE;
        queued.messages.to_be_bytes()
    }

    /// A PONG came. One that answers no PING of ours proves nothing.
    pub(crate) fn answer(&mut self, context: &[u8]) {
        self.answered = true;
        let Ok(context) = context.try_into() else { return };
        let messages = u64::from_be_bytes(context);
        if messages > self.asked.messages {
            return;
        }
        self.proven = self.proven.max(messages);
        if messages == self.asked.messages {
            self.plan();
        }
    }

    fn plan(&mut self) {
        let Position { messages, bytes } = self.asked;
        self.due = Position { messages: messages + MESSAGES, bytes: bytes + BYTES };
    }

    /// How many of so many messages may not have arrived.
    pub(crate) fn missing(&self, sent: u64) -> u64 {
        sent.saturating_sub(self.proven)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(messages: u64, bytes: u64) -> Position {
        Position { messages, bytes }
    }

    #[test]
    fn a_ping_is_due_after_a_thousand_messages_or_a_mebibyte_if_the_last_is_answered() {
        let mut proof = Proof::default();
        assert!(!proof.is_due(at(1 << 40, 1 << 40)), "not before the handshake, nor if it knows no PING");
        proof.begin();
        assert!(!proof.is_due(at(999, 1_048_575)));
        assert!(proof.is_due(at(1_000, 0)) && proof.is_due(at(0, 1_048_576)));
        let context = proof.ask(at(1_500, 2_000_000));
        assert!(!proof.is_due(at(1 << 40, 1 << 40)), "one at a time");
        proof.answer(&context);
        assert!(!proof.is_due(at(2_499, 2_500_000)) && proof.is_due(at(2_500, 2_500_000)));
    }

    #[test]
    fn a_pong_proves_what_stood_before_its_ping() {
        let mut proof = Proof::default();
        proof.begin();
        assert_eq!(proof.missing(7), 7);
        let first = proof.ask(at(1_000, 0));
        let second = proof.ask(at(1_200, 0));
        proof.answer(&first);
        assert_eq!(
            (proof.missing(1_300), proof.is_due(at(9_000, 0))),
            (300, false),
            "one is still unanswered"
        );
        proof.answer(&second);
        proof.answer(&first);
        assert_eq!((proof.missing(1_300), proof.is_due(at(9_000, 0))), (100, true));
        assert_eq!(proof.missing(1_000), 0, "more may be asked about than has left");
    }

    #[test]
    fn a_pong_to_no_ping_proves_nothing() {
        let mut proof = Proof::default();
        proof.begin();
        proof.ask(at(1_000, 0));
        for context in [&b""[..], b"abc", &2_000_u64.to_be_bytes(), &[0xFF; 8], &[0; 16]] {
            proof.answer(context);
        }
        assert!(proof.answered, "but it is a sign of life");
        assert_eq!(proof.missing(1_000), 1_000);
    }
}
