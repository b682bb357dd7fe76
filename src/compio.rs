//! Sockets on compio.
//!
//! ```
//! use monocoque::compio::prelude::*;
//!
//! # fn main() -> monocoque::Result<()> {
//! # compio::runtime::Runtime::new()?.block_on(async {
//! let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
//! let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
//! push.send("work").await?;
//! assert_eq!(&pull.recv().await?[0], "work");
//! # Ok(())
//! # })
//! # }
//! ```

use crate::facade::facade;
use crate::runtime::compio::CompioStream;
use crate::socket::socket_types;

socket_types!(facade!("compio", CompioStream, ::compio::net::TcpStream, ::compio::net::UnixStream));
