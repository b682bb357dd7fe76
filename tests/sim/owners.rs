//! Payloads whose owner calls the socket when it is dropped: it never is while the lock is held.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use monocoque::Bytes;

use super::support::*;

thread_local! {
    static CALL: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    static ENDED: Cell<usize> = const { Cell::new(0) };
}

/// Of a payload of its own.
struct Owner(Vec<u8>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        ENDED.set(ENDED.get() + 1);
        CALL.with_borrow(|call| call.iter().for_each(|call| call()));
    }
}

/// Small enough to be copied where it is encoded, and too large for that.
const SIZES: [usize; 2] = [1000, 100_000];

fn owned(size: usize) -> Message {
    Bytes::from_owner(Owner(vec![7; size])).into()
}

/// From now on every owner calls these sockets.
fn call(sockets: impl Fn() + 'static) {
    CALL.set(Some(Box::new(sockets)));
}

/// How many have ended, of all; nobody is called any more.
fn ended() -> usize {
    CALL.take();
    ENDED.replace(0)
}

fn alone(options: SocketOptions) -> Push {
    let push = Push::new(options.with_linger(Duration::ZERO)).unwrap();
    push.connect_to(SERVER).unwrap();
    let called = push.clone();
    call(move || drop(called.stats()));
    push
}

#[test]
fn of_messages_that_are_written() {
    for size in SIZES {
        Sim::new(1).block_on(async {
            let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
            let called = (push.clone(), pull.clone());
            call(move || drop((called.0.stats(), called.1.stats())));
            for _ in 0..10 {
                push.send(owned(size)).await.unwrap();
            }
            push.flush().await.unwrap();
            for _ in 0..10 {
                assert_eq!(pull.recv().await.unwrap()[0].len(), size);
            }
            sim::sleep(ms(10)).await;
            assert_eq!(ended(), 10);
        });
    }
}

#[test]
fn of_messages_that_give_way() {
    for size in SIZES {
        let sim = Sim::new(1);
        sim.block_on(async {
            for options in [
                without_heartbeats().with_on_full(OnFull::DropOldest),
                without_heartbeats().with_conflate(true),
            ] {
                let push = alone(options.with_send_hwm(2));
                for _ in 0..10 {
                    push.send(owned(size)).await.unwrap();
                }
                assert!(ENDED.get() >= 8, "{}", ENDED.get());
                push.close().await;
                sim::sleep(ms(10)).await;
                assert_eq!(ended(), 10, "and with the socket the rest");
            }
        });
    }
}

#[test]
fn of_messages_that_expire() {
    for size in SIZES {
        Sim::new(1).block_on(async {
            let wait = WhileDisconnected::QueueUpTo { messages: 10, bytes: 10 << 20, max_age: Some(ms(100)) };
            let push = alone(without_heartbeats().with_while_disconnected(wait));
            for _ in 0..10 {
                push.send(owned(size)).await.unwrap();
            }
            sim::sleep(secs(1)).await;
            assert_eq!(push.stats().dropped(DropCause::Expired), 10);
            assert_eq!(ended(), 10);
        });
    }
}

/// At either end of a connection that is cut, or of a pipe that is closed.
#[test]
fn of_messages_that_a_lost_peer_leaves() {
    for size in SIZES {
        for endpoint in [SERVER, "inproc://owners"] {
            Sim::new(1).block_on(async {
                let router = Router::bind_with_options(endpoint, without_heartbeats()).await.unwrap();
                let named = without_heartbeats().with_identity("peer").with_reconnect(false);
                let dealer = Dealer::connect_with_options(endpoint, named).await.unwrap();
                router.wait_for_peers(1).await.unwrap();
                let called = router.clone();
                call(move || drop(called.stats()));
                for _ in 0..10 {
                    let message = Message::from([Frame::from("peer"), owned(size).pop_front().unwrap()]);
                    router.feed(message).await.unwrap();
                    dealer.feed(owned(size)).await.unwrap();
                }
                drop(dealer);
                sim::sleep(secs(2)).await;
                router.close().await;
                sim::sleep(secs(2)).await;
                assert_eq!(ended(), 20, "{endpoint}, {size}");
            });
        }
    }
}
