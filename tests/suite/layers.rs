//! What a layer adds: a handshake of its own below that of the sockets, within the same bounds.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::future::{join, join_all};
use monocoque::runtime::{AsyncStream, Connector, Layer, Layered, LayeredStream, Listener, Runtime, Side};
use monocoque::socket;

use super::rt::{self, *};
use crate::veil::Veil;

#[cfg(feature = "sim")]
mod checks {
    use super::super::rt;

    monocoque::runtime_conformance!(rt::Host, rt::run);
}

const ANY: &str = "tcp://127.0.0.1:0";

/// Sockets without the layer.
type PlainDealer = socket::DealerSocket<<rt::Below as monocoque::runtime::Connector>::Stream>;

/// The layer with this key, upon the runtime that the test runs on.
fn host(key: u8) -> rt::Host {
    Layered::on_current(Veil { key }).unwrap()
}

fn tcp(endpoint: &Endpoint) -> TcpStream {
    TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap()
}

/// Why the next handshake fails.
async fn failed_handshake(monitor: &mut Monitor) -> Error {
    loop {
        if let SocketEvent::HandshakeFailed { cause, .. } = monitor.next().await.unwrap() {
            return cause;
        }
    }
}

/// A request and its reply.
async fn round_trip(dealer: &DealerSocket, router: &RouterSocket) {
    dealer.send("x").await.unwrap();
    let (identity, message) = router.recv_from().await.unwrap();
    router.send_to(identity, message).await.unwrap();
    assert_eq!(dealer.recv().await.unwrap()[0], "x");
}

#[test]
fn the_layer_is_that_of_the_value() {
    rt::run(async {
        let router = RouterSocket::bind_on(&host(1), ANY, SocketOptions::default()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_on(&host(2), &endpoint, SocketOptions::default()).await.unwrap();
        round_trip(&dealer, &router).await;
        let (hello, mut monitor) = (endpoint.clone(), router.monitor());
        let said = rt::blocking(move || {
            let mut stream = tcp(&hello);
            stream.write_all(b"veil\x07").unwrap();
            let mut said = [0; 5];
            stream.read_exact(&mut said).unwrap();
            // Without a word.
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            (said, stream)
        });
        let (said, _stream) = said.await;
        assert_eq!(&said, b"veil\x01");
        let cause = failed_handshake(&mut monitor).await;
        assert!(cause.to_string().contains("the veil is torn"), "{cause}");
        round_trip(&dealer, &router).await;
    });
}

/// Has nothing to say for sockets that are opened without a value.
#[derive(Clone, Copy, Debug)]
struct Unset;

impl Layer for Unset {
    type Stream<S: AsyncStream> = S;
    const NAME: &'static str = "unset";

    fn wrap<S: AsyncStream>(&self, stream: S, _: Side, _: &Endpoint) -> std::io::Result<S> {
        Ok(stream)
    }
}

#[test]
fn without_a_value_there_is_only_what_the_layer_says() {
    rt::run(async {
        type Bare = socket::DealerSocket<LayeredStream<rt::Below, Unset>>;
        let none = Bare::new(SocketOptions::default()).err();
        assert!(matches!(none, Some(Error::NoRuntime { runtime: "unset" })), "{none:?}");
        Bare::new_on(&Layered::on_current(Unset).unwrap(), SocketOptions::default()).unwrap();
        assert!(Layered::<rt::Below, Veil>::current().is_some());
    });
}

#[test]
fn what_the_layer_rules_out_is_not_begun() {
    rt::run(async {
        let bound = RouterSocket::bind("tcp://127.0.0.1:1").await.unwrap_err();
        let dialled = DealerSocket::connect("tcp://127.0.0.1:1").await.unwrap_err();
        for error in [bound, dialled] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("no veil for port 1"), "{error}");
        }
    });
}

#[test]
fn a_peer_without_the_layer_is_told_apart() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        let mut monitor = router.monitor();
        let (refused, cause) = join(PlainDealer::connect(&endpoint), failed_handshake(&mut monitor)).await;
        assert!(refused.is_err());
        assert!(cause.to_string().contains("no veil"), "{cause}");
        round_trip(&dealer, &router).await;
    });
}

/// Those that say nothing, and those that stop in the middle of the layer's handshake.
#[test]
fn handshakes_that_do_not_end_are_ended_and_stall_nobody() {
    const SILENT: usize = 30;
    rt::run(async {
        let options = SocketOptions::default().with_handshake_timeout(Duration::from_millis(300));
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let mut monitor = router.monitor();
        let silent: Vec<_> = (0..SILENT)
            .map(|number| {
                let mut stream = tcp(&endpoint);
                stream.write_all(&b"veil"[..number % 5]).unwrap();
                stream
            })
            .collect();
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        for _ in 0..100 {
            round_trip(&dealer, &router).await;
        }
        for _ in 0..SILENT {
            let cause = failed_handshake(&mut monitor).await;
            assert!(matches!(cause, Error::Timeout(_)), "{cause}");
        }
        drop(silent);
        round_trip(&dealer, &router).await;
    });
}

/// What a peer of ours says under a veil.
fn veiled(bytes: &[u8], key: u8) -> Vec<u8> {
    let mut records = Vec::new();
    for record in bytes.chunks(255) {
        records.push(record.len() as u8);
        records.extend(record.iter().map(|byte| byte ^ key));
    }
    records
}

/// The end of the stream below, before the layer's own.
#[test]
fn a_connection_that_is_cut_is_told_from_one_that_was_closed() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let mut monitor = router.monitor();
        for closes in [true, false] {
            let mut stream = tcp(&endpoint);
            let hello = [b"veil\x07", &veiled(&rt::opening("DEALER", b""), 7)[..]].concat();
            stream.write_all(&hello).unwrap();
            while !matches!(monitor.next().await, Some(SocketEvent::HandshakeSucceeded { .. })) {}
            if closes {
                stream.write_all(&[0]).unwrap();
            }
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let reason = loop {
                if let Some(SocketEvent::Disconnected { reason, .. }) = monitor.next().await {
                    break reason;
                }
            };
            match reason {
                DisconnectReason::EndOfStream => assert!(closes),
                DisconnectReason::Io(error) => {
                    assert!(!closes && error.kind() == ErrorKind::UnexpectedEof, "{error}");
                }
                other => panic!("{other}"),
            }
        }
    });
}

#[test]
fn large_messages_pass_in_both_directions_at_once() {
    rt::run(async {
        let one = PairSocket::bind(ANY).await.unwrap();
        let other = PairSocket::connect(one.local_endpoint().unwrap()).await.unwrap();
        let message = |byte| Message::from(vec![byte; 20_000_000]);
        let sending = join(one.send(message(1)), other.send(message(2)));
        let ((sent, also_sent), (received, also_received)) =
            join(sending, join(one.recv(), other.recv())).await;
        sent.and(also_sent).unwrap();
        assert!(received.unwrap() == message(2) && also_received.unwrap() == message(1));
    });
}

#[test]
fn many_peers_come_back_after_the_server_does() {
    const PEERS: usize = 100;
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealers = join_all((0..PEERS).map(|_| DealerSocket::connect(&endpoint))).await;
        let dealers: Vec<_> = dealers.into_iter().map(Result::unwrap).collect();
        for dealer in &dealers {
            round_trip(dealer, &router).await;
        }
        router.close().await;
        let router = RouterSocket::bind(&endpoint).await.unwrap();
        for dealer in &dealers {
            round_trip(dealer, &router).await;
        }
        assert_eq!(router.peers().len(), PEERS);
    });
}

/// The end of a stream is that of the layer and then that of the stream below.
#[test]
fn nothing_is_in_doubt_where_peers_go_in_order() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        for _ in 0..20 {
            let dealer = DealerSocket::connect(&endpoint).await.unwrap();
            round_trip(&dealer, &router).await;
            let seen = dealer.clone();
            assert_eq!(dealer.close().await, 0);
            assert_eq!(seen.stats().in_doubt, 0);
        }
        while router.stats().disconnects() < 20 || router.stats().in_doubt > 0 {
            rt::yield_now().await;
        }
    });
}

#[test]
fn listeners_that_are_bound_already_get_the_layer() {
    rt::run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let router = RouterSocket::bind_listener_on(&host(3), listener, SocketOptions::default()).unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        round_trip(&dealer, &router).await;
        assert!(PlainDealer::connect(&endpoint).await.is_err());
    });
}

#[cfg(unix)]
#[test]
fn unix_sockets_have_the_layer_and_names_within_the_process_need_none() {
    rt::run(async {
        let folder = Folder::new();
        let within = concat!("inproc://", module_path!());
        for (endpoint, layered) in [(&*folder.socket("socket").1, true), (within, false)] {
            let router = RouterSocket::bind(endpoint).await.unwrap();
            let dealer = DealerSocket::connect(endpoint).await.unwrap();
            round_trip(&dealer, &router).await;
            assert_eq!(PlainDealer::connect(endpoint).await.is_err(), layered);
            router.close().await;
        }
    });
}

/// Streams that somebody else has connected and accepted.
#[test]
fn streams_that_are_given_get_the_layer() {
    rt::run(async {
        let below = rt::Below::current().unwrap();
        let transport = SocketOptions::default().transport().clone();
        let at = ANY.parse::<Endpoint>().unwrap();
        let mut listener = below.bind(&at, &transport).await.unwrap();
        let endpoint = listener.local_endpoint().clone();
        let accepting = std::future::poll_fn(|cx| listener.poll_accept(cx));
        let (accepted, dialled) = join(accepting, below.connect(&endpoint, &transport)).await;
        let given = async |stream, side| {
            let host = host(9);
            (host.wrap(stream, side, &endpoint).unwrap(), host)
        };
        let (accepted, router_host) = given(accepted.unwrap(), Side::Accepted).await;
        let (dialled, dealer_host) = given(dialled.unwrap(), Side::Dialled).await;
        let options = SocketOptions::default;
        let (router, dealer) = join(
            RouterSocket::from_stream_on(&router_host, accepted, options()),
            DealerSocket::from_stream_on(&dealer_host, dialled, options()),
        )
        .await;
        round_trip(&dealer.unwrap(), &router.unwrap()).await;
        let stream = below.connect(&endpoint, &transport).await.unwrap();
        let forbidden = "tcp://127.0.0.1:1".parse().unwrap();
        let error = host(1).wrap(stream, Side::Dialled, &forbidden).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}
