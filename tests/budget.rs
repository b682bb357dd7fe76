//! tokio's cooperative budget: a task that has used it up is told to give way by its streams.
#![cfg(feature = "tokio")]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use monocoque::tokio::prelude::*;

/// Leaves the current task nothing until it gives way.
async fn use_up() {
    loop {
        let mut taken = pin!(tokio::task::consume_budget());
        if poll_fn(|cx| Poll::Ready(taken.as_mut().poll(cx).is_pending())).await {
            return;
        }
    }
}

/// Kills looking at a stream again at once because it asks for it: it would do so for ever, with the lock held.
///
/// What `block_on` runs beside the workers of a runtime is told so at once, and not when it has given way.
#[test]
fn a_future_without_budget_gives_way() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        for number in 0..1_000_u32 {
            use_up().await;
            push.send(number.to_be_bytes()).await.unwrap();
            push.flush().await.unwrap();
            // The worker notices that the message is there.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            use_up().await;
            assert_eq!(pull.recv().await.unwrap()[0], number.to_be_bytes());
        }
        use_up().await;
        assert_eq!(push.close().await, 0);
    });
}
