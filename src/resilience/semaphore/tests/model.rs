//! An exhaustive model: every order of events, on the real semaphore and on the plainest one.

use std::cell::Cell;

use super::*;

/// What the semaphore must do, in the plainest form: a queue of all who have polled, served in order.
#[derive(Clone)]
struct Model {
    budget: usize,
    needs: Vec<usize>,
    states: Vec<Expected>,
    queue: VecDeque<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    New,
    Waiting,
    Granted,
    Holding,
    Gone,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Poll(usize),
    Drop(usize),
    Try(usize),
}

impl Model {
    fn new(budget: usize, sizes: &[usize]) -> Self {
        let needs = sizes.iter().map(|size| *size.min(&budget)).collect();
        Self { budget, needs, states: vec![Expected::New; sizes.len()], queue: VecDeque::new() }
    }

    fn free(&self) -> usize {
        let taken = |state| matches!(state, Expected::Granted | Expected::Holding);
        self.budget
            - (0..self.needs.len()).filter(|i| taken(self.states[*i])).map(|i| self.needs[i]).sum::<usize>()
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Poll(index) => match self.states[index] {
                Expected::Granted => self.states[index] = Expected::Holding,
                Expected::New if self.needs[index] == 0 => self.states[index] = Expected::Holding,
                Expected::New => {
                    self.states[index] = Expected::Waiting;
                    self.queue.push_back(index);
                    self.grant();
                    // Granted within its own poll.
                    if self.states[index] == Expected::Granted {
                        self.states[index] = Expected::Holding;
                    }
                }
                _ => {}
            },
            Step::Drop(index) => {
                self.states[index] = Expected::Gone;
                self.queue.retain(|waiting| *waiting != index);
                self.grant();
            }
            Step::Try(index) => {
                let fits = self.queue.is_empty() && self.needs[index] <= self.free();
                let granted = fits || self.needs[index] == 0;
                self.states[index] = if granted { Expected::Holding } else { Expected::Gone };
            }
        }
    }

    fn grant(&mut self) {
        while let Some(&first) = self.queue.front() {
            if self.needs[first] > self.free() {
                break;
            }
            self.queue.pop_front();
            self.states[first] = Expected::Granted;
        }
    }

    /// Everything that may happen next; a second poll while waiting only if there are `polls` left.
    fn next_steps(&self, polls: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, state) in self.states.iter().enumerate() {
            match state {
                Expected::New => steps.extend([Step::Poll(index), Step::Try(index), Step::Drop(index)]),
                Expected::Waiting if polls[index] > 0 => steps.extend([Step::Poll(index), Step::Drop(index)]),
                Expected::Granted => steps.extend([Step::Poll(index), Step::Drop(index)]),
                Expected::Waiting | Expected::Holding => steps.push(Step::Drop(index)),
                Expected::Gone => {}
            }
        }
        steps
    }
}

/// Runs a script on the real semaphore and the model, and compares them after every step.
fn replay(budget: usize, sizes: &[usize], script: &[Step]) {
    let mut scene = Scene::new(budget, sizes);
    let mut model = Model::new(budget, sizes);
    for (at, step) in script.iter().enumerate() {
        match *step {
            Step::Poll(index) => scene.poll(index),
            Step::Drop(index) => scene.drop(index),
            Step::Try(index) => {
                let permit = scene.permits.try_acquire(sizes[index]);
                scene.messages[index] = permit.map_or(Stage::Gone, Stage::Holding);
            }
        }
        model.apply(*step);
        let context = || format!("budget {budget}, sizes {sizes:?}, after step {at} of {script:?}");
        for (index, expected) in model.states.iter().enumerate() {
            let real = match &scene.messages[index] {
                Stage::New(_) => Expected::New,
                // No wake-up is lost, and none is idle: woken once, with the last waker, when granted.
                Stage::Waiting(..) if scene.wakes(index) == 1 => Expected::Granted,
                Stage::Waiting(..) => Expected::Waiting,
                Stage::Holding(permit) => {
                    assert_eq!(permit.bytes(), model.needs[index], "{}", context());
                    Expected::Holding
                }
                Stage::Gone => Expected::Gone,
            };
            assert_eq!(real, *expected, "message {index}: {}", context());
            assert!(scene.wakes(index) <= 1, "{}", context());
        }
        assert_eq!(scene.permits.available(), model.free(), "bytes are conserved: {}", context());
        assert_eq!(scene.permits.waiters(), model.queue.len(), "{}", context());
        assert!(!scene.locked.load(Ordering::SeqCst), "a waker met the lock: {}", context());
    }
}

/// Replays every script that `model` allows from here on, until all messages are gone.
fn explore(model: &Model, sizes: &[usize], polls: &mut [u8], script: &mut Vec<Step>, scripts: &Cell<usize>) {
    let steps = model.next_steps(polls);
    if steps.is_empty() {
        scripts.set(scripts.get() + 1);
        return replay(model.budget, sizes, script);
    }
    for step in steps {
        let mut next = model.clone();
        next.apply(step);
        let repeats = match step {
            Step::Poll(index) if model.states[index] == Expected::Waiting => Some(index),
            _ => None,
        };
        if let Some(index) = repeats {
            polls[index] -= 1;
        }
        script.push(step);
        explore(&next, sizes, polls, script, scripts);
        script.pop();
        if let Some(index) = repeats {
            polls[index] += 1;
        }
    }
}

/// All interleavings of three messages that are polled, polled again, tried, cancelled and released.
#[test]
fn every_interleaving_of_three_messages() {
    let scripts = Cell::new(0);
    // A budget of 3: what shares it, what fills it, and what is larger.
    for sizes in [[1, 1, 2], [2, 2, 2], [1, 2, 3], [3, 1, 2], [9, 1, 2], [9, 9, 1]] {
        let model = Model::new(3, &sizes);
        explore(&model, &sizes, &mut [1; 3], &mut Vec::new(), &scripts);
    }
    assert!(scripts.get() > 10_000, "{} scripts", scripts.get());
}

/// All interleavings of four messages behind one that holds the budget.
#[test]
fn every_interleaving_of_four_waiters() {
    let scripts = Cell::new(0);
    for sizes in [[3, 1, 2, 1, 9], [3, 2, 2, 1, 1], [3, 9, 1, 1, 1]] {
        let mut model = Model::new(3, &sizes);
        let mut script: Vec<Step> = (0..5).map(Step::Poll).collect();
        script.iter().for_each(|step| model.apply(*step));
        explore(&model, &sizes, &mut [0; 5], &mut script, &scripts);
    }
    assert!(scripts.get() > 1_000, "{} scripts", scripts.get());
}
