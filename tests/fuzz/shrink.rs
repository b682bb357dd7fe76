//! Makes a failing plan smaller.

use std::time::{Duration, Instant};

use crate::plan::{Plan, Step};

/// Leaves out of `plan` whatever is not needed for it to fail: `fails` says whether a plan still does, the same way.
/// Stops after `limit`, with what it has by then.
pub fn shrink(plan: &Plan, limit: Duration, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let end = Instant::now() + limit;
    let mut fails = |plan: &Plan| Instant::now() < end && fails(plan);
    let mut best = plan.clone();
    loop {
        let before = size(&best);
        shrink_lists(&mut best, &mut fails);
        simplify(&mut best, &mut fails);
        if size(&best) == before {
            return best;
        }
    }
}

/// How much there is to a plan.
fn size(plan: &Plan) -> usize {
    format!("{plan:?}").len()
}

fn shrink_lists(plan: &mut Plan, fails: &mut dyn FnMut(&Plan) -> bool) {
    shrink_list(plan, fails, &|plan| Some(&mut plan.steps));
    shrink_list(plan, fails, &|plan| Some(&mut plan.sockets));
    shrink_list(plan, fails, &|plan| Some(&mut plan.listeners));
    shrink_list(plan, fails, &|plan| Some(&mut plan.network));
    for n in 0..plan.sockets.len() {
        shrink_list(plan, fails, &|plan| plan.sockets.get_mut(n).map(|socket| &mut socket.options));
    }
    for n in 0..plan.listeners.len() {
        shrink_list(plan, fails, &|plan| plan.listeners.get_mut(n).map(|listener| &mut listener.scripts));
        for m in 0..plan.listeners[n].scripts.len() {
            shrink_list(plan, fails, &|plan| Some(&mut plan.listeners[n].scripts.get_mut(m)?.says));
            shrink_list(plan, fails, &|plan| Some(&mut plan.listeners[n].scripts.get_mut(m)?.damages));
        }
    }
    for n in 0..plan.steps.len() {
        shrink_list(plan, fails, &|plan| match plan.steps.get_mut(n) {
            Some(Step::Dial(_, script)) => Some(&mut script.says),
            _ => None,
        });
        shrink_list(plan, fails, &|plan| match plan.steps.get_mut(n) {
            Some(Step::Dial(_, script)) => Some(&mut script.damages),
            _ => None,
        });
    }
}

/// Leaves out stretches of one list, long ones first.
fn shrink_list<T: Clone>(
    plan: &mut Plan,
    fails: &mut dyn FnMut(&Plan) -> bool,
    list: &dyn Fn(&mut Plan) -> Option<&mut Vec<T>>,
) {
    let Some(len) = list(plan).map(|list| list.len()) else { return };
    let mut stretch = len;
    while stretch > 0 {
        let mut at = 0;
        while list(plan).is_some_and(|list| at < list.len()) {
            let mut smaller = plan.clone();
            if let Some(list) = list(&mut smaller) {
                list.drain(at..(at + stretch).min(list.len()));
            }
            if fails(&smaller) {
                *plan = smaller;
            } else {
                at += stretch;
            }
        }
        stretch /= 2;
    }
}

/// Values that are as simple as can be.
fn simplify(plan: &mut Plan, fails: &mut dyn FnMut(&Plan) -> bool) {
    let mut attempt = |plan: &mut Plan, change: &dyn Fn(&mut Plan)| {
        let mut simpler = plan.clone();
        change(&mut simpler);
        if size(&simpler) < size(plan) && fails(&simpler) {
            *plan = simpler;
        }
    };
    attempt(plan, &|plan| plan.end.settle = Duration::ZERO);
    for n in 0..plan.sockets.len() {
        attempt(plan, &|plan| plan.sockets[n].permits = true);
    }
    for n in 0..plan.steps.len() {
        attempt(plan, &|plan| {
            if let Step::Call { patience, wait, .. } = &mut plan.steps[n] {
                (*patience, *wait) = (None, true);
            }
        });
        attempt(plan, &|plan| {
            if let Step::Sleep(time) | Step::Skip(time) = &mut plan.steps[n] {
                *time = Duration::from_millis(1);
            }
        });
    }
}
