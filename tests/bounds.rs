//! The guide's page on bounds, row by row: a peer does its worst, and what is allocated stays within the bound.
//!
//! A binary and a test of its own, because it counts what the whole process allocates.
#![cfg(any(feature = "tokio", feature = "compio"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/counting.rs"]
mod counting;
#[path = "support/mod.rs"]
mod support;
#[macro_use]
#[path = "support/process.rs"]
mod process;

mount!(bounds, until);

use counting::{live, take_peak};

/// The first column of the page's table.
fn rows_of_the_page() -> Vec<&'static str> {
    let cells = |line: &'static str| line.strip_prefix("| ")?.split(" | ").next();
    include_str!("../src/guide/bounds.md").lines().filter_map(cells).skip(1).collect()
}

#[test]
fn bounds() {
    #[cfg(feature = "tokio")]
    tokio::bounds::all(&rows_of_the_page());
    #[cfg(feature = "compio")]
    compio::bounds::all(&rows_of_the_page());
}
