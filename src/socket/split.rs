//! Halves of a socket.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use super::types::{Receives, Sends};
use super::{Flushing, Receiving, ReceivingMany, Sending, SendingMany, Socket};
use crate::error::{Result, SendError};
use crate::message::Message;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T: Sends + Receives, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Splits the handle into one that only sends and one that only receives, for two tasks.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let echo = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = dealer.split();
let sending = tokio::spawn(async move { sender.send("from a task of its own").await });
echo.send(echo.recv().await?).await?;
assert_eq!(receiver.recv().await?[0], "from a task of its own");
# sending.await.unwrap()?;"#)]
    pub fn split(self) -> (Sender<T, S, P>, Receiver<T, S, P>) {
        (Sender { socket: self.clone() }, Receiver { socket: self })
    }
}

/// The sending half of a socket.
#[derive(Clone, Debug)]
pub struct Sender<T: Sends, S: AsyncStream, P: BytePermits> {
    socket: Socket<T, S, P>,
}

/// The receiving half of a socket.
#[derive(Clone, Debug)]
pub struct Receiver<T: Receives, S: AsyncStream, P: BytePermits> {
    socket: Socket<T, S, P>,
}

impl<T: Sends, S: AsyncStream, P: BytePermits> Sender<T, S, P> {
    /// [`Socket::send`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
sender.send("x").await?;
assert_eq!(dealer.recv().await?[0], "x");
# drop(receiver);"#)]
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
        self.socket.send(message)
    }

    /// [`Socket::try_send`].
    ///
    /// # Errors
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
sender.try_send("there is room for it")?;
assert_eq!(dealer.recv().await?[0], "there is room for it");
# drop(receiver);"#)]
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.socket.try_send(message)
    }

    /// [`Socket::send_many`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
assert_eq!(sender.send_many(["all", "of", "them"]).await?, 3);
# drop((dealer, receiver));"#)]
    pub fn send_many<I>(&self, messages: I) -> SendingMany<'_, T, S, P, I::IntoIter>
    where
        I: IntoIterator<Item: Into<Message>>,
    {
        self.socket.send_many(messages)
    }

    /// [`Socket::feed`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
sender.feed("together").await?;
sender.feed("with this").await?;
sender.flush().await?;
assert_eq!(dealer.recv().await?[0], "together");
# drop(receiver);"#)]
    pub fn feed(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
        self.socket.feed(message)
    }

    /// [`Socket::send_buffered`].
    ///
    /// # Errors
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
sender.send_buffered("without await")?;
assert_eq!(dealer.recv().await?[0], "without await");
# drop(receiver);"#)]
    pub fn send_buffered(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.socket.send_buffered(message)
    }

    /// [`Socket::flush`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
sender.send("x").await?;
// Now the kernel has it.
sender.flush().await?;
# drop((dealer, receiver));"#)]
    pub fn flush(&self) -> Flushing<'_, S> {
        self.socket.flush()
    }
}

impl<T: Receives, S: AsyncStream, P: BytePermits> Receiver<T, S, P> {
    /// [`Socket::recv`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
dealer.send("x").await?;
assert_eq!(receiver.recv().await?[0], "x");
# drop(sender);"#)]
    pub fn recv(&self) -> Receiving<'_, S> {
        self.socket.recv()
    }

    /// [`Socket::recv_many`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
dealer.send_many(["x", "y"]).await?;
let mut messages = Vec::new();
while messages.len() < 2 {
    receiver.recv_many(&mut messages, 100).await?;
}
# drop(sender);"#)]
    pub fn recv_many<'a>(&'a self, messages: &'a mut Vec<Message>, max: usize) -> ReceivingMany<'a, S> {
        self.socket.recv_many(messages, max)
    }

    /// [`Socket::try_recv`].
    ///
    /// # Errors
    /// As there.
    #[doc = example!(r#"let dealer = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await?;
let (sender, receiver) = other.split();
assert!(matches!(receiver.try_recv(), Err(Error::WouldBlock)));
# drop((dealer, sender));"#)]
    pub fn try_recv(&self) -> Result<Message> {
        self.socket.try_recv()
    }
}

/// What sends: a socket whose type does, or the sending half of one, for code that does not care which.
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> monocoque::Result<()> {
/// use monocoque::socket::SocketSend;
/// use monocoque::tokio::prelude::*;
///
/// async fn report(to: &impl SocketSend, line: &str) -> monocoque::Result<()> {
///     to.send(line).await.map_err(monocoque::Error::from)
/// }
///
/// let dealer = DealerSocket::connect("tcp://127.0.0.1:5555").await?;
/// report(&dealer, "as a socket").await?;
/// let (sender, _receiver) = dealer.split();
/// report(&sender, "as a half").await?;
/// # Ok(())
/// # }
/// ```
pub trait SocketSend {
    /// The type of the socket.
    type Kind: Sends;
    /// What it sends over.
    type Stream: AsyncStream;
    /// What its messages are paid with.
    type Permits: BytePermits;

    /// [`Socket::send`].
    ///
    /// # Errors
    /// As there.
    fn send(&self, message: impl Into<Message>) -> Sending<'_, Self::Kind, Self::Stream, Self::Permits>;

    /// [`Socket::send_many`].
    ///
    /// # Errors
    /// As there.
    fn send_many<I>(
        &self,
        messages: I,
    ) -> SendingMany<'_, Self::Kind, Self::Stream, Self::Permits, I::IntoIter>
    where
        I: IntoIterator<Item: Into<Message>>;

    /// [`Socket::feed`].
    ///
    /// # Errors
    /// As there.
    fn feed(&self, message: impl Into<Message>) -> Sending<'_, Self::Kind, Self::Stream, Self::Permits>;

    /// [`Socket::try_send`].
    ///
    /// # Errors
    /// As there.
    fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError>;

    /// [`Socket::send_buffered`].
    ///
    /// # Errors
    /// As there.
    fn send_buffered(&self, message: impl Into<Message>) -> Result<(), SendError>;

    /// [`Socket::flush`].
    ///
    /// # Errors
    /// As there.
    fn flush(&self) -> Flushing<'_, Self::Stream>;
}

/// What receives: a socket whose type does, or the receiving half of one.
#[doc = example!(r#"use monocoque::socket::SocketRecv;

async fn first_line(from: &impl SocketRecv) -> monocoque::Result<String> {
    Ok(from.recv().await?[0].to_string_lossy().into_owned())
}

let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("a line").await?;
assert_eq!(first_line(&pull).await?, "a line");"#)]
pub trait SocketRecv {
    /// The type of the socket.
    type Kind: Receives;
    /// What it receives over.
    type Stream: AsyncStream;

    /// [`Socket::recv`].
    ///
    /// # Errors
    /// As there.
    fn recv(&self) -> Receiving<'_, Self::Stream>;

    /// [`Socket::recv_many`].
    ///
    /// # Errors
    /// As there.
    fn recv_many<'a>(&'a self, messages: &'a mut Vec<Message>, max: usize)
    -> ReceivingMany<'a, Self::Stream>;

    /// [`Socket::try_recv`].
    ///
    /// # Errors
    /// As there.
    fn try_recv(&self) -> Result<Message>;
}

/// Implements both by the methods of the same names.
macro_rules! impl_traits {
    ($sends:ident, $receives:ident) => {
        impl<T: Sends, S: AsyncStream, P: BytePermits> SocketSend for $sends<T, S, P> {
            type Kind = T;
            type Stream = S;
            type Permits = P;

            fn send(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
                self.send(message)
            }

            fn send_many<I>(&self, messages: I) -> SendingMany<'_, T, S, P, I::IntoIter>
            where
                I: IntoIterator<Item: Into<Message>>,
            {
                self.send_many(messages)
            }

            fn feed(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
                self.feed(message)
            }

            fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
                self.try_send(message)
            }

            fn send_buffered(&self, message: impl Into<Message>) -> Result<(), SendError> {
                self.send_buffered(message)
            }

            fn flush(&self) -> Flushing<'_, S> {
                self.flush()
            }
        }

        impl<T: Receives, S: AsyncStream, P: BytePermits> SocketRecv for $receives<T, S, P> {
            type Kind = T;
            type Stream = S;

            fn recv(&self) -> Receiving<'_, S> {
                self.recv()
            }

            fn recv_many<'a>(&'a self, messages: &'a mut Vec<Message>, max: usize) -> ReceivingMany<'a, S> {
                self.recv_many(messages, max)
            }

            fn try_recv(&self) -> Result<Message> {
                self.try_recv()
            }
        }
    };
}

impl_traits!(Socket, Socket);
impl_traits!(Sender, Receiver);

impl<T: Receives, S: AsyncStream, P: BytePermits> Stream for Receiver<T, S, P> {
    type Item = Result<Message>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().socket).poll_next(cx)
    }
}

impl<T: Sends, S: AsyncStream, P: BytePermits> Sink<Message> for Sender<T, S, P> {
    type Error = SendError<Option<Message>>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.get_mut().socket).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        Pin::new(&mut self.get_mut().socket).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Sink::poll_flush(Pin::new(&mut self.get_mut().socket), cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Sink::poll_close(Pin::new(&mut self.get_mut().socket), cx)
    }
}
