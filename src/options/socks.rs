//! Options of connecting through a SOCKS5 proxy.

use std::fmt;

use super::SocketOptions;
use super::error::{OptionError, within};
use crate::endpoint::{Endpoint, EndpointError, TcpEndpoint};

/// The options of this file, as [`TransportOptions`](super::TransportOptions) has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SocksOptions {
    pub(super) proxy: Option<String>,
    pub(crate) credentials: Option<SocksCredentials>,
}

/// A user name and a password (RFC 1929).
#[derive(Clone)]
pub(crate) struct SocksCredentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl fmt::Debug for SocksCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocksCredentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// SOCKS5 proxies (RFC 1928).
///
/// ```
/// use monocoque::SocketOptions;
///
/// let options = SocketOptions::default()
///     .with_socks_proxy("proxy.example:1080")
///     .with_socks_credentials("user", "password");
/// assert_eq!(options.socks_proxy(), Some("proxy.example:1080"));
/// ```
impl SocketOptions {
    /// The proxy, as `host:port`, that `tcp://` connections are made through; default none (SOCKS_PROXY).
    ///
    /// Names are sent to the proxy as they are, and resolved there. The proxy is connected to from its own source
    /// address (`source;host:port`), else from that of the endpoint, and addresses of peers are the proxy's.
    /// Binding and `ipc://` know no proxy.
    #[doc = example!(r#"let options = SocketOptions::default().with_socks_proxy("proxy.example:1080");
assert!(PushSocket::new(options).is_ok());
// It has no scheme, and needs a port.
assert!(PushSocket::new(SocketOptions::default().with_socks_proxy("proxy.example")).is_err());"#)]
    #[must_use]
    pub fn with_socks_proxy(mut self, proxy: impl Into<String>) -> Self {
        self.transport.socks.proxy = Some(proxy.into());
        self
    }

    /// Who to be at the proxy, if it asks: a name of 1 to 255 bytes and a password of at most 255, which it reads
    /// in the clear; default nobody (SOCKS_USERNAME, SOCKS_PASSWORD). The password is left out of `Debug`.
    #[doc = example!(r#"let options = SocketOptions::default().with_socks_credentials("user", "secret");
assert!(!format!("{options:?}").contains("secret"));
// They are for a proxy, and mean nothing without.
assert!(PushSocket::new(options.clone()).is_err());
assert!(PushSocket::new(options.with_socks_proxy("proxy.example:1080")).is_ok());"#)]
    #[must_use]
    pub fn with_socks_credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let credentials = SocksCredentials { user: user.into(), password: password.into() };
        self.transport.socks.credentials = Some(credentials);
        self
    }
}

impl SocksOptions {
    /// Where the proxy is.
    pub(crate) fn endpoint(&self) -> Result<Option<TcpEndpoint>, EndpointError> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        let endpoint: Endpoint = format!("tcp://{proxy}").parse()?;
        endpoint.check_connectable()?;
        match endpoint {
            Endpoint::Tcp(tcp) => Ok(Some(tcp)),
            other => Err(EndpointError::NotConnectable(other)),
        }
    }

    pub(super) fn validate(&self) -> Result<(), OptionError> {
        self.endpoint().map_err(OptionError::SocksProxy)?;
        let Some(SocksCredentials { user, password }) = &self.credentials else { return Ok(()) };
        if self.proxy.is_none() {
            let allowed = "together with a proxy: see with_socks_proxy()";
            return Err(OptionError::OutOfRange { option: "socks_credentials", allowed });
        }
        within("socks_credentials user", Some(user.len()), 1..=255, "1 to 255 bytes")?;
        within("socks_credentials password", Some(password.len()), 0..=255, "at most 255 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(proxy: &str) -> SocketOptions {
        SocketOptions::default().with_socks_proxy(proxy)
    }

    #[test]
    fn proxies_are_host_and_port() {
        for text in [
            "127.0.0.1:1080",
            "[::1]:1080",
            "proxy.example:1080",
            "127.0.0.2:0;127.0.0.1:1080",
            "lo:0;proxy:1",
        ] {
            let options = proxy(text);
            assert_eq!(options.validate(), Ok(()));
            let endpoint = options.transport.socks.endpoint().unwrap().unwrap();
            assert_eq!(endpoint.to_string(), text);
            assert_eq!(options.socks_proxy(), Some(text));
        }
        for text in ["", "proxy", "proxy:0", "*:1080", "tcp://proxy:1080", "a b;127.0.0.1:1080"] {
            let refused = proxy(text).validate();
            assert!(matches!(refused, Err(OptionError::SocksProxy(_))), "{text}: {refused:?}");
        }
    }

    #[test]
    fn credentials_have_bounds_and_need_a_proxy() {
        let with = |user: &str, password: &str| proxy("x:1").with_socks_credentials(user, password);
        let long = "x".repeat(255);
        assert_eq!(with(&long, &long).validate(), Ok(()));
        assert_eq!(with("me", "").validate(), Ok(()));
        assert_eq!(with("me", "secret").socks_username(), Some("me"));
        let too_long = "x".repeat(256);
        let alone = SocketOptions::default().with_socks_credentials("me", "secret");
        for options in [with("", "x"), with(&too_long, "x"), with("x", &too_long), alone] {
            assert!(matches!(options.validate(), Err(OptionError::OutOfRange { .. })));
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let shown = format!("{:?}", proxy("x:1").with_socks_credentials("me", "secret"));
        assert!(shown.contains("\"me\"") && !shown.contains("secret"), "{shown}");
    }
}
