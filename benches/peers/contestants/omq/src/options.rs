//! Options, and where messages end.

use harness::{Scenario, Task};
use omq_tokio::options::WorkloadProfile;
use omq_tokio::{Message, Options, SocketType};

/// The most messages that a batch call takes or gives.
pub const BATCH: usize = 256;

/// The defaults, and a PUB that waits for slow subscribers.
pub fn options(kind: SocketType, profile: Option<WorkloadProfile>) -> Options {
    Options { workload_profile: profile, xpub_nodrop: kind == SocketType::Pub, ..Options::default() }
}

/// As its documentation advises for DEALER and ROUTER that take turns; else its default.
pub fn profile(task: &Task) -> Option<WorkloadProfile> {
    matches!(task.scenario, Scenario::RoundTrip { .. }).then_some(WorkloadProfile::Latency)
}

/// The last frame, behind the identity if there is one.
pub fn last(message: &Message) -> &[u8] {
    message.part_slice(message.len() - 1).expect("no message is empty")
}
