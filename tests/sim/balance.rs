//! PUSH over several PULLs.

use super::support::*;

const SERVERS: [&str; 3] = ["tcp://a:1", "tcp://b:1", "tcp://c:1"];

async fn three(push: SocketOptions, pull: SocketOptions) -> (Push, [Pull; 3]) {
    let bind = |endpoint| Pull::bind_with_options(endpoint, pull.clone());
    let pulls =
        [bind(SERVERS[0]).await.unwrap(), bind(SERVERS[1]).await.unwrap(), bind(SERVERS[2]).await.unwrap()];
    let socket = Push::new(push).unwrap();
    for endpoint in SERVERS {
        socket.connect_to(endpoint).unwrap();
    }
    socket.wait_for_peers(3).await.unwrap();
    (socket, pulls)
}

fn take(pull: &Pull) -> Vec<u32> {
    std::iter::from_fn(|| pull.try_recv().ok()).map(|message| number(&message)).collect()
}

#[test]
fn each_gets_its_turn() {
    Sim::new(1).block_on(async {
        let (push, pulls) = three(without_heartbeats(), without_heartbeats()).await;
        for n in 0..300_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
        }
        sim::sleep(secs(1)).await;
        for pull in &pulls {
            let got = take(pull);
            assert_eq!(got.len(), 100);
            assert!(got.windows(2).all(|pair| pair[1] == pair[0] + 3), "{got:?}");
        }
    });
}

/// A peer at its mark is passed over and comes back when it has room.
#[test]
fn a_full_peer_is_skipped() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pulls) = three(without_heartbeats().with_send_hwm(4), without_heartbeats()).await;
        let links = sim.network().links();
        let stuck = links.iter().find(|link| link.endpoint.to_string() == SERVERS[1]).unwrap().id;
        sim.network().set_capacity(stuck, Direction::ToServer, 0);
        for n in 0..100_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
            sim::sleep(ms(1)).await;
        }
        assert_eq!(push.buffered_messages(), 4);
        let (a, b, c) = (take(&pulls[0]), take(&pulls[1]), take(&pulls[2]));
        assert_eq!((a.len(), b.len(), c.len()), (48, 0, 48));
        sim.network().set_capacity(stuck, Direction::ToServer, 64 * 1024);
        sim::sleep(ms(1)).await;
        for n in 100..130_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
            sim::sleep(ms(1)).await;
        }
        assert_eq!(take(&pulls[1]).len(), 4 + 10, "its own, and its turns");
    });
}

/// What a lost peer had queued goes to the others; nothing is lost but what is in doubt.
#[test]
fn the_messages_of_a_lost_peer_go_to_the_others() {
    for cut in CUTS {
        let sim = quick_network(1);
        sim.block_on(async {
            let (push, pulls) = three(quick().with_send_hwm(20), quick()).await;
            let links = sim.network().links();
            let lost = links.iter().find(|link| link.endpoint.to_string() == SERVERS[1]).unwrap().id;
            sim.network().set_capacity(lost, Direction::ToServer, 0);
            for n in 0..30_u32 {
                push.send(n.to_be_bytes()).await.unwrap();
            }
            sim::sleep(ms(5)).await;
            assert_eq!(push.buffered_messages(), 10);
            sim.network().refuse(SERVERS[1]);
            sim.network().cut(lost, cut);
            sim::sleep(secs(1)).await;
            assert_eq!(push.buffered_messages(), 0);
            let mut got: Vec<u32> = pulls.iter().flat_map(take).collect();
            got.sort_unstable();
            assert_eq!(got, (0..30).collect::<Vec<_>>());
            assert_eq!(push.peers().len(), 2);
            // The dead one takes no turns, and comes back when it can.
            for n in 30..40_u32 {
                push.send(n.to_be_bytes()).await.unwrap();
            }
            sim::sleep(ms(5)).await;
            assert_eq!(take(&pulls[0]).len() + take(&pulls[2]).len(), 10);
            sim.network().allow(SERVERS[1]);
            push.wait_for_peers(3).await.unwrap();
            for n in 0..3_u32 {
                push.send(n.to_be_bytes()).await.unwrap();
            }
            sim::sleep(ms(5)).await;
            assert_eq!(take(&pulls[1]).len(), 1);
        });
    }
}
