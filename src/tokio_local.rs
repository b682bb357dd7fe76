//! Sockets on tokio that stay on one thread.
//!
//! They have everything that those of [`tokio`](crate::tokio) have, under the same names, but that they and their
//! futures are not `Send`; in return no call costs an atomic operation. They are opened inside of [`LocalHost::run`],
//! or on a [`LocalHost`] over a [`LocalSet`](::tokio::task::LocalSet) of your own.
//!
//! ```
//! use monocoque::tokio_local::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> monocoque::Result<()> {
//! LocalHost::run(async {
//!     let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
//!     let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
//!     tokio::task::spawn_local(async move { push.send("work").await });
//!     assert_eq!(&pull.recv().await?[0], "work");
//!     Ok(())
//! })
//! .await
//! # }
//! ```

use crate::facade::facade;
pub use crate::runtime::tokio_local::LocalHost;
use crate::runtime::tokio_local::LocalStream;
use crate::socket::socket_types;

socket_types!(facade!(
    "tokio that stays on one thread",
    LocalStream,
    ::tokio::net::TcpStream,
    ::tokio::net::UnixStream,
    LocalHost
));

/// Sockets on one thread of tokio whose connections are encrypted by TLS.
///
/// They are opened on a [`host`](tls::host), and have everything that the others have; what TLS is here, with an
/// example, is on the page of its [configuration](crate::runtime::tls).
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub mod tls {
    use crate::facade::tls_facade;
    use crate::runtime::tokio_local::LocalHost;
    use crate::socket::socket_types;

    socket_types!(tls_facade!("tokio_local", LocalHost));
}
