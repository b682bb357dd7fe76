//! What holds on every runtime.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use futures_util::FutureExt;

use super::rt::{self, *};

/// What is written at once in one piece, and what is gathered from several.
fn messages() -> [Message; 2] {
    [vec![7; 20_000].into(), [Frame::from(vec![7; 100_000]), Frame::from(vec![8; 100_000])].into()]
}

pub(crate) fn writing_to_a_lost_peer_raises_none() {
    rt::run(async {
        for message in messages() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let endpoint: Endpoint = listener.local_addr().unwrap().into();
            let accept = || {
                let listener = listener.try_clone().unwrap();
                move || listener.accept().unwrap().0
            };
            lose(&message, PushSocket::connect(&endpoint), accept()).await;
            lose(&message, PushSocket::from_tcp(rt::tcp(&endpoint).await), accept()).await;

            let folder = Folder::new();
            let (path, endpoint) = folder.socket("socket");
            let listener = UnixListener::bind(&path).unwrap();
            let accept = || {
                let listener = listener.try_clone().unwrap();
                move || listener.accept().unwrap().0
            };
            lose(&message, PushSocket::connect(&endpoint), accept()).await;
            lose(&message, PushSocket::from_unix(rt::unix(&path).await), accept()).await;
        }
    });
}

/// Writes to a peer that has gone without the socket having had a chance to learn of it.
async fn lose<S: Read + Write + Send + 'static>(
    message: &Message,
    open: impl Future<Output = Result<PushSocket>>,
    accept: impl FnOnce() -> S + Send + 'static,
) {
    let peer = rt::blocking(move || {
        let mut peer = accept();
        rt::handshake(&mut peer, "PULL", b"").unwrap();
        peer
    });
    let (push, peer) = futures_util::future::join(open, peer).await;
    let push = push.unwrap();
    drop(peer);
    // Nothing here yields to the runtime, which alone could say that the peer is gone. The first write may
    // still be taken by the system; the next ones fail.
    for _ in 0..10 {
        let _accepted = push.send_buffered(message.clone());
        let _flushed = push.flush().now_or_never();
    }
    assert!(!crate::is_pending(), "{push:?}");
    assert!(!push.is_connected(), "it was written to");
}
