//! Many requests at once: [`Client`] over one DEALER, [`Server`] over one ROUTER.
//!
//! A REQ has one request at a time; whoever needs more numbers them and sends them through a DEALER. A [`Client`] does
//! that: its clones may have any number of requests under way, up to a bound, which are answered in any order. At the
//! other end is a [`Server`], or any REP or ROUTER, of libzmq too: a request goes as a frame of 8 bytes with its
//! number, an empty frame, and the message, of which a REP repeats the first two in front of its reply by itself, and
//! a ROUTER has to repeat all that stands before the message.
//!
//! A [`Server`] hands out each request with a handle for its reply, which may be sent from any task, in any order,
//! once. It serves REQ, DEALER and [`Client`] alike.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use monocoque::tokio::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> monocoque::Result<()> {
//! let server = Server::bind("tcp://127.0.0.1:0").await?;
//! let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
//! tokio::spawn(async move {
//!     // Ends when the server is drained or closed.
//!     while let Ok(request) = server.next().await {
//!         tokio::spawn(async move {
//!             // A client that has left, or does not read, is not waited for.
//!             let _ = request.reply.send(request.message).await;
//!         });
//!     }
//! });
//! let (one, other) = (client.request("one").await?, client.clone().request("other").await?);
//! assert_eq!((&one[0], &other[0]), (&"one".into(), &"other".into()));
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! Both have nothing to do with the draft socket types CLIENT and SERVER of libzmq, which have no envelopes.

mod bounded;
mod client;
mod options;
mod pending;
mod request;
mod request_stream;
mod server;

pub use self::client::Client;
pub use self::options::{ClientOptions, OnServerLost, ServerOptions};
pub use self::pending::PendingReply;
pub use self::request::{Reply, Request};
pub use self::request_stream::RequestStream;
pub use self::server::Server;
