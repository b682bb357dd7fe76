//! Z85: 32 bytes as 40 printable characters (RFC 32).

use super::CurveKeyError;

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Characters of a key.
const LEN: usize = 40;

/// The key that `text` spells; no error tells any of it.
pub(super) fn decode(text: &str) -> Result<[u8; 32], CurveKeyError> {
    let text = text.as_bytes();
    if text.len() != LEN {
        return Err(CurveKeyError::Length { len: text.len() });
    }
    let mut key = [0; 32];
    for (group, bytes) in key.chunks_exact_mut(4).enumerate() {
        let value = (group * 5..group * 5 + 5).try_fold(0_u64, |value, at| {
            let digit = digit(text[at]).ok_or(CurveKeyError::Character { at })?;
            Ok(value * 85 + u64::from(digit))
        })?;
        let value = u32::try_from(value).map_err(|_| CurveKeyError::Overflow { at: group * 5 })?;
        bytes.copy_from_slice(&value.to_be_bytes());
    }
    Ok(key)
}

/// The value of a character, found without looking anything up at a place that depends on it: it may be part of
/// a secret.
fn digit(character: u8) -> Option<u8> {
    let found = ALPHABET.iter().zip(1_u8..).fold(0, |found, (&other, place)| {
        let differs = u16::from(character ^ other);
        // 0xFF where they are the same, else 0.
        let mask = (differs.wrapping_sub(1) >> 8) as u8;
        found | (place & mask)
    });
    found.checked_sub(1)
}

pub(super) fn encode(key: &[u8; 32]) -> String {
    let mut text = String::with_capacity(LEN);
    for bytes in key.chunks_exact(4) {
        let value = bytes.iter().fold(0, |value, &byte| (value << 8) | u32::from(byte));
        for place in (0..5).rev() {
            text.push(char::from(ALPHABET[(value / 85_u32.pow(place) % 85) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 26.
    #[test]
    fn keys_are_spelled_as_the_rfc_does() {
        let key = [
            0xBB, 0x88, 0x47, 0x1D, 0x65, 0xE2, 0x65, 0x9B, 0x30, 0xC5, 0x5A, 0x53, 0x21, 0xCE, 0xBB, 0x5A,
            0xAB, 0x2B, 0x70, 0xA3, 0x98, 0x64, 0x5C, 0x26, 0xDC, 0xA2, 0xB2, 0xFC, 0xB4, 0x3F, 0xC5, 0x18,
        ];
        let text = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
        assert_eq!(encode(&key), text);
        assert_eq!(decode(text), Ok(key));
        for byte in 0..=255 {
            assert_eq!(decode(&encode(&[byte; 32])), Ok([byte; 32]));
        }
    }

    #[test]
    fn what_spells_no_key_is_refused_by_what_is_wrong_with_it() {
        let key = encode(&[7; 32]);
        for len in (0..40).chain([41, 80]) {
            assert_eq!(decode(&key.repeat(2)[..len]), Err(CurveKeyError::Length { len }));
        }
        for at in 0..40 {
            for wrong in ["~", "\"", "'", " ", "\\", "|", ",", ";", "_", "`", "\0"] {
                let mut text = key.clone();
                text.replace_range(at..=at, wrong);
                assert_eq!(decode(&text), Err(CurveKeyError::Character { at }));
            }
        }
        // 85^5 is more than 2^32.
        for at in (0..40).step_by(5) {
            let mut text = key.clone();
            text.replace_range(at..at + 5, "#####");
            assert_eq!(decode(&text), Err(CurveKeyError::Overflow { at }));
            text.replace_range(at..at + 5, "%nSc0");
            assert!(decode(&text).is_ok(), "the largest that fits");
            text.replace_range(at..at + 5, "%nSc1");
            assert_eq!(decode(&text), Err(CurveKeyError::Overflow { at }));
        }
        // Forty bytes, but of longer characters.
        assert_eq!(decode(&"\u{e4}".repeat(20)), Err(CurveKeyError::Character { at: 0 }));
    }
}
