//! When a connection is tried again, as the application wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::rt::{self, *};

/// The delays come from a function of the user's own, and the attempts out of a budget that sockets share.
#[test]
fn a_function_and_a_budget_of_ones_own() {
    rt::run(async {
        let endpoint = rt::vacant();
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let budget = RetryBudget::new(1_000, 0.0).with_deposit(0.0);
        let options =
            SocketOptions::default().with_retry_budget(budget.clone()).with_backoff_fn(move |failed| {
                assert_eq!(counted.fetch_add(1, Ordering::Relaxed), failed);
                Duration::from_millis(1)
            });
        let push = PushSocket::connect_with_reconnect_and_options(&endpoint, options).await.unwrap();
        while push.stats().endpoints[0].failed_attempts < 3 {
            rt::yield_now().await;
        }
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        push.send("there").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "there");
        let attempts = push.stats().endpoints[0].attempts;
        assert_eq!(u64::from(budget.available(std::time::Instant::now())), 1_001 - attempts);
        assert!(u64::from(asked.load(Ordering::Relaxed)) >= attempts - 1);
    });
}
