//! What works on the whole core, or on what its parts have in common, and how that calls each other.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Function, Source};

/// The only files that may work on all of it: they keep the parts together, and act on what happened to them.
const OWNERS: &[&str] = &["engine/core.rs", "engine/act.rs"];

pub struct CoreCalls {
    outside: usize,
    /// By name: a name that two functions share counts as one.
    calls: BTreeMap<String, BTreeSet<String>>,
}

fn works_on_core(function: &Function) -> bool {
    let taken: String = function.signature.split_whitespace().collect();
    function.of.as_deref() == Some("Core") || taken.contains("&mutCore<")
}

/// The same for what the parts have in common.
fn works_on_base(function: &Function) -> bool {
    let taken: String = function.signature.split_whitespace().collect();
    function.of.as_deref() == Some("Base") || taken.contains("Base<")
}

impl CoreCalls {
    pub fn of(engine: &[&Source]) -> Self {
        let of_core =
            |source: &&Source| source.functions.iter().filter(|function| works_on_core(function)).count();
        let outside = engine.iter().filter(|source| !OWNERS.contains(&&*source.name)).map(of_core).sum();
        let all: Vec<&Function> = engine
            .iter()
            .flat_map(|source| &source.functions)
            .filter(|function| works_on_core(function) || works_on_base(function))
            .collect();
        let names: BTreeSet<&str> = all.iter().map(|function| &*function.name).collect();
        let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for function in all {
            let called =
                names.iter().filter(|name| is_called(&function.body, name)).map(|name| (*name).to_owned());
            calls.entry(function.name.clone()).or_default().extend(called);
        }
        Self { outside, calls }
    }

    /// How many of them stand in other files than those that own the core.
    pub fn outside(&self) -> usize {
        self.outside
    }

    /// The most functions of which each, by way of others, calls itself and all the others.
    pub fn largest_circle(&self) -> Vec<&str> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.calls.keys().map(|name| (&**name, self.reached_from(name))).collect();
        let circle = |name: &&str| -> Vec<&str> {
            reached[name].iter().filter(|other| reached[**other].contains(name)).copied().collect()
        };
        reached.keys().map(circle).filter(|circle| circle.len() > 1).max_by_key(Vec::len).unwrap_or_default()
    }

    fn reached_from(&self, name: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.calls[name].iter().map(|called| &**called).collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(self.calls[next].iter().map(|called| &**called));
            }
        }
        reached
    }
}

/// The core and its parts, as their functions call them.
const CALLED: &[&str] = &[
    "self.",
    "core.",
    "Self::",
    "Core::",
    "base.",
    "inbound.",
    "outbound.",
    "endpoints.",
    "endings.",
    "doorway.",
    "asked.",
];

/// Whether `body` calls a function of this name on the core or a part, or names it to be called.
fn is_called(body: &str, name: &str) -> bool {
    CALLED.iter().any(|owner| {
        body.match_indices(owner).any(|(at, _)| {
            let free = body[..at]
                .chars()
                .next_back()
                .is_none_or(|before| !(before.is_alphanumeric() || before == '_'));
            let rest = body[at + owner.len()..].strip_prefix(name);
            free && rest.is_some_and(|rest| rest.starts_with(['(', ')', ',', ':']))
        })
    })
}
