//! Options, and where messages end.

use std::time::Duration;

use harness::{Payload, Scenario, Task};
use omq_tokio::options::WorkloadProfile;
use omq_tokio::{Message, Options, SocketType};

/// How the sockets are used.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Style {
    /// A call for each message.
    Plain,
    /// Calls that do not wait, as long as there is something, or room.
    Try,
    /// The calls that take or give many messages.
    Batch,
}

/// The most messages that a batch call takes or gives.
pub const BATCH: usize = 256;

/// The defaults, but room for many clients at once, and a PUB that waits for slow subscribers.
pub fn options(kind: SocketType, profile: Option<WorkloadProfile>) -> Options {
    Options {
        workload_profile: profile,
        xpub_nodrop: kind == SocketType::Pub,
        // Connections beyond it lose what was sent over them.
        max_pending_handshakes: 65_536,
        ..Options::default()
    }
}

/// How long a connection may take to be there.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// As its documentation advises for DEALER and ROUTER that take turns; else its default.
pub fn profile(task: &Task) -> Option<WorkloadProfile> {
    matches!(task.scenario, Scenario::RoundTrip { .. }).then_some(WorkloadProfile::Latency)
}

pub fn message(payload: Payload<'_>) -> Message {
    match payload {
        Payload::Buffer(buffer) => Message::from_slice(buffer),
        Payload::Shared(bytes) => bytes.clone().into(),
    }
}

/// The last frame, behind the identity if there is one.
pub fn last(message: &Message) -> &[u8] {
    message.part_slice(message.len() - 1).expect("no message is empty")
}
