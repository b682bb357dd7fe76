//! Shrinking leaves what a failure needs, and nothing else.

use std::time::Duration;

use crate::generate;
use crate::plan::{Call, Plan, Step};
use crate::shrink::shrink;
use crate::wire::Say;

const LONG: Duration = Duration::from_secs(1_000);

/// The steps that `wanted` picks, with their places.
fn places(plan: &Plan, wanted: impl Fn(&Step) -> bool) -> Vec<usize> {
    plan.steps.iter().enumerate().filter(|(_, step)| wanted(step)).map(|(place, _)| place).collect()
}

fn binds(step: &Step) -> bool {
    matches!(step, Step::Call { call: Call::Bind(_), .. })
}

fn sleeps(step: &Step) -> bool {
    matches!(step, Step::Sleep(_))
}

/// Plans of which some fail: one binds, and later on somebody sleeps.
fn binds_and_sleeps(plan: &Plan) -> bool {
    let first = places(plan, binds).first().copied();
    first.is_some_and(|first| places(plan, sleeps).iter().any(|place| *place > first))
}

#[test]
fn two_steps_of_many_are_left_in_their_order() {
    let failing: Vec<Plan> = (0..100).map(generate::plan).filter(binds_and_sleeps).collect();
    assert!(failing.len() > 10);
    for plan in failing {
        let smallest = shrink(&plan, LONG, binds_and_sleeps);
        assert_eq!(smallest.steps.len(), 2, "{smallest}");
        assert!(binds(&smallest.steps[0]) && sleeps(&smallest.steps[1]));
        let rest = (smallest.sockets.len(), smallest.listeners.len(), smallest.network.len());
        assert_eq!(rest, (0, 0, 0));
        assert_eq!(smallest.seed, plan.seed, "what all chance comes from stays");
    }
}

/// What scripted peers say is a list as well.
#[test]
fn one_word_of_a_script_is_left() {
    let pings = |plan: &Plan| {
        let scripts = plan.steps.iter().filter_map(|step| match step {
            Step::Dial(_, script) => Some(script),
            _ => None,
        });
        scripts.flat_map(|script| &script.says).any(|say| matches!(say, Say::Ping { .. }))
    };
    let plan = (0..).map(generate::plan).find(pings).unwrap();
    let smallest = shrink(&plan, LONG, pings);
    let [Step::Dial(_, script)] = &smallest.steps[..] else { panic!("{smallest}") };
    assert!(matches!(script.says[..], [Say::Ping { .. }]) && script.damages.is_empty(), "{smallest}");
}

#[test]
fn options_that_do_not_matter_go() {
    let plan = (0..).map(generate::plan).find(|plan| plan.sockets[0].options.len() > 3).unwrap();
    let wanted = format!("{:?}", plan.sockets[0].options[2]);
    let has_it = |plan: &Plan| {
        let mut options = plan.sockets.iter().flat_map(|socket| &socket.options);
        options.any(|option| format!("{option:?}") == wanted)
    };
    let smallest = shrink(&plan, LONG, has_it);
    assert_eq!((smallest.sockets.len(), smallest.sockets[0].options.len()), (1, 1), "{smallest}");
}

/// A plan that cannot be made smaller stays, and one that takes too long is left as it is.
#[test]
fn what_is_needed_stays() {
    let plan = generate::plan(3);
    let whole = plan.to_string();
    let text = |plan: &Plan| plan.to_string() == whole;
    assert_eq!(shrink(&plan, LONG, text).to_string(), whole);
    assert_eq!(shrink(&plan, Duration::ZERO, |_| true).to_string(), whole);
}

/// The same seed is the same plan, and the same plan the same session.
#[test]
fn sessions_repeat_themselves() {
    for seed in 0..20 {
        let plan = generate::plan(seed);
        assert_eq!(plan.to_string(), generate::plan(seed).to_string());
        let [first, second] = [(); 2].map(|()| crate::session::run(&plan).map(|report| report.polls).ok());
        assert_eq!(first, second, "seed {seed}");
    }
}
