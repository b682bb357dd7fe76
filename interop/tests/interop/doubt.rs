//! What a libzmq peer has read is not in doubt when it leaves in order, whoever leaves and whoever has bound.

use super::matrix::{their_echo, theirs};
use super::rt::{self, *};

const CLIENTS: u64 = 20;
const REQUESTS: usize = 50;

/// Asks and waits for the answers, on a thread of its own, and is gone with its context.
fn ask(endpoint: &Endpoint) {
    let socket = theirs(zmq::DEALER);
    socket.connect(&endpoint.to_string()).unwrap();
    for _ in 0..REQUESTS {
        socket.send("request", 0).unwrap();
        socket.recv_bytes(0).unwrap();
    }
}

#[test]
fn clients_that_come_and_go() {
    rt::run(async {
        let server = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = server.local_endpoint().unwrap();
        let clients = rt::blocking(move || (0..CLIENTS).for_each(|_| ask(&endpoint)));
        let answers = async {
            for _ in 0..CLIENTS as usize * REQUESTS {
                let (identity, request) = server.recv_from().await.unwrap();
                server.send_to(identity, request).await.unwrap();
            }
        };
        futures_util::future::join(clients, answers).await;
        // Until the kernel has told what there is to tell about the last of them.
        while server.stats().disconnects() < CLIENTS || server.stats().in_doubt > 0 {
            rt::yield_now().await;
        }
        assert_eq!(server.stats().sent, CLIENTS * REQUESTS as u64);
    });
}

/// More than one PING rides on these, in both directions.
#[test]
fn a_server_that_is_left() {
    const MESSAGES: usize = 5_000;
    rt::run(async {
        let socket = theirs(zmq::ROUTER);
        socket.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = socket.get_last_endpoint().unwrap().unwrap();
        let client = DealerSocket::connect(endpoint).await.unwrap();
        let echo = their_echo(socket, MESSAGES);
        let asking = async {
            for n in 0..MESSAGES as u32 {
                client.send(n.to_be_bytes()).await.unwrap();
            }
            for n in 0..MESSAGES as u32 {
                assert_eq!(client.recv().await.unwrap()[0], n.to_be_bytes());
            }
        };
        let (socket, ()) = futures_util::future::join(echo, asking).await;
        let seen = client.clone();
        assert_eq!(client.close().await, 0);
        assert_eq!((seen.stats().sent, seen.stats().in_doubt), (MESSAGES as u64, 0));
        drop(socket);
    });
}
