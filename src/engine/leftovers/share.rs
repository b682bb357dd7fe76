//! Turns of those that have ended, and of the living.

use crate::engine::slab::TURN;

/// Whose turn it is to be received from, while there are leftovers: so many messages of connections that have
/// ended, then as many of the living. Else whoever leaves something and comes again would keep all others out.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub(super) living: bool,
    taken: u32,
}

impl Share {
    pub(super) fn count(&mut self) {
        self.taken += 1;
        if self.taken == TURN {
            *self = Self { living: !self.living, taken: 0 };
        }
    }
}
