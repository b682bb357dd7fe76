//! Waiting for what the companions do.

use std::time::Duration;

use super::rt;

/// Gives the companions their turns until `done`; `figure` says what it was when time ran out.
pub(crate) async fn until(mut done: impl FnMut() -> bool, figure: impl Fn() -> String) {
    let waiting = async {
        while !done() {
            rt::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
        }
    };
    assert!(rt::timeout(Duration::from_secs(20), waiting).await.is_some(), "still {}", figure());
}
