//! Connections that are of no use are failed attempts, however well their handshakes go.

use std::cell::Cell;
use std::rc::Rc;

use super::support::*;
use monocoque::options::RouterHandover;

const DEALER: &str = "tcp://dealer:5555";
const MESSAGES: u32 = 100;

fn over_a_minute() -> std::time::Duration {
    secs(60) / MESSAGES
}

/// Each client of the simulated network has an address of its own.
fn router_options() -> SocketOptions {
    without_heartbeats().with_router_handover(RouterHandover::Always)
}

/// Attempts that fit into a minute while the delays only grow: the sum of the shortest delays.
fn attempts_in_a_minute() -> usize {
    let backoff = Backoff::new();
    let mut elapsed = std::time::Duration::ZERO;
    (0..)
        .take_while(|attempt| {
            elapsed += backoff.delay(*attempt, 0);
            elapsed < secs(60)
        })
        .count()
        + 1
}

fn count(router: &Router) -> Rc<Cell<u32>> {
    let received = Rc::new(Cell::new(0));
    let (router, count) = (router.clone(), Rc::clone(&received));
    sim::spawn(async move {
        while router.recv().await.is_ok() {
            count.set(count.get() + 1);
        }
    });
    received
}

/// A peer that hangs up right after the handshake, again and again.
#[test]
fn a_peer_that_hangs_up_after_the_handshake_is_asked_ever_more_rarely() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
        let mut monitor = push.monitor();
        push.send("kept").await.unwrap();
        let accepted = Rc::new(Cell::new(0));
        let seen = Rc::clone(&accepted);
        sim::spawn(async move {
            while let Ok(mut stream) = listener.accept().await {
                seen.set(seen.get() + 1);
                shake(&mut stream, "PULL").await;
            }
        });
        let (lasted, cause) = event(&mut monitor, |event| match event {
            SocketEvent::ShortLived { lasted, cause, .. } => Some((*lasted, cause.clone())),
            _ => None,
        })
        .await;
        assert!(lasted < secs(1), "{lasted:?}");
        assert!(matches!(cause.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{cause}");
        sim::sleep(secs(60)).await;
        assert!(accepted.get() <= attempts_in_a_minute(), "{} connections", accepted.get());
    });
}

/// Each takes the identity of the other's connection, for which neither is to blame.
#[test]
fn two_sockets_that_connect_to_each_other() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, router_options()).await.unwrap();
        let options = without_heartbeats().with_identity("D");
        let dealer = Dealer::bind_with_options(DEALER, options).await.unwrap();
        let received = count(&router);
        dealer.connect_to(SERVER).unwrap();
        router.connect_to(DEALER).unwrap();
        for n in 0..MESSAGES {
            dealer.send(n.to_be_bytes()).await.unwrap();
            sim::sleep(over_a_minute()).await;
        }
        let connections = router.stats().connects;
        assert!(connections <= 4 * attempts_in_a_minute() as u64, "{connections} connections");
        sim::sleep(secs(60)).await;
        assert_eq!(received.get(), MESSAGES);
        assert_balanced(&dealer.stats());
        assert_balanced(&router.stats());
    });
}

#[test]
fn two_clients_of_one_identity() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let router = Router::bind_with_options(SERVER, router_options()).await.unwrap();
        let received = count(&router);
        let mut clients = Vec::new();
        for _ in 0..2 {
            let options = without_heartbeats().with_identity("same");
            clients.push(Dealer::connect_with_reconnect_and_options(SERVER, options).await.unwrap());
        }
        for n in 0..MESSAGES {
            for client in &clients {
                client.send(n.to_be_bytes()).await.unwrap();
            }
            sim::sleep(over_a_minute()).await;
        }
        let connections = router.stats().connects;
        assert!(connections <= 4 * attempts_in_a_minute() as u64, "{connections} connections");
        sim::sleep(secs(120)).await;
        assert_eq!(received.get(), 2 * MESSAGES);
        clients.iter().for_each(|client| assert_balanced(&client.stats()));
        assert_balanced(&router.stats());
    });
}
