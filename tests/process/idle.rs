//! What holds on every runtime.

use std::time::Duration;

use super::rt::{self, *};

/// What all threads of the process have computed so far.
fn computed() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.map(|task| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(nanos.sum())
}

/// Connected, at their marks, dialling in vain, in the middle of a message that nobody reads: in half a second
/// all of them together take next to nothing.
pub(crate) fn sockets_rest() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        push.send("x").await.unwrap();
        pull.recv().await.unwrap();

        // Nobody receives: the receiver's mark, then the kernel, then the sender's mark are full.
        let full =
            PullSocket::bind_with_options("tcp://127.0.0.1:0", SocketOptions::default().with_recv_hwm(1));
        let full = full.await.unwrap();
        let options = SocketOptions::default().with_send_hwm(1).with_send_buffer(4096);
        let stuck = PushSocket::connect_with_options(full.local_endpoint().unwrap(), options).await.unwrap();
        let sending = async {
            loop {
                stuck.send(vec![0; 100_000]).await.unwrap();
            }
        };
        assert!(rt::timeout(Duration::from_millis(300), sending).await.is_none());

        let dialling = DealerSocket::connect_with_reconnect("tcp://127.0.0.1:1").await.unwrap();
        let silent = rt::stalled_peer();
        let blocked = DealerSocket::connect(silent.endpoint()).await.unwrap();
        blocked.send(vec![0; 64 << 20]).await.unwrap();

        let before = computed();
        let received = rt::timeout(Duration::from_millis(500), pull.recv()).await;
        let took = computed() - before;
        assert!(received.is_none());
        assert!(took < Duration::from_millis(50), "{took:?} of computing in 500 ms");
        drop((push, full, stuck, dialling, blocked, silent));
    });
}
