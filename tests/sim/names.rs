//! Names with several addresses, some of which do not answer.

use super::support::*;

const ADDRESSES: [&str; 3] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

fn named() -> Sim {
    let links = Plan::new().with_latency(ms(1)..=ms(1));
    let sim = Sim::with_config(1, SimConfig::new().with_links(links));
    sim.network().set_addresses("server", ADDRESSES.map(|address| address.parse().unwrap()));
    sim
}

fn at(address: &str) -> String {
    format!("tcp://{address}:5555")
}

/// Each attempt to connect gets to the address that answers, and long before its time is up.
#[test]
fn silent_addresses_do_not_hide_the_one_that_answers() {
    let sim = named();
    let network = sim.network();
    sim.block_on(async {
        let pull = Pull::bind(at(ADDRESSES[2])).await.unwrap();
        network.black_hole(at(ADDRESSES[0]));
        network.black_hole(at(ADDRESSES[1]));
        let options = quick().with_connect_timeout(secs(2));
        let push = Push::connect_with_options(SERVER, options).await.unwrap();
        let connected = sim.elapsed();
        assert!(connected >= ms(501) && connected < ms(600), "{connected:?}");
        assert_eq!(network.links().len(), 1, "and nowhere else");
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");

        // Again when it comes back somewhere else.
        let mut monitor = push.monitor();
        pull.close().await;
        network.allow(at(ADDRESSES[1]));
        let pull = Pull::bind(at(ADDRESSES[1])).await.unwrap();
        push.send("y").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "y");
        event(&mut monitor, |event| matches!(event, SocketEvent::Connected { .. }).then_some(())).await;
        assert_eq!(push.stats().connects, 2);
    });
}

#[test]
fn the_limit_is_for_all_addresses_together() {
    let sim = named();
    sim.block_on(async {
        for address in ADDRESSES {
            sim.network().black_hole(at(address));
        }
        let error =
            Push::connect_with_options(SERVER, quick().with_connect_timeout(secs(2))).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(TimeoutKind::Connect)), "{error}");
        assert_eq!(sim.elapsed(), secs(2));
        assert!(sim.network().links().is_empty());
    });
}
