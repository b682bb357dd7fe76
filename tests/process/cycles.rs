//! What the tests of what is left over have in common, on every runtime.

use std::time::Duration;

use super::rt::{self, *};

/// Gives the companions their turns until `done`; `figure` says what it was when time ran out.
pub(crate) async fn until(mut done: impl FnMut() -> bool, figure: impl Fn() -> String) {
    let waiting = async {
        while !done() {
            rt::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
        }
    };
    assert!(rt::timeout(Duration::from_secs(20), waiting).await.is_some(), "still {}", figure());
}

/// A PULL and a PUSH that loses no time when it has to come back.
pub(crate) async fn pipeline() -> (PullSocket, PushSocket) {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let options = SocketOptions::default().with_backoff(
        Backoff::new().with_initial(Duration::from_millis(1)).with_max(Duration::from_millis(2)),
    );
    let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
    (pull, push)
}

/// The PULL goes away and comes back, again and again on the same port, and the PUSH follows.
pub(crate) async fn reconnect(count: u32, pull: &PullSocket, push: &PushSocket) {
    let endpoint = pull.local_endpoint().unwrap();
    let before = push.stats().reconnects;
    let mut monitor = push.monitor();
    for n in 0..count {
        pull.unbind(&endpoint).unwrap();
        while push.is_connected() {
            monitor.next().await;
        }
        pull.bind_to(&endpoint).await.unwrap();
        push.send(vec![n as u8; 1000]).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], vec![n as u8; 1000]);
    }
    assert_eq!(push.stats().reconnects - before, u64::from(count));
}
