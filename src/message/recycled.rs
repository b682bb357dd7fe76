//! Memory of large payloads, to be used again.
//!
//! A payload that is read into fresh memory costs as much again for the memory: it is zeroed, page by page, and was
//! never in a cache. So what the last reference to such a payload lets go of waits here for the next one, for as long
//! as payloads come.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// What one socket's large payloads leave behind.
#[derive(Debug, Default)]
pub(crate) struct Recycled(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The oldest first; each initialised up to its length.
    spare: Vec<Vec<u8>>,
    /// Somebody asked before long: what comes back is kept.
    awake: bool,
    /// Somebody has since the last look.
    asked: bool,
    /// Whoever reads into memory from here has one of these.
    loans: Arc<()>,
}

/// What there was for a payload that is about to be read.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    /// Not much more than it needs, or none.
    pub(crate) memory: Vec<u8>,
    /// To be kept for as long as the payload is read.
    pub(crate) loan: Option<Arc<()>>,
    /// [Looks](Recycled::look) are to begin.
    pub(crate) looks_begin: bool,
}

/// The payload in the application's hands, and the one that is read meanwhile. No more are read into at a time either:
/// a peer has whole memory for having announced a payload, and may never send it.
const SPARES: usize = 2;

impl Recycled {
    /// The smallest payload whose memory is worth it; the largest is of a size that a socket may keep beside all else.
    pub(crate) const LEAST: usize = 64 * 1024;
    const MOST: usize = 1024 * 1024;

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way; a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for a payload of `len` bytes.
    pub(crate) fn take(&self, len: usize) -> Spare {
        if !(Self::LEAST..=Self::MOST).contains(&len) {
            return Spare::default();
        }
        let mut state = self.lock();
        state.asked = true;
        let looks_begin = !mem::replace(&mut state.awake, true);
        let fits = |spare: &Vec<u8>| (len..=2 * len).contains(&spare.capacity());
        let may_lend = Arc::strong_count(&state.loans) <= SPARES;
        match state.spare.iter().position(fits).filter(|_| may_lend) {
            Some(place) => {
                let (memory, loan) = (state.spare.remove(place), Some(Arc::clone(&state.loans)));
                Spare { memory, loan, looks_begin }
            }
            None => Spare { looks_begin, ..Spare::default() },
        }
    }

    /// Keeps the memory of a payload, of which this is the only reference.
    pub(super) fn keep(&self, payload: Bytes) {
        debug_assert!(payload.is_unique(), "somebody else has it");
        if payload.len() > Self::MOST {
            return;
        }
        // Copies nothing, since it is the only one.
        let memory = Vec::from(payload);
        let displaced = {
            let mut state = self.lock();
            if state.awake && memory.capacity() <= Self::MOST {
                state.spare.push(memory);
                (state.spare.len() > SPARES).then(|| state.spare.remove(0))
            } else {
                Some(memory)
            }
        };
        drop(displaced);
    }

    /// Lets go of everything if nobody has asked since the last look; whether there is to be another.
    pub(crate) fn look(&self) -> bool {
        let (asked, spare) = {
            let mut state = self.lock();
            let asked = mem::take(&mut state.asked);
            state.awake = asked;
            (asked, if asked { Vec::new() } else { mem::take(&mut state.spare) })
        };
        drop(spare);
        asked
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::message::{Frame, Message};

    const LEN: usize = 2 * Recycled::LEAST;

    fn take(recycled: &Recycled, len: usize) -> Vec<u8> {
        recycled.take(len).memory
    }

    /// A message that has arrived, in memory of `recycled`.
    fn arrive(recycled: &Arc<Recycled>) -> Message {
        let mut memory = take(recycled, LEN);
        memory.resize(LEN, 7);
        let mut message = Message::from(Bytes::from(memory));
        message.recycle(recycled);
        message
    }

    fn address(message: &Message) -> *const u8 {
        message[0].as_ptr()
    }

    #[test]
    fn what_nobody_has_any_more_is_used_again() {
        let recycled = Arc::<Recycled>::default();
        let first = arrive(&recycled);
        let (before, clone) = (address(&first), first.clone());
        drop(first);
        assert!(take(&recycled, LEN).is_empty(), "somebody has it");
        drop(clone);
        let again = take(&recycled, LEN - 100);
        assert_eq!((again.as_ptr(), again.len()), (before, LEN), "as it was, and nothing is zeroed");
        assert!(take(&recycled, LEN).is_empty());
    }

    #[test]
    fn what_the_application_takes_out_is_its_own() {
        let recycled = Arc::<Recycled>::default();
        let message = arrive(&recycled);
        let before = address(&message);
        let vec = Vec::from(message.into_single().unwrap());
        assert_eq!(vec.as_ptr(), before, "not copied");
        let bytes = arrive(&recycled).into_single().unwrap().into_bytes();
        drop((vec, bytes));
        assert!(take(&recycled, LEN).is_empty());
    }

    #[test]
    fn a_few_are_kept_and_of_those_what_fits() {
        let recycled = Arc::<Recycled>::default();
        let three = [arrive(&recycled), arrive(&recycled), arrive(&recycled)];
        let last = address(&three[2]);
        drop(three);
        assert_eq!(recycled.lock().spare.len(), SPARES);
        assert_eq!(recycled.lock().spare[1].as_ptr(), last);
        assert!(take(&recycled, LEN + 1).is_empty() && take(&recycled, LEN / 2 - 1).is_empty());
        assert!(take(&recycled, 10).is_empty(), "small ones come from the slab");
        let mut small = Message::from(vec![0; Recycled::LEAST - 1]);
        small.recycle(&recycled);
        drop(small);
        let mut huge = Message::from(vec![0; Recycled::MOST + 1]);
        huge.recycle(&recycled);
        drop(huge);
        assert_eq!(recycled.lock().spare[1].as_ptr(), last);
    }

    #[test]
    fn when_nobody_asks_all_is_let_go() {
        let recycled = Arc::<Recycled>::default();
        assert!(recycled.take(LEN).looks_begin && !recycled.take(LEN).looks_begin, "looks begin once");
        let held = arrive(&recycled);
        drop(arrive(&recycled));
        assert!(recycled.look() && recycled.lock().spare.len() == 1);
        assert!(!recycled.look() && recycled.lock().spare.is_empty());
        drop(held);
        assert!(recycled.lock().spare.is_empty(), "nothing is kept after that");
        assert!(recycled.take(LEN).looks_begin, "looks begin again");
        drop(arrive(&recycled));
        assert_eq!(recycled.lock().spare.len(), 1);
    }

    /// Of a socket that is gone, and where frames are in front.
    #[test]
    fn the_last_frame_is_the_one_that_was_read() {
        let recycled = Arc::<Recycled>::default();
        let mut message = Message::from((Frame::from("id"), Bytes::from(vec![1; LEN])));
        message.recycle(&recycled);
        take(&recycled, LEN);
        drop(message);
        assert_eq!(take(&recycled, LEN).len(), LEN);
        let message = arrive(&recycled);
        drop(recycled);
        drop(message);
    }

    /// Kills lending to whoever has announced a payload, and sends it or not.
    #[test]
    fn two_at_a_time_read_into_it() {
        let recycled = Arc::<Recycled>::default();
        let mut lent = Vec::new();
        for _ in 0..5 {
            take(&recycled, LEN);
            drop(arrive(&recycled));
            lent.push(recycled.take(LEN));
        }
        let memories = lent.iter().filter(|spare| !spare.memory.is_empty()).count();
        assert_eq!(memories, SPARES);
        lent.retain(|spare| spare.loan.is_none());
        assert!(!take(&recycled, LEN).is_empty(), "they are done");
    }
}
