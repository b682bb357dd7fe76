//! The lines to send.

use std::io::Read;
use std::path::Path;

/// Real text that ships with the repository: its own documents and sources.
const SHIPPED: &[&str] = &[
    include_str!("../../README.md"),
    include_str!("../../CHANGELOG.md"),
    include_str!("../../LICENSE-APACHE"),
    include_str!("../../src/guide/cancellation.md"),
    include_str!("../../src/guide/delivery.md"),
    include_str!("../../src/message.rs"),
    include_str!("../../src/endpoint.rs"),
    include_str!("../../src/options/mod.rs"),
    include_str!("../../src/monitor/event.rs"),
    include_str!("../../src/engine/inbound.rs"),
    include_str!("../../src/engine/outbound.rs"),
    include_str!("../../src/engine/lifecycle.rs"),
    include_str!("../../src/engine/companion.rs"),
    include_str!("../../src/protocol/connection.rs"),
    include_str!("../../src/runtime/send_buf.rs"),
];

/// How many lines the default input has at least.
const ENOUGH: usize = 10_000;

/// The lines of a file, of standard input for `-`, or of the shipped text, each with its line end: put together they are the input
/// again, byte by byte.
pub fn load(file: Option<&Path>) -> Result<Vec<Vec<u8>>, String> {
    let Some(path) = file else { return Ok(shipped()) };
    let (name, read) = if path == Path::new("-") {
        ("standard input".to_owned(), standard_input())
    } else {
        (path.display().to_string(), std::fs::read(path))
    };
    let bytes = read.map_err(|error| format!("cannot read {name}: {error}"))?;
    Ok(bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
}

fn standard_input() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The shipped text, again and again with the number of the round in front, until there is enough.
fn shipped() -> Vec<Vec<u8>> {
    let lines = || SHIPPED.iter().flat_map(|text| text.split_inclusive('\n'));
    let rounds = ENOUGH.div_ceil(lines().count().max(1));
    (1..=rounds).flat_map(|round| lines().map(move |line| format!("{round}: {line}").into_bytes())).collect()
}
