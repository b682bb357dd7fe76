//! An exhaustive model: senders at a mark, in every order of polls, drops and departing messages.

use std::cell::Cell;

use super::*;
use crate::engine::parked::{List, Place, Turn};
use futures_test::task::{AwokenCount, new_count_waker};

const LIST: List = List::Room(None);

/// A queue with a mark, and those who want to put something in: what `Core` does, on nothing but the list.
struct Scene {
    level: HighWater,
    list: WaitList,
    senders: Vec<Sender>,
    /// Sizes of what is queued, in the order of arrival.
    queued: Vec<usize>,
    /// Whose message came in, in order.
    accepted: Vec<usize>,
    next_key: Key,
}

struct Sender {
    size: usize,
    place: Option<Place>,
    wakes: AwokenCount,
    waker: Waker,
    seen: usize,
    gone: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Polls one that has not waited, or was woken, or neither.
    Poll(usize),
    Drop(usize),
    /// A message leaves the queue.
    Leave,
}

impl Scene {
    fn new(mark: (usize, usize), sizes: &[usize]) -> Self {
        let senders = sizes.iter().map(|&size| {
            let (waker, wakes) = new_count_waker();
            Sender { size, place: None, wakes, waker, seen: 0, gone: false }
        });
        Self {
            level: HighWater::new(mark.0, mark.1),
            list: WaitList::default(),
            senders: senders.collect(),
            queued: Vec::new(),
            accepted: Vec::new(),
            next_key: 0,
        }
    }

    fn wake(&mut self, act: impl FnOnce(&mut WaitList, HighWater, &mut Vec<Waker>)) {
        let mut wakers = Vec::new();
        act(&mut self.list, self.level, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn depart(&mut self, index: usize) {
        let Some(place) = self.senders[index].place.take() else { return };
        let left = self.list.leave(place.key, place.need);
        if left.passes_on {
            self.wake(|list, level, wakers| list.wake_fitting(level, wakers));
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Poll(index) => self.poll(index),
            Step::Drop(index) => {
                self.depart(index);
                self.senders[index].gone = true;
            }
            Step::Leave => {
                let size = self.queued.remove(0);
                self.level.remove(size);
                self.wake(|list, level, wakers| list.wake_fitting(level, wakers));
            }
        }
    }

    fn poll(&mut self, index: usize) {
        let sender = &mut self.senders[index];
        sender.seen = sender.wakes.get();
        let turn = sender.place.map_or(Turn::New, Turn::Waiting);
        let size = sender.size;
        if turn.may_pass(LIST, &self.list) && self.level.has_room(size) {
            self.level.add(size);
            self.queued.push(size);
            self.accepted.push(index);
            self.senders[index].gone = true;
            return self.depart(index);
        }
        let stood = sender.place.map(|place| place.need);
        let key = sender.place.map_or(self.next_key, |place| place.key);
        self.next_key = self.next_key.max(key + 1);
        sender.place = Some(Place { list: LIST, key, need: size as u64 });
        if !self.list.enter(key, size as u64, stood, &sender.waker) {
            assert!(matches!(self.list.arm(key, sender.waker.clone()), Ok(None)));
        }
    }

    fn is_woken(&self, index: usize) -> bool {
        let sender = &self.senders[index];
        !sender.gone && sender.wakes.get() > sender.seen
    }

    fn check(&self, script: &[Step]) {
        let waits = |index: &usize| !self.senders[*index].gone && self.senders[*index].place.is_some();
        let waiting: Vec<usize> = (0..self.senders.len()).filter(waits).collect();
        let (woken, asleep): (Vec<usize>, Vec<usize>) =
            waiting.into_iter().partition(|index| self.is_woken(*index));
        let key = |index: &usize| self.senders[*index].place.map(|place| place.key);
        let mut level = self.level;
        for index in &woken {
            level.reserve(self.senders[*index].size);
        }
        if let Some(first) = asleep.iter().min_by_key(|index| key(index)) {
            assert!(!level.has_room(self.senders[*first].size), "{first} sleeps beside room: {script:?}");
        }
        assert_eq!(self.list.asleep.len(), asleep.len(), "{script:?}");
        assert_eq!(self.list.woken, woken.len(), "{script:?}");
        for sender in &self.senders {
            assert!(sender.wakes.get() <= sender.seen + 1, "woken twice: {script:?}");
        }
    }

    fn next_steps(&self, idle_polls: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, sender) in self.senders.iter().enumerate().filter(|(_, sender)| !sender.gone) {
            let useful = sender.place.is_none() || self.is_woken(index);
            if useful || idle_polls > 0 {
                steps.push(Step::Poll(index));
            }
            steps.push(Step::Drop(index));
        }
        if !self.queued.is_empty() {
            steps.push(Step::Leave);
        }
        steps
    }
}

fn explore(
    mark: (usize, usize),
    sizes: &[usize],
    script: &mut Vec<Step>,
    idle_polls: usize,
    scripts: &Cell<usize>,
) {
    let mut scene = Scene::new(mark, sizes);
    for step in script.iter() {
        scene.step(*step);
    }
    scene.check(script);
    let steps = scene.next_steps(idle_polls);
    if steps.is_empty() {
        scripts.set(scripts.get() + 1);
    }
    for step in steps {
        let idle = match step {
            Step::Poll(index) => scene.senders[index].place.is_some() && !scene.is_woken(index),
            _ => false,
        };
        script.push(step);
        explore(mark, sizes, script, idle_polls - usize::from(idle), scripts);
        script.pop();
    }
}

/// Kills a lost wake, a herd, a wake that is not passed on, and one that overtakes.
#[test]
fn every_interleaving_of_three_senders_at_a_mark() {
    let scripts = Cell::new(0);
    for (mark, sizes) in [
        ((1, 100), [1, 1, 1]),
        ((2, 100), [1, 1, 1]),
        ((9, 3), [1, 1, 2]),
        ((9, 3), [3, 1, 2]),
        ((9, 3), [9, 1, 1]),
    ] {
        explore(mark, &sizes, &mut Vec::new(), 3, &scripts);
    }
    assert!(scripts.get() > 3_000, "{} scripts", scripts.get());
}

/// Without drops, and whatever is polled when: who came first is served first.
#[test]
fn first_come_first_served() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..200 {
        let mut scene = Scene::new((random.usize(1..4), 100), &[1; 40]);
        (0..40).for_each(|index| scene.step(Step::Poll(index)));
        while scene.accepted.len() < 40 {
            let woken: Vec<usize> = (0..40).filter(|index| scene.is_woken(*index)).collect();
            let step = match woken.first() {
                Some(first) if random.bool() => Step::Poll(*first),
                _ if scene.queued.is_empty() => Step::Poll(woken[0]),
                _ => Step::Leave,
            };
            scene.step(step);
            let asleep = (0..40).filter(|index| !scene.senders[*index].gone).count();
            // Nobody is woken for nothing: as many as there is room for.
            assert!(woken.len() <= 3 && asleep + scene.accepted.len() == 40);
        }
        assert_eq!(scene.accepted, Vec::from_iter(0..40));
    }
}

#[test]
fn who_is_woken_before_it_has_left_its_waker_is_told() {
    let (waker, _) = new_count_waker();
    let mut list = WaitList::default();
    assert!(!list.enter(1, 0, None, &waker));
    assert!(list.wake_next().is_none(), "nobody to wake yet");
    assert!(list.arm(1, waker.clone()).is_err());
    assert!(!list.enter(1, 0, Some(0), &waker));
    assert!(matches!(list.arm(1, waker.clone()), Ok(None)));
    assert!(list.enter(1, 0, Some(0), &waker), "the same waker is kept");
}

#[test]
fn only_those_who_wait_for_no_more_than_was_reached() {
    let mut list = WaitList::default();
    for (key, need) in [(1, 50), (2, 10), (3, 70)] {
        list.enter(key, need, None, Waker::noop());
        assert!(list.arm(key, Waker::noop().clone()).is_ok());
    }
    let mut wakers = Vec::new();
    list.wake_up_to(50, &mut wakers);
    assert_eq!((wakers.len(), list.asleep.len(), list.woken), (2, 1, 2));
    assert!(list.leave(1, 50).passes_on && list.leave(3, 70).passes_on && list.leave(2, 10).passes_on);
    assert_eq!((list.woken, list.woken_need), (0, 0));
}
