//! Bugs that other implementations had after release, each a test that names its source.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::common::*;
use super::rt::{self, *};
use crate::support::opening;
use futures_util::future::join;
use monocoque::options::OptionError;

/// A TTL is told in tenths of a second, in 16 bits; libzmq computed with it in 16 bits, too.
#[test]
fn libzmq_4226_the_longest_ttl() {
    rt::run(async {
        let ttl = Duration::from_millis(6_553_500);
        let options = SocketOptions::default()
            .with_heartbeat_interval(Some(Duration::from_millis(5)))
            .with_heartbeat_ttl(Some(ttl));
        let pull = PullSocket::bind_with_options(ANY, options.clone()).await.unwrap();
        let stream = raw(&pull.local_endpoint().unwrap(), "PUSH", b"").await;
        let (_stream, _, ping) = read_frame(stream).await;
        assert_eq!(&ping[..7], b"\x04PING\xFF\xFF");
        let longer = options.with_heartbeat_ttl(Some(ttl + Duration::from_millis(100)));
        let refused = PullSocket::new(longer).unwrap_err();
        assert!(matches!(refused, Error::Option(OptionError::OutOfRange { .. })), "{refused}");

        // Theirs means what it says, up to the last.
        let options = SocketOptions::default().with_heartbeat_interval(None);
        let pull = PullSocket::bind_with_options(ANY, options).await.unwrap();
        let mut monitor = pull.monitor();
        let mut stream = raw(&pull.local_endpoint().unwrap(), "PUSH", b"").await;
        for ttl in [[0, 0], [0xFF, 0xFE], [0xFF, 0xFF]] {
            stream.write_all(&frame(4, [&b"\x04PING"[..], &ttl].concat())).unwrap();
            stream = read_frame(stream).await.0;
        }
        while let Some(event) = rt::timeout(Duration::from_millis(30), monitor.next()).await {
            assert!(!matches!(event, Some(SocketEvent::Disconnected { .. })), "{event:?}");
        }
    });
}

/// And libzmq#1224: nothing, in every form in which it can be sent.
#[test]
fn libzmq_3705_zero_length_everything() {
    rt::run(async {
        let nothing = [
            frame(0, ""),
            [frame(1, ""), frame(1, ""), frame(0, "")].concat(),
            vec![2, 0, 0, 0, 0, 0, 0, 0, 0],
            frame(4, ""),
            frame(4, b"\x00"),
            frame(4, b"\x09SUBSCRIBE"),
            frame(4, b"\x06CANCEL"),
            frame(4, b"\x06CANCEL"),
            frame(0, b"\x01"),
            frame(0, b"\x00"),
            frame(0, b"\x00"),
            frame(4, b"\x04PING\x00\x00"),
        ]
        .concat();
        /// Whoever is sent all of it answers the PING at its end.
        macro_rules! survives {
            ($($socket:ty: $peer:literal),+) => {$(
                let socket = <$socket>::bind(ANY).await.unwrap();
                let mut stream = raw(&socket.local_endpoint().unwrap(), $peer, b"").await;
                stream.write_all(&nothing).unwrap();
                let (_stream, flags, pong) = read_frame(stream).await;
                assert_eq!((flags, &*pong), (4, &b"\x04PONG"[..]), $peer);
                assert!(socket.is_connected());
            )+};
        }
        survives!(
            ReqSocket: "REP", RepSocket: "REQ", DealerSocket: "ROUTER", RouterSocket: "DEALER",
            PubSocket: "SUB", SubSocket: "PUB", XPubSocket: "XSUB", XSubSocket: "XPUB",
            PushSocket: "PULL", PullSocket: "PUSH", PairSocket: "PAIR"
        );
    });
}

/// And libzmq#829, #1399: the wrong type at the other end. Whoever connects is told, and goes no further.
#[test]
fn libzmq_3072_every_illegal_pair_is_refused() {
    /// All pairs of the two lists that are not legal.
    macro_rules! illegal {
        ($($bound:ident $name:literal: $($legal:literal)+;)+) => {$(
            let bound = $bound::bind(ANY).await.unwrap();
            let local = bound.local_endpoint().unwrap();
            illegal!(@with bound local [$($legal),+]:
                ReqSocket "REQ", RepSocket "REP", DealerSocket "DEALER", RouterSocket "ROUTER",
                PubSocket "PUB", SubSocket "SUB", XPubSocket "XPUB", XSubSocket "XSUB",
                PushSocket "PUSH", PullSocket "PULL", PairSocket "PAIR");
            assert!(!bound.is_connected(), $name);
        )+};
        (@with $bound:ident $local:ident $legal:tt: $($socket:ident $name:literal),+) => {$(
            if !$legal.contains(&$name) {
                let refused = $socket::connect(&$local).await.unwrap_err();
                assert!(matches!(refused, Error::Protocol(_)), "{} and {:?}: {refused}", $name, $bound);
            }
        )+};
    }
    rt::run(async {
        illegal! {
            ReqSocket "REQ": "REP" "ROUTER";
            RepSocket "REP": "REQ" "DEALER";
            DealerSocket "DEALER": "REP" "DEALER" "ROUTER";
            RouterSocket "ROUTER": "REQ" "DEALER" "ROUTER";
            PubSocket "PUB": "SUB" "XSUB";
            SubSocket "SUB": "PUB" "XPUB";
            XPubSocket "XPUB": "SUB" "XSUB";
            XSubSocket "XSUB": "PUB" "XPUB";
            PushSocket "PUSH": "PULL";
            PullSocket "PULL": "PUSH";
            PairSocket "PAIR": "PAIR";
        }
    });
}

/// The smallest mark there is must not lose a reply.
#[test]
fn libzmq_4750_marks_of_one() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(1).with_recv_hwm(1);
        for endpoint in endpoints() {
            let rep = RepSocket::bind_with_options(&endpoint, options.clone()).await.unwrap();
            let local = rep.local_endpoint().unwrap();
            let req = ReqSocket::connect_with_options(local, options.clone()).await.unwrap();
            for n in 0..300_u32 {
                req.send(n.to_be_bytes()).await.unwrap();
                rep.send(rep.recv().await.unwrap()).await.unwrap();
                assert_eq!(req.recv().await.unwrap()[0], n.to_be_bytes());
            }
        }
    });
}

/// A handover does not wait for the application of the ROUTER.
#[test]
fn libzmq_2892_handover_while_nobody_polls() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut dealers = Vec::new();
        for _ in 0..5 {
            let options = named("same").with_reconnect(false);
            dealers.push(DealerSocket::connect_with_options(&local, options).await.unwrap());
        }
        until(|| router.stats().connects == 5).await;
        assert_eq!(router.peers().len(), 1);
        router.send(["same", "for the last"]).await.unwrap();
        assert_eq!(dealers.pop().unwrap().recv().await.unwrap(), Message::from("for the last"));
        for replaced in dealers {
            assert!(replaced.recv().await.is_err());
        }
    });
}

/// A ROUTER that connects takes each connection's peer for who it says it is.
#[test]
fn libzmq_1575_a_server_comes_back_under_another_name() {
    rt::run(async {
        let fixed = vacant();
        let router = RouterSocket::connect_with_reconnect_and_options(&fixed, quick()).await.unwrap();
        for name in ["one", "two"] {
            let server = DealerSocket::bind_with_options(&fixed, named(name)).await.unwrap();
            router.wait_for_peers(1).await.unwrap();
            router.send([name, "hello"]).await.unwrap();
            assert_eq!(server.recv().await.unwrap(), Message::from("hello"));
            server.close().await;
            until(|| !router.is_connected()).await;
            assert!(matches!(refused(router.try_send([name, "hello"])), Error::Unroutable));
        }
    });
}

/// And libzmq#4076: the limit of the handshake ends with the handshake.
#[test]
fn libzmq_4106_the_handshake_timer_is_cancelled() {
    rt::run(async {
        let brief = Duration::from_millis(30);
        let options = SocketOptions::default().with_handshake_timeout(brief).with_connect_timeout(brief);
        let pull = PullSocket::bind_with_options(ANY, options.clone()).await.unwrap();
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        let mut monitors = [pull.monitor(), push.monitor()];
        for monitor in &mut monitors {
            assert!(rt::timeout(brief * 2, monitor.next()).await.is_none());
        }
        push.send("still there").await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from("still there"));
    });
}

/// jeromq waited for the greeting to come in pieces.
#[test]
fn jeromq_430_greeting_and_all_in_one_segment() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let port = pull.local_endpoint().unwrap().port().unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&[opening("PUSH", b""), frame(1, "a"), frame(0, "b")].concat()).unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from(["a", "b"]));
    });
}

#[test]
fn jeromq_113_full_drained_and_full_again() {
    rt::run(async {
        for endpoint in [inproc(), ANY.to_owned()] {
            let options = SocketOptions::default().with_send_hwm(5).with_recv_hwm(5);
            let pull = PullSocket::bind_with_options(&endpoint, options.clone()).await.unwrap();
            let push =
                PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
            for round in 0..10 {
                let mut sent = 0;
                // Over TCP the kernel holds some, too.
                while push.try_send(vec![0; 200_000]).is_ok() {
                    sent += 1;
                }
                assert!(sent > 0, "round {round}");
                for _ in 0..sent {
                    assert_eq!(pull.recv().await.unwrap()[0].len(), 200_000);
                }
            }
        }
    });
}

/// Something else listens, and says nothing; then it is gone, and the server is there.
#[test]
fn omq_rb_0_17_a_silent_service_before_the_real_one() {
    rt::run(async {
        let fixed: Endpoint = vacant().parse().unwrap();
        let silent = TcpListener::bind(("127.0.0.1", fixed.port().unwrap())).unwrap();
        let push = PushSocket::new(quick().with_handshake_timeout(Duration::from_millis(20))).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(&fixed).unwrap();
        assert!(matches!(failed_handshake(&mut monitor).await, Error::Timeout(_)));
        // Reset in the middle of the handshake, as long as it is there.
        drop(silent);
        push.send("for the real one").await.unwrap();
        let pull = PullSocket::bind(&fixed).await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from("for the real one"));
    });
}

/// And monocoque 0.3: no delay at all, and yet no busy loop.
#[test]
fn rzmq_9888996_attempts_are_bounded() {
    rt::run(async {
        let zero = SocketOptions::default()
            .with_reconnect_interval(Duration::ZERO)
            .with_reconnect_interval_max(Duration::ZERO);
        let push = PushSocket::new(zero).unwrap();
        let mut monitor = push.monitor();
        let begin = Instant::now();
        push.connect_to(vacant()).unwrap();
        let mut attempts = 0;
        while attempts < 30 {
            let event = monitor.next().await.unwrap();
            attempts += u32::from(matches!(event, SocketEvent::ConnectStarted { .. }));
        }
        let elapsed = begin.elapsed();
        assert!(elapsed >= Duration::from_millis(29), "{attempts} attempts in {elapsed:?}");
    });
}

/// The end of a socket that is between two attempts: no timer of it fires later.
#[test]
fn jeromq_534_closing_while_it_retries() {
    rt::run(async {
        for _ in 0..20 {
            let push = PushSocket::new(quick()).unwrap();
            let mut monitor = push.monitor();
            push.connect_to(vacant()).unwrap();
            event(&mut monitor, |event| matches!(event, SocketEvent::RetryIn { .. }).then_some(())).await;
            push.close().await;
            let mut last = None;
            while let Some(event) = monitor.next().await {
                last = Some(event);
            }
            assert!(matches!(last, Some(SocketEvent::Closed { unsent: 0 })), "{last:?}");
        }
    });
}

/// A DEALER is free in what it sends: no envelope is too short or too long for a REP.
#[test]
fn zmq_rs_132_envelopes_of_any_length() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let dealer = DealerSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        for hops in 0..=5 {
            let envelope = vec!["hop"; hops];
            // Without a delimiter it is no request.
            dealer.send(Message::from_iter(envelope.iter().copied().chain(["body"]))).await.unwrap();
            let request = Message::from_iter(envelope.iter().copied().chain(["", "body"]));
            dealer.send(request.clone()).await.unwrap();
            assert_eq!(rep.recv().await.unwrap(), Message::from("body"));
            let (sent, reply) = join(rep.send("body"), dealer.recv()).await;
            sent.unwrap();
            assert_eq!(reply.unwrap(), request);
        }
    });
}
