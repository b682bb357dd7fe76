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

/// Sockets on compio whose connections are encrypted by TLS.
///
/// They are opened on a [`host`](tls::host), and have everything that the others have; what TLS is here, with an
/// example, is on the page of its [configuration](crate::runtime::tls).
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub mod tls {
    use crate::facade::tls_facade;
    use crate::runtime::compio::CompioRuntime;
    use crate::socket::socket_types;

    socket_types!(tls_facade!("compio", CompioRuntime));
}
