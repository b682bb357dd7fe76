//! No peer can stop a service by default: what one that does not read, or that leaves, costs the others.

use std::future::Future;
use std::io::Write;
use std::pin::pin;

use futures_util::future::{Either, select};
use futures_util::poll;
use monocoque::monitor::SocketStats;
use monocoque::proxy::proxy;

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";

/// A request of a DEALER as it is on the wire: not short, so that replies to many of them soon fill what the
/// kernel has for them.
fn request() -> Vec<u8> {
    let mut frame = vec![b'x'; 202];
    frame[..2].copy_from_slice(&[0, 200]);
    frame
}

/// The same with the envelope that a REP wants.
fn enveloped() -> Vec<u8> {
    [&[1, 0][..], &request()].concat()
}

/// Little room in the system: it would else hold as much for a client that does not read as a busy machine
/// takes minutes to make.
fn options() -> SocketOptions {
    SocketOptions::default().with_send_buffer(4096)
}

/// The loop of a server that has never heard of other clients' faults.
async fn echo(router: RouterSocket) -> monocoque::Result<()> {
    loop {
        let request = router.recv().await?;
        router.send(request).await?;
    }
}

/// Runs the test beside a service, which must not end before it.
async fn beside<T, R: std::fmt::Debug>(service: impl Future<Output = R>, test: impl Future<Output = T>) -> T {
    match select(pin!(test), pin!(service)).await {
        Either::Left((output, _)) => output,
        Either::Right((ended, _)) => panic!("the service ended: {ended:?}"),
    }
}

/// Round trips until `enough`, and at least some.
async fn is_served(dealer: &DealerSocket, request: Message, enough: impl Fn() -> bool) {
    let mut rounds = 0;
    while rounds < 50 || !enough() {
        dealer.send(request.clone()).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), request);
        rounds += 1;
    }
}

fn balanced(stats: &SocketStats) {
    assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
    assert_eq!(stats.received, stats.delivered + stats.recv_queued + stats.recv_dropped);
}

#[test]
fn a_client_that_floods_and_never_reads_stops_no_router() {
    rt::run(async {
        let router = RouterSocket::bind_with_options(ANY, options()).await.unwrap();
        let mut monitor = router.monitor();
        let endpoint = router.local_endpoint().unwrap();
        let flooder = rt::Flooder::new(&endpoint, "DEALER", b"flooder", &request());
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        let dropped = || router.stats().dropped(DropCause::PeerFull) > 100;
        beside(echo(router.clone()), is_served(&client, "request".into(), dropped)).await;
        let told = loop {
            let event = monitor.next().await.unwrap();
            if let SocketEvent::MessagesDropped { peer, cause: DropCause::PeerFull, .. } = event {
                break peer;
            }
        };
        let flooding = told.and_then(|peer| router.peer(peer)).expect("it says whose message it was");
        assert_eq!(flooding.identity, "flooder");
        balanced(&router.stats());
        drop(flooder);
    });
}

/// Each of them asks for more than there is time to answer, and is gone.
#[test]
fn clients_that_leave_in_the_middle_stop_no_router() {
    rt::run(async {
        let router = RouterSocket::bind_with_options(ANY, options()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        let leave = async {
            let mut round = 0;
            while round < 20 || router.stats().dropped(DropCause::Unroutable) == 0 {
                let mut brief = rt::dealer_that_never_reads(&endpoint, b"");
                brief.write_all(&request().repeat(200)).unwrap();
                drop(brief);
                is_served(&client, "request".into(), || true).await;
                round += 1;
            }
        };
        beside(echo(router.clone()), leave).await;
        balanced(&router.stats());
    });
}

/// A loop that sends through the socket's `Sink`.
#[test]
fn a_client_that_does_not_read_stops_no_sink() {
    use futures_util::{SinkExt, StreamExt};
    rt::run(async {
        let router = RouterSocket::bind_with_options(ANY, options()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let flooder = rt::Flooder::new(&endpoint, "DEALER", b"", &request());
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        let (mut requests, mut replies) = (router.clone(), router.clone());
        let service = async {
            while let Some(request) = requests.next().await {
                SinkExt::send(&mut replies, request.unwrap()).await.unwrap();
            }
        };
        let dropped = || router.stats().dropped(DropCause::PeerFull) > 100;
        beside(service, is_served(&client, "request".into(), dropped)).await;
        drop(flooder);
    });
}

#[test]
fn a_client_that_floods_and_never_reads_stops_no_rep() {
    rt::run(async {
        let rep = RepSocket::bind_with_options(ANY, options()).await.unwrap();
        let endpoint = rep.local_endpoint().unwrap();
        let flooder = rt::Flooder::new(&endpoint, "DEALER", b"", &enveloped());
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        let serve = async {
            loop {
                let request = rep.recv().await.unwrap();
                rep.send(request).await.unwrap();
            }
        };
        let dropped = || rep.stats().dropped(DropCause::PeerFull) > 100;
        beside(serve, is_served(&client, Message::from(["", "request"]), dropped)).await;
        balanced(&rep.stats());
        drop(flooder);
    });
}

#[test]
fn clients_that_leave_in_the_middle_stop_no_rep() {
    rt::run(async {
        let rep = RepSocket::bind_with_options(ANY, options()).await.unwrap();
        let endpoint = rep.local_endpoint().unwrap();
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        let serve = async {
            loop {
                let request = rep.recv().await.unwrap();
                rep.send(request).await.unwrap();
            }
        };
        let leave = async {
            let mut round = 0;
            while round < 20 || rep.stats().dropped(DropCause::PeerLost) == 0 {
                let mut brief = rt::dealer_that_never_reads(&endpoint, b"");
                brief.write_all(&enveloped().repeat(200)).unwrap();
                drop(brief);
                is_served(&client, Message::from(["", "request"]), || true).await;
                round += 1;
            }
        };
        beside(serve, leave).await;
        balanced(&rep.stats());
    });
}

/// A client of a queue, which takes its requests to a worker behind it.
#[test]
fn a_client_that_floods_and_never_reads_stops_no_proxy() {
    rt::run(async {
        let frontend = RouterSocket::bind_with_options(ANY, options()).await.unwrap();
        // What waits between the two delays the client: a busy machine takes minutes for what the system would hold.
        let short = || {
            let marks = SocketOptions::default().with_send_hwm(10).with_recv_hwm(10);
            marks.with_send_buffer(32 * 1024).with_recv_buffer(32 * 1024)
        };
        let backend = DealerSocket::bind_with_options(ANY, short()).await.unwrap();
        // Its peer is the queue, which always goes on: at the mark for it no reply is to be dropped.
        let patient = short().with_on_full(OnFull::Wait);
        let worker = RepSocket::connect_with_options(backend.local_endpoint().unwrap(), patient);
        let worker = worker.await.unwrap();
        rt::spawn(async move {
            while let Ok(request) = worker.recv().await {
                worker.send(request).await.unwrap();
            }
        });
        let endpoint = frontend.local_endpoint().unwrap();
        let flooder = rt::Flooder::new(&endpoint, "DEALER", b"", &enveloped());
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        let dropped = || frontend.stats().dropped(DropCause::PeerFull) > 100;
        let served = is_served(&client, Message::from(["", "request"]), dropped);
        beside(proxy(&frontend, &backend), served).await;
        drop(flooder);
    });
}

/// What was gathered for a peer in a burst is written before anything for it is dropped.
#[test]
fn a_burst_past_the_mark_reaches_a_peer_that_reads() {
    const BURST: u32 = 100;
    rt::run(async {
        let options = || SocketOptions::default().with_send_hwm(3);
        let router = RouterSocket::bind_with_options(ANY, options()).await.unwrap();
        let named = SocketOptions::default().with_identity("reads");
        let dealer = DealerSocket::connect_with_options(router.local_endpoint().unwrap(), named);
        let dealer = dealer.await.unwrap();
        router.wait_for_peers(1).await.unwrap();
        let publisher = PubSocket::bind_with_options(ANY, options()).await.unwrap();
        let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
        sub.subscribe("").unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        for n in 0..BURST {
            router.feed(["reads".into(), Frame::from(n.to_be_bytes())]).await.unwrap();
            publisher.feed(n.to_be_bytes()).await.unwrap();
        }
        assert_eq!((router.stats().dropped_total(), publisher.stats().dropped_total()), (0, 0));
        for n in 0..BURST {
            assert_eq!(dealer.recv().await.unwrap()[0], n.to_be_bytes());
            assert_eq!(sub.recv().await.unwrap()[0], n.to_be_bytes());
        }
    });
}

/// What became of one message.
#[derive(Debug, PartialEq)]
enum Fate {
    Sent,
    Dropped(DropCause),
    Waits,
    Unroutable,
    WouldBlock,
    Full,
}

/// Which it is, with the message back where it was refused.
fn fate(router: &RouterSocket, before: u64, sent: Option<Result<(), SendError>>) -> Fate {
    let stats = router.stats();
    match sent {
        None => Fate::Waits,
        Some(Ok(())) if stats.dropped_total() == before => Fate::Sent,
        Some(Ok(())) => {
            let causes = [DropCause::PeerFull, DropCause::Unroutable];
            Fate::Dropped(causes.into_iter().find(|cause| stats.dropped(*cause) > 0).expect("one of these"))
        }
        Some(Err(refused)) => {
            let (error, message) = refused.into_parts();
            assert_eq!(message.len(), 2, "it comes back");
            match error {
                Error::Unroutable => Fate::Unroutable,
                Error::WouldBlock => Fate::WouldBlock,
                Error::Full => Fate::Full,
                error => panic!("{error}"),
            }
        }
    }
}

/// A router whose peer "full" has as much queued as it may.
async fn at_the_mark(options: SocketOptions, name: &str) -> (RouterSocket, DealerSocket) {
    let router = RouterSocket::bind_with_options(name, options.with_send_hwm(1)).await.unwrap();
    let full = SocketOptions::default().with_identity("full").with_recv_hwm(1);
    let dealer = DealerSocket::connect_with_options(name, full).await.unwrap();
    router.wait_for_peers(1).await.unwrap();
    for _ in 0..2 {
        router.send(["full", "x"]).await.unwrap();
    }
    (router, dealer)
}

/// The guide's table, with the marks of an inproc pipe, which are exact.
#[test]
fn what_a_router_does_at_the_mark_and_with_unknown_identities() {
    use Fate::{Dropped, Full, Unroutable, Waits, WouldBlock};
    rt::run(async {
        let dropped = || Dropped(DropCause::PeerFull);
        let unknown = || Dropped(DropCause::Unroutable);
        let table = [
            (false, None, unknown(), dropped(), WouldBlock),
            (false, Some(OnFull::Wait), unknown(), Waits, WouldBlock),
            (false, Some(OnFull::Fail), unknown(), Full, Full),
            (false, Some(OnFull::Drop), unknown(), dropped(), WouldBlock),
            (true, None, Unroutable, Waits, WouldBlock),
            (true, Some(OnFull::Wait), Unroutable, Waits, WouldBlock),
            (true, Some(OnFull::Fail), Unroutable, Full, Full),
            (true, Some(OnFull::Drop), Unroutable, dropped(), WouldBlock),
        ];
        for (row, (mandatory, on_full, nobody, mark, tried)) in table.into_iter().enumerate() {
            let options = || SocketOptions::default().with_router_mandatory(mandatory).with_on_full(on_full);
            let name = |what: &str| format!("inproc://{}/{row}/{what}", module_path!());
            for (call, nobody, mark) in
                [("send", &nobody, &mark), ("feed", &nobody, &mark), ("try", &Unroutable, &tried)]
            {
                let (router, _dealer) = at_the_mark(options(), &name(call)).await;
                for (identity, expected) in [("full", mark), ("nobody", nobody)] {
                    let before = router.stats().dropped_total();
                    let message = [identity, "y"];
                    let sent = match call {
                        "send" => match poll!(pin!(router.send(message))) {
                            std::task::Poll::Ready(sent) => Some(sent),
                            std::task::Poll::Pending => None,
                        },
                        "feed" => match poll!(pin!(router.feed(message))) {
                            std::task::Poll::Ready(sent) => Some(sent),
                            std::task::Poll::Pending => None,
                        },
                        _ => {
                            assert_eq!(
                                fate(&router, before, Some(router.send_buffered(message))),
                                *expected,
                                "{row} send_buffered to {identity}"
                            );
                            Some(router.try_send(message))
                        }
                    };
                    let found = match fate(&router, before, sent) {
                        // Both causes are there by now.
                        Dropped(_) if identity == "nobody" => Dropped(DropCause::Unroutable),
                        found => found,
                    };
                    assert_eq!(found, *expected, "{row} {call} to {identity}");
                    balanced(&router.stats());
                }
            }
        }
    });
}

/// A publisher that is told to wait does: one subscriber that does not read stops it, and by default none
/// does.
#[test]
fn a_stalled_subscriber_stops_a_publisher_only_where_it_is_to_wait() {
    for on_full in [None, Some(OnFull::Wait)] {
        rt::run(async move {
            let options = SocketOptions::default().with_send_hwm(5).with_on_full(on_full);
            let publisher = XPubSocket::bind_with_options(ANY, options).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let stalled = stalled_subscriber(&endpoint);
            let sub = SubSocket::connect(&endpoint).await.unwrap();
            sub.subscribe("").unwrap();
            publisher.wait_for_subscribers("", 2).await.unwrap();
            let large = || Message::from(vec![0; 200_000]);
            let mut published = 0;
            // What the kernel has taken for the stalled one, and its mark, do not count.
            while published < 200 {
                let send = publisher.send(large());
                match rt::timeout(std::time::Duration::from_millis(500), send).await {
                    Some(sent) => sent.unwrap(),
                    None => break,
                }
                sub.recv().await.unwrap();
                published += 1;
            }
            let dropped = publisher.stats().dropped(DropCause::PeerFull);
            match on_full {
                None => assert!(published == 200 && dropped > 0, "{published} {dropped}"),
                Some(_) => assert!(published < 200 && dropped == 0, "{published} {dropped}"),
            }
            drop(stalled);
        });
    }
}

/// A subscriber to everything that completes the handshake and reads nothing.
fn stalled_subscriber(endpoint: &Endpoint) -> std::net::TcpStream {
    let mut stalled = std::net::TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    stalled.write_all(&rt::opening("SUB", b"")).unwrap();
    stalled.write_all(b"\x00\x01\x01").unwrap();
    stalled
}

/// Each publication reaches the subscriber that reads, until those for the other were dropped, and on.
async fn is_informed<F: Future<Output = Result<(), SendError>>>(
    sub: &SubSocket,
    publish: impl Fn(Message) -> F,
    enough: impl Fn() -> bool,
) {
    let mut published = 0_u64;
    while published < 50 || !enough() {
        let message = Message::from([Frame::from(published.to_be_bytes()), Frame::from(vec![0; 100_000])]);
        publish(message.clone()).await.unwrap();
        assert_eq!(sub.recv().await.unwrap(), message);
        published += 1;
    }
}

/// The application subscribes its peers itself, and the one that does not read is like any other.
#[test]
fn a_stalled_subscriber_stops_no_manual_publisher() {
    rt::run(async {
        let options = SocketOptions::default().with_xpub_manual(true).with_send_hwm(5);
        let publisher = XPubSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let _stalled = stalled_subscriber(&endpoint);
        let sub = SubSocket::connect(&endpoint).await.unwrap();
        sub.subscribe("").unwrap();
        for _ in 0..2 {
            assert_eq!(publisher.recv().await.unwrap()[0], [1]);
            publisher.subscribe("").unwrap();
        }
        is_informed(
            &sub,
            |message| publisher.send(message),
            || publisher.stats().dropped(DropCause::PeerFull) > 10,
        )
        .await;
        balanced(&publisher.stats());
    });
}

/// Behind a forwarder, too.
#[test]
fn a_stalled_subscriber_stops_no_forwarder() {
    rt::run(async {
        let publisher = PubSocket::bind(ANY).await.unwrap();
        let frontend = XSubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
        let options = SocketOptions::default().with_send_hwm(5);
        let backend = XPubSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = backend.local_endpoint().unwrap();
        let test = async {
            let _stalled = stalled_subscriber(&endpoint);
            let sub = SubSocket::connect(&endpoint).await.unwrap();
            sub.subscribe("").unwrap();
            backend.wait_for_subscribers("", 2).await.unwrap();
            publisher.wait_for_subscribers("", 1).await.unwrap();
            let dropped = || backend.stats().dropped(DropCause::PeerFull) > 10;
            is_informed(&sub, |message| publisher.send(message), dropped).await;
        };
        beside(proxy(&frontend, &backend), test).await;
    });
}
