//! What somebody tries at the door, or between two ends, over sockets of the system; docs/security-audit.md lists it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_util::future::{self, Either};
use monocoque::ProtocolError;
use monocoque::security::{CurveKeypair, allow_keys, allow_users};

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";

fn options() -> SocketOptions {
    SocketOptions::default().with_reconnect_interval(Duration::from_millis(2))
}

/// The options of a server and a client that fit.
fn curve() -> [SocketOptions; 2] {
    let [server, client] = [0; 2].map(|_| CurveKeypair::generate().unwrap());
    let joined = options().with_curve_client(server.public_key(), client.clone());
    [options().with_curve_server(server, allow_keys([client.public_key()])), joined]
}

fn plain() -> [SocketOptions; 2] {
    let server = options().with_plain_server(allow_users([("ann", "secret")]));
    [server, options().with_plain_client("ann", "secret")]
}

/// A greeting, or a frame with its header.
type Part = Vec<u8>;

fn read_part(from: &mut TcpStream, is_first: bool) -> Option<Part> {
    let mut part = vec![0; if is_first { 64 } else { 1 }];
    from.read_exact(&mut part).ok()?;
    if !is_first {
        let mut len = [0; 8];
        let digits = if part[0] & 2 == 0 { &mut len[7..] } else { &mut len[..] };
        from.read_exact(digits).ok()?;
        part.extend_from_slice(digits);
        let header = part.len();
        part.resize(header + usize::try_from(u64::from_be_bytes(len)).unwrap(), 0);
        from.read_exact(&mut part[header..]).ok()?;
    }
    Some(part)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    ToServer,
    ToClient,
}

/// Somebody between a client and a server, who hears the parts that either says.
struct Between {
    endpoint: String,
    heard: [Arc<Mutex<Vec<Part>>>; 2],
}

impl Between {
    /// What goes on in place of the last of the parts so far is what `meddle` makes of them.
    fn new(server: &Endpoint, meddle: impl Fn(Way, &[Part]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let heard: [Arc<Mutex<Vec<Part>>>; 2] = Default::default();
        let (port, [there, back], meddle) = (server.port().unwrap(), heard.clone(), Arc::new(meddle));
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (from, to, meddles) =
                (server.try_clone().unwrap(), client.try_clone().unwrap(), meddle.clone());
            thread::spawn(move || carry(from, to, &back, |parts| meddles(Way::ToClient, parts)));
            carry(client, server, &there, |parts| meddle(Way::ToServer, parts));
        });
        Self { endpoint, heard }
    }

    fn of_the_client(&self) -> Vec<Part> {
        self.heard[0].lock().unwrap().clone()
    }
}

fn carry(
    mut from: TcpStream,
    mut to: TcpStream,
    heard: &Mutex<Vec<Part>>,
    meddle: impl Fn(&[Part]) -> Vec<u8>,
) {
    let mut is_first = true;
    while let Some(part) = read_part(&mut from, is_first) {
        is_first = false;
        let said = {
            let mut heard = heard.lock().unwrap();
            heard.push(part);
            meddle(&heard)
        };
        if to.write_all(&said).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn honest(_: Way, parts: &[Part]) -> Vec<u8> {
    parts.last().cloned().unwrap()
}

async fn end_of_connection(monitor: &mut Monitor) {
    while !matches!(
        monitor.next().await.unwrap(),
        SocketEvent::HandshakeFailed { .. } | SocketEvent::Disconnected { .. }
    ) {}
}

/// Each command and each message, said once more at each later place of the same connection, in both directions.
#[test]
fn what_is_said_again_ends_the_connection() {
    rt::run(async {
        let [server, client] = curve();
        // HELLO or WELCOME, INITIATE or READY, and two messages.
        let places = (1..5).flat_map(|at| (1..=at).map(move |again| (at, again)));
        let cases = places.flat_map(|place| [(Way::ToServer, place), (Way::ToClient, place)]);
        for (way, (at, again)) in cases {
            let case = format!("{way:?}: {again} after {at}");
            let router = RouterSocket::bind_with_options(ANY, server.clone()).await.unwrap();
            let between = Between::new(&router.local_endpoint().unwrap(), move |to, parts| {
                let doubled = if to == way && parts.len() == at + 1 { &parts[again][..] } else { &[] };
                [parts.last().unwrap(), doubled].concat()
            });
            let dealer = DealerSocket::new(client.clone().with_reconnect(false)).unwrap();
            // Before the first word: it may all be over by the next line.
            let mut monitor = if way == Way::ToServer { router.monitor() } else { dealer.monitor() };
            dealer.connect_to(&between.endpoint).unwrap();
            let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
            let talk = async {
                for text in ["one", "two"] {
                    dealer.send(text).await.ok()?;
                    let (identity, message) = router.recv_from().await.ok()?;
                    at_server.push(message.clone());
                    router.send_to(identity, message).await.ok()?;
                    at_client.push(dealer.recv().await.ok()?);
                }
                Some(())
            };
            let mut ended = pin!(end_of_connection(&mut monitor));
            if let Either::Left((_, _)) = future::select(pin!(talk), &mut ended).await {
                ended.await;
            }
            at_server.extend(std::iter::from_fn(|| router.try_recv().ok()));
            at_client.extend(std::iter::from_fn(|| dealer.try_recv().ok()));
            for received in [at_server, at_client] {
                let texts: Vec<_> =
                    received.iter().map(|message| message.iter().last().unwrap().to_vec()).collect();
                assert!(
                    ["one", "two"].iter().map(|text| text.as_bytes()).take(texts.len()).eq(&texts),
                    "{case}: {texts:?}"
                );
            }
        }
    });
}

/// What the server says to somebody who says these parts in one go, and then no more.
fn knock(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut heard = Vec::new();
    if stream.write_all(&parts.concat()).and_then(|()| stream.shutdown(Shutdown::Write)).is_ok() {
        // A reset is as good an end as any.
        let _ = stream.read_to_end(&mut heard);
    }
    heard
}

/// Up to three of what a client has said, in every order.
fn sequences(said: &[Part]) -> Vec<Vec<&[u8]>> {
    let mut all: Vec<Vec<&[u8]>> = vec![vec![]];
    let mut longest = 0..1;
    for _ in 0..3 {
        let begun: Vec<_> = all[longest.clone()].to_vec();
        longest = all.len()..all.len() + begun.len() * said.len();
        all.extend(begun.iter().flat_map(|begun| said.iter().map(|part| [&begun[..], &[part]].concat())));
    }
    all
}

/// Every command and message of a session on other connections, in every order, to the server that heard them and to
/// the one that has its key after it.
#[test]
fn what_was_heard_leads_nowhere_whatever_its_order_and_after_a_restart() {
    rt::run(async {
        let [server, client] = curve();
        let mut said = Vec::new();
        for restarted in [false, true] {
            let pull = PullSocket::bind_with_options(ANY, server.clone()).await.unwrap();
            let at = pull.local_endpoint().unwrap();
            if !restarted {
                let between = Between::new(&at, honest);
                let push = PushSocket::connect_with_options(&between.endpoint, client.clone()).await.unwrap();
                for text in ["one", "two"] {
                    push.send(text).await.unwrap();
                    assert_eq!(pull.recv().await.unwrap()[0], text);
                }
                said = between.of_the_client();
            }
            let before = (pull.stats().connects, pull.stats().received);
            let [greeting, said @ ..] = &said[..] else { panic!("nothing was said") };
            assert_eq!(said.len(), 4);
            let (greeting, said, port) = (greeting.clone(), said.to_vec(), at.port().unwrap());
            let heard = rt::blocking(move || {
                let knocks = sequences(&said)
                    .into_iter()
                    .map(|parts| knock(port, &[&[&greeting[..]], &parts[..]].concat()));
                knocks.collect::<Vec<_>>()
            })
            .await;
            assert_eq!(heard.len(), 1 + 4 + 16 + 64);
            // The greeting and WELCOME, and an ERROR where there is no HELLO; nobody gets a READY.
            assert!(heard.iter().all(|heard| heard.len() <= 64 + 170), "{heard:?}");
            assert!(heard.iter().any(|heard| heard.len() == 64 + 170));
            assert_eq!((pull.stats().connects, pull.stats().received), before);
            assert!(pull.try_recv().is_err() && pull.stats().handshakes_failed > 0);
        }
    });
}

const MECHANISMS: [&str; 7] = ["NULL", "PLAIN", "CURVE", "GSSAPI", "curve", "CURVE\u{1}", ""];

/// Greetings of all mechanisms, versions and roles.
fn greetings() -> impl Iterator<Item = Vec<u8>> {
    MECHANISMS.into_iter().flat_map(|mechanism| {
        [(0, 1), (1, 0), (2, 0), (3, 0), (3, 1), (3, 255), (4, 0)].into_iter().flat_map(
            move |(major, minor)| {
                [0, 1, 255].map(|as_server| {
                    let mut greeting = rt::greeting(mechanism);
                    greeting[10..12].copy_from_slice(&[major, minor]);
                    greeting[32] = as_server;
                    greeting
                })
            },
        )
    })
}

/// What each mechanism would have said, with a message behind it.
fn speeches() -> [Vec<u8>; 4] {
    let command = |name: &str, data: &[u8]| {
        let body = [&[name.len() as u8], name.as_bytes(), data].concat();
        [&[4, body.len() as u8], &body[..]].concat()
    };
    let metadata = b"\x0bSocket-Type\0\0\0\x04PUSH";
    let message = &b"\0\x01x"[..];
    [
        message.to_vec(),
        [&command("READY", metadata), message].concat(),
        [&command("HELLO", b"\x03ann\x05wrong")[..], &command("INITIATE", metadata), message].concat(),
        [&command("INITIATE", metadata)[..], &command("READY", metadata), message].concat(),
    ]
}

/// Whatever is offered in place of what was asked for, by somebody who has neither key nor password.
#[test]
fn no_greeting_leads_around_a_mechanism() {
    rt::run(async {
        for [server, _] in [plain(), curve()] {
            let pull = PullSocket::bind_with_options(ANY, server).await.unwrap();
            let port = pull.local_endpoint().unwrap().port().unwrap();
            rt::blocking(move || {
                for greeting in greetings() {
                    for speech in speeches() {
                        let heard = knock(port, &[&greeting, &speech]);
                        assert!(
                            !heard.windows(5).any(|window| window == b"READY"),
                            "{greeting:?} {speech:?}"
                        );
                    }
                }
            })
            .await;
            let stats = pull.stats();
            assert_eq!((stats.connects, stats.received, pull.peers().len()), (0, 0, 0));
        }
    });
}

/// The same by one that is connected to: it hears of no client more than a key for the connection.
#[test]
fn no_greeting_has_a_client_speak_in_the_clear() {
    rt::run(async {
        let [_, client] = curve();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("tcp://{}", listener.local_addr().unwrap());
        let cases: Vec<_> =
            greetings().flat_map(|greeting| speeches().map(|speech| (greeting.clone(), speech))).collect();
        let count = cases.len();
        let impostor = rt::blocking(move || {
            for (greeting, speech) in cases {
                let (mut stream, _) = listener.accept().unwrap();
                let mut heard = Vec::new();
                let _ = stream.write_all(&[&greeting[..], &speech].concat());
                let _ = stream.read_to_end(&mut heard);
                assert!(heard.len() <= 64 + 202, "{greeting:?} {speech:?}: {heard:?}");
            }
        });
        let clients = async {
            for _ in 0..count {
                let once = client.clone().with_identity("ann").with_reconnect(false);
                assert!(PushSocket::connect_with_options(&at, once).await.is_err());
            }
        };
        future::join(impostor, clients).await;
    });
}

/// What is in the greetings besides has no say in who is let in and what is sealed.
#[test]
fn roles_and_versions_that_are_changed_on_the_way_change_nothing() {
    rt::run(async {
        for (place, byte) in [(32, 1), (32, 255), (10, 4), (11, 0), (11, 255), (63, 7)] {
            let [server, client] = curve();
            let pull = PullSocket::bind_with_options(ANY, server).await.unwrap();
            let between = Between::new(&pull.local_endpoint().unwrap(), move |_, parts| {
                let mut part = parts.last().cloned().unwrap();
                if parts.len() == 1 {
                    part[place] = byte;
                }
                part
            });
            let push = PushSocket::connect_with_options(&between.endpoint, client).await.unwrap();
            push.send("a secret message").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "a secret message");
            let heard = between.of_the_client().concat();
            assert!(!heard.windows(6).any(|window| window == b"secret"), "{place} {byte}");
        }
    });
}

/// The greetings are not protected either.
#[test]
fn a_greeting_of_somebody_in_between_stops_a_client() {
    rt::run(async {
        for (place, bytes) in [(12, &b"NULL\0"[..]), (10, &[2])] {
            let [server, client] = curve();
            let pull = PullSocket::bind_with_options(ANY, server).await.unwrap();
            let between = Between::new(&pull.local_endpoint().unwrap(), move |way, parts| {
                let mut part = parts.last().cloned().unwrap();
                if way == Way::ToClient {
                    part[place..][..bytes.len()].copy_from_slice(bytes);
                }
                part
            });
            let push =
                PushSocket::connect_with_reconnect_and_options(&between.endpoint, client).await.unwrap();
            let error = push.wait_for_peers(1).await.unwrap_err();
            let Error::GaveUp { cause, .. } = &error else { panic!("{error:?}") };
            let Error::Protocol(cause) = &**cause else { panic!("{cause:?}") };
            assert!(
                matches!(
                    **cause,
                    ProtocolError::MechanismMismatch { .. } | ProtocolError::UnsupportedVersion { .. }
                ),
                "{cause:?}"
            );
        }
    });
}
