//! What is in doubt when a connection has ended, as the kernel's own answers tell.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::rt::{self, *};

/// A DEALER by hand, with its own connection.
fn client(endpoint: &Endpoint) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    rt::handshake(&mut stream, "DEALER", b"").unwrap();
    stream
}

/// Until the peers are gone, and the kernel has told what there is to tell about them.
async fn settled(server: &RouterSocket, ends: u64, in_doubt: u64) -> SocketStats {
    loop {
        let stats = server.stats();
        if stats.disconnects() == ends && stats.in_doubt == in_doubt {
            return stats;
        }
        rt::yield_now().await;
    }
}

/// The loop of a server: every request comes back.
async fn echo(server: RouterSocket) {
    while let Ok(message) = server.recv().await {
        if server.send(message).await.is_err() {
            return;
        }
    }
}

const CLIENTS: u64 = 250;
const REQUESTS: u64 = 50;

/// Far below where a PING would ride on traffic: only their ends prove anything.
async fn short_clients(endpoint: &str) {
    let server = RouterSocket::bind(endpoint).await.unwrap();
    let endpoint = server.local_endpoint().unwrap();
    rt::spawn(echo(server.clone()));
    for _ in 0..CLIENTS {
        let client = DealerSocket::connect(&endpoint).await.unwrap();
        for _ in 0..REQUESTS {
            client.send("request").await.unwrap();
            client.recv().await.unwrap();
        }
        let seen = client.clone();
        assert_eq!(client.close().await, 0);
        assert_eq!((seen.stats().sent, seen.stats().in_doubt), (REQUESTS, 0));
    }
    let stats = settled(&server, CLIENTS, 0).await;
    assert_eq!((stats.sent, stats.delivered), (CLIENTS * REQUESTS, CLIENTS * REQUESTS));
    server.close().await;
}

#[test]
fn nothing_is_in_doubt_where_clients_come_and_go_in_order() {
    rt::run(short_clients("tcp://127.0.0.1:0"));
}

#[cfg(unix)]
#[test]
fn nothing_is_in_doubt_where_clients_come_and_go_in_order_on_one_host() {
    rt::run(async {
        let folder = Folder::new();
        short_clients(&folder.socket("socket").1).await;
    });
}

/// Sends `messages` to whoever has asked once.
async fn answer(server: &RouterSocket, messages: usize) {
    let (identity, _) = server.recv_from().await.unwrap();
    for _ in 0..messages {
        server.send_to(identity.clone(), "reply").await.unwrap();
    }
    server.flush().await.unwrap();
}

/// A request, and the replies to it: a short frame of 5 bytes each.
fn ask(mut stream: &TcpStream) {
    stream.write_all(b"\0\x03ask").unwrap();
}

fn take(mut stream: &TcpStream, replies: usize) {
    stream.read_exact(&mut vec![0; 7 * replies]).unwrap();
}

/// Closing with something unread resets the connection, and so does a peer that asks for a reset.
#[test]
fn what_a_peer_leaves_unread_is_in_doubt() {
    rt::run(async {
        let server = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = server.local_endpoint().unwrap();
        for (gone, reset) in [(1, false), (2, true)] {
            let to = endpoint.clone();
            let opening = rt::blocking(move || {
                let stream = client(&to);
                ask(&stream);
                stream
            });
            let (stream, ()) = futures_util::future::join(opening, answer(&server, 20)).await;
            if reset {
                socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
            }
            take(&stream, 10);
            drop(stream);
            settled(&server, gone, gone * 20).await;
        }
        assert_eq!(server.stats().sent, 40);
    });
}

/// It had come in whole when the peer refused it: that it arrived is certain, what became of it is for the peer to count.
#[test]
fn what_a_peer_has_read_and_refused_is_not_in_doubt() {
    rt::run(async {
        let small = SocketOptions::default().with_max_message_size(10);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", small).await.unwrap();
        let options = SocketOptions::default().with_reconnect(false);
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
        push.send(vec![0; 100]).await.unwrap();
        loop {
            let stats = push.stats();
            if stats.disconnects() == 1 && stats.in_doubt == 0 {
                assert_eq!((stats.accepted, stats.sent, stats.dropped_total()), (1, 1, 0));
                break;
            }
            rt::yield_now().await;
        }
        assert_eq!(pull.stats().disconnects_by(DisconnectKind::Protocol), 1);
        assert!(pull.try_recv().is_err());
    });
}

/// One that has read everything is proven to have by the end of its stream, also if it is killed.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_is_killed_leaves_in_doubt_what_it_had_not_read() {
    rt::run(async {
        let server = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let port = server.local_endpoint().unwrap().port().unwrap();
        let opening = crate::support::opening("DEALER", b"");
        for (gone, reads, in_doubt) in [(1, 20, 0), (2, 10, 20)] {
            // What it is given on the way in is what it sends; what it is sent it reads up to the last byte.
            let handshake = 64 + 2 + ready_len();
            let script = format!(
                "exec 3<>/dev/tcp/127.0.0.1/{port}; cat >&3; head -c {} <&3; echo; exec sleep 1000",
                handshake + 7 * reads
            );
            let mut child = std::process::Command::new("bash")
                .args(["-c", &script])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut says = child.stdin.take().unwrap();
            says.write_all(&[&opening[..], b"\0\x03ask"].concat()).unwrap();
            drop(says);
            answer(&server, 20).await;
            let mut hears = child.stdout.take().unwrap();
            let mut heard = vec![0; handshake + 7 * reads + 1];
            hears.read_exact(&mut heard).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            let stats = settled(&server, gone, in_doubt).await;
            assert_eq!(stats.sent, gone * 20);
        }
    });
}

/// Of our READY as a ROUTER.
#[cfg(target_os = "linux")]
fn ready_len() -> usize {
    let identity = 1 + "Identity".len() + 4;
    "\x05READY".len() + 1 + "Socket-Type".len() + 4 + "ROUTER".len() + identity
}
