//! Bugs that other implementations had with peers that come and go, each a test that names its source.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use super::common::*;
use super::rt::{self, *};

/// And libzmq#4783, #166: peers that die anywhere between their request and the reply.
#[test]
fn libzmq_1141_replies_to_peers_that_die() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut random = fastrand::Rng::with_seed(7);
        let mut dying = Vec::new();
        for n in 0..100_u8 {
            let mut stream = raw(&local, "REQ", b"").await;
            let request = [frame(1, ""), frame(0, [n])].concat();
            stream.write_all(&request[..random.usize(..=request.len())]).unwrap();
            dying.push(stream);
            if random.bool() {
                drop(dying.swap_remove(random.usize(..dying.len())));
            }
            while let Ok(mut request) = router.try_recv() {
                request.push_back("reply");
                if let Err(refused) = router.try_send(request) {
                    assert!(matches!(refused.error(), Error::Unroutable), "{refused}");
                }
            }
        }
        drop(dying);
        let req = ReqSocket::connect_with_options(&local, named("lives")).await.unwrap();
        req.send("still there?").await.unwrap();
        loop {
            let request = router.recv().await.unwrap();
            if request[0] == "lives" {
                router.send(request).await.unwrap();
                break;
            }
        }
        assert_eq!(req.recv().await.unwrap(), Message::from("still there?"));
        until(|| router.peers().len() == 1).await;
        assert_balanced(&router.stats());
    });
}

/// Many come and go while the others are served.
#[test]
fn zmq_rs_101_clients_join_and_leave() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let local = rep.local_endpoint().unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        let mut clients: Vec<ReqSocket> = Vec::new();
        for _ in 0..200 {
            if clients.len() < 2 || clients.len() < 32 && random.bool() {
                clients.push(ReqSocket::connect(&local).await.unwrap());
            } else {
                drop(clients.swap_remove(random.usize(..clients.len())));
            }
            let client = &clients[random.usize(..clients.len())];
            client.send("question").await.unwrap();
            assert_eq!(rep.recv().await.unwrap(), Message::from("question"));
            rep.send("answer").await.unwrap();
            assert_eq!(client.recv().await.unwrap(), Message::from("answer"));
        }
        until(|| rep.peers().len() == clients.len()).await;
    });
}

/// One of three is gone: no error, and nothing lost but what it may have had.
#[test]
fn zmq_rs_151_a_dead_peer_in_the_round() {
    rt::run(async {
        let push = PushSocket::bind(ANY).await.unwrap();
        let local = push.local_endpoint().unwrap();
        let dying = raw(&local, "PULL", b"").await;
        let pulls = [PullSocket::connect(&local).await.unwrap(), PullSocket::connect(&local).await.unwrap()];
        push.wait_for_peers(3).await.unwrap();
        let mut dying = Some(dying);
        let mut seen = HashSet::new();
        for n in 0..300_u32 {
            if n == 100 {
                drop(dying.take());
            }
            push.send(n.to_be_bytes()).await.unwrap();
            for pull in &pulls {
                while let Ok(message) = pull.try_recv() {
                    assert!(seen.insert(message[0].to_vec()), "twice");
                }
            }
            rt::yield_now().await;
        }
        push.flush().await.unwrap();
        until(|| push.peers().len() == 2).await;
        let stats = push.stats();
        assert_eq!((stats.accepted, stats.dropped_total()), (300, 0));
        let least = (stats.sent - stats.in_doubt) as usize;
        while seen.len() < least {
            for pull in &pulls {
                seen.extend(pull.try_recv().map(|message| message[0].to_vec()));
            }
            rt::yield_now().await;
        }
        assert!(stats.in_doubt <= 300 / 3 + 1, "{stats:?}");
    });
}

/// And zmq.rs#210, #233: one identity that comes back again and again, while it is being sent to.
#[test]
fn zmq_rs_190_one_identity_over_and_over() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        for n in 0..50_u8 {
            let options = named("same").with_reconnect(false);
            let dealer = DealerSocket::connect_with_options(&local, options).await.unwrap();
            dealer.send([n]).await.unwrap();
            let (identity, message) = router.recv_from().await.unwrap();
            assert!(identity == "same" && message[0] == [n]);
            router.send_to(identity.clone(), [n]).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], [n]);
            if n % 3 == 0 {
                // Gone without a word; the next one may be there before that is noticed.
                drop(dealer);
            } else {
                dealer.close().await;
            }
            let _ = router.send_to(identity, "to whoever is there").await;
        }
        until(|| router.peers().is_empty()).await;
        let stats = router.stats();
        assert_eq!(stats.connects, 50);
        assert_balanced(&stats);
    });
}

/// No wake is lost, and none comes without its message.
#[test]
fn rzmq_11_thousands_of_round_trips() {
    rt::run(async {
        for endpoint in endpoints() {
            let rep = RepSocket::bind(&endpoint).await.unwrap();
            let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
            let answering = async {
                for _ in 0..2000 {
                    let request = rep.recv().await.unwrap();
                    rep.send(request).await.unwrap();
                }
            };
            let asking = async {
                for n in 0..2000_u32 {
                    assert_eq!(req.request(n.to_be_bytes()).await.unwrap()[0], n.to_be_bytes());
                }
            };
            futures_util::future::join(answering, asking).await;
        }
    });
}

/// The end of one peer is nobody else's business.
#[test]
fn rzmq_dccc989_one_of_ten_at_an_endpoint() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let local = pull.local_endpoint().unwrap();
        let mut pushes = Vec::new();
        for _ in 0..10 {
            pushes.push(PushSocket::connect(&local).await.unwrap());
        }
        drop(pushes.pop());
        pull.wait_for_peers(9).await.unwrap();
        until(|| pull.peers().len() == 9).await;
        for round in 0..10_u8 {
            for push in &pushes {
                push.send([round]).await.unwrap();
            }
            for _ in 0..9 {
                assert_eq!(pull.recv().await.unwrap()[0], [round]);
            }
        }
    });
}

/// And trap 17: a flood does not keep others from being heard. What one read brings of it, 64 KiB, may come
/// first.
#[test]
fn rzmq_273a25b_one_floods_and_nine_are_quiet() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let local = pull.local_endpoint().unwrap();
        let flood = PushSocket::connect(&local).await.unwrap();
        let mut quiet = Vec::new();
        for _ in 0..9 {
            quiet.push(PushSocket::connect(&local).await.unwrap());
        }
        pull.wait_for_peers(10).await.unwrap();
        rt::spawn(async move {
            while flood.send(vec![0; 1000]).await.is_ok() {
                rt::yield_now().await;
            }
        });
        for round in 1..=20_u8 {
            for push in &quiet {
                push.send([round]).await.unwrap();
                push.flush().await.unwrap();
            }
            let (mut heard, mut flooded) = (0, 0);
            while heard < 9 {
                match pull.recv().await.unwrap()[0].len() {
                    1 => heard += 1,
                    _ => flooded += 1,
                }
            }
            assert!(flooded < 2000, "round {round}: {flooded} messages of the flood came first");
        }
        pull.close().await;
    });
}

/// A mark of one, and the peer dies while a send waits for it.
#[test]
fn omq_rb_0_15_lost_while_a_send_waits() {
    rt::run(async {
        let options = quick().with_send_hwm(1).with_send_buffer(65_536);
        let push = PushSocket::bind_with_options(ANY, options).await.unwrap();
        let local = push.local_endpoint().unwrap();
        let dying = raw(&local, "PULL", b"").await;
        push.wait_for_peers(1).await.unwrap();
        let message = |n: u8| Message::from(vec![n; 3_000_000]);
        push.send(message(0)).await.unwrap();
        let waiting = push.clone();
        let sending = async move { waiting.send(message(1)).await };
        let receiving = async {
            assert!(rt::timeout(Duration::from_millis(10), push.send(message(2))).await.is_none());
            drop(dying);
            let pull = PullSocket::connect(&local).await.unwrap();
            for n in 0..2 {
                assert!(pull.recv().await.unwrap() == message(n), "in order");
            }
        };
        let (sent, ()) = futures_util::future::join(sending, receiving).await;
        sent.unwrap();
    });
}

/// And go-zeromq#149: all peers leave at once, in the middle of sending to them.
#[test]
fn go_zmq4_106_a_hundred_leave_together() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut peers = Vec::new();
        for _ in 0..100 {
            peers.push(raw(&local, "DEALER", b"").await);
            peers.last_mut().unwrap().write_all(&frame(0, "here")).unwrap();
        }
        let mut identities = Vec::new();
        for _ in 0..100 {
            identities.push(router.recv_from().await.unwrap().0);
        }
        let mut peers = Some(peers);
        for (n, identity) in identities.iter().cycle().take(300).enumerate() {
            if n == 150 {
                drop(peers.take());
            }
            match router.send_to(identity.clone(), vec![0; 10_000]).await {
                Ok(()) => {}
                Err(refused) => assert!(matches!(refused.error(), Error::Unroutable), "{refused}"),
            }
        }
        until(|| router.peers().is_empty()).await;
        assert_balanced(&router.stats());
        let next = DealerSocket::connect(&local).await.unwrap();
        next.send("hello").await.unwrap();
        assert_eq!(router.recv_from().await.unwrap().1, Message::from("hello"));
    });
}
