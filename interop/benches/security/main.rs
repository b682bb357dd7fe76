//! What encryption costs: CURVE beside libzmq's with libsodium, and beside our NULL; TLS beside plain TCP; and how many
//! connections a second are shaken hands with.
//!
//! ```sh
//! cargo bench -p monocoque-interop --features compio,tls --bench security -- [--rounds N] [--only WORD] [--contestant NAME] [--quick]
//! ```
//!
//! As the bench of throughput: two threads, pinned to a core each, contestants that take turns within each round,
//! medians of rates and of ratios within a round. A handshake is counted when the first message of the connection
//! has come.

#[macro_use]
#[path = "../../../examples/support/runtime.rs"]
mod runtime;

#[cfg(feature = "tls")]
#[path = "../../tests/tls/certificates.rs"]
#[allow(dead_code, reason = "tests use more")]
mod certificates;
#[path = "../throughput/compare.rs"]
mod compare;
mod libzmq;
#[path = "../throughput/report.rs"]
mod report;
#[path = "../../../benches/support/wire.rs"]
#[allow(dead_code, reason = "a part is used")]
mod wire;

use compare::{Run, Scenario, compare};

/// The two ends of a stream of messages, whatever their sockets are made of.
#[allow(unused_macros, reason = "without tokio and compio nothing is measured")]
macro_rules! push_pull {
    ($rt:ident, $size:ident, $count:ident, $pull:expr, $push:expr) => {{
        let server = move |announce: std::sync::mpsc::Sender<monocoque::Endpoint>| {
            $rt::run(async move {
                let pull = $pull.await.unwrap();
                announce.send(pull.local_endpoint().unwrap()).unwrap();
                let mut clock = $crate::wire::Clock::default();
                for number in 0..$crate::wire::WARM_UP + $count {
                    clock.tick(number);
                    $crate::wire::check(&pull.recv().await.unwrap()[0], $size, number);
                }
                clock.seconds()
            })
        };
        let client = move |endpoint: monocoque::Endpoint| {
            $rt::run(async move {
                let push = $push(endpoint).await.unwrap();
                let mut buffer = vec![0; $size];
                for number in 0..$crate::wire::WARM_UP + $count {
                    $crate::wire::fill(&mut buffer, number);
                    push.send(&buffer[..]).await.unwrap();
                }
                assert_eq!(push.close().await, 0);
            });
        };
        $crate::wire::on_two_cores(server, client)
    }};
}

on_each_runtime!(ours, "ours.rs");

#[cfg(all(feature = "tls", feature = "tokio"))]
mod tls;

const SIZES: [(usize, u64); 3] = [(64, 1_000_000), (1024, 300_000), (64 << 10, 8_000)];

fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (size, count) in SIZES {
        all.push(Scenario {
            name: format!("CURVE {size} B"),
            size,
            count,
            bases: ["libzmq CURVE", "tokio NULL"],
            contestants: vec![
                ("libzmq CURVE", libzmq::push_pull as Run),
                #[cfg(feature = "tokio")]
                ("tokio CURVE", on_tokio::ours::push_pull_sealed),
                #[cfg(feature = "compio")]
                ("compio CURVE", on_compio::ours::push_pull_sealed),
                #[cfg(feature = "tokio")]
                ("tokio NULL", on_tokio::ours::push_pull),
            ],
        });
    }
    #[cfg(all(feature = "tls", feature = "tokio"))]
    for (size, count) in SIZES {
        all.push(Scenario {
            name: format!("TLS {size} B"),
            size,
            count,
            bases: ["tokio tcp", "tokio CURVE"],
            contestants: vec![
                ("tokio tcp", on_tokio::ours::push_pull as Run),
                ("tokio TLS", tls::push_pull),
                ("tokio CURVE", on_tokio::ours::push_pull_sealed),
            ],
        });
    }
    all.push(Scenario {
        name: "CURVE handshakes".into(),
        size: 64,
        count: 2_000,
        bases: ["libzmq", "tokio"],
        contestants: vec![
            ("libzmq", libzmq::handshakes as Run),
            #[cfg(feature = "tokio")]
            ("tokio", on_tokio::ours::handshakes),
            #[cfg(feature = "compio")]
            ("compio", on_compio::ours::handshakes),
        ],
    });
    all
}

fn main() {
    compare(scenarios(), |count| count / 10);
}
