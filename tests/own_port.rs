//! Dialling a free port of one's own machine meets, once in some thousand attempts, its own source port:
//! TCP then connects the socket to itself. It must not count as a connection.
//!
//! A binary of its own, because the port must be nobody else's meanwhile.
#![cfg(any(feature = "tokio", feature = "compio"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::net::{SocketAddr, TcpListener, TcpStream};

#[path = "support/mod.rs"]
mod support;

/// Attempts: enough that without the check most runs would fail.
const ATTEMPTS: u64 = 20_000;
/// Dials at once, each with a pause of a millisecond at least.
const DIALS: usize = 100;

macro_rules! test_runtime {
    ($name:ident, $feature:literal) => {
        #[cfg(feature = $feature)]
        mod $name {
            use crate::support::$name as rt;
            use crate::support::$name::*;
            use std::time::Duration;

            #[test]
            fn a_free_port_never_answers() {
                rt::run(async {
                    let options = SocketOptions::default()
                        .with_backoff(Backoff::new().with_initial(Duration::ZERO).with_max(Duration::ZERO));
                    let push = PushSocket::new(options).unwrap();
                    let mut monitor = push.monitor();
                    let endpoint = crate::free_port();
                    for _ in 0..crate::DIALS {
                        push.connect_to(endpoint).unwrap();
                    }
                    let mut failed = 0;
                    while failed + monitor.missed().endpoints / 3 < crate::ATTEMPTS {
                        match monitor.next().await.unwrap() {
                            SocketEvent::ConnectFailed { cause, .. } => {
                                assert_eq!(cause.kind(), ErrorKind::ConnectionRefused, "{cause}");
                                failed += 1;
                            }
                            SocketEvent::Connected { .. } => panic!("connected to itself"),
                            _ => {}
                        }
                    }
                    let stats = push.stats();
                    assert_eq!((stats.connects, stats.handshakes_failed), (0, 0));
                });
            }
        }
    };
}

test_runtime!(tokio, "tokio");
test_runtime!(compio, "compio");

/// A free port of those that source ports are taken from: Linux has every second one for that, and the
/// others for listeners. On IPv6 where there is any, which fewer others use.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("127.0.0.1:0")).unwrap();
    let local = listener.local_addr().unwrap();
    let mut port = TcpStream::connect(local).unwrap().local_addr().unwrap();
    loop {
        port.set_port(port.port().checked_sub(2).unwrap());
        if TcpListener::bind(port).is_ok() {
            return port;
        }
    }
}
