//! Several endpoints of one socket, and the ends of them.

use super::rt::{self, *};

#[test]
fn one_socket_serves_all_that_it_binds_and_dials() {
    rt::run(async {
        let hub = DealerSocket::new(SocketOptions::default()).unwrap();
        let bound =
            [hub.bind_to("tcp://127.0.0.1:0").await.unwrap(), hub.bind_to("tcp://*:0").await.unwrap()];
        assert_eq!(hub.local_endpoint().as_ref(), Some(&bound[1]), "the last");
        let port = bound[1].port().unwrap();
        let dialled = DealerSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        hub.connect_to(dialled.local_endpoint().unwrap()).unwrap();
        let others = [
            DealerSocket::connect(&bound[0]).await.unwrap(),
            DealerSocket::connect(format!("tcp://localhost:{port}")).await.unwrap(),
            dialled,
        ];
        hub.wait_for_peers(3).await.unwrap();
        for n in 0..30_u8 {
            hub.send([n]).await.unwrap();
        }
        for (n, other) in others.iter().enumerate() {
            for _ in 0..10 {
                other.send(other.recv().await.unwrap()).await.unwrap();
            }
            assert!(other.try_recv().is_err(), "{n} had its ten");
        }
        let mut back = Vec::new();
        for _ in 0..30 {
            back.push(hub.recv().await.unwrap()[0][0]);
        }
        back.sort_unstable();
        assert_eq!(back, (0..30).collect::<Vec<u8>>());
    });
}

#[test]
fn unbind_ends_the_listener_and_what_it_accepted() {
    rt::run(async {
        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let first = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        let second = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        let leaves = PushSocket::connect(&first).await.unwrap();
        let stays = PushSocket::connect(&second).await.unwrap();
        pull.wait_for_peers(2).await.unwrap();

        pull.unbind(&first).unwrap();
        let mut monitor = leaves.monitor();
        while leaves.is_connected() {
            monitor.next().await;
        }
        assert!(PushSocket::connect(&first).await.is_err(), "nobody listens");
        stays.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        for unknown in [first, "tcp://127.0.0.1:1".parse().unwrap()] {
            match pull.unbind(&unknown) {
                Err(Error::UnknownEndpoint(endpoint)) => assert_eq!(endpoint, unknown),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn disconnect_sends_what_is_queued_and_does_not_come_back() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect(&endpoint).await.unwrap();
        for n in 0..100_u8 {
            push.send_buffered([n]).unwrap();
        }
        push.disconnect(&endpoint).unwrap();
        for n in 0..100_u8 {
            assert_eq!(pull.recv().await.unwrap()[0], [n]);
        }
        let mut monitor = pull.monitor();
        while pull.is_connected() {
            monitor.next().await;
        }
        assert!(matches!(push.disconnect(&endpoint), Err(Error::UnknownEndpoint(_))));
        assert!(matches!(push.send("x").await.unwrap_err().error(), Error::NotConnected));
        // It can be sent back there, though.
        push.connect_to(&endpoint).unwrap();
        push.send("again").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "again");
    });
}

#[cfg(unix)]
#[test]
fn over_unix_streams() {
    rt::run(async {
        let (ours, theirs) = rt::unix_pair();
        let (push, pull) =
            futures_util::future::join(PushSocket::from_unix(ours), PullSocket::from_unix(theirs)).await;
        let (push, pull) = (push.unwrap(), pull.unwrap());
        for size in [0, 1, 100, 1_000_000] {
            let (sent, received) = futures_util::future::join(push.send(vec![7; size]), pull.recv()).await;
            sent.unwrap();
            assert!(received.unwrap()[0] == vec![7; size]);
        }
        drop(push);
        assert!(matches!(pull.recv().await, Err(Error::NotConnected)), "no reconnection");
    });
}

#[test]
fn over_ipv6() {
    rt::run(async {
        let pull = match PullSocket::bind("tcp://[::1]:0").await {
            Ok(pull) => pull,
            // A machine without IPv6 says so, and nothing else.
            Err(error) => return assert_eq!(error.kind(), ErrorKind::AddrNotAvailable),
        };
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
    });
}
