//! Doing it a thousand times leaves nothing behind.

use std::time::Duration;

use super::support::*;

/// Cuts the connection a thousand times, gives both ends a while to notice and come back, and looks at what
/// is left.
fn a_thousand_cuts(options: &SocketOptions, cuts: &[Cut], a_while: Duration) {
    let sim = Sim::new(1);
    let (dealer, router) = sim.block_on(async {
        let router = Router::bind_with_options(SERVER, options.clone()).await.unwrap();
        let dealer =
            Dealer::connect_with_options(SERVER, options.clone().with_identity("dealer")).await.unwrap();
        (dealer, router)
    });
    sim.advance(secs(1));
    let network = sim.network();
    let before = (sim.tasks(), network.links().len());
    for cycle in 0..1_000_u64 {
        let link = network.links()[0].id;
        network.cut(link, cuts[cycle as usize % cuts.len()]);
        sim.block_on(async {
            sim::sleep(a_while).await;
            dealer.send("x").await.unwrap();
            let (identity, _) = router.recv_from().await.unwrap();
            router.send_to(identity, "y").await.unwrap();
            dealer.recv().await.unwrap();
        });
        // What was kept to see whether all had arrived goes by itself.
        sim.advance(secs(2));
        assert_eq!((sim.tasks(), network.links().len()), before);
    }
    for stats in [dealer.stats(), router.stats()] {
        assert_balanced(&stats);
        assert_eq!((stats.connects, stats.peers.len()), (1_001, 1));
        assert_eq!((stats.sent, stats.delivered), (1_000, 1_000));
    }
    assert_eq!((dealer.stats().reconnects, router.stats().reconnects), (1_000, 0));
}

#[test]
fn a_thousand_reconnections_leave_nothing_behind() {
    a_thousand_cuts(&quick().with_heartbeat_interval(None), &[Cut::Fin, Cut::Reset], ms(60));
}

/// Only heartbeats tell.
#[test]
fn a_thousand_silences_leave_nothing_behind() {
    a_thousand_cuts(&quick(), &[Cut::Silence], ms(600));
}

#[test]
fn a_thousand_sockets_leave_nothing_behind() {
    let sim = Sim::new(1);
    let pull = sim.block_on(async { Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap() });
    sim.block_on(async {
        for _ in 0..1_000 {
            let push = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            push.send("x").await.unwrap();
            pull.recv().await.unwrap();
        }
    });
    sim.advance(secs(2));
    assert_eq!((sim.tasks(), sim.network().links().len(), pull.stats().peers.len()), (1, 0, 0));
}

/// Peers that come, begin a handshake and go.
#[test]
fn a_thousand_broken_handshakes_leave_nothing_behind() {
    let sim = Sim::new(1);
    let pull = sim.block_on(async { Pull::bind_with_options(SERVER, limited()).await.unwrap() });
    sim.block_on(async {
        let opening = crate::stalled::opening("PUSH", b"");
        for n in 0..1_000 {
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            peer.write_all(&opening[..n % opening.len()]).await.unwrap();
        }
    });
    sim.advance(secs(40));
    let stats = pull.stats();
    assert_eq!(stats.handshakes_failed, 1_000);
    assert_eq!((sim.tasks(), sim.network().links().len(), stats.peers.len()), (1, 0, 0));
    sim.block_on(async {
        let push = Push::connect(SERVER).await.unwrap();
        push.send("x").await.unwrap();
        pull.recv().await.unwrap();
    });
}

fn limited() -> SocketOptions {
    without_heartbeats().with_max_handshakes(8)
}
