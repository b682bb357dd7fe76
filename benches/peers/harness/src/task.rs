//! What a process is asked to do, and what it answers: the lines of JSON between runner and contestants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Kind, Source};

/// One scenario to run once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    pub scenario: Scenario,
    /// Messages or round trips to time, after the warm-up.
    pub count: u64,
    /// Messages or round trips before the clock starts.
    pub warm_up: u64,
    /// Whether the sides are pinned to a core each.
    pub pinned: bool,
    pub source: Source,
    /// Whether each call is made from within one more `async fn`: the mode decides.
    #[serde(skip)]
    pub within: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// PUSH to PULL.
    Throughput { transport: Transport, size: usize },
    /// DEALER to ROUTER and back, one message at a time; both sides on one core or each on its own.
    RoundTrip { size: usize, one_core: bool },
    /// DEALER to ROUTER and back, with many messages under way.
    Echo { size: usize, outstanding: u64 },
    /// Many PUSH to one PULL.
    FanIn { size: usize, clients: usize },
    /// One PUB to many SUB, each of which takes everything.
    FanOut { size: usize, subscribers: usize },
    /// One PUB to one SUB with many subscriptions, which every tenth message matches.
    Filter { size: usize, subscriptions: usize },
    /// Connections that do nothing.
    Idle { connections: usize },
    /// A PUSH whose peer does not read.
    Stall { size: usize },
    /// A PULL that is killed, and comes back.
    Restart { size: usize, down_ms: u64 },
    /// Part of `Idle`: the process that connects.
    IdlePeers { endpoint: String, connections: usize },
    /// Part of `Restart`: the process that is killed.
    RestartServer { endpoint: String, size: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    Tcp,
    Ipc,
    Inproc,
}

/// Named figures, such as `per_second`.
pub type Figures = BTreeMap<String, f64>;

/// What became of a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done(Figures),
    /// The library cannot do this.
    Unsupported(String),
    /// It did it wrong.
    Failed(String),
}

impl Outcome {
    /// A figure of a run that went well.
    pub fn figure(&self, key: &str) -> Option<f64> {
        if let Self::Done(figures) = self { figures.get(key).copied() } else { None }
    }
}

/// A mode of a contestant, as the runner learns of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModeInfo {
    pub name: String,
    pub about: String,
    pub kind: Kind,
}
