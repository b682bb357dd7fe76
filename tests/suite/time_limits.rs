//! Time limits around any future, for code that is generic over runtimes.

use monocoque::error::TimeoutKind;
use monocoque::runtime::{AsyncStream, Runtime, timeout};
use monocoque::socket::{Receives, Socket};
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use super::rt::{self, *};

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(100);

/// What a library does that names no runtime.
async fn within<S, F>(limit: Duration, _: &Socket<impl Receives, S>, future: F) -> Result<F::Output>
where
    S: AsyncStream<Runtime: Runtime>,
    F: Future,
{
    timeout(&S::Runtime::current().unwrap(), limit, future).await
}

#[test]
fn what_is_waited_for_in_vain_is_given_up() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let late = within(SHORT, &pull, pull.recv()).await.unwrap_err();
        assert!(matches!(late, Error::Timeout(TimeoutKind::Limit)), "{late}");
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        // The future is dropped by then.
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let never = async move {
            let _holds = holds;
            pending::<()>().await;
        };
        within(SHORT, &pull, never).await.unwrap_err();
        assert_eq!(Arc::strong_count(&held), 1);
        // And what it waited for comes to who waits next.
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(within(LONG, &pull, pull.recv()).await.unwrap().unwrap(), "x".into());
    });
}

#[test]
fn what_is_ready_is_never_late() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        assert_eq!(within(Duration::ZERO, &pull, async { 7 }).await.unwrap(), 7);
        // Longer than time is no limit.
        let later = async {
            rt::yield_now().await;
            8
        };
        assert_eq!(within(Duration::MAX, &pull, later).await.unwrap(), 8);
    });
}
