//! A ROUTER's messages with the identity apart, by the short ways and by the long ones: the same messages, in order, and
//! the same accounts.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};

use super::rt::{self, *};

const EACH: u32 = 6_000;

/// Small, copied, of several frames, more than a lane takes, and referenced.
fn numbered(n: u32) -> Message {
    match n % 70 {
        7 => Message::from((n.to_be_bytes(), vec![n as u8; 300])),
        17 => Message::from((n.to_be_bytes(), vec![n as u8; 40_000])),
        27 => (0..10).map(|_| n.to_be_bytes()).collect(),
        37..50 => Message::from(vec![(n >> 8) as u8; 70]),
        _ => Message::from(n.to_be_bytes()),
    }
}

async fn router_and_dealers(
    at: &str,
    options: SocketOptions,
    count: usize,
) -> (RouterSocket, Vec<DealerSocket>) {
    let mandatory = options.clone().with_router_mandatory(true);
    let router = RouterSocket::bind_with_options(at, mandatory).await.unwrap();
    let endpoint = router.local_endpoint().unwrap();
    let dealers = (0..count)
        .map(async |_| DealerSocket::connect_with_options(&endpoint, options.clone()).await.unwrap());
    let dealers = join_all(dealers).await;
    router.wait_for_peers(count).await.unwrap();
    (router, dealers)
}

/// Receives one message by one call or another: by which, `which` says.
async fn received(router: &RouterSocket, which: u32) -> (Frame, Message) {
    let mut message = match which % 7 {
        0 => router.recv().await.unwrap(),
        1 => {
            let mut messages = Vec::new();
            assert_eq!(router.recv_many(&mut messages, 1).await.unwrap(), 1);
            messages.remove(0)
        }
        2 => match router.try_recv() {
            Ok(message) => message,
            Err(error) => {
                assert!(matches!(error, Error::WouldBlock), "{error}");
                return router.recv_from().await.unwrap();
            }
        },
        _ => return router.recv_from().await.unwrap(),
    };
    (message.pop_front().unwrap(), message)
}

async fn send(router: &RouterSocket, which: u32, identity: Frame, mut message: Message) {
    if which % 5 == 0 {
        message.push_front(identity);
        return router.send(message).await.unwrap();
    }
    router.send_to(identity, message).await.unwrap();
}

/// Sends so many messages, and receives as many of the same back.
async fn ask(dealer: &DealerSocket, messages: u32) {
    let sending = async {
        for number in 0..messages {
            dealer.send(numbered(number)).await.unwrap();
        }
    };
    let receiving = async {
        for number in 0..messages {
            assert_eq!(dealer.recv().await.unwrap(), numbered(number));
        }
    };
    join(sending, receiving).await;
}

/// Kills leaving the identity out or in, mixing peers up, and a short way that is open past a mark, a write or a lock.
async fn echo(at: &str, options: SocketOptions, dealers: usize) {
    let (router, dealers) = router_and_dealers(at, options, dealers).await;
    let all = EACH * dealers.len() as u32;
    let serving = async {
        let mut next: HashMap<Frame, u32> = HashMap::new();
        for which in 0..all {
            let (identity, message) = received(&router, which).await;
            let number = next.entry(identity.clone()).or_default();
            assert_eq!(message, numbered(*number));
            *number += 1;
            send(&router, which, identity, message).await;
        }
        router.flush().await.unwrap();
        assert!(next.values().all(|number| *number == EACH) && next.len() == dealers.len());
    };
    let asking = join_all(dealers.iter().map(async |dealer| {
        ask(dealer, EACH).await;
    }));
    join(serving, asking).await;
    let stats = router.stats();
    assert_eq!(
        (stats.received, stats.accepted, stats.sent),
        (u64::from(all), u64::from(all), u64::from(all))
    );
    let bytes = (0..EACH).map(|number| numbered(number).size() as u64).sum::<u64>();
    for peer in router.peers() {
        let told = router.peer(peer).unwrap();
        assert_eq!((told.bytes_received, told.bytes_sent), (bytes, bytes));
    }
}

#[test]
fn echoes_agree_whatever_calls_are_used() {
    rt::run(async {
        for dealers in [1, 3] {
            echo("tcp://127.0.0.1:0", SocketOptions::default(), dealers).await;
        }
    });
}

/// The same where room is scarce: what finds none waits, as by the long way.
#[test]
fn echoes_agree_at_their_marks() {
    rt::run(async {
        let scarce = SocketOptions::default().with_send_hwm(20).with_recv_hwm(20);
        echo("tcp://127.0.0.1:0", scarce.clone(), 2).await;
        let in_process = format!("inproc://addressed-{}", fastrand::u64(..));
        echo(&in_process, scarce, 2).await;
    });
}

/// What cannot go the short way is treated as `send` treats it, and comes back whole.
#[test]
fn what_is_refused_comes_back_with_its_identity() {
    rt::run(async {
        let options = SocketOptions::default().with_max_message_size(100);
        let (router, dealers) = router_and_dealers("tcp://127.0.0.1:0", options, 1).await;
        dealers[0].send("hello").await.unwrap();
        let (identity, hello) = router.recv_from().await.unwrap();
        // In the middle of a burst, and outside of one.
        for burst in [0, 3] {
            for _ in 0..burst {
                router.send_to(identity.clone(), hello.clone()).await.unwrap();
            }
            let refused = router.send_to(identity.clone(), vec![1; 101]).await.unwrap_err();
            assert!(matches!(refused.error(), Error::MessageTooLarge { size: 101, max: 100 }), "{refused}");
            assert_eq!(refused.into_message(), Message::from([identity.clone(), vec![1; 101].into()]));
            let refused = router.send_to("nobody", hello.clone()).await.unwrap_err();
            assert!(matches!(refused.error(), Error::Unroutable), "{refused}");
            assert_eq!(refused.into_message(), Message::from(["nobody", "hello"]));
            let refused = router.send_to(identity.clone(), Message::new()).await.unwrap_err();
            assert!(matches!(refused.error(), Error::EmptyMessage), "{refused}");
        }
        for _ in 0..3 {
            assert_eq!(dealers[0].recv().await.unwrap(), hello);
        }
        assert_eq!(router.stats().accepted, 3);
        assert_eq!(router.close().await, 0);
        let refused = router.send_to(identity, hello).await.unwrap_err();
        assert!(matches!(refused.error(), Error::Closed), "{refused}");
    });
}

/// Dropped at any time, `recv_from` loses nothing, and `send_to` sends its message once or not at all.
#[test]
fn every_call_dropped() {
    const MESSAGES: u32 = 3_000;
    rt::run(async {
        let scarce = SocketOptions::default().with_send_hwm(3).with_recv_hwm(3);
        let (router, dealers) = router_and_dealers("tcp://127.0.0.1:0", scarce, 1).await;
        let dealer = &dealers[0];
        let mut random = fastrand::Rng::with_seed(7);
        let serving = async {
            let (mut to_receive, mut to_send, mut identity) = (0, 0, None);
            while to_send < MESSAGES {
                if to_receive < MESSAGES {
                    let mut receiving = Box::pin(router.recv_from());
                    for _ in 0..random.u8(1..4) {
                        if let Some(result) = receiving.as_mut().now_or_never() {
                            let (from, message) = result.unwrap();
                            assert_eq!(message, numbered(to_receive));
                            to_receive += 1;
                            identity = Some(from);
                            break;
                        }
                        rt::yield_now().await;
                    }
                }
                if let Some(identity) = identity.clone().filter(|_| to_send < to_receive) {
                    let mut sending = Box::pin(router.send_to(identity, numbered(to_send)));
                    for _ in 0..random.u8(1..4) {
                        if let Some(result) = sending.as_mut().now_or_never() {
                            result.unwrap();
                            to_send += 1;
                            break;
                        }
                        rt::yield_now().await;
                    }
                    drop(sending);
                    assert_eq!(router.stats().accepted, u64::from(to_send));
                }
            }
            router.flush().await.unwrap();
        };
        join(serving, ask(dealer, MESSAGES)).await;
    });
}

/// A writer at its mark, in another task, goes on for each message that is taken by the short way.
#[test]
fn a_writer_in_the_process_is_woken_for_room() {
    const MESSAGES: u32 = 20_000;
    rt::run(async {
        for marks in [1, 4, 40] {
            let at = format!("inproc://room-{}", fastrand::u64(..));
            let options = SocketOptions::default().with_send_hwm(marks).with_recv_hwm(marks);
            let pull = PullSocket::bind_with_options(&at, options.clone()).await.unwrap();
            let push = PushSocket::connect_with_options(&at, options).await.unwrap();
            push.wait_for_peers(1).await.unwrap();
            rt::spawn(async move {
                for number in 0..MESSAGES {
                    push.send(numbered(number)).await.unwrap();
                }
                assert_eq!(push.close().await, 0);
            });
            for number in 0..MESSAGES {
                let received = rt::timeout(Duration::from_secs(20), pull.recv()).await;
                assert_eq!(received.expect("the writer was woken").unwrap(), numbered(number));
            }
            assert_eq!(pull.stats().received, u64::from(MESSAGES));
        }
    });
}
