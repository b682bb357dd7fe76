//! An address is free again when its socket has let it go: for anybody once `close` returns or the event
//! says so, and for sockets of this process at once.

use super::rt::{self, *};
use std::io;

const ROUNDS: usize = 50;

/// A name in each family of addresses; the folder is where one of them is.
fn addresses(folder: &Folder) -> Vec<String> {
    let mut addresses = vec![rt::vacant()];
    if cfg!(unix) {
        addresses.push(folder.socket("socket").1);
    }
    if cfg!(target_os = "linux") {
        addresses.push(format!("ipc://@monocoque-rebind-{}-{:016x}", std::process::id(), fastrand::u64(..)));
    }
    addresses
}

/// Binds as a stranger does, who waits for nobody.
fn bind_plainly(endpoint: &str) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(name) = endpoint.strip_prefix("ipc://@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return std::os::unix::net::UnixListener::bind_addr(&address).map(drop);
    }
    #[cfg(unix)]
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        std::os::unix::net::UnixListener::bind(path)?;
        return std::fs::remove_file(path);
    }
    std::net::TcpListener::bind(endpoint.strip_prefix("tcp://").unwrap()).map(drop)
}

#[test]
fn after_close_the_address_is_free() {
    rt::run(async {
        let folder = Folder::new();
        for endpoint in addresses(&folder) {
            for round in 0..ROUNDS {
                let pull = PullSocket::bind(&endpoint).await.unwrap_or_else(|e| panic!("{round}: {e}"));
                // With a connection or without.
                let push = PushSocket::connect_with_reconnect(&endpoint).await.unwrap();
                if round % 2 == 0 {
                    pull.wait_for_peers(1).await.unwrap();
                }
                drop(push);
                pull.close().await;
                bind_plainly(&endpoint).unwrap_or_else(|error| panic!("{endpoint}, round {round}: {error}"));
            }
        }
    });
}

#[test]
fn every_handle_that_closes_waits_for_it() {
    rt::run(async {
        let endpoint = rt::vacant();
        for _ in 0..ROUNDS {
            let pull = PullSocket::bind(&endpoint).await.unwrap();
            let other = pull.clone();
            futures_util::future::join(pull.close(), async {
                other.close().await;
                bind_plainly(&endpoint).unwrap();
            })
            .await;
        }
    });
}

#[test]
fn a_bind_waits_for_what_was_let_go() {
    rt::run(async {
        let folder = Folder::new();
        for endpoint in addresses(&folder) {
            let mut pull = PullSocket::bind(&endpoint).await.unwrap();
            for round in 0..ROUNDS {
                let context = format!("{endpoint}, round {round}");
                drop(pull);
                pull = PullSocket::bind(&endpoint).await.expect(&context);
                pull.unbind(&endpoint).unwrap();
                pull.bind_to(&endpoint).await.expect(&context);
                pull.unbind(&endpoint).unwrap();
                let other = PullSocket::bind(&endpoint).await.expect(&context);
                // And not for those who keep it.
                let taken = PullSocket::bind(&endpoint).await.unwrap_err();
                assert_eq!(taken.kind(), ErrorKind::AddrInUse);
                pull = other;
            }
        }
    });
}

#[test]
fn the_event_comes_when_the_address_is_free() {
    rt::run(async {
        let folder = Folder::new();
        for endpoint in addresses(&folder) {
            for _ in 0..ROUNDS {
                let pull = PullSocket::bind(&endpoint).await.unwrap();
                let mut monitor = pull.monitor();
                pull.unbind(&endpoint).unwrap();
                match monitor.next().await {
                    Some(SocketEvent::Unbound { endpoint: unbound }) => {
                        assert_eq!(unbound.to_string(), endpoint);
                    }
                    other => panic!("{other:?}"),
                }
                bind_plainly(&endpoint).unwrap();
            }
        }
    });
}

/// A listener that was let go before it was there, and one whose `bind_to` nobody waits for, end too.
#[test]
fn what_is_being_bound_can_be_let_go() {
    rt::run(async {
        for endpoint in [rt::vacant(), "tcp://localhost:0".into(), "tcp://127.0.0.1:*".into()] {
            let pull = PullSocket::new(SocketOptions::default()).unwrap();
            let mut monitor = pull.monitor();
            // A companion on another thread may be faster.
            let bound = futures_util::FutureExt::now_or_never(pull.bind_to(&endpoint)).transpose().unwrap();
            pull.unbind(bound.map_or(endpoint, |local| local.to_string())).unwrap();
            pull.close().await;
            loop {
                match monitor.next().await.expect("it ends by being closed") {
                    SocketEvent::Listening { .. } | SocketEvent::Unbound { .. } => {}
                    SocketEvent::Closed { unsent: 0 } => break,
                    other => panic!("{other}"),
                }
            }
        }
    });
}
