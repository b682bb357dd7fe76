//! Sockets on smol.
//!
//! ```
//! use monocoque::smol::prelude::*;
//!
//! # fn main() -> monocoque::Result<()> {
//! # smol::block_on(async {
//! let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
//! let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
//! push.send("work").await?;
//! assert_eq!(&pull.recv().await?[0], "work");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! Companion tasks run on the executor of `smol::spawn`, in a thread of its own. On an executor of yours:
//!
//! ```
//! # fn main() -> monocoque::Result<()> {
//! use monocoque::runtime::smol::SmolRuntime;
//! use monocoque::smol::prelude::*;
//! use std::sync::Arc;
//!
//! let executor = Arc::new(smol::Executor::new());
//! let host = SmolRuntime::on(Arc::clone(&executor));
//! smol::block_on(executor.run(async {
//!     let pull = PullSocket::bind_on(&host, "tcp://127.0.0.1:0", SocketOptions::default()).await?;
//!     let to = pull.local_endpoint().unwrap();
//!     let push = PushSocket::connect_on(&host, to, SocketOptions::default()).await?;
//!     push.send("work").await?;
//!     assert_eq!(&pull.recv().await?[0], "work");
//!     Ok(())
//! }))
//! # }
//! ```

use crate::facade::facade;
use crate::runtime::smol::SmolStream;
use crate::socket::socket_types;

socket_types!(facade!("smol", SmolStream, ::smol::net::TcpStream, ::smol::net::unix::UnixStream));

/// Sockets on smol whose connections are encrypted by TLS.
///
/// They are opened on a [`host`](tls::host), and have everything that the others have; what TLS is here, with an
/// example, is on the page of its [configuration](crate::runtime::tls).
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub mod tls {
    use crate::facade::tls_facade;
    use crate::runtime::smol::SmolRuntime;
    use crate::socket::socket_types;

    socket_types!(tls_facade!("smol", SmolRuntime));
}
