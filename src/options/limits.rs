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
    #[doc = example!(r#"let options = SocketOptions::default().with_send_hwm(2);
assert_eq!(SocketOptions::default().send_hwm(), Some(1000));
let push = PushSocket::new(options)?;
push.connect_to("inproc://nobody-is-there-yet")?;
assert!(push.try_send("one").is_ok() && push.try_send("two").is_ok());
assert!(matches!(push.try_send("three").unwrap_err().error(), Error::WouldBlock));"#)]
    #[must_use]
    pub fn with_send_hwm(mut self, messages: usize) -> Self {
        self.send_hwm = messages;
        self
    }

    /// No limit on the number of messages queued for one peer (SNDHWM 0); bytes still count.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // Any number of messages, but no more than fit into 8 MiB.
    /// let options = SocketOptions::default().with_unlimited_send_hwm().with_send_hwm_bytes(8 * 1024 * 1024);
    /// assert_eq!((options.send_hwm(), options.send_hwm_bytes()), (None, Some(8 * 1024 * 1024)));
    /// ```
    #[must_use]
    pub fn with_unlimited_send_hwm(self) -> Self {
        self.with_send_hwm(usize::MAX)
    }

    /// Messages queued for one peer before senders wait; `None` for no limit;
    /// see [`with_send_hwm`](Self::with_send_hwm).
    #[must_use]
    pub fn send_hwm(&self) -> Option<usize> {
        limit(self.send_hwm)
    }

    /// Messages of one peer read ahead of the application before reading pauses; default 1000 (RCVHWM).
    /// One read, of at most 64 KiB, may wait undecoded beside them.
    #[doc = example!(r#"// On `inproc://` the two marks add up.
let pull = PullSocket::bind_with_options("inproc://marks", SocketOptions::default().with_recv_hwm(2)).await?;
let options = SocketOptions::default().with_send_hwm(1);
let push = PushSocket::connect_with_options("inproc://marks", options).await?;
assert!((0..3).all(|_| push.try_send("fits").is_ok()));
assert!(push.try_send("one too many").is_err());
# drop(pull);"#)]
    #[must_use]
    pub fn with_recv_hwm(mut self, messages: usize) -> Self {
        self.recv_hwm = messages;
        self
    }

    /// Undecoded bytes that are kept, all together, of connections that have ended, until the application has
    /// received what is in them; default as many as `recv_hwm_bytes`. One that ends leaves at most one read of
    /// 64 KiB, and counts for 1 KiB besides and for what its first message [costs](crate::Message::cost), which may
    /// have begun before; one that costs more than all may is kept while there is no other. Past it the messages of the
    /// newest are dropped and counted by cause ([`DropCause::Leftover`](crate::monitor::DropCause::Leftover)); 0 keeps
    /// none. libzmq keeps them decoded, without a bound over all connections.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// let options = SocketOptions::default().with_recv_hwm_bytes(1024 * 1024);
    /// assert_eq!(options.leftover_bytes(), options.recv_hwm_bytes());
    /// // What a client has sent counts for nothing once it has gone.
    /// assert_eq!(options.with_leftover_bytes(0).leftover_bytes(), Some(0));
    /// ```
    #[must_use]
    pub fn with_leftover_bytes(mut self, bytes: usize) -> Self {
        self.leftover_bytes = Some(bytes);
        self
    }

    /// Undecoded bytes that are kept of connections that have ended; `None` for no limit;
    /// see [`with_leftover_bytes`](Self::with_leftover_bytes).
    #[must_use]
    pub fn leftover_bytes(&self) -> Option<usize> {
        limit(self.leftover_bytes.unwrap_or(self.recv_hwm_bytes))
    }

    /// No limit on the number of messages read ahead (RCVHWM 0); bytes still count.
    ///
    /// As with [`with_unlimited_send_hwm`](Self::with_unlimited_send_hwm).
    #[must_use]
    pub fn with_unlimited_recv_hwm(self) -> Self {
        self.with_recv_hwm(usize::MAX)
    }

    /// Messages of one peer read ahead before reading pauses; `None` for no limit;
    /// see [`with_recv_hwm`](Self::with_recv_hwm).
    #[must_use]
    pub fn recv_hwm(&self) -> Option<usize> {
        limit(self.recv_hwm)
    }

    /// What the messages queued for one peer may cost before senders wait, in bytes; default 64 MiB. A message
    /// costs its payload and [`Frame::COST`](crate::Frame::COST) for each frame; one that costs more than the
    /// whole mark is admitted alone. libzmq has no such mark.
    ///
    /// What a queue takes of the heap is at most twice what is counted, and a MiB and a half.
    #[doc = example!(r#"let push = PushSocket::new(SocketOptions::default().with_send_hwm_bytes(10 * Frame::COST))?;
push.connect_to("inproc://nobody-is-there-yet")?;
// More than the whole mark is admitted alone.
push.try_send(vec![0; 1_000_000])?;
assert!(push.try_send("behind it").is_err());"#)]
    #[must_use]
    pub fn with_send_hwm_bytes(mut self, bytes: usize) -> Self {
        self.send_hwm_bytes = bytes;
        self
    }

    /// No limit on the bytes queued for one peer.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // As libzmq has it: messages are counted, whatever their size.
    /// let options = SocketOptions::default().with_unlimited_send_hwm_bytes().with_unlimited_recv_hwm_bytes();
    /// assert_eq!((options.send_hwm_bytes(), options.send_hwm()), (None, Some(1000)));
    /// ```
    #[must_use]
    pub fn with_unlimited_send_hwm_bytes(self) -> Self {
        self.with_send_hwm_bytes(usize::MAX)
    }

    /// What the messages queued for one peer may cost, in bytes, before senders wait; `None` for no limit;
    /// see [`with_send_hwm_bytes`](Self::with_send_hwm_bytes).
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
    ///
    /// As with [`with_unlimited_send_hwm_bytes`](Self::with_unlimited_send_hwm_bytes).
    #[must_use]
    pub fn with_unlimited_recv_hwm_bytes(self) -> Self {
        self.with_recv_hwm_bytes(usize::MAX)
    }

    /// What the messages of one peer that are read ahead may cost, in bytes, before reading pauses; `None` for no
    /// limit; see [`with_recv_hwm_bytes`](Self::with_recv_hwm_bytes).
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
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // For clients from anywhere: however many they are, what they have begun to send takes 64 MiB and a bit.
    /// let options = SocketOptions::default()
    ///     .with_max_message_size(1024 * 1024)
    ///     .with_incomplete_bytes(64 * 1024 * 1024);
    /// assert_eq!(options.incomplete_bytes(), Some(64 * options.max_message_size()));
    /// ```
    #[must_use]
    pub fn with_incomplete_bytes(mut self, bytes: usize) -> Self {
        self.incomplete_bytes = bytes;
        self
    }

    /// What messages in the making may take, of all connections together; `None` for no limit;
    /// see [`with_incomplete_bytes`](Self::with_incomplete_bytes).
    #[must_use]
    pub fn incomplete_bytes(&self) -> Option<usize> {
        limit(self.incomplete_bytes)
    }

    /// The largest message sent or accepted, in payload bytes over all frames; default 256 MiB. `send` refuses
    /// more, and a peer that announces more is disconnected before anything is allocated. libzmq's MAXMSGSIZE is for each
    /// frame, and for receiving only. What comes over `inproc://` is there already, and not checked, nor are
    /// its frames counted (as in libzmq).
    #[doc = example!(r#"let push = PushSocket::new(SocketOptions::default().with_max_message_size(10))?;
let refused = push.try_send(("all its", "frames count")).unwrap_err();
assert!(matches!(refused.error(), Error::MessageTooLarge { size: 19, max: 10 }));"#)]
    #[must_use]
    pub fn with_max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// The largest message sent or accepted, in payload bytes;
    /// see [`with_max_message_size`](Self::with_max_message_size).
    #[must_use]
    pub fn max_message_size(&self) -> usize {
        self.max_message_size
    }

    /// The most frames that a message sent or accepted may have; default 65,536. `send` refuses more, and a peer
    /// that goes on to another frame is disconnected: even an empty frame takes
    /// [`Frame::COST`](crate::Frame::COST) bytes of memory, while the message is in the making too.
    #[doc = example!(r#"let push = PushSocket::new(SocketOptions::default().with_max_frames(2))?;
let refused = push.try_send(["one", "two", "three"]).unwrap_err();
assert!(matches!(refused.error(), Error::TooManyFrames { frames: 3, max: 2 }));"#)]
    #[must_use]
    pub fn with_max_frames(mut self, frames: usize) -> Self {
        self.max_frames = frames;
        self
    }

    /// The most frames that a message sent or accepted may have; see [`with_max_frames`](Self::with_max_frames).
    #[must_use]
    pub fn max_frames(&self) -> usize {
        self.max_frames
    }
}
