//! The peers that have subscribed to one topic.

use std::collections::HashMap;
use std::{mem, slice};

use super::prefix_tree::NodeId;
use crate::routing::{shrink_if_sparse, shrink_vec_if_sparse};

/// Where a peer is in the table of peers.
pub(super) type PeerSlot = u32;

/// One peer's subscription to one topic, as the topic sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Subscriber {
    pub(super) slot: PeerSlot,
    /// Where the peer's list has the topic.
    pub(super) place: u32,
}

/// One peer's subscription to one topic, as the peer sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Subscription {
    pub(super) topic: NodeId,
    /// Where the topic's list has the peer.
    pub(super) place: u32,
}

/// The subscribers of a topic, at least one: dense, since publishing runs through them.
#[derive(Clone, Debug)]
pub(super) enum Subscribers {
    One(Subscriber),
    Many(Box<Many>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Many {
    list: Vec<Subscriber>,
    /// Where each slot is in `list`, if that is too long to search.
    places: Option<HashMap<PeerSlot, u32>>,
}

impl Subscribers {
    #[inline]
    pub(super) fn as_slice(&self) -> &[Subscriber] {
        match self {
            Self::One(subscriber) => slice::from_ref(subscriber),
            Self::Many(many) => &many.list,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Where the list has a peer.
    pub(super) fn find(&self, slot: PeerSlot) -> Option<u32> {
        match self {
            Self::Many(many) if many.places.is_some() => many.places.as_ref()?.get(&slot).copied(),
            _ => (0..).zip(self.as_slice()).find(|(_, other)| other.slot == slot).map(|(place, _)| place),
        }
    }

    /// Adds a peer that is not there, and returns where.
    pub(super) fn push(&mut self, subscriber: Subscriber) -> u32 {
        if let Self::One(first) = *self {
            *self = Self::Many(Box::new(Many { list: vec![first], places: None }));
        }
        match self {
            Self::One(_) => 0,
            Self::Many(many) => many.push(subscriber),
        }
    }

    /// Removes the peer at a place, unless it is the only one; returns the one that has taken the place.
    pub(super) fn swap_remove(&mut self, place: u32) -> Option<Subscriber> {
        let Self::Many(many) = self else { return None };
        let moved = many.swap_remove(place);
        if let [last] = many.list[..] {
            *self = Self::One(last);
        }
        moved
    }

    /// The peer at a place has its topic elsewhere in its list.
    pub(super) fn set_place(&mut self, place: u32, in_peer: u32) {
        self.at_mut(place).place = in_peer;
    }

    /// The peer at a place has another slot.
    ///
    /// Until all have been told, [`find`](Self::find) is not to be called.
    pub(super) fn set_slot(&mut self, place: u32, slot: PeerSlot) {
        self.at_mut(place).slot = slot;
    }

    /// Ends a series of calls to [`set_slot`](Self::set_slot).
    pub(super) fn slots_changed(&mut self) {
        if let Self::Many(many) = self {
            if many.places.is_some() {
                many.index();
            }
        }
    }

    fn at_mut(&mut self, place: u32) -> &mut Subscriber {
        match self {
            Self::One(subscriber) => subscriber,
            Self::Many(many) => &mut many.list[place as usize],
        }
    }
}

impl Many {
    /// A list that is longer has an index.
    const SEARCHED: usize = 64;

    fn push(&mut self, subscriber: Subscriber) -> u32 {
        let place = self.list.len() as u32;
        self.list.push(subscriber);
        match &mut self.places {
            Some(places) => _ = places.insert(subscriber.slot, place),
            None if self.list.len() > Self::SEARCHED => self.index(),
            None => {}
        }
        place
    }

    fn swap_remove(&mut self, place: u32) -> Option<Subscriber> {
        let removed = self.list.swap_remove(place as usize);
        let moved = self.list.get(place as usize).copied();
        // Half of it, so that a peer that comes and goes at the border does not have it built each time.
        if self.list.len() <= Self::SEARCHED / 2 {
            self.places = None;
        }
        if let Some(places) = &mut self.places {
            places.remove(&removed.slot);
            if let Some(moved) = moved {
                places.insert(moved.slot, place);
            }
            shrink_if_sparse(places);
        }
        shrink_vec_if_sparse(&mut self.list);
        moved
    }

    fn index(&mut self) {
        let mut places = mem::take(&mut self.places).unwrap_or_default();
        places.clear();
        places.extend(self.list.iter().map(|subscriber| subscriber.slot).zip(0..));
        self.places = Some(places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut subscribers = Subscribers::One(Subscriber { slot: 0, place: 0 });
        for slot in 1..10_000 {
            assert_eq!(subscribers.push(Subscriber { slot, place: 0 }), slot);
        }
        for slot in 0..9_900 {
            let place = subscribers.find(slot).unwrap();
            subscribers.swap_remove(place);
        }
        let Subscribers::Many(many) = &subscribers else { panic!("{subscribers:?}") };
        assert!(many.list.capacity() <= 400 && many.places.as_ref().unwrap().capacity() <= 1024);
        for slot in 9_900..9_980 {
            subscribers.swap_remove(subscribers.find(slot).unwrap());
        }
        assert!(matches!(&subscribers, Subscribers::Many(many) if many.places.is_none()));
        for slot in 9_980..9_999 {
            subscribers.swap_remove(subscribers.find(slot).unwrap());
        }
        assert!(matches!(subscribers, Subscribers::One(Subscriber { slot: 9_999, .. })));
        assert_eq!((subscribers.find(9_999), subscribers.find(9_998)), (Some(0), None));
    }
}
