//! The socket that a library does not have.

use super::{Echoes, MaybeSend, Receives, Sends};
use crate::{Payload, Result};

/// Stands for a socket type that a library does not have: there is none of it.
pub enum Missing {}

impl Sends for Missing {
    async fn send(&mut self, _: Payload<'_>) -> Result<()> {
        match *self {}
    }
}

impl Receives for Missing {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, _: &mut F) -> Result<()> {
        match *self {}
    }
}

impl Echoes for Missing {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, _: &mut F) -> Result<()> {
        match *self {}
    }
}
