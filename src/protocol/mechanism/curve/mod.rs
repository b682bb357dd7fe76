//! CURVE (RFC 26, with RFC 25 for how it goes into frames).
//!
//! Keys as the RFC names them: C and S are permanent, C' and S' made for the connection; lower case is secret.
//! What the RFC leaves open, or libzmq does otherwise, is decided so:
//!
//! - MESSAGE travels in a frame without the command flag, and is accepted in either. The flags inside say MORE and
//!   COMMAND; others are ignored.
//! - One counter for each direction, over handshake and traffic, in which any rise is accepted.
//! - A cookie is opaque to the client. A connection keeps its state anyway, so ours is 96 random bytes, which
//!   no secret key is part of, compared before any work is done for an INITIATE.
//! - A frame is verified before the counter moves.

mod boxes;
mod client;
mod seal;
mod server;

pub(super) use client::CurveClient;
pub(super) use server::CurveServer;

use zeroize::Zeroizing;

use crate::protocol::ProtocolError;
use crate::security::{CurveKeypair, CurveSecretKey, Entropy};

const NAME: &str = "CURVE";

/// The bytes of a cookie, with its nonce.
const COOKIE: usize = 96;
/// The bytes of a vouch, with its nonce.
const VOUCH: usize = 96;

/// The 24 bytes of a nonce with a number.
fn numbered(prefix: &[u8; 16], number: [u8; 8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&number);
    nonce
}

/// The 24 bytes of a nonce with random bytes.
fn random(prefix: &[u8; 8], bytes: [u8; 16]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(&bytes);
    nonce
}

const HELLO: &[u8; 16] = b"CurveZMQHELLO---";
const INITIATE: &[u8; 16] = b"CurveZMQINITIATE";
const READY: &[u8; 16] = b"CurveZMQREADY---";
const WELCOME: &[u8; 8] = b"WELCOME-";
const VOUCHED: &[u8; 8] = b"VOUCH---";

/// Random bytes.
fn draw<const N: usize>(entropy: Entropy) -> Result<[u8; N], ProtocolError> {
    let mut bytes = [0; N];
    entropy(&mut bytes).map(|()| bytes).map_err(|_| ProtocolError::NoEntropy)
}

/// Keys for one connection.
fn new_pair(entropy: Entropy) -> Result<CurveKeypair, ProtocolError> {
    let secret = Zeroizing::new(draw(entropy)?);
    Ok(CurveSecretKey::from_bytes(*secret).into())
}

/// The first `N` bytes, and the rest.
fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), ProtocolError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(ProtocolError::MalformedCommand)?;
    Ok((*first, rest))
}
