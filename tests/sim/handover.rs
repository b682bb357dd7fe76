//! Two connections with one identity.

use super::support::*;

async fn dealer(payload: &'static str) -> Dealer {
    let options = without_heartbeats().with_identity("same").with_reconnect(false);
    let dealer = Dealer::connect_with_options(SERVER, options).await.unwrap();
    dealer.send(payload).await.unwrap();
    dealer
}

#[test]
fn a_new_connection_takes_the_identity_over() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut monitor = router.monitor();
        let old = dealer("old").await;
        assert_eq!(router.recv().await.unwrap()[1], "old");
        let new = dealer("new").await;
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Replaced), "{reason}");
        assert_eq!(router.recv().await.unwrap()[1], "new");
        router.send_to("same", "for the new one").await.unwrap();
        assert_eq!(new.recv().await.unwrap()[0], "for the new one");
        assert!(matches!(old.recv().await.unwrap_err(), Error::GaveUp { .. } | Error::NotConnected));
        assert_eq!(router.peers().len(), 1);
    });
}

/// What the old connection brought stays; what was queued for it does not reach the new one.
#[test]
fn a_handover_keeps_what_has_arrived_and_drops_what_was_queued() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let _old = dealer("old").await;
        sim::sleep(secs(1)).await;
        sim.network().set_capacity(sim.network().links()[0].id, Direction::ToClient, 0);
        for _ in 0..5 {
            router.send_to("same", "stale").await.unwrap();
        }
        let new = dealer("new").await;
        assert_eq!(router.recv().await.unwrap()[1], "old");
        assert_eq!(router.recv().await.unwrap()[1], "new");
        router.send_to("same", "fresh").await.unwrap();
        assert_eq!(new.recv().await.unwrap()[0], "fresh");
        let stats = router.stats();
        assert_eq!(stats.dropped(DropCause::PeerLost), 5);
        assert_balanced(&stats);
    });
}

#[test]
fn without_handover_the_old_connection_stays() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_router_handover(false);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let old = dealer("old").await;
        assert_eq!(router.recv().await.unwrap()[1], "old");
        let mut monitor = router.monitor();
        // Its own half of the handshake is done before ROUTER refuses it.
        let new = dealer("new").await;
        let cause = event(&mut monitor, |event| match event {
            SocketEvent::HandshakeFailed { cause, .. } => Some(cause.to_string()),
            _ => None,
        })
        .await;
        assert!(cause.contains("has the identity"), "{cause}");
        assert!(new.recv().await.is_err());
        router.send_to("same", "still here").await.unwrap();
        assert_eq!(old.recv().await.unwrap()[0], "still here");
        assert_eq!(router.peers().len(), 1);
        // Once the old one is gone, the identity is free.
        old.close().await;
        sim::sleep(secs(2)).await;
        let _third = dealer("third").await;
        assert_eq!(router.recv().await.unwrap()[1], "third");
    });
}
