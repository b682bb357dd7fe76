//! How far the engine is made of parts, counted in its sources: `cargo test --test engine_counts -- --nocapture` prints
//! the figures. Each has a bound that is lowered whenever it can be; only that of the lines rises, where the engine
//! learns to do more.

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "engine_counts/core_calls.rs"]
mod core_calls;
#[path = "engine_counts/source.rs"]
mod source;

use std::collections::BTreeSet;

use core_calls::CoreCalls;
use source::{Source, sources};

/// A function: its file, and its name.
type Step = (&'static str, &'static str);

/// What a message in the middle of a burst goes through, each called from one before it.
const SENT: &[Step] = &[
    ("socket/send.rs", "poll"),
    ("resilience/permits.rs", "try_acquire"),
    ("engine/shared.rs", "express"),
    ("runtime/lock.rs", "lock"),
    ("engine/burst.rs", "take_lane"),
    ("protocol/clear.rs", "encode_plain"),
    ("protocol/frame.rs", "encode_frame"),
    ("runtime/send_buf.rs", "put_padded"),
    ("runtime/send_buf/arena.rs", "extend_padded"),
    ("runtime/send_buf.rs", "end_message"),
    ("runtime/send_buf/boundaries.rs", "push"),
];
const RECEIVED: &[Step] = &[
    ("socket/recv.rs", "poll"),
    ("engine/parked.rs", "poll_express"),
    ("engine/shared.rs", "express"),
    ("runtime/lock.rs", "lock"),
    ("engine/intake.rs", "take_from_lane"),
    ("protocol/clear.rs", "take_plain"),
    ("protocol/frame.rs", "complete_last_frame"),
    ("message/frame.rs", "set_window"),
];

/// What was counted, how much of it there may be, and what is aimed at.
struct Count {
    what: &'static str,
    counted: usize,
    most: usize,
    aim: usize,
}

const fn count(what: &'static str, counted: usize, most: usize, aim: usize) -> Count {
    Count { what, counted, most, aim }
}

/// Prints what was counted.
///
/// # Panics
/// If it is more than it may be.
fn check(counts: &[Count]) {
    for Count { what, counted, most, aim } in counts {
        println!("{counted:6} {what} (at most {most}, aim {aim})");
    }
    let too_many: Vec<&str> =
        counts.iter().filter(|count| count.counted > count.most).map(|count| count.what).collect();
    assert!(too_many.is_empty(), "more than there may be: {too_many:#?}");
}

/// Whether this is said of the engine's own files.
fn is_engine(source: &&Source) -> bool {
    source.name.starts_with("engine/")
}

/// How many of the sorted `lengths` are below the one at this share of them, in percent.
fn percentile(lengths: &[usize], percent: usize) -> usize {
    lengths[(lengths.len() * percent / 100).min(lengths.len() - 1)]
}

/// `let Some(peer) = self.peers.get_mut(id) else { return };` and the like: nothing is said of the peer that is missing.
fn silent_returns(code: &str) -> usize {
    let lets = code.match_indices("let Some(").map(|(start, _)| &code[start..]);
    lets.filter_map(|rest| {
        let (looked_up, missing) = rest.split_once("else {")?;
        let missing = missing.split_once('}')?.0;
        let is_one = !looked_up.contains([';', '{']) && looked_up.contains("peers.get");
        let says_something = missing.contains('(') || !missing.contains("return");
        (is_one && !says_something).then_some(())
    })
    .count()
}

fn look_ups(code: &str) -> usize {
    ["peers.get(", "peers.get_mut("].iter().map(|call| code.matches(call).count()).sum()
}

#[test]
fn the_engine_is_made_of_parts() {
    let sources = sources();
    let engine: Vec<&Source> = sources.iter().filter(is_engine).collect();
    let calls = CoreCalls::of(&engine);
    let in_engine = |of: fn(&Source) -> usize| engine.iter().map(|&source| of(source)).sum();
    let tests: usize = in_engine(|source| source.test_lines);
    println!("{tests:6} lines of unit tests of the engine (at least 600)");
    check(&[
        count(
            "methods of Core and functions that take it, but for core.rs and act.rs",
            calls.outside(),
            161,
            0,
        ),
        count("of all of them in one circle of calls", calls.largest_circle().len(), 0, 0),
        count("look-ups of a peer", in_engine(|source| look_ups(&source.code)), 133, 25),
        count("of them with a silent return", in_engine(|source| silent_returns(&source.code)), 45, 0),
        count("lines of the engine without tests", in_engine(|source| source.lines), 13_020, 5_500),
    ]);
    assert!(tests >= 600, "the engine's parts have unit tests");
}

#[test]
fn functions_and_files_are_small() {
    let sources = sources();
    let functions = sources.iter().flat_map(|source| &source.functions);
    let mut lengths: Vec<usize> = functions.map(|function| function.lines).collect();
    lengths.sort_unstable();
    let too_long = sources.iter().filter(|source| source.lines + source.test_lines > 400).count();
    check(&[
        count("lines, or fewer, in half of all functions", percentile(&lengths, 50), 4, 4),
        count("in nine tenths of them", percentile(&lengths, 90), 15, 15),
        count("in the longest", percentile(&lengths, 100), 69, 40),
        count("files of more than 400 lines", too_long, 0, 0),
    ]);
}

/// How many files a way goes through.
///
/// # Panics
/// If a step is not there, or is not called from one before it.
fn files_on(sources: &[Source], way: &[Step]) -> usize {
    for (at, (file, name)) in way.iter().enumerate() {
        let functions = |file: &str| {
            let source = sources.iter().find(|source| source.name == file);
            source.into_iter().flat_map(|source| &source.functions)
        };
        assert!(functions(file).any(|function| function.name == *name), "{file} has no function {name}");
        let mut before = way[..at].iter().flat_map(|(file, _)| functions(file));
        assert!(at == 0 || before.any(|function| function.calls(name)), "nothing before {file} calls {name}");
    }
    way.iter().map(|(file, _)| file).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_message_goes_a_short_way() {
    let sources = sources();
    check(&[
        count("files on the short way of a message that is sent", files_on(&sources, SENT), 10, 6),
        count("on that of one that is received", files_on(&sources, RECEIVED), 8, 6),
    ]);
}

#[test]
fn what_is_counted_is_there() {
    let text = "\
impl<S: AsyncStream> Core<S> {
    // fn commented(&mut self) {}
    fn first(&mut self) -> [u8; 2] {
        let Some(peer) = self.peers.get_mut(id) else { return };
        self.second(\"third()\")
    }
    fn second(&mut self) { Self::first(self); self.third() }
    fn third(&self) {}
}
fn taker<S>(core: &mut Core<S>) {
    let Some(peer) = core.peers.get(id) else { return core.lost(id) };
}
impl Inbound {
    fn weigh<S>(&mut self, base: &mut Base<S>) { base.told() }
}
impl<S> Base<S> {
    fn told(&mut self) { inbound.look(self) }
}
fn look<S>(base: &Base<S>) { self.inbound.weigh(base) }
#[cfg(test)]
mod tests {
    fn fourth(core: &mut Core<()>) {}
}
";
    let source = Source::new("engine/x.rs".into(), text);
    assert_eq!((source.lines, source.test_lines), (19, 4));
    assert_eq!((look_ups(&source.code), silent_returns(&source.code)), (2, 1));
    let names: Vec<&str> = source.functions.iter().map(|function| &*function.name).collect();
    assert_eq!(names, ["first", "second", "third", "taker", "weigh", "told", "look"]);
    assert_eq!(source.functions[0].lines, 4);
    let calls = CoreCalls::of(&[&source]);
    assert_eq!(calls.outside(), 4);
    assert_eq!(calls.largest_circle(), ["look", "told", "weigh"]);
}
