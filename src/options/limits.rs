//! High-water marks, and limits on what peers send.

use super::SocketOptions;

/// `None` for a mark that is not there.
fn limit(mark: usize) -> Option<usize> {
    (mark != usize::MAX).then_some(mark)
}

/// The high-water marks.
///
/// ```
/// use monocoque::SocketOptions;
///
/// const MIB: usize = 1024 * 1024;
///
/// let options = SocketOptions::default()
///     // For each peer, in messages and in bytes: whichever is reached first.
///     .with_send_hwm(100)
///     .with_send_hwm_bytes(8 * MIB)
///     .with_unlimited_recv_hwm()
///     .with_recv_hwm_bytes(8 * MIB)
///     // For all connections together.
///     .with_leftover_bytes(8 * MIB)
///     .with_incomplete_bytes(64 * MIB)
///     // For one message.
///     .with_max_message_size(MIB)
///     .with_max_frames(16);
/// assert_eq!((options.send_hwm(), options.recv_hwm()), (Some(100), None));
/// assert_eq!(options.max_message_size(), MIB);
/// ```
impl SocketOptions {
    /// Messages queued for one peer before senders wait; default 1000 (SNDHWM). Worst case: as many
    /// messages as fit below `send_hwm_bytes`. On `inproc://` there is one queue between two sockets, and the
    /// sender's mark and the receiver's `recv_hwm` add up; likewise the marks in bytes.
    #[must_use]
    pub fn with_send_hwm(mut self, messages: usize) -> Self {
        self.send_hwm = messages;
        self
    }

    /// No limit on the number of messages queued for one peer (SNDHWM 0); bytes still count.
    #[must_use]
    pub fn with_unlimited_send_hwm(self) -> Self {
        self.with_send_hwm(usize::MAX)
    }

    /// Messages queued for one peer before senders wait; `None` for no limit.
    #[must_use]
    pub fn send_hwm(&self) -> Option<usize> {
        limit(self.send_hwm)
    }

    /// Messages of one peer read ahead of the application before reading pauses; default 1000 (RCVHWM).
    /// One read, of at most 32 KiB, may wait undecoded beside them.
    #[must_use]
    pub fn with_recv_hwm(mut self, messages: usize) -> Self {
        self.recv_hwm = messages;
        self
    }

    /// Undecoded bytes that are kept, all together, of connections that have ended, until the application has
    /// received what is in them; default as many as `recv_hwm_bytes`. One that ends leaves at most one read of
    /// 32 KiB, and counts for 1 KiB besides and for what its first message [costs](crate::Message::cost), which may
    /// have begun before; one that costs more than all may is kept while there is no other. Past it the messages of the
    /// newest are dropped and counted by cause ([`DropCause::Leftover`](crate::monitor::DropCause::Leftover)); 0 keeps
    /// none. libzmq keeps them decoded, without a bound over all connections.
    #[must_use]
    pub fn with_leftover_bytes(mut self, bytes: usize) -> Self {
        self.leftover_bytes = Some(bytes);
        self
    }

    /// Undecoded bytes that are kept of connections that have ended; `None` for no limit.
    #[must_use]
    pub fn leftover_bytes(&self) -> Option<usize> {
        limit(self.leftover_bytes.unwrap_or(self.recv_hwm_bytes))
    }

    /// No limit on the number of messages read ahead (RCVHWM 0); bytes still count.
    #[must_use]
    pub fn with_unlimited_recv_hwm(self) -> Self {
        self.with_recv_hwm(usize::MAX)
    }

    /// Messages of one peer read ahead before reading pauses; `None` for no limit.
    #[must_use]
    pub fn recv_hwm(&self) -> Option<usize> {
        limit(self.recv_hwm)
    }

    /// What the messages queued for one peer may cost before senders wait, in bytes; default 64 MiB. A message
    /// costs its payload and [`Frame::COST`](crate::Frame::COST) for each frame; one that costs more than the
    /// whole mark is admitted alone. libzmq has no such mark.
    ///
    /// What a queue takes of the heap is at most twice what is counted, and a MiB and a half.
    #[must_use]
    pub fn with_send_hwm_bytes(mut self, bytes: usize) -> Self {
        self.send_hwm_bytes = bytes;
        self
    }

    /// No limit on the bytes queued for one peer.
    #[must_use]
    pub fn with_unlimited_send_hwm_bytes(self) -> Self {
        self.with_send_hwm_bytes(usize::MAX)
    }

    /// What the messages queued for one peer may cost, in bytes, before senders wait; `None` for no limit.
    #[must_use]
    pub fn send_hwm_bytes(&self) -> Option<usize> {
        limit(self.send_hwm_bytes)
    }

    /// What the messages of one peer that are read ahead of the application may cost before reading pauses, in
    /// bytes; default 64 MiB. They cost and take as much as in [`with_send_hwm_bytes`](Self::with_send_hwm_bytes).
    /// The message that reaches the mark is still taken whole.
    #[must_use]
    pub fn with_recv_hwm_bytes(mut self, bytes: usize) -> Self {
        self.recv_hwm_bytes = bytes;
        self
    }

    /// No limit on the bytes read ahead.
    #[must_use]
    pub fn with_unlimited_recv_hwm_bytes(self) -> Self {
        self.with_recv_hwm_bytes(usize::MAX)
    }

    /// What the messages of one peer that are read ahead may cost, in bytes, before reading pauses; `None` for no
    /// limit.
    #[must_use]
    pub fn recv_hwm_bytes(&self) -> Option<usize> {
        limit(self.recv_hwm_bytes)
    }

    /// What messages in the making may take, of all connections together; default 512 MiB. It is bytes that have
    /// arrived that count, never what a peer announces, and not what a connection has of a message below 64 KiB.
    ///
    /// Past it only the connection with the oldest unfinished message is read, and the others wait: until some
    /// message is finished or its connection ends, and without timing out. While others wait, a connection that
    /// is read and brings less than 64 KiB/s over 10 s is ended, the slowest first, with
    /// [`TimeoutKind::Frame`](crate::error::TimeoutKind::Frame). One message is always let through, so that
    /// the bound is this, the largest message, and 128 KiB for each connection. libzmq has none.
    #[must_use]
    pub fn with_incomplete_bytes(mut self, bytes: usize) -> Self {
        self.incomplete_bytes = bytes;
        self
    }

    /// What messages in the making may take, of all connections together; `None` for no limit.
    #[must_use]
    pub fn incomplete_bytes(&self) -> Option<usize> {
        limit(self.incomplete_bytes)
    }

    /// The largest message sent or accepted, in payload bytes over all frames; default 256 MiB. `send` refuses
    /// more, and a peer that announces more is disconnected before anything is allocated. libzmq's MAXMSGSIZE is for each
    /// frame, and for receiving only. What comes over `inproc://` is there already, and not checked, nor are
    /// its frames counted (as in libzmq).
    #[must_use]
    pub fn with_max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// The largest message sent or accepted, in payload bytes.
    #[must_use]
    pub fn max_message_size(&self) -> usize {
        self.max_message_size
    }

    /// The most frames that a message sent or accepted may have; default 65,536. `send` refuses more, and a peer
    /// that goes on to another frame is disconnected: even an empty frame takes
    /// [`Frame::COST`](crate::Frame::COST) bytes of memory, while the message is in the making too.
    #[must_use]
    pub fn with_max_frames(mut self, frames: usize) -> Self {
        self.max_frames = frames;
        self
    }

    /// The most frames that a message sent or accepted may have.
    #[must_use]
    pub fn max_frames(&self) -> usize {
        self.max_frames
    }
}
