//! A thousand subscriptions, in either direction, whoever binds.

use std::collections::HashSet;

use super::rt::{self, *};
use futures_util::future::join;

const COUNT: u32 = 1000;

fn topic(n: u32) -> Vec<u8> {
    format!("topic {n:04}").into_bytes()
}

fn theirs(kind: zmq::SocketType) -> zmq::Socket {
    let socket = zmq::Context::new().socket(kind).unwrap();
    socket.set_rcvtimeo(20_000).unwrap();
    socket.set_rcvhwm(10_000).unwrap();
    socket.set_sndhwm(10_000).unwrap();
    socket
}

/// What an XPUB of libzmq's is told: so many times a byte and a topic, each once.
fn told(socket: &zmq::Socket, first: u8, count: usize) -> HashSet<Vec<u8>> {
    let changes: HashSet<_> = (0..count).map(|_| socket.recv_bytes(0).unwrap()).collect();
    assert!(changes.len() == count && changes.iter().all(|change| change[0] == first));
    changes
}

#[test]
fn ours_at_their_xpub() {
    rt::run(async {
        for ours_bind in [true, false] {
            let options = SocketOptions::default().with_send_hwm(10).with_recv_hwm(10);
            let sub = SubSocket::new(options).unwrap();
            for n in 0..COUNT {
                sub.subscribe(topic(n)).unwrap();
            }
            let socket = theirs(zmq::XPUB);
            if ours_bind {
                sub.bind_to("tcp://127.0.0.1:0").await.unwrap();
                socket.connect(&sub.local_endpoint().unwrap().to_string()).unwrap();
            } else {
                socket.bind("tcp://127.0.0.1:*").unwrap();
                sub.connect_to(socket.get_last_endpoint().unwrap().unwrap()).unwrap();
            }
            let publishing = rt::blocking(move || {
                told(&socket, 1, 1000);
                for n in 0..COUNT {
                    socket.send_multipart([&b"no topic"[..], b""], 0).unwrap();
                    socket.send_multipart([&topic(n)[..], b"body"], 0).unwrap();
                }
                socket
            });
            let receiving = async {
                for n in 0..COUNT {
                    assert_eq!(sub.recv().await.unwrap(), Message::from([&topic(n)[..], b"body"]));
                }
            };
            let (socket, ()) = join(publishing, receiving).await;
            for n in 0..COUNT / 2 {
                assert!(sub.unsubscribe(topic(n * 2)).unwrap());
            }
            let ended = rt::blocking(move || told(&socket, 0, 500)).await;
            assert!((0..COUNT / 2).all(|n| ended.contains(&[&[0][..], &topic(n * 2)].concat())));
        }
    });
}

#[test]
fn theirs_at_our_xpub() {
    rt::run(async {
        for ours_bind in [true, false] {
            let publisher = XPubSocket::new(SocketOptions::default()).unwrap();
            let socket = theirs(zmq::SUB);
            (0..COUNT).for_each(|n| socket.set_subscribe(&topic(n)).unwrap());
            if ours_bind {
                publisher.bind_to("tcp://127.0.0.1:0").await.unwrap();
                socket.connect(&publisher.local_endpoint().unwrap().to_string()).unwrap();
            } else {
                socket.bind("tcp://127.0.0.1:*").unwrap();
                publisher.connect_to(socket.get_last_endpoint().unwrap().unwrap()).unwrap();
            }
            // libzmq subscribes when its application calls it next, and not before.
            let receiving = rt::blocking(move || {
                for n in 0..COUNT {
                    assert_eq!(socket.recv_multipart(0).unwrap(), [&topic(n)[..], b"body"]);
                }
                socket
            });
            let publishing = async {
                for n in 0..COUNT {
                    publisher.wait_for_subscribers(topic(n), 1).await.unwrap();
                }
                let mut told = HashSet::new();
                for _ in 0..COUNT {
                    told.insert(publisher.recv().await.unwrap()[0].to_vec());
                }
                assert!((0..COUNT).all(|n| told.contains(&[&[1][..], &topic(n)].concat())));
                for n in 0..COUNT {
                    publisher.send(["no topic", ""]).await.unwrap();
                    publisher.send([&topic(n)[..], b"body"]).await.unwrap();
                }
            };
            let (socket, ()) = join(receiving, publishing).await;
            // Whoever is gone has unsubscribed from everything.
            drop(socket);
            for _ in 0..COUNT {
                assert_eq!(publisher.recv().await.unwrap()[0][0], 0);
            }
            assert_eq!(publisher.topic_count(), 0);
        }
    });
}
