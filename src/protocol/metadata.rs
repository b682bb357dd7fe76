//! The properties that peers tell each other in the handshake.

use bytes::Bytes;

use super::{Config, ProtocolError};

/// How many properties a peer may send; real ones send two to five. Bounds what a peer makes us keep.
pub(super) const MAX_PROPERTIES: usize = 64;

pub(super) const SOCKET_TYPE: &str = "Socket-Type";
pub(super) const IDENTITY: &str = "Identity";

/// Our own properties, as they stand in READY and its like.
///
/// The Identity is sent even when it is empty, as libzmq does.
pub(super) fn encode(config: &Config) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    put(&mut out, SOCKET_TYPE, config.socket_type.as_str().as_bytes());
    if config.socket_type.sends_identity() {
        put(&mut out, IDENTITY, &config.identity);
    }
    for (name, value) in config.properties.iter() {
        put(&mut out, name, value);
    }
    out
}

fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    debug_assert!((1..256).contains(&name.len()), "a property name of {} bytes", name.len());
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

/// The properties of a peer, in the order sent; the whole of `bytes` must be made of them.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Vec<(String, Bytes)>, ProtocolError> {
    let mut properties = Vec::new();
    while !bytes.is_empty() {
        let (name, value, rest) = split(bytes).ok_or(ProtocolError::MalformedMetadata)?;
        if properties.len() == MAX_PROPERTIES {
            return Err(ProtocolError::TooManyProperties { max: MAX_PROPERTIES });
        }
        properties.push((name.to_owned(), Bytes::copy_from_slice(value)));
        bytes = rest;
    }
    Ok(properties)
}

/// Splits the first property off: name, value and the rest.
fn split(bytes: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(len))?;
    let (len, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    // The RFC allows letters, digits and "-_.+"; libzmq lets applications use any text.
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    Some((name, value, rest))
}

/// The first property of this name; case does not count in names (RFC 37).
pub(super) fn find<'a>(properties: &'a [(String, Bytes)], name: &str) -> Option<&'a Bytes> {
    properties.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0";

    #[test]
    fn trap_38_properties() {
        let properties = parse(TWO).unwrap();
        assert_eq!(find(&properties, SOCKET_TYPE).unwrap(), "REQ");
        assert_eq!(find(&properties, "IDENTITY").unwrap(), "");
        assert_eq!(find(&properties, "Resource"), None);
        assert_eq!(parse(b""), Ok(vec![]));
    }

    /// Cut anywhere but between properties, or with anything behind them.
    #[test]
    fn trap_38_truncation_and_trailing_garbage() {
        for len in 0..=TWO.len() {
            let whole = [0, 19, TWO.len()].contains(&len);
            assert_eq!(parse(&TWO[..len]).is_ok(), whole, "{len} bytes");
        }
        for tail in [&b"\0"[..], b"\x01", b"\x01a\0\0\0", b"\x01a\0\0\0\x01", b"\x01a\xff\xff\xff\xff"] {
            let bytes = [TWO, tail].concat();
            assert_eq!(parse(&bytes), Err(ProtocolError::MalformedMetadata), "{tail:?}");
        }
        // An empty name, and one that is no text.
        assert_eq!(parse(b"\0\0\0\0\0"), Err(ProtocolError::MalformedMetadata));
        assert_eq!(parse(b"\x01\xff\0\0\0\0"), Err(ProtocolError::MalformedMetadata));
    }

    #[test]
    fn number_of_properties_is_bounded() {
        let property = b"\x01a\0\0\0\0";
        assert_eq!(parse(&property.repeat(MAX_PROPERTIES)).unwrap().len(), MAX_PROPERTIES);
        assert_eq!(
            parse(&property.repeat(MAX_PROPERTIES + 1)),
            Err(ProtocolError::TooManyProperties { max: MAX_PROPERTIES })
        );
    }

    #[test]
    fn first_of_two_equal_names_counts() {
        let properties = parse(b"\x01a\0\0\0\x01x\x01A\0\0\0\x01y").unwrap();
        assert_eq!(find(&properties, "a").unwrap(), "x");
    }
}
