//! Sockets of any type behind one trait: what a type cannot do it answers with `None`.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use monocoque::prelude::*;
use monocoque::runtime::sim::{self, SimStream};
use monocoque::socket::{self, PeerRef, Socket};

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
pub fn open(kind: Kind, options: SocketOptions, budget: Option<SemaphorePermits>) -> Result<Box<dyn Able>> {
    macro_rules! open {
        ($($kind:ident),+) => {
            match kind {
                $(Kind::$kind => {
                    let socket = Socket::<socket::$kind, SimStream>::new(options)?;
                    Ok(match budget {
                        Some(budget) => Box::new(socket.with_permits(budget)) as Box<dyn Able>,
                        None => Box::new(socket),
                    })
                })+
            }
        };
    }
    open!(Push, Pull, Dealer, Router, Req, Rep, Pub, Sub, XPub, XSub, Pair)
}

fn parts(refused: SendError) -> Refused {
    let (error, message) = refused.into_parts();
    (error, Some(message))
}

macro_rules! all {
    () => {
        fn another(&self) -> Box<dyn Able> {
            Box::new(self.clone())
        }
        fn stats(&self) -> SocketStats {
            self.stats()
        }
        fn peers(&self) -> Vec<PeerId> {
            self.peers()
        }
        fn buffered_messages(&self) -> usize {
            self.buffered_messages()
        }
        fn monitor(&self) -> Monitor {
            self.monitor()
        }
        fn wait_for_peers(&self, count: usize) -> Doing<'_, Result<()>> {
            Box::pin(self.wait_for_peers(count))
        }
        fn try_reconnect(&self) -> Doing<'_, Result<()>> {
            Box::pin(self.try_reconnect())
        }
        fn bind(&self, endpoint: Endpoint) -> Doing<'_, Result<Endpoint>> {
            Box::pin(self.bind_to(endpoint))
        }
        fn unbind(&self, endpoint: Endpoint) -> Result<()> {
            self.unbind(endpoint)
        }
        fn connect(&self, endpoint: Endpoint) -> Result<()> {
            self.connect_to(endpoint)
        }
        fn disconnect(&self, endpoint: Endpoint) -> Result<()> {
            self.disconnect(endpoint)
        }
        fn disconnect_peer(&self, peer: PeerRef) -> Result<()> {
            self.disconnect_peer(peer)
        }
        fn drain(&self) -> Result<()> {
            self.drain()
        }
        fn close(&self) -> Doing<'_, u64> {
            Box::pin(self.close())
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
            all!();
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
