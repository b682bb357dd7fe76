//! TLS for sockets that are opened as if there were none, so that the tests of those are tests of this.

use std::io;
use std::sync::LazyLock;

use monocoque::Endpoint;
use monocoque::runtime::tls::rustls::pki_types::ServerName;
use monocoque::runtime::tls::{Tls, TlsStream};
use monocoque::runtime::{AsyncStream, Layer, Side};

use super::certificates::{AUTHORITY, NAMES};

static TLS: LazyLock<Tls> = LazyLock::new(|| {
    let tls = Tls::client(AUTHORITY.client(Some(AUTHORITY.issue(&["client"]))));
    tls.replace_server(AUTHORITY.server(AUTHORITY.issue(&NAMES), true));
    // Whatever the endpoint is.
    tls.with_server_name(ServerName::try_from("localhost").unwrap())
});

#[derive(Clone, Debug)]
pub struct Configured(pub Tls);

impl Layer for Configured {
    type Stream<S: AsyncStream> = TlsStream<S>;
    const NAME: &'static str = Tls::NAME;

    fn wrap<S: AsyncStream>(&self, stream: S, side: Side, endpoint: &Endpoint) -> io::Result<TlsStream<S>> {
        self.0.wrap(stream, side, endpoint)
    }

    fn check(&self, side: Side, endpoint: &Endpoint) -> io::Result<()> {
        self.0.check(side, endpoint)
    }

    fn current() -> Option<Self> {
        Some(Self(TLS.clone()))
    }
}
