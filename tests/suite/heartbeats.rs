//! Heartbeats and a peer that does not read: its window is closed for longer than every timer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::rt::{self, *};

const MESSAGES: usize = 400;
const SIZE: usize = 10_000;

/// Every timer is over several times while nothing is read.
fn impatient() -> SocketOptions {
    SocketOptions::default()
        .with_send_buffer(64 * 1024)
        .with_heartbeat_interval(Some(Duration::from_millis(50)))
        .with_heartbeat_timeout(Duration::from_millis(100))
        .with_frame_timeout(Some(Duration::from_millis(100)))
}

/// Rests until it is told to go on, then reads all messages and answers what is asked in between.
fn read(mut stream: TcpStream) {
    let mut read = 0;
    while read < MESSAGES {
        let mut flags = [0];
        stream.read_exact(&mut flags).unwrap();
        let len = if flags[0] & 2 == 0 {
            let mut len = [0];
            stream.read_exact(&mut len).unwrap();
            usize::from(len[0])
        } else {
            let mut len = [0; 8];
            stream.read_exact(&mut len).unwrap();
            u64::from_be_bytes(len) as usize
        };
        let mut body = vec![0; len];
        stream.read_exact(&mut body).unwrap();
        if let Some(ping) = body.strip_prefix(b"\x04PING") {
            let pong = [b"\x04PONG", &ping[2..]].concat();
            stream.write_all(&[&[4, pong.len() as u8], &pong[..]].concat()).unwrap();
        } else {
            assert_eq!((len, body[0]), (SIZE, read as u8), "in order, and once");
            read += 1;
        }
    }
}

/// What is due far later than all timers of the other side.
async fn rest() {
    rt::timeout(Duration::from_millis(1_000), std::future::pending::<()>()).await;
}

#[test]
fn a_closed_window_is_no_sign_of_death() {
    rt::run(async {
        let push = PushSocket::bind_with_options("tcp://127.0.0.1:0", impatient()).await.unwrap();
        let endpoint = push.local_endpoint().unwrap();
        let stream = rt::blocking(move || {
            let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
            socket2::SockRef::from(&stream).set_recv_buffer_size(16 * 1024).unwrap();
            rt::handshake(&mut stream, "PULL", b"").unwrap();
            stream
        });
        let stream = stream.await;
        for n in 0..MESSAGES {
            push.send(vec![n as u8; SIZE]).await.unwrap();
        }
        rest().await;
        let stats = push.stats();
        assert!(stats.queued > 0, "the window was closed");
        assert_eq!(stats.disconnects(), 0);
        let reading = rt::blocking(move || read(stream));
        let ((), flushed) = futures_util::future::join(reading, push.flush()).await;
        flushed.unwrap();
        let stats = push.stats();
        assert_eq!((stats.sent, stats.connects), (MESSAGES as u64, 1));
    });
}
