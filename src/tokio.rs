//! Sockets on tokio.
//!
//! ```
//! use monocoque::tokio::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> monocoque::Result<()> {
//! let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
//! let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
//! push.send("work").await?;
//! assert_eq!(&pull.recv().await?[0], "work");
//! # Ok(())
//! # }
//! ```

use crate::facade::facade;
use crate::runtime::tokio::TokioStream;
use crate::socket::socket_types;

socket_types!(facade!("tokio", TokioStream, ::tokio::net::TcpStream, ::tokio::net::UnixStream));
