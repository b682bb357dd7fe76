//! Sockets of any type behind one trait: what a type cannot do it answers with `None`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use monocoque::prelude::*;
use monocoque::rpc::{Client, Server};
use monocoque::runtime::sim::{self, SimStream};
use monocoque::socket::{self, PeerRef, Socket};

use crate::options::{self, Choice};
use crate::plan::{How, Kind, Take};

pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Why a message was not accepted, and the message where it comes back.
pub type Refused = (Error, Option<Message>);

/// Room for one message, kept for a while before it is used, or given back.
pub struct Room {
    pub bytes: usize,
    pub frames: usize,
    pub hold: Duration,
    pub message: Option<Message>,
}

/// Several messages on their way, and how they end: with how many were accepted, or with why one was refused, and it
/// and those behind it.
pub type Together<'a> = Doing<'a, Result<usize, (Error, Vec<Message>)>>;

/// Is told how many of them are accepted so far, whenever that is known.
pub type Accepted<'a> = Box<dyn FnMut(usize) + 'a>;

/// A request that was handed out: its message, and how to reply.
pub type Handed = (Message, Box<dyn FnOnce(Message) -> Doing<'static, Result<(), Refused>>>);

pub trait Able {
    fn another(&self) -> Box<dyn Able>;
    fn stats(&self) -> SocketStats;
    fn peers(&self) -> Vec<PeerId>;
    fn buffered_messages(&self) -> usize;
    fn monitor(&self) -> Monitor;
    fn wait_for_peers(&self, count: usize) -> Doing<'_, Result<()>>;
    fn try_reconnect(&self) -> Doing<'_, Result<()>>;
    fn bind(&self, endpoint: Endpoint) -> Doing<'_, Result<Endpoint>>;
    fn unbind(&self, endpoint: Endpoint) -> Result<()>;
    fn connect(&self, endpoint: Endpoint) -> Result<()>;
    fn disconnect(&self, endpoint: Endpoint) -> Result<()>;
    fn disconnect_peer(&self, peer: PeerRef) -> Result<()>;
    fn drain(&self) -> Result<()>;
    fn close(&self) -> Doing<'_, u64>;

    fn send(&self, _: How, _: Message) -> Option<Doing<'_, Result<(), Refused>>> {
        None
    }
    fn send_together<'a>(&'a self, _: Vec<Message>, _: Accepted<'a>) -> Option<Together<'a>> {
        None
    }
    fn flush(&self) -> Option<Doing<'_, Result<()>>> {
        None
    }
    fn receive(&self, _: Take) -> Option<Doing<'_, Result<Vec<Message>>>> {
        None
    }
    fn reserve(&self, _: Room) -> Option<Doing<'_, Result<(), Refused>>> {
        None
    }
    fn send_to(&self, _: Vec<u8>, _: Message) -> Option<Doing<'_, Result<(), Refused>>> {
        None
    }
    fn request(&self, _: Message) -> Option<Doing<'_, Result<Message, Refused>>> {
        None
    }
    fn request_within(&self, _: Message, _: Duration) -> Option<Doing<'_, Result<Message, Refused>>> {
        None
    }
    /// The reply is still to come.
    fn try_request(&self, _: Message) -> Option<Result<Doing<'static, Result<Message>>, Refused>> {
        None
    }
    fn next_request(&self, _stream: bool) -> Option<Doing<'_, Result<Handed>>> {
        None
    }
    fn drain_within(&self, _: Duration) -> Option<Doing<'_, Result<()>>> {
        None
    }
    fn connect_as(&self, _: Endpoint, _: Vec<u8>) -> Option<Result<()>> {
        None
    }
    fn subscribe(&self, _: &[u8]) -> Option<Result<()>> {
        None
    }
    fn unsubscribe(&self, _: &[u8]) -> Option<Result<bool>> {
        None
    }
    fn wait_for_subscribers(&self, _: &'static [u8], _: usize) -> Option<Doing<'_, Result<()>>> {
        None
    }
}

/// Opens a socket, under a budget or none.
pub fn open(kind: Kind, choices: &[Choice], budget: Option<SemaphorePermits>) -> Result<Box<dyn Able>> {
    macro_rules! under {
        ($opened:expr) => {{
            let opened = $opened;
            Ok(match budget {
                Some(budget) => Box::new(opened.with_permits(budget)) as Box<dyn Able>,
                None => Box::new(opened),
            })
        }};
    }
    macro_rules! open {
        ($($kind:ident),+) => {
            match kind {
                $(Kind::$kind => under!(Socket::<socket::$kind, SimStream>::new(options::build(choices))?),)+
                Kind::Client => under!(Client::<SimStream>::new(options::client(choices))?),
                Kind::Server => under!(Server::<SimStream>::new(options::server(choices))?),
            }
        };
    }
    open!(Push, Pull, Dealer, Router, Req, Rep, Pub, Sub, XPub, XSub, Pair)
}

fn parts(refused: SendError) -> Refused {
    let (error, message) = refused.into_parts();
    (error, Some(message))
}

/// What all do; `$socket` is the socket of `$this`.
macro_rules! all {
    ($this:ident => $socket:expr) => {
        fn another(&self) -> Box<dyn Able> {
            Box::new(self.clone())
        }
        fn stats(&self) -> SocketStats {
            let $this = self;
            $socket.stats()
        }
        fn peers(&self) -> Vec<PeerId> {
            let $this = self;
            $socket.peers()
        }
        fn buffered_messages(&self) -> usize {
            let $this = self;
            $socket.buffered_messages()
        }
        fn monitor(&self) -> Monitor {
            let $this = self;
            $socket.monitor()
        }
        fn wait_for_peers(&self, count: usize) -> Doing<'_, Result<()>> {
            let $this = self;
            Box::pin($socket.wait_for_peers(count))
        }
        fn try_reconnect(&self) -> Doing<'_, Result<()>> {
            let $this = self;
            Box::pin($socket.try_reconnect())
        }
        fn bind(&self, endpoint: Endpoint) -> Doing<'_, Result<Endpoint>> {
            let $this = self;
            Box::pin($socket.bind_to(endpoint))
        }
        fn unbind(&self, endpoint: Endpoint) -> Result<()> {
            let $this = self;
            $socket.unbind(endpoint)
        }
        fn connect(&self, endpoint: Endpoint) -> Result<()> {
            let $this = self;
            $socket.connect_to(endpoint)
        }
        fn disconnect(&self, endpoint: Endpoint) -> Result<()> {
            let $this = self;
            $socket.disconnect(endpoint)
        }
        fn disconnect_peer(&self, peer: PeerRef) -> Result<()> {
            let $this = self;
            $socket.disconnect_peer(peer)
        }
        fn drain(&self) -> Result<()> {
            let $this = self;
            $socket.drain()
        }
        fn close(&self) -> Doing<'_, u64> {
            let $this = self;
            Box::pin($socket.close())
        }
    };
}

macro_rules! sends {
    () => {
        fn send(&self, how: How, message: Message) -> Option<Doing<'_, Result<(), Refused>>> {
            Some(Box::pin(async move {
                match how {
                    How::Send => self.send(message).await.map_err(parts),
                    How::Feed => self.feed(message).await.map_err(parts),
                    How::Try => self.try_send(message).map_err(parts),
                    How::Buffered => self.send_buffered(message).map_err(parts),
                    How::Reconnect => self.send_with_reconnect(message).await.map_err(parts),
                    How::Sink => {
                        SinkExt::send(&mut self.clone(), message).await.map_err(SendError::into_parts)
                    }
                }
            }))
        }
        fn send_together<'a>(
            &'a self,
            messages: Vec<Message>,
            mut told: Accepted<'a>,
        ) -> Option<Together<'a>> {
            let mut sending = self.send_many(messages);
            Some(Box::pin(poll_fn(move |cx| {
                let polled = Pin::new(&mut sending).poll(cx);
                told(sending.accepted());
                polled.map_err(|refused| {
                    let (error, unsent) = refused.into_parts();
                    (error, unsent.collect())
                })
            })))
        }
        fn flush(&self) -> Option<Doing<'_, Result<()>>> {
            Some(Box::pin(self.flush()))
        }
    };
}

macro_rules! receives {
    () => {
        fn receive(&self, take: Take) -> Option<Doing<'_, Result<Vec<Message>>>> {
            Some(Box::pin(async move {
                let message = match take {
                    Take::Recv => self.recv().await?,
                    Take::Try => self.try_recv()?,
                    Take::Reconnect => self.recv_with_reconnect().await?,
                    Take::Stream => self.clone().next().await.unwrap_or(Err(Error::Closed))?,
                    Take::WithPeer => self.recv_with_peer().await?.1,
                    Take::Many(most) => {
                        let mut messages = Vec::new();
                        self.recv_many(&mut messages, most).await?;
                        return Ok(messages);
                    }
                };
                Ok(vec![message])
            }))
        }
    };
}

macro_rules! reserves {
    () => {
        fn reserve(&self, room: Room) -> Option<Doing<'_, Result<(), Refused>>> {
            Some(Box::pin(async move {
                let permit = self.reserve_frames(room.bytes, room.frames).await;
                let permit = permit.map_err(|error| (error, None))?;
                sim::sleep(room.hold).await;
                match room.message {
                    Some(message) => permit.send(message).map_err(parts),
                    None => Err((Error::WouldBlock, None)),
                }
            }))
        }
    };
}

macro_rules! addresses {
    () => {
        fn send_to(&self, identity: Vec<u8>, message: Message) -> Option<Doing<'_, Result<(), Refused>>> {
            Some(Box::pin(async move { self.send_to(identity, message).await.map_err(parts) }))
        }
        fn connect_as(&self, endpoint: Endpoint, identity: Vec<u8>) -> Option<Result<()>> {
            Some(self.connect_to_as(endpoint, identity))
        }
    };
}

macro_rules! requests {
    () => {
        fn request(&self, message: Message) -> Option<Doing<'_, Result<Message, Refused>>> {
            Some(Box::pin(async move { self.request(message).await.map_err(SendError::into_parts) }))
        }
    };
}

macro_rules! subscribes {
    () => {
        fn subscribe(&self, topic: &[u8]) -> Option<Result<()>> {
            Some(self.subscribe(topic))
        }
        fn unsubscribe(&self, topic: &[u8]) -> Option<Result<bool>> {
            Some(self.unsubscribe(topic))
        }
    };
}

macro_rules! publishes {
    () => {
        fn wait_for_subscribers(&self, prefix: &'static [u8], count: usize) -> Option<Doing<'_, Result<()>>> {
            Some(Box::pin(self.wait_for_subscribers(prefix, count)))
        }
    };
}

macro_rules! able {
    ($($kind:ident: $($can:ident)*;)+) => {$(
        impl<P: BytePermits> Able for Socket<socket::$kind, SimStream, P> {
            all!(this => this);
            $($can!();)*
        }
    )+};
}

able! {
    Push: sends reserves;
    Pull: receives;
    Dealer: sends receives reserves;
    Router: sends receives addresses;
    Req: sends receives requests;
    Rep: sends receives;
    Pub: sends publishes;
    Sub: receives subscribes;
    XPub: sends receives publishes subscribes;
    XSub: sends receives subscribes;
    Pair: sends receives reserves;
}

impl<P: BytePermits> Able for Client<SimStream, P> {
    all!(this => this.socket());
    requests!();

    fn request_within(
        &self,
        message: Message,
        limit: Duration,
    ) -> Option<Doing<'_, Result<Message, Refused>>> {
        Some(Box::pin(
            async move { self.request_within(message, limit).await.map_err(SendError::into_parts) },
        ))
    }
    fn try_request(&self, message: Message) -> Option<Result<Doing<'static, Result<Message>>, Refused>> {
        let pending = self.try_request(message).map_err(parts);
        Some(pending.map(|pending| Box::pin(pending.reply()) as Doing<'static, _>))
    }
}

impl<P: BytePermits> Able for Server<SimStream, P> {
    all!(this => this.socket());

    fn next_request(&self, stream: bool) -> Option<Doing<'_, Result<Handed>>> {
        Some(Box::pin(async move {
            let request = match stream {
                true => self.requests().next().await.unwrap_or(Err(Error::Closed))?,
                false => self.next().await?,
            };
            let reply = request.reply;
            let answer =
                |message| Box::pin(async move { reply.send(message).await.map_err(parts) }) as Doing<'_, _>;
            Ok((request.message, Box::new(answer) as Box<_>))
        }))
    }
    fn drain_within(&self, limit: Duration) -> Option<Doing<'_, Result<()>>> {
        Some(Box::pin(self.drain(limit)))
    }
}
