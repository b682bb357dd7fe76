//! Two connections with one identity.

use super::support::*;
use std::io;
use std::task::{Context, Poll};

use monocoque::options::{RouterHandover, RouterNotify};
use monocoque::runtime::sim::SimRuntime;
use monocoque::runtime::{AsyncStream, Layer, Layered, LayeredStream, RecvBuf, SendBuf, Side};
use monocoque::socket;

/// Each client of the simulated network has an address of its own.
fn always() -> SocketOptions {
    without_heartbeats().with_router_handover(RouterHandover::Always)
}

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
        let router = Router::bind_with_options(SERVER, always()).await.unwrap();
        let mut monitor = router.monitor();
        let old = dealer("old").await;
        assert_eq!(router.recv().await.unwrap()[1], "old");
        let new = dealer("new").await;
        assert_eq!(router.recv().await.unwrap()[1], "new");
        router.send_to("same", "for the new one").await.unwrap();
        assert_eq!(new.recv().await.unwrap()[0], "for the new one");
        assert!(matches!(old.recv().await.unwrap_err(), Error::GaveUp { .. } | Error::NotConnected));
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Replaced), "{reason}");
        assert_eq!(router.peers().len(), 1);
    });
}

/// What the old connection brought stays; what was queued for it does not reach the new one.
#[test]
fn a_handover_keeps_what_has_arrived_and_drops_what_was_queued() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, always()).await.unwrap();
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
        // Its end is waited for a second, and it hears of nothing.
        sim::sleep(secs(1)).await;
        let stats = router.stats();
        assert_eq!(stats.dropped(DropCause::PeerLost), 5);
        assert_balanced(&stats);
    });
}

/// What is under way from the old connection when the new one comes is from the same peer, and received.
#[test]
fn a_handover_loses_nothing_of_what_the_peer_sends() {
    let sim = Sim::with_config(1, SimConfig::new().with_links(Plan::new().with_latency(ms(20)..=ms(40))));
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, always()).await.unwrap();
        let options = without_heartbeats().with_identity("same");
        let old = Dealer::connect_with_options(SERVER, options.clone()).await.unwrap();
        let connecting =
            sim::spawn(async move { Dealer::connect_with_options(SERVER, options).await.unwrap() });
        for n in 0..200_u32 {
            old.send(n.to_be_bytes()).await.unwrap();
            sim::sleep(ms(1)).await;
        }
        let _new = connecting.await.unwrap();
        old.flush().await.unwrap();
        let mut monitor = router.monitor();
        for n in 0..200_u32 {
            assert_eq!(router.recv().await.unwrap()[1], n.to_be_bytes());
        }
        assert!(router.stats().connects >= 2);
        drop((old, _new));
        disconnection(&mut monitor).await;
        assert_balanced(&router.stats());
    });
}

/// The application is told of it once, in order.
#[test]
fn a_handover_is_one_end_and_one_beginning() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = always().with_router_notify(RouterNotify::Both).with_disconnect_message("gone");
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let _old = dealer("old").await;
        sim::sleep(secs(1)).await;
        let new = dealer("new").await;
        sim::sleep(secs(2)).await;
        new.close().await;
        sim::sleep(secs(2)).await;
        let mut told = Vec::new();
        while let Ok(message) = router.try_recv() {
            told.push(message[1].to_vec());
        }
        let told: Vec<_> = told.iter().map(|text| text.escape_ascii().to_string()).collect();
        assert_eq!(told.iter().filter(|text| text.is_empty()).count(), 4, "come, go, come, go: {told:?}");
        assert_eq!(told.iter().filter(|text| *text == "gone").count(), 2, "{told:?}");
    });
}

#[test]
fn what_comes_from_elsewhere_does_not_take_the_identity_over() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_router_handover(RouterHandover::SameOrigin);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let old = dealer("old").await;
        assert_eq!(router.recv().await.unwrap()[1], "old");
        let mut monitor = router.monitor();
        let options = without_heartbeats().with_identity("same").with_reconnect(false);
        let refused = Dealer::connect_with_options(SERVER, options).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::UnexpectedEof, "{refused}");
        let cause = event(&mut monitor, |event| match event {
            SocketEvent::HandshakeFailed { cause, .. } => Some(cause.to_string()),
            _ => None,
        })
        .await;
        assert!(cause.contains("has the identity"), "{cause}");
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

/// The old connection goes on sending while nobody receives: no more of it is kept than of any other.
#[test]
fn what_a_replaced_connection_still_sends_does_not_pass_the_marks() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, always().with_recv_hwm(10)).await.unwrap();
        let mut old = sim::raw_connect(SERVER).await.unwrap();
        old.write_all(&crate::stalled::opening("DEALER", b"same")).await.unwrap();
        router.wait_for_peers(1).await.unwrap();
        let _new = dealer("new").await;
        let flooding = sim::spawn(async move { while old.write_all(&[0; 1000]).await.is_ok() {} });
        let mut most = 0;
        for _ in 0..150 {
            sim::sleep(ms(10)).await;
            most = most.max(router.stats().recv_queued);
        }
        // Ten of each, and one that was taken when the old one ended.
        assert!((10..=21).contains(&most), "{most} messages");
        assert_eq!(router.peers().len(), 1);
        flooding.abort();
        assert_balanced(&router.stats());
    });
}

/// Streams that need a second step to shut down, as those do that have a farewell to write.
#[derive(Clone, Copy, Debug)]
struct Hesitance;

#[derive(Debug)]
struct Hesitant<S> {
    stream: S,
    has_hesitated: bool,
}

impl Layer for Hesitance {
    type Stream<S: AsyncStream> = Hesitant<S>;
    const NAME: &'static str = "hesitance";

    fn wrap<S: AsyncStream>(&self, stream: S, _: Side, _: &Endpoint) -> io::Result<Hesitant<S>> {
        Ok(Hesitant { stream, has_hesitated: false })
    }
}

impl<S: AsyncStream> AsyncStream for Hesitant<S> {
    type Runtime = S::Runtime;
    type Sharing = S::Sharing;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        self.stream.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, src)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.has_hesitated, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.stream.poll_close(cx)
    }
}

/// The old connection's shutdown is gone on with until it is done, not left to the time limit.
#[test]
fn a_handover_shuts_streams_down_that_need_several_steps() {
    let sim = Sim::new(1);
    sim.block_on(async {
        type HesitantRouter = socket::RouterSocket<LayeredStream<SimRuntime, Hesitance>>;
        let host = Layered::on_current(Hesitance).unwrap();
        let router = HesitantRouter::bind_on(&host, SERVER, always()).await.unwrap();
        let old = dealer("old").await;
        assert_eq!(router.recv().await.unwrap()[1], "old");
        let mut monitor = old.monitor();
        let begun = sim::now();
        let new = dealer("new").await;
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::EndOfStream), "{reason}");
        assert!(sim::now() - begun < ms(500), "it took {:?}", sim::now() - begun);
        assert_eq!(router.recv().await.unwrap()[1], "new");
        router.send_to("same", "x").await.unwrap();
        new.recv().await.unwrap();
    });
}
