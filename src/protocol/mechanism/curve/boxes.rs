//! NaCl's box: X25519, XSalsa20 and Poly1305, which are `dryoc`'s.
//!
//! It makes as many blocks of the key stream at a time as the processor has room for. Each box begins with HSalsa20,
//! the first half of XSalsa20, which nonces that begin alike could share: there is no interface to it without, and
//! from 64 bytes of text on it takes no longer all the same than crates which make one block at a time.

use std::fmt;

use dryoc::classic::crypto_box::{
    Mac, crypto_box_beforenm, crypto_box_detached_afternm_inplace, crypto_box_open_detached_afternm,
    crypto_box_open_detached_afternm_inplace,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::protocol::ProtocolError;
use crate::security::CurveSecretKey;

/// By how much a box is longer than what is in it.
pub(super) const TAG: usize = size_of::<Mac>();

/// A box's number, never used twice with a key.
pub(super) type Nonce = [u8; 24];

/// What a secret key has in common with a public key: both sides of a box need it.
pub(super) struct SharedKey([u8; 32]);

impl SharedKey {
    /// Refuses a public key whose result does not depend on the secret one.
    pub(super) fn agree(secret: &CurveSecretKey, public: &[u8; 32]) -> Result<Self, ProtocolError> {
        let shared = crypto_box_beforenm(public, secret.as_bytes());
        shared.map(Self).map_err(|_| ProtocolError::Tampered)
    }

    /// The box of `text`.
    pub(super) fn seal(&self, nonce: &Nonce, text: &[u8]) -> Vec<u8> {
        let mut sealed = [&[0; TAG], text].concat();
        self.seal_in_place(nonce, &mut sealed);
        sealed
    }

    /// Makes a box of [`TAG`] bytes of room with a text behind them.
    pub(super) fn seal_in_place(&self, nonce: &Nonce, room: &mut [u8]) {
        let Some((tag, text)) = room.split_first_chunk_mut() else { return };
        crypto_box_detached_afternm_inplace(text, tag, nonce, &self.0);
    }

    /// What is in a box.
    pub(super) fn open(&self, nonce: &Nonce, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(vec![0; sealed.len().checked_sub(TAG)?]);
        self.open_into(nonce, sealed, &mut text).then_some(text)
    }

    /// Writes what is in a box to `text`, which is as long; false changes nothing.
    pub(super) fn open_into(&self, nonce: &Nonce, sealed: &[u8], text: &mut [u8]) -> bool {
        let Some((tag, sealed)) = sealed.split_first_chunk() else { return false };
        crypto_box_open_detached_afternm(text, sealed, tag, nonce, &self.0).is_ok()
    }

    /// Turns a box into its text, behind the [`TAG`] bytes of its tag; false changes nothing.
    pub(super) fn open_in_place(&self, nonce: &Nonce, sealed: &mut [u8]) -> bool {
        let Some((tag, text)) = sealed.split_first_chunk_mut() else { return false };
        crypto_box_open_detached_afternm_inplace(text, tag, nonce, &self.0).is_ok()
    }
}

impl Drop for SharedKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        bytes.try_into().unwrap()
    }

    /// The example of libsodium's own tests: a secret key, a public one, a nonce, a text, and its box.
    fn example() -> (SharedKey, [u8; 24], [u8; 131], [u8; 147]) {
        let secret = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
        let public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
        let nonce = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
        let text = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d4\
         5e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a\
         024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705";
        let sealed = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c5\
         31a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8a\
         b932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622\
         a43d14a6599b1f654cb45a74e355a5";
        let shared = SharedKey::agree(&CurveSecretKey::from_bytes(hex(secret)), &hex(public)).unwrap();
        (shared, hex(nonce), hex(text), hex(sealed))
    }

    #[test]
    fn boxes_are_those_of_libsodium() {
        let (shared, nonce, text, sealed) = example();
        assert_eq!(shared.seal(&nonce, &text), sealed);
        assert_eq!(shared.open(&nonce, &sealed).unwrap()[..], text);
    }

    #[test]
    fn boxes_that_were_changed_do_not_open() {
        let (shared, nonce, _, sealed) = example();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed;
                changed[at] ^= 1 << bit;
                assert!(shared.open(&nonce, &changed).is_none(), "bit {bit} of byte {at}");
            }
            assert!(shared.open(&nonce, &sealed[..at]).is_none(), "{at} bytes");
        }
        for at in 0..24 {
            let mut other = nonce;
            other[at] ^= 1;
            assert!(shared.open(&other, &sealed).is_none(), "byte {at} of the nonce");
        }
        assert_eq!(shared.open(&nonce, &shared.seal(&nonce, b"")).unwrap()[..], b""[..]);
    }

    /// Those of few points: whatever the secret key, what they agree on would be known to everybody.
    #[test]
    fn public_keys_of_small_order_are_refused() {
        let secret = CurveSecretKey::from_bytes([7; 32]);
        let one = {
            let mut one = [0; 32];
            one[0] = 1;
            one
        };
        let small = [
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            // The prime, and its neighbours: 0, 1 and -1 in another spelling.
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        for mut public in small.map(hex).into_iter().chain([[0; 32], one]) {
            assert!(SharedKey::agree(&secret, &public).is_err(), "{public:?}");
            // The highest bit does not count.
            public[31] |= 0x80;
            assert!(SharedKey::agree(&secret, &public).is_err(), "{public:?}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let (shared, ..) = example();
        assert_eq!(format!("{shared:?}"), "SharedKey(..)");
    }
}
