//! The 64 bytes that each side sends first.

use super::ProtocolError;

pub(super) const GREETING_LEN: usize = 64;
pub(super) const MECHANISM_LEN: usize = 20;

/// Where the parts of a greeting begin; the as-server byte and the filler after it carry no meaning.
const SIGNATURE_END: usize = 9;
const MAJOR: usize = 10;
const MINOR: usize = 11;
const MECHANISM: usize = 12;

/// Our greeting for the mechanism of this name.
pub(super) fn encode(mechanism: &str) -> [u8; GREETING_LEN] {
    let mut greeting = [0; GREETING_LEN];
    greeting[0] = 0xFF;
    greeting[SIGNATURE_END] = 0x7F;
    greeting[MAJOR] = 3;
    greeting[MINOR] = 1;
    greeting[MECHANISM..][..MECHANISM_LEN].copy_from_slice(&padded(mechanism));
    greeting
}

/// Judges as much of the peer's greeting as is there, at the first byte that decides.
///
/// A complete one gives the minor version to speak: 0 for ZMTP 3.0, 1 for 3.1 and whatever comes later.
pub(super) fn parse(input: &[u8], mechanism: &'static str) -> Result<Option<u8>, ProtocolError> {
    check_signature(input)?;
    let Some(&major) = input.get(MAJOR) else { return Ok(None) };
    if major < 3 {
        // The byte is called revision there: 0 in ZMTP 1.x, 1 and 2 in 2.x.
        return Err(ProtocolError::UnsupportedVersion { major: if major == 0 { 1 } else { 2 } });
    }
    let Some(theirs) = input.get(MECHANISM..).and_then(|rest| rest.first_chunk::<MECHANISM_LEN>()) else {
        return Ok(None);
    };
    if *theirs != padded(mechanism) {
        return Err(ProtocolError::MechanismMismatch { ours: mechanism, theirs: *theirs });
    }
    if input.len() < GREETING_LEN {
        return Ok(None);
    }
    Ok(Some(if major == 3 { input[MINOR].min(1) } else { 1 }))
}

fn check_signature(input: &[u8]) -> Result<(), ProtocolError> {
    const VERSION_1: ProtocolError = ProtocolError::UnsupportedVersion { major: 1 };
    match input {
        [] | [0xFF] => Ok(()),
        // ZMTP 1.0 begins with an identity frame, nearly always that of an anonymous peer.
        [1] => Ok(()),
        [1, 0, ..] => Err(VERSION_1),
        [0xFF, ..] => match input.get(SIGNATURE_END) {
            None | Some(0x7F) => Ok(()),
            // The same frame with a long length; the place of 0x7F is that of its flags.
            Some(0) => Err(VERSION_1),
            Some(_) => Err(ProtocolError::NotZmtp),
        },
        _ => Err(ProtocolError::NotZmtp),
    }
}

fn padded(mechanism: &str) -> [u8; MECHANISM_LEN] {
    let mut name = [0; MECHANISM_LEN];
    name[..mechanism.len()].copy_from_slice(mechanism.as_bytes());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(usize, u8)]) -> Result<Option<u8>, ProtocolError> {
        let mut greeting = encode("NULL");
        for &(at, byte) in changes {
            greeting[at] = byte;
        }
        parse(&greeting, "NULL")
    }

    #[test]
    fn every_prefix_waits_and_the_whole_is_accepted() {
        let greeting = encode("NULL");
        for len in 0..GREETING_LEN {
            assert_eq!(parse(&greeting[..len], "NULL"), Ok(None), "{len} bytes");
        }
        assert_eq!(parse(&greeting, "NULL"), Ok(Some(1)));
    }

    /// libzmq puts a version 1 length into the padding.
    #[test]
    fn trap_35_padding_is_ignored_and_old_versions_are_refused_at_once() {
        for at in 1..9 {
            assert_eq!(with(&[(at, 0xAB)]), Ok(Some(1)), "padding byte {at}");
        }
        let version_1 = Err(ProtocolError::UnsupportedVersion { major: 1 });
        assert_eq!(parse(&[1], "NULL"), Ok(None));
        assert_eq!(parse(&[1, 0], "NULL"), version_1);
        assert_eq!(parse(&[0xFF, 0, 0, 0, 0, 0, 0, 1, 0, 0], "NULL"), version_1);
        let mut version_2 = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1];
        assert_eq!(parse(&version_2[..10], "NULL"), Ok(None));
        for (revision, major) in [(0, 1), (1, 2), (2, 2)] {
            version_2[10] = revision;
            assert_eq!(parse(&version_2, "NULL"), Err(ProtocolError::UnsupportedVersion { major }));
        }
    }

    #[test]
    fn other_protocols_are_refused_at_the_first_wrong_byte() {
        for (banner, wrong) in [
            (&b"GET / HTTP/1.1\r\n"[..], 1),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1),
            (b"SSH-2.0-OpenSSH_9.9\r\n", 1),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", 1),
            (b"\x01\x01", 2),
            (b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27", 10),
            (b"\xff\0\0\0\0\0\0\0\x01\x7e\x03", 10),
        ] {
            for len in 0..wrong {
                assert_eq!(parse(&banner[..len], "NULL"), Ok(None), "{banner:?} at {len}");
            }
            for len in wrong..=banner.len() {
                assert_eq!(parse(&banner[..len], "NULL"), Err(ProtocolError::NotZmtp), "{banner:?} at {len}");
            }
        }
    }

    #[test]
    fn trap_36_later_versions_are_spoken_to_as_3_1() {
        for (major, minor, spoken) in [(3, 0, 0), (3, 1, 1), (3, 2, 1), (3, 255, 1), (4, 0, 1), (255, 7, 1)] {
            assert_eq!(with(&[(MAJOR, major), (MINOR, minor)]), Ok(Some(spoken)), "{major}.{minor}");
        }
    }

    #[test]
    fn trap_37_mechanism_is_exact_and_as_server_never_required() {
        assert_eq!(with(&[(32, 1)]), Ok(Some(1)));
        assert_eq!(with(&[(32, 0xEE), (33, 1), (63, 9)]), Ok(Some(1)));
        for changes in [&[(15, b'l')][..], &[(16, b'L')], &[(16, b' ')], &[(31, b'X')], &[(12, 0)]] {
            let refused = with(changes);
            assert!(
                matches!(refused, Err(ProtocolError::MechanismMismatch { ours: "NULL", .. })),
                "{refused:?}"
            );
        }
        // Known as soon as the name is complete.
        assert!(parse(&encode("PLAIN")[..32], "NULL").is_err());
        assert_eq!(parse(&encode("PLAIN")[..31], "NULL"), Ok(None));
    }
}
