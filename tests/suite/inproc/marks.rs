//! How much waits between two sockets of one process.

use super::name;
use super::rt::{self, *};

fn marks(send: usize, recv: usize) -> (SocketOptions, SocketOptions) {
    (SocketOptions::default().with_send_hwm(send), SocketOptions::default().with_recv_hwm(recv))
}

async fn pair(name: &str, send: SocketOptions, recv: SocketOptions) -> (PushSocket, PullSocket) {
    let pull = PullSocket::bind_with_options(name, recv).await.unwrap();
    let push = PushSocket::connect_with_options(name, send).await.unwrap();
    pull.wait_for_peers(1).await.unwrap();
    (push, pull)
}

fn fill(push: &PushSocket) -> usize {
    (0..10_000).take_while(|_| push.try_send("x").is_ok()).count()
}

/// Trap 20: what both sides allow, and one message out makes room for one.
#[test]
fn the_mark_is_the_sum_of_both() {
    rt::run(async {
        let (send, recv) = marks(3, 4);
        let (push, pull) = pair(name!("sum"), send, recv).await;
        assert_eq!(fill(&push), 7);
        let refused = push.try_send("full").unwrap_err();
        assert!(matches!(refused.error(), Error::WouldBlock));
        assert_eq!(push.buffered_messages(), 7);
        for n in 1..20 {
            pull.recv().await.unwrap();
            assert_eq!((push.buffered_messages(), push.buffered_bytes()), (6, 6 * (1 + Frame::COST)));
            assert_eq!(fill(&push), 1, "{n}");
            let stats = push.stats();
            assert_eq!((stats.sent, stats.queued, stats.peers[0].queued_messages), (n, 7, 7));
        }
        // Nor does the companion take anything when it has time.
        rt::yield_now().await;
        assert!(push.try_send("full").is_err());
        assert_eq!(pull.stats().recv_queued, 0);
    });
}

#[test]
fn the_mark_in_bytes_is_the_sum_of_both() {
    rt::run(async {
        let send = SocketOptions::default().with_send_hwm_bytes(600 + Frame::COST);
        let recv = SocketOptions::default().with_recv_hwm_bytes(400 + Frame::COST);
        let (push, pull) = pair(name!("bytes"), send, recv).await;
        push.try_send(vec![0; 700]).unwrap();
        assert!(push.try_send(vec![0; 301]).is_err());
        push.try_send(vec![0; 300]).unwrap();
        assert!(push.try_send([0]).is_err());
        pull.recv().await.unwrap();
        pull.recv().await.unwrap();
        push.try_send(vec![0; 5_000]).unwrap();
        assert!(push.try_send([0]).is_err(), "a giant is admitted alone");
        assert_eq!(pull.recv().await.unwrap().size(), 5_000);
        assert_eq!(push.buffered_bytes(), 0);
    });
}

#[test]
fn unlimited_if_either_is() {
    rt::run(async {
        let one = SocketOptions::default().with_send_hwm(1).with_recv_hwm(1);
        let (push, _pull) = pair(name!("send"), one.clone().with_unlimited_send_hwm(), one.clone()).await;
        assert_eq!(fill(&push), 10_000);
        let (push, _pull) = pair(name!("recv"), one.clone(), one.with_unlimited_recv_hwm()).await;
        assert_eq!(fill(&push), 10_000);
    });
}

/// With several peers the one that has room is found at once, although it had none before.
#[test]
fn room_that_was_made_counts_at_once() {
    rt::run(async {
        let (send, recv) = marks(1, 1);
        let push = PushSocket::new(send).unwrap();
        let mut pulls = Vec::new();
        for name in [name!("a"), name!("b")] {
            pulls.push(PullSocket::bind_with_options(name, recv.clone()).await.unwrap());
            push.connect_to(name).unwrap();
        }
        push.wait_for_peers(2).await.unwrap();
        assert_eq!(fill(&push), 4);
        for pull in pulls.iter().chain(&pulls) {
            pull.recv().await.unwrap();
            assert_eq!(fill(&push), 1);
        }
    });
}

#[test]
fn a_send_that_waits_goes_on_when_there_is_room() {
    rt::run(async {
        let (send, recv) = marks(1, 1);
        let (push, pull) = pair(name!("waits"), send, recv).await;
        let sender = async {
            for n in 0..1_000_u32 {
                push.send(n.to_be_bytes()).await.unwrap();
            }
        };
        let receiver = async {
            for n in 0..1_000_u32 {
                assert_eq!(pull.recv().await.unwrap()[0], n.to_be_bytes());
            }
        };
        futures_util::future::join(sender, receiver).await;
    });
}

#[test]
fn reserved_room_is_room() {
    rt::run(async {
        let (send, recv) = marks(1, 1);
        let (push, pull) = pair(name!("reserved"), send, recv).await;
        let permit = push.reserve(10).await.unwrap();
        assert_eq!(fill(&push), 1);
        pull.recv().await.unwrap();
        assert_eq!(fill(&push), 1);
        permit.send("reserved").unwrap();
        assert!(push.try_send("full").is_err());
        pull.recv().await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "reserved");
    });
}

#[test]
fn a_mandatory_router_waits_for_the_addressee_and_for_nobody_else() {
    rt::run(async {
        let one = SocketOptions::default().with_send_hwm(1).with_recv_hwm(1);
        let waits = one.clone().with_router_mandatory(true);
        let router = RouterSocket::bind_with_options(name!("router"), waits).await.unwrap();
        let connect = |identity| {
            DealerSocket::connect_with_options(name!("router"), one.clone().with_identity(identity))
        };
        let (quick, slow) = (connect("quick").await.unwrap(), connect("slow").await.unwrap());
        router.wait_for_peers(2).await.unwrap();
        router.send_to("slow", "1").await.unwrap();
        router.send_to("slow", "2").await.unwrap();
        let waits = router.send_to("slow", "3");
        let others = async {
            for n in 0..10_u8 {
                router.send_to("quick", [n]).await.unwrap();
                assert_eq!(quick.recv().await.unwrap()[0], [n]);
            }
            assert_eq!(slow.recv().await.unwrap()[0], "1");
        };
        let (sent, ()) = futures_util::future::join(waits, others).await;
        sent.unwrap();
        assert_eq!(slow.recv().await.unwrap()[0], "2");
        assert_eq!(slow.recv().await.unwrap()[0], "3");
    });
}

#[test]
fn permits_return_when_the_message_is_taken() {
    rt::run(async {
        let budget = SemaphorePermits::new(100 + 2 * Frame::COST);
        let (push, pull) = pair(name!("permits"), SocketOptions::default(), SocketOptions::default()).await;
        let push = push.with_permits(budget.clone());
        push.send(vec![0; 60]).await.unwrap();
        push.send(vec![0; 40]).await.unwrap();
        push.flush().await.unwrap();
        assert_eq!(budget.available(), 0, "flushed, and not taken");
        assert!(push.try_send([0]).is_err());
        pull.recv().await.unwrap();
        assert_eq!(budget.available(), 60 + Frame::COST);
        let (sent, received) = futures_util::future::join(push.send(vec![0; 90]), pull.recv()).await;
        sent.unwrap();
        received.unwrap();
        assert_eq!(budget.available(), 10 + Frame::COST);
        pull.close().await;
        while push.is_connected() {
            rt::yield_now().await;
        }
        assert_eq!(budget.available(), 10 + Frame::COST, "it waits in the socket");
        drop(push);
        // Nobody is bound any more: it is lost when linger ends with the socket, or the runtime does.
    });
}
