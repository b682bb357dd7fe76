//! Commands: their form, and those that any connection may carry.

use std::time::Duration;

/// The body of a command frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Command<'a> {
    pub(super) name: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Command<'a> {
    /// `None` if there is no name, or less of it than its length says.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let (&len, rest) = body.split_first()?;
        let (name, data) = rest.split_at_checked(usize::from(len))?;
        (!name.is_empty()).then_some(Self { name, data })
    }

    /// The same in a handshake, where libzmq's PLAIN servers spell ERROR wrongly: what their source calls
    /// `"\x5ERROR"` is a caret and four letters to a C compiler.
    pub(super) fn parse_handshake(body: &'a [u8]) -> Option<Self> {
        match body.strip_prefix(b"^RROR") {
            Some(data) => Some(Self { name: b"ERROR", data }),
            None => Self::parse(body),
        }
    }
}

/// The body of a command of a `name` below 256 bytes.
pub(super) fn body(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + name.len() + data.len());
    body.push(name.len() as u8);
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    body
}

/// The longest context of a PING, in bytes.
pub(super) const MAX_CONTEXT: usize = 16;

/// What a PING brings, and its PONG takes back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Context {
    bytes: [u8; MAX_CONTEXT],
    len: u8,
}

impl From<&[u8]> for Context {
    /// A longer context breaks the rules; the answer to it is cut to what may come back, as libzmq's is.
    fn from(context: &[u8]) -> Self {
        let mut bytes = [0; MAX_CONTEXT];
        let len = context.len().min(MAX_CONTEXT);
        bytes[..len].copy_from_slice(&context[..len]);
        Self { bytes, len: len as u8 }
    }
}

impl std::ops::Deref for Context {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The data of a PING command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ping {
    /// `None` where the peer asks for nothing.
    pub(super) ttl: Option<Duration>,
    pub(super) context: Context,
}

impl Ping {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let (deciseconds, context) = data.split_first_chunk()?;
        let deciseconds = u64::from(u16::from_be_bytes(*deciseconds));
        let ttl = (deciseconds != 0).then(|| Duration::from_millis(deciseconds * 100));
        Some(Self { ttl, context: context.into() })
    }
}

/// The body of a PING.
///
/// The wire has tenths of seconds in 16 bits: a shorter remainder is rounded up, so that a wish never
/// becomes none, and everything above 6553.5 s becomes that.
pub(super) fn ping(ttl: Duration, context: &[u8]) -> Vec<u8> {
    let deciseconds = u16::try_from(ttl.as_millis().div_ceil(100)).unwrap_or(u16::MAX);
    let mut data = Vec::with_capacity(2 + context.len());
    data.extend_from_slice(&deciseconds.to_be_bytes());
    data.extend_from_slice(context);
    body("PING", &data)
}

/// The body of an ERROR; a `reason` beyond 255 bytes is cut.
pub(super) fn error(reason: &str) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.len().min(255)];
    let mut data = Vec::with_capacity(1 + reason.len());
    data.push(reason.len() as u8);
    data.extend_from_slice(reason);
    body("ERROR", &data)
}

/// The reason that the data of an ERROR command hold.
pub(super) fn parse_error(data: &[u8]) -> Option<String> {
    let (&len, reason) = data.split_first()?;
    (reason.len() == usize::from(len)).then(|| String::from_utf8_lossy(reason).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Command::parse(b"\x04PINGxy"), Some(Command { name: b"PING", data: b"xy" }));
        assert_eq!(Command::parse(b"\x01A"), Some(Command { name: b"A", data: b"" }));
        for malformed in [&b""[..], b"\0", b"\0READY", b"\x05READ", b"\xffX"] {
            assert_eq!(Command::parse(malformed), None, "{malformed:?}");
        }
    }

    /// 16-bit arithmetic overflows above 655 deciseconds times 100.
    #[test]
    fn trap_43_ttl_is_in_deciseconds() {
        for (deciseconds, millis) in
            [(1_u16, 100), (655, 65_500), (656, 65_600), (65_534, 6_553_400), (65_535, 6_553_500)]
        {
            let data = deciseconds.to_be_bytes();
            assert_eq!(Ping::parse(&data).unwrap().ttl, Some(Duration::from_millis(millis)));
        }
        assert_eq!(Ping::parse(&[0, 0]), Some(Ping { ttl: None, context: Context::default() }));

        let sent = |ttl| u16::from_be_bytes(ping(ttl, b"")[5..7].try_into().unwrap());
        assert_eq!(sent(Duration::ZERO), 0);
        assert_eq!(sent(Duration::from_millis(1)), 1);
        assert_eq!(sent(Duration::from_secs(15)), 150);
        assert_eq!(sent(Duration::from_secs(66)), 660);
        assert_eq!(sent(Duration::from_millis(6_553_500)), 65_535);
        assert_eq!(sent(Duration::from_millis(6_553_600)), 65_535);
        assert_eq!(sent(Duration::MAX), 65_535);
    }

    #[test]
    fn trap_43_contexts_up_to_16_bytes() {
        for len in 0..=32_usize {
            let data = vec![7; len];
            let context = Ping::parse(&data).map(|ping| ping.context.len());
            assert_eq!(context, len.checked_sub(2).map(|len| len.min(16)), "{len} bytes of data");
        }
    }

    #[test]
    fn trap_41_error_reasons() {
        assert_eq!(error("400"), b"\x05ERROR\x03400");
        assert_eq!(parse_error(b"\x03400").as_deref(), Some("400"));
        assert_eq!(parse_error(b"\0").as_deref(), Some(""));
        for malformed in [&b""[..], b"\x03", b"\x0340", b"\x034000"] {
            assert_eq!(parse_error(malformed), None, "{malformed:?}");
        }
        assert_eq!(error(&"x".repeat(300)).len(), 1 + 5 + 1 + 255);
    }
}
