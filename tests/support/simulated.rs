//! What the suites need of a runtime, on the simulated network.

use std::future::Future;
use std::time::Duration;

pub use monocoque::prelude::*;
use monocoque::runtime::sim::{self, Plan, Sim, SimConfig, SimStream};
use monocoque::socket;

pub type DealerSocket<P = NoOpPermits> = socket::DealerSocket<SimStream, P>;
pub type RouterSocket<P = NoOpPermits> = socket::RouterSocket<SimStream, P>;

/// On a network that delays and splits, and between polls that come unasked.
pub fn run<F: Future<Output = ()>>(test: F) {
    let links = Plan::new()
        .with_latency(Duration::ZERO..=Duration::from_micros(50))
        .with_read_chunk(1..=5_000)
        .with_write_chunk(1..=5_000)
        .with_capacity(sim::Direction::ToServer, 4_000)
        .with_capacity(sim::Direction::ToClient, 4_000);
    let config = SimConfig::new().with_links(links).with_spurious_pending(true).with_spurious_wakes(true);
    Sim::with_config(1, config).block_on(test);
}

/// Time passes only while everybody waits.
pub async fn yield_now() {
    sim::sleep(Duration::from_micros(10)).await;
}

/// With a layer upon all streams.
pub mod veiled {
    pub use super::{run, yield_now};
    use crate::veil::Veil;
    pub use monocoque::prelude::*;
    use monocoque::runtime::LayeredStream;
    use monocoque::runtime::sim::SimRuntime;
    use monocoque::socket;

    pub type Stream = LayeredStream<SimRuntime, Veil>;
    pub type DealerSocket<P = NoOpPermits> = socket::DealerSocket<Stream, P>;
    pub type RouterSocket<P = NoOpPermits> = socket::RouterSocket<Stream, P>;
}

/// Upon streams that hold what they took until they are flushed.
pub mod held {
    pub use super::{run, yield_now};
    use crate::hold::Hold;
    pub use monocoque::prelude::*;
    use monocoque::runtime::LayeredStream;
    use monocoque::runtime::sim::SimRuntime;
    use monocoque::socket;

    pub type Stream = LayeredStream<SimRuntime, Hold>;
    pub type DealerSocket<P = NoOpPermits> = socket::DealerSocket<Stream, P>;
    pub type RouterSocket<P = NoOpPermits> = socket::RouterSocket<Stream, P>;
}
