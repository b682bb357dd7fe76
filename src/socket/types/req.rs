//! REQ: one request, one reply, in turn (RFC 28).

use super::kind::{Requests, socket_type};
use super::round_robin::next_with_room;
use crate::engine::{
    Admission, Arrived, Commands, Delivery, Newcomer, Pattern, Room, Route, Verdict, is_given_up,
};
use crate::error::{Error, SendError};
use crate::message::{Extent, Frame, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::options::SocketOptions;
use crate::resilience::BytePermits;
use crate::routing::LoadBalance;
use crate::runtime::AsyncStream;
use crate::socket::Socket;

socket_type! {
    /// A REQ socket: sends a request to one of its peers in turn, and receives the reply.
    ///
    /// Sending and receiving alternate: a `send` while a reply is awaited fails with
    /// [`Error::InvalidState`], unless the `recv` was dropped before (it timed out) or `req_relaxed` is on;
    /// the older request is then given up, and its reply never mistaken for the new one's: by its number
    /// with `req_correlate`, otherwise by ending the connection that it could come from. If the peer is lost
    /// before it replies, `recv` fails with [`Error::PeerLost`] and the next request may be sent; with
    /// `req_resend` the request goes to the next peer instead. A request that had not been written goes there
    /// in any case. What peers refuse again and again is given up (option `max_resends`), and `recv` fails.
    Req, ReqSocket;
    Requesting::new
}

impl<T: Requests, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Sends a request and receives the reply: `send` and `recv` in one.
    ///
    /// # Errors
    /// As [`send`](Self::send), with the message; as [`recv`](Self::recv), without it. Above all
    /// [`Error::PeerLost`] if the peer is lost before it replies.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the request may or may not have been sent; another one may follow, and
    /// its reply is never mistaken.
    #[doc = example!(r#"let rep = RepSocket::bind("tcp://127.0.0.1:0").await?;
let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await?;
tokio::spawn(async move {
    while let Ok(question) = rep.recv().await {
        let _ = rep.send(question).await;
    }
});
let answer = req.request("echo").await.map_err(|failed| failed.into_parts().0)?;
assert_eq!(answer[0], "echo");"#)]
    pub async fn request(&self, message: impl Into<Message>) -> Result<Message, SendError<Option<Message>>> {
        if let Err(refused) = self.send(message).await {
            let (error, message) = refused.into_parts();
            return Err(SendError::new(error, Some(message)));
        }
        self.recv().await.map_err(|error| SendError::new(error, None))
    }
}

/// The policy of REQ.
#[derive(Debug)]
struct Requesting {
    peers: LoadBalance<PeerId>,
    exchange: Exchange,
    /// The `recv` of this exchange was dropped.
    abandoned: bool,
    relaxed: bool,
    /// The number of the last request, if requests have one.
    correlate: Option<u32>,
    resend: bool,
    /// The request, to be sent again.
    request: Option<Message>,
    /// Peers that ended the connection when they had got the request and nothing else.
    refusals: u32,
    max_resends: Option<u32>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exchange {
    /// There is none.
    Idle,
    /// The request waits in the socket for a peer.
    Queued,
    /// This peer is to reply.
    Awaiting(PeerId),
    /// The reply waits to be received.
    Replied,
    /// The peer that was to reply is gone.
    Lost,
}

impl Requesting {
    fn new(options: &SocketOptions) -> Self {
        Self {
            peers: LoadBalance::default(),
            exchange: Exchange::Idle,
            abandoned: false,
            relaxed: options.req_relaxed(),
            correlate: options.req_correlate().then(|| fastrand::u32(..)),
            resend: options.req_resend(),
            request: None,
            refusals: 0,
            max_resends: options.max_resends,
        }
    }

    /// Gives the exchange under way up, so that nothing that comes of it can be taken for the next reply.
    fn forget(&mut self, commands: &mut Commands) {
        match self.exchange {
            Exchange::Queued => commands.drop_pending(DropCause::Superseded),
            Exchange::Awaiting(peer) if self.correlate.is_none() => {
                self.peers.remove(peer);
                commands.disconnect(peer, DisconnectReason::RequestAbandoned);
            }
            Exchange::Idle | Exchange::Awaiting(_) | Exchange::Replied | Exchange::Lost => {}
        }
        self.exchange = Exchange::Idle;
        self.request = None;
    }

    /// Takes the envelope off a message; false if it does not have ours.
    fn unwrap(&self, message: &mut Message) -> bool {
        let number = self.correlate.map(u32::to_be_bytes);
        let mut frames = message.frames();
        let numbered = number.is_none_or(|number| frames.next().is_some_and(|frame| *frame == number));
        let fits = numbered && frames.next().is_some_and(|frame| frame.is_empty()) && frames.next().is_some();
        if fits {
            (0..=usize::from(number.is_some())).for_each(|_| drop(message.pop_front()));
        }
        fits
    }
}

impl Pattern for Requesting {
    fn attach(&mut self, peer: Newcomer<'_>, _commands: &mut Commands) -> Admission {
        self.peers.insert(peer.id);
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, _commands: &mut Commands) {
        self.peers.remove(peer);
        if self.exchange == Exchange::Awaiting(peer) {
            self.exchange = Exchange::Lost;
        }
    }

    fn may_send(&mut self, commands: &mut Commands) -> Result<Arrived, Error> {
        match self.exchange {
            Exchange::Idle => {}
            _ if self.relaxed || self.abandoned => self.forget(commands),
            Exchange::Lost => self.forget(commands),
            Exchange::Queued | Exchange::Awaiting(_) | Exchange::Replied => return Err(Error::InvalidState),
        }
        self.abandoned = false;
        self.refusals = 0;
        // Whatever is there by now answers no question that is still to be asked.
        Ok(Arrived::IsStale)
    }

    fn on_wire(&self, Extent { size, frames }: Extent, _message: &Message) -> Extent {
        match self.correlate {
            Some(number) => Extent { size: size + size_of_val(&number), frames: frames + 2 },
            None => Extent { size, frames: frames + 1 },
        }
    }

    fn route(
        &mut self,
        _message: &Message,
        room: &dyn Fn(PeerId) -> Room,
        _commands: &mut Commands,
    ) -> Route {
        next_with_room(&mut self.peers, room)
    }

    /// There will be no reply, and `recv` is to say so.
    fn dropped(&mut self) {
        self.exchange = Exchange::Lost;
    }

    fn queued(&mut self) {
        self.exchange = Exchange::Queued;
    }

    fn outgoing(&mut self, peer: PeerId, message: &mut Message) {
        if self.resend {
            self.request = Some(message.clone());
        }
        message.push_front(Frame::new());
        if let Some(number) = &mut self.correlate {
            *number = number.wrapping_add(1);
            message.push_front(number.to_be_bytes());
        }
        self.exchange = Exchange::Awaiting(peer);
    }

    fn returned(&mut self, message: &mut Message) -> bool {
        let current = self.exchange == Exchange::Lost && self.unwrap(message);
        if current {
            self.exchange = Exchange::Queued;
        }
        current
    }

    fn refused(&mut self, message: &mut Message) {
        if self.exchange == Exchange::Lost && self.unwrap(message) {
            self.request = None;
        }
    }

    fn settled(&mut self, refused: bool, commands: &mut Commands) {
        if self.exchange != Exchange::Lost {
            return;
        }
        self.refusals += u32::from(refused);
        let given_up = refused && is_given_up(self.refusals, self.max_resends);
        if let Some(request) = self.request.take().filter(|_| !given_up) {
            self.exchange = Exchange::Queued;
            commands.resubmit(request);
        }
    }

    fn room_freed(&mut self, peer: PeerId) {
        self.peers.activate(peer);
    }

    fn filter(&mut self, peer: PeerId, message: &mut Message, _commands: &mut Commands) -> Verdict {
        if self.exchange != Exchange::Awaiting(peer) || !self.unwrap(message) {
            return Verdict::Discard(DropCause::Unexpected);
        }
        self.exchange = Exchange::Replied;
        Verdict::Deliver
    }

    fn delivery(&self) -> Delivery {
        Delivery::ByTurns
    }

    fn may_receive(&mut self) -> Result<(), Error> {
        match self.exchange {
            Exchange::Queued | Exchange::Awaiting(_) | Exchange::Replied => Ok(()),
            Exchange::Idle => Err(Error::InvalidState),
            Exchange::Lost => {
                self.exchange = Exchange::Idle;
                Err(Error::PeerLost)
            }
        }
    }

    fn deliver(&mut self, _peer: PeerId, _message: &mut Message) {
        self.exchange = Exchange::Idle;
        self.abandoned = false;
        self.request = None;
    }

    fn take_back(&mut self, _message: &mut Message) -> bool {
        let idle = self.exchange == Exchange::Idle;
        if idle {
            self.exchange = Exchange::Replied;
        }
        idle
    }

    fn recv_abandoned(&mut self) {
        self.abandoned = self.exchange != Exchange::Idle;
    }

    fn queues_without_peer(&self) -> bool {
        true
    }
}
