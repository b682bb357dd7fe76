//! Listening, over any transport.

use std::io;

use socket2::Socket;

use super::connect::local_addresses;
#[cfg(unix)]
use super::ipc::{self, SocketFile};
use super::socket::{System, SystemListener};
use super::tcp;
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// A socket that listens, non-blocking, and that no runtime has yet.
pub(super) struct Bound {
    /// Of a socket that we bound to a path.
    #[cfg(unix)]
    pub(super) file: Option<SocketFile>,
    pub(super) socket: Socket,
    pub(super) local: Endpoint,
}

/// Resolves and binds `endpoint`.
pub(in crate::runtime) async fn bind<R: System>(
    endpoint: Endpoint,
    options: TransportOptions,
) -> io::Result<SystemListener<R>> {
    let bound = match &endpoint {
        Endpoint::Tcp(tcp) => {
            let addresses = local_addresses::<R>(tcp.host(), tcp.port()).await?;
            Bound::new(tcp::listen(&addresses, &options)?)
        }
        #[cfg(unix)]
        Endpoint::Ipc(name) => ipc::listen(name, &options),
        #[cfg(not(unix))]
        Endpoint::Ipc(_) => Err(crate::runtime::no_unix_sockets()),
        Endpoint::Inproc(_) => Err(crate::runtime::no_streams()),
    };
    SystemListener::new(bound?, options)
}

impl Bound {
    /// What somebody else has bound; its file, if it has one, is theirs.
    pub(super) fn adopt(socket: Socket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Self::new(socket)
    }

    fn new(socket: Socket) -> io::Result<Self> {
        let local = tcp::listener_endpoint(&socket)?;
        Ok(Self {
            #[cfg(unix)]
            file: None,
            socket,
            local,
        })
    }
}

/// Applies what the user chose to a stream that was accepted at `local`.
pub(super) fn configure_accepted(
    stream: &Socket,
    local: &Endpoint,
    options: &TransportOptions,
) -> io::Result<()> {
    let configure = match local {
        #[cfg(unix)]
        Endpoint::Ipc(_) => ipc::configure,
        _ => tcp::configure,
    };
    configure(stream, options).map_err(tcp::aborted)
}
