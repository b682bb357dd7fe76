//! Peers that are not ours, spoken for by rustls over plain streams, and those that speak no TLS at all.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use monocoque::runtime::tls::rustls::pki_types::ServerName;
use monocoque::runtime::tls::rustls::{ClientConnection, StreamOwned};

use super::rt::{self, *};
use crate::certificates::AUTHORITY;

const ANY: &str = "tcp://127.0.0.1:0";

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn tcp(endpoint: &Endpoint) -> TcpStream {
    TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap()
}

/// A DEALER by hand, with both handshakes done.
fn client(endpoint: &Endpoint) -> Stream {
    let config = AUTHORITY.client(Some(AUTHORITY.issue(&["client"])));
    let session = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, tcp(endpoint));
    rt::handshake(&mut stream, "DEALER", b"").unwrap();
    stream
}

async fn echo(router: RouterSocket) {
    while let Ok(message) = router.recv().await {
        if router.send(message).await.is_err() {
            return;
        }
    }
}

/// A ROUTER that gives back what it gets.
async fn echoing() -> (RouterSocket, Endpoint) {
    let router = RouterSocket::bind(ANY).await.unwrap();
    let endpoint = router.local_endpoint().unwrap();
    rt::spawn(echo(router.clone()));
    (router, endpoint)
}

#[test]
fn an_end_that_is_not_said_in_tls_is_an_error() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let mut monitor = router.monitor();
        for says_so in [true, false] {
            let to = endpoint.clone();
            let stream = rt::blocking(move || {
                let mut stream = client(&to);
                if says_so {
                    stream.conn.send_close_notify();
                    stream.flush().unwrap();
                }
                stream.sock.shutdown(Shutdown::Write).unwrap();
                stream
            });
            let _stream = stream.await;
            let reason = loop {
                if let Some(SocketEvent::Disconnected { reason, .. }) = monitor.next().await {
                    break reason;
                }
            };
            match reason {
                DisconnectReason::EndOfStream => assert!(says_so),
                DisconnectReason::Io(error) => {
                    assert!(!says_so && error.kind() == ErrorKind::UnexpectedEof, "{error}");
                    assert!(error.to_string().contains("close_notify"), "{error}");
                }
                other => panic!("{other}"),
            }
        }
    });
}

/// Both directions, in the middle of traffic.
#[test]
fn keys_are_renewed_while_messages_pass() {
    const MESSAGES: usize = 500;
    rt::run(async {
        let (router, endpoint) = echoing().await;
        let done = rt::blocking(move || {
            let mut stream = client(&endpoint);
            for number in 0..MESSAGES {
                if number % 10 == 0 {
                    stream.conn.refresh_traffic_keys().unwrap();
                }
                let frame = [0, 2, (number >> 8) as u8, number as u8];
                stream.write_all(&frame).unwrap();
                let mut echoed = [0; 4];
                stream.read_exact(&mut echoed).unwrap();
                assert_eq!(echoed, frame);
            }
        });
        done.await;
        router.close().await;
    });
}

/// One that asks and never reads holds up itself: what is for it stops at the mark, others are answered, and the socket
/// closes in time.
#[test]
fn one_that_never_reads_stalls_nobody() {
    rt::run(async {
        let options = SocketOptions::default()
            .with_router_mandatory(true)
            .with_send_hwm(10)
            .with_linger(Duration::from_millis(100));
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let to = endpoint.clone();
        let deaf = rt::blocking(move || {
            let mut stream = client(&to);
            stream.write_all(b"\0\x01x").unwrap();
            stream
        })
        .await;
        let (identity, _) = router.recv_from().await.unwrap();
        let large = Bytes::from(vec![7; 1_000_000]);
        while router.try_send((identity.clone(), large.clone())).is_ok() {}
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        for _ in 0..100 {
            dealer.send("x").await.unwrap();
            let (identity, message) = router.recv_from().await.unwrap();
            router.send_to(identity, message).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], "x");
        }
        router.close().await;
        drop(deaf);
    });
}

/// At each stage of a connection, with more of it behind, and whoever says it may hang up at once.
#[test]
fn noise_ends_its_own_connection_and_nothing_else() {
    rt::run(async {
        let (router, endpoint) = echoing().await;
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        let noises: [&[u8]; 6] = [
            &[0x17, 3, 3, 0, 32],
            &[0x17, 3, 3, 0xFF, 0xFF],
            &[0x15, 3, 3, 0, 2, 2, 80],
            &[0x14, 3, 3, 0, 1, 1, 0x14, 3, 3, 0, 1, 1, 0x14, 3, 3, 0, 1, 1],
            &[0x16, 3, 3, 0, 4, 1, 0xFF, 0xFF, 0xFF],
            b"GET / HTTP/1.1\r\n\r\n",
        ];
        for (noise, stage) in noises.iter().flat_map(|noise| [0, 1, 2].map(|stage| (*noise, stage))) {
            let to = endpoint.clone();
            let noise = [noise, &[9; 1_000]].concat();
            rt::blocking(move || {
                for waits in [true, false] {
                    let mut stream = match stage {
                        0 => tcp(&to),
                        1 => {
                            let mut stream = tcp(&to);
                            let name = ServerName::try_from("localhost").unwrap();
                            let config = AUTHORITY.client(Some(AUTHORITY.issue(&["client"])));
                            let mut session = ClientConnection::new(config, name).unwrap();
                            session.write_tls(&mut stream).unwrap();
                            stream
                        }
                        _ => client(&to).sock,
                    };
                    let _ = stream.write_all(&noise);
                    if waits {
                        let _ = stream.read_to_end(&mut Vec::new());
                    }
                }
            })
            .await;
            dealer.send("x").await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], "x");
        }
        assert_eq!(dealer.stats().connects, 1);
        router.close().await;
    });
}

/// New keys bring nothing to receive: whoever sends nothing else gets no more than its turn.
#[test]
fn new_keys_without_end_stall_nobody() {
    rt::run(async {
        let (router, endpoint) = echoing().await;
        let to = endpoint.clone();
        let stream = rt::blocking(move || client(&to)).await;
        let flood = std::thread::spawn(move || {
            let mut stream = stream;
            for _ in 0..20_000 {
                if stream.conn.refresh_traffic_keys().and(Ok(())).is_err() || stream.flush().is_err() {
                    break;
                }
            }
        });
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        for _ in 0..100 {
            dealer.send("x").await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], "x");
        }
        rt::blocking(move || flood.join().unwrap()).await;
        router.close().await;
    });
}

/// Nothing, and the beginning of a handshake.
#[test]
fn handshakes_that_do_not_end_are_ended_and_stall_nobody() {
    const SILENT: usize = 20;
    rt::run(async {
        let options = SocketOptions::default().with_handshake_timeout(Duration::from_millis(500));
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let mut monitor = router.monitor();
        let silent: Vec<_> = (0..SILENT)
            .map(|number| {
                let mut stream = tcp(&endpoint);
                stream.write_all(&b"\x16\x03\x01\x02\x00\x01"[..number % 7]).unwrap();
                stream
            })
            .collect();
        rt::spawn(echo(router.clone()));
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        for _ in 0..100 {
            dealer.send("x").await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], "x");
        }
        for _ in 0..SILENT {
            loop {
                match monitor.next().await.unwrap() {
                    SocketEvent::HandshakeFailed { cause: Error::Timeout(_), .. } => break,
                    SocketEvent::HandshakeFailed { cause, .. } => panic!("{cause}"),
                    _ => {}
                }
            }
        }
        drop(silent);
        router.close().await;
    });
}

#[test]
fn a_thousand_raw_connections_stall_nobody() {
    rt::run(async {
        let (router, endpoint) = echoing().await;
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        let to = endpoint.clone();
        let knocking = rt::blocking(move || {
            for number in 0..1_000_u32 {
                let mut stream = tcp(&to);
                // What is unread at the end resets the connection; that is as good an end as any.
                let _ = stream.write_all(&[0x16, 3, 1, number as u8, 0, 1, 2, 3][..number as usize % 9]);
            }
        });
        let serving = async {
            for _ in 0..200 {
                dealer.send("x").await.unwrap();
                assert_eq!(dealer.recv().await.unwrap()[0], "x");
            }
        };
        futures_util::future::join(knocking, serving).await;
        DealerSocket::connect(&endpoint).await.unwrap();
        router.close().await;
    });
}
