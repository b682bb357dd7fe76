//! ZeroMQ sockets in safe Rust that survive the real world.
//!
//! Wire-compatible with libzmq (ZMTP 3.1, RFC 37), on tokio, compio and smol from one build, with memory bounded
//! in messages and in bytes, futures that may be dropped at any await point, and reconnection on every
//! connecting socket. All eleven socket types, REQ, REP, DEALER, ROUTER, PUB, SUB, XPUB, XSUB, PUSH, PULL and
//! PAIR, over `tcp://`, `ipc://`, `inproc://`, and streams of your own.
//!
//! Start with the prelude of your runtime, `monocoque::tokio::prelude`, `monocoque::compio::prelude` or
//! `monocoque::smol::prelude` (and `monocoque::tokio_local::prelude` for sockets that stay on one thread of tokio):
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use monocoque::tokio::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> monocoque::Result<()> {
//! let router = RouterSocket::bind("tcp://127.0.0.1:0").await?;
//! let dealer = DealerSocket::connect(router.local_endpoint().unwrap()).await?;
//! dealer.send("hello").await?;
//! let (identity, message) = router.recv_from().await?;
//! // Dropped, and counted, if the client has left or does not read: nobody stops a server by default.
//! router.send_to(identity, message).await?;
//! assert_eq!(dealer.recv().await?[0], "hello");
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! - [`guide::patterns`]: which socket for what, and the names of libzmq and zmq.rs.
//! - [`guide::cookbook`]: recipes, each a whole program.
//! - [`socket`]: the methods that all sockets share, and the types.
//! - [`options`]: how a socket behaves. [`resilience`]: marks, permits, backoff, cancellation modes.
//! - [`guide::cancellation`] and [`guide::delivery`]: what is guaranteed, what a peer can and cannot stop, and the
//!   deviations from libzmq. [`guide::shutdown`]: stopping a service.
//! - [`guide::sizing`]: how large marks and budgets should be. [`guide::bounds`]: what a peer can make us hold.
//! - [`guide::security`] and [`security`]: encryption, and who may come in. [`guide::authenticator`]: one that asks a database.
//! - [`rpc`]: many requests at once, and a server that answers in any order. [`mod@proxy`]: joining two sockets. [`endpoint`]: where sockets bind and connect.
//! - [`guide::observing`]: logs, figures, and what to alarm on. [`monitor`]: events and statistics. [`runtime`]: the seam, for streams and runtimes of your own.
//!
//! # Features
//!
//! All additive: `tokio` (default), `compio` (asks for a newer Rust than 1.85, which everything else
//! builds with), `smol`, `sim`, a simulated network with virtual time, the security mechanisms `plain` and `curve`
//! (which asks for Rust 1.89), `tls`, which encrypts connections with rustls, and `tracing`, `metrics` and `serde`, which pass
//! events and figures on.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unnameable_types,
    unused_qualifications,
    clippy::use_self,
    clippy::or_fun_call,
    clippy::manual_let_else,
    clippy::redundant_clone,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs
)]

#[cfg(test)]
#[macro_use(test)]
extern crate monocoque_test_limit;

#[macro_use]
mod example;

#[cfg(feature = "compio")]
pub mod compio;
pub mod endpoint;
mod engine;
pub mod error;
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
mod facade;
mod fifo;
mod foreign;
pub mod guide;
pub mod message;
pub mod monitor;
pub mod options;
pub mod prelude;
mod protocol;
pub mod proxy;
pub mod resilience;
mod routing;
pub mod rpc;
pub mod runtime;
pub mod security;
#[cfg(feature = "smol")]
pub mod smol;
pub mod socket;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "tokio")]
pub mod tokio_local;

pub use bytes::Bytes;
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, Result, SendError};
pub use message::{Frame, Message};
pub use monitor::SocketEvent;
pub use options::SocketOptions;
pub use protocol::{ProtocolError, SocketType};
pub use proxy::proxy;
