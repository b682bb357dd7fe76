//! SOCKS5, the side of the client (RFC 1928), with user name and password (RFC 1929).

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::IpAddr;

use crate::endpoint::{Host, TcpEndpoint};
use crate::options::SocksCredentials;
use crate::runtime::{AsyncStream, RecvBuf, SendBuf};

const VERSION: u8 = 5;
/// The version of the negotiation about user name and password.
const AUTH_VERSION: u8 = 1;
const NO_AUTH: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xFF;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Why a proxy does not connect us.
#[derive(Debug, thiserror::Error)]
enum SocksError {
    #[error("the SOCKS proxy closed the connection")]
    Closed,
    #[error("the SOCKS proxy does not speak SOCKS5")]
    NotSocks5,
    #[error("the SOCKS proxy takes none of our authentication methods: {0}")]
    NoMethod(&'static str),
    #[error("the SOCKS proxy refused the user name and password (status {0})")]
    WrongCredentials(u8),
    #[error("the SOCKS proxy did not connect: {} (reply {reply})", meaning(*reply))]
    Refused { reply: u8 },
    #[error("the SOCKS proxy cannot be told about the IPv6 zone of {0}")]
    Zone(TcpEndpoint),
}

/// RFC 1928, section 6.
fn meaning(reply: u8) -> &'static str {
    match reply {
        1 => "general SOCKS server failure",
        2 => "connection not allowed by ruleset",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unassigned reply",
    }
}

impl From<SocksError> for io::Error {
    fn from(error: SocksError) -> Self {
        let kind = match &error {
            SocksError::Closed => ErrorKind::UnexpectedEof,
            SocksError::NotSocks5 => ErrorKind::InvalidData,
            SocksError::NoMethod(_) | SocksError::WrongCredentials(_) | SocksError::Refused { reply: 2 } => {
                ErrorKind::PermissionDenied
            }
            SocksError::Refused { reply: 3 } => ErrorKind::NetworkUnreachable,
            SocksError::Refused { reply: 4 } => ErrorKind::HostUnreachable,
            SocksError::Refused { reply: 5 } => ErrorKind::ConnectionRefused,
            SocksError::Refused { reply: 6 } => ErrorKind::TimedOut,
            SocksError::Refused { reply: 7 | 8 } => ErrorKind::Unsupported,
            SocksError::Refused { .. } => ErrorKind::Other,
            SocksError::Zone(_) => ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// Asks the proxy at the other end of `stream` to connect to `target`; afterwards the stream leads there,
/// and not one byte of what comes from there has been read.
pub(in crate::runtime) async fn connect<S: AsyncStream>(
    stream: &mut S,
    target: &TcpEndpoint,
    credentials: Option<&SocksCredentials>,
) -> io::Result<()> {
    let request = request(target)?;
    choose_method(stream, credentials).await?;
    write(stream, &request).await?;
    let [version, reply, _, address_type] = read(stream).await?;
    if version != VERSION {
        return Err(SocksError::NotSocks5.into());
    }
    if reply != 0 {
        return Err(SocksError::Refused { reply }.into());
    }
    // Where the proxy connected from: of no use, but in the way.
    match address_type {
        IPV4 => read::<S, 6>(stream).await.map(drop),
        IPV6 => read::<S, 18>(stream).await.map(drop),
        NAME => {
            let [len] = read(stream).await?;
            read_bytes(stream, usize::from(len) + 2).await.map(drop)
        }
        _ => Err(SocksError::NotSocks5.into()),
    }
}

/// Settles how to authenticate, and does it.
async fn choose_method<S: AsyncStream>(
    stream: &mut S,
    credentials: Option<&SocksCredentials>,
) -> io::Result<()> {
    let offer: &[u8] =
        if credentials.is_some() { &[VERSION, 2, NO_AUTH, PASSWORD] } else { &[VERSION, 1, NO_AUTH] };
    write(stream, offer).await?;
    let [version, method] = read(stream).await?;
    match (method, credentials) {
        _ if version != VERSION => Err(SocksError::NotSocks5.into()),
        (NO_AUTH, _) => Ok(()),
        (PASSWORD, Some(credentials)) => authenticate(stream, credentials).await,
        (NO_METHOD, Some(_)) => Err(SocksError::NoMethod("user name and password, or none").into()),
        (NO_METHOD, None) => Err(SocksError::NoMethod("none, see with_socks_credentials()").into()),
        _ => Err(SocksError::NotSocks5.into()),
    }
}

async fn authenticate<S: AsyncStream>(stream: &mut S, credentials: &SocksCredentials) -> io::Result<()> {
    let mut request = vec![AUTH_VERSION];
    put_short(&mut request, &credentials.user)?;
    put_short(&mut request, &credentials.password)?;
    write(stream, &request).await?;
    // Some proxies give the version of SOCKS here.
    let [_, status] = read(stream).await?;
    if status == 0 { Ok(()) } else { Err(SocksError::WrongCredentials(status).into()) }
}

/// The command that connects to `target`; names are the proxy's to resolve.
fn request(target: &TcpEndpoint) -> io::Result<Vec<u8>> {
    let mut request = vec![VERSION, CONNECT, 0];
    match target.host() {
        Host::Ip(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend_from_slice(&address.octets());
        }
        Host::Ip(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend_from_slice(&address.octets());
        }
        Host::Name(zoned) if zoned.contains('%') => return Err(SocksError::Zone(target.clone()).into()),
        Host::Name(name) => {
            request.push(NAME);
            put_short(&mut request, name)?;
        }
        Host::Any => return Err(ErrorKind::InvalidInput.into()),
    }
    request.extend_from_slice(&target.port().to_be_bytes());
    Ok(request)
}

/// A text with its length in front.
fn put_short(request: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let len = u8::try_from(text.len()).map_err(|_| ErrorKind::InvalidInput)?;
    request.push(len);
    request.extend_from_slice(text.as_bytes());
    Ok(())
}

async fn write<S: AsyncStream>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    let mut queue = SendBuf::default();
    queue.put(bytes);
    while !queue.is_empty() {
        poll_fn(|cx| stream.poll_write(cx, &mut queue)).await?;
    }
    Ok(())
}

/// Exactly `N` bytes.
async fn read<S: AsyncStream, const N: usize>(stream: &mut S) -> io::Result<[u8; N]> {
    let buf = read_bytes(stream, N).await?;
    let mut bytes = [0; N];
    bytes.copy_from_slice(buf.filled());
    Ok(bytes)
}

async fn read_bytes<S: AsyncStream>(stream: &mut S, len: usize) -> io::Result<RecvBuf> {
    let mut buf = RecvBuf::with_capacity(len);
    while !buf.unfilled().is_empty() {
        if poll_fn(|cx| stream.poll_read(cx, &mut buf)).await? == 0 {
            return Err(SocksError::Closed.into());
        }
    }
    Ok(buf)
}
