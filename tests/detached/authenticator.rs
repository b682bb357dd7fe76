//! Without a companion it is the call that opens a socket which asks the authenticator.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_util::future::{Either, join, select};
use monocoque::prelude::*;
use monocoque::runtime::FuturesIo;
use monocoque::security::Verdict;
use monocoque::socket;

use crate::pipe::{self, End};

type Push = socket::PushSocket<FuturesIo<End>>;
type Pull = socket::PullSocket<FuturesIo<End>>;

/// Gives way so many times before it answers.
async fn after(looks: usize, verdict: Verdict) -> Verdict {
    for _ in 0..looks {
        yield_now().await;
    }
    verdict
}

async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut yielded, true) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

#[test]
fn a_stream_is_judged_while_its_socket_is_opened() {
    for looks in [0, 1, 10] {
        for accepted in [true, false] {
            pipe::run(async {
                let (ours, theirs) = pipe::pair(1_000);
                let options = SocketOptions::default().with_authenticator(move |_| {
                    after(looks, if accepted { Verdict::accept_as("ann") } else { Verdict::deny("no") })
                });
                let opening = async {
                    let pull = Pull::from_stream_with_options(theirs, options).await?;
                    let (id, message) = pull.recv_with_peer().await?;
                    Ok::<_, Error>((pull.peer(id).and_then(|peer| peer.user), message))
                };
                let sending = async {
                    let push = Push::from_stream(ours).await?;
                    push.send("x").await?;
                    Ok::<_, Error>(push)
                };
                let (received, _) = join(opening, sending).await;
                match received {
                    Ok((user, message)) => {
                        assert!(accepted);
                        assert_eq!((user.as_deref(), &message[0][..]), (Some("ann"), &b"x"[..]));
                    }
                    Err(error) => {
                        assert!(!accepted);
                        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
                    }
                }
            });
        }
    }
}

/// Dropped while it waits for the answer, and the answer's future with it.
#[test]
fn opening_may_be_dropped_while_the_authenticator_hangs() {
    pipe::run(async {
        let alive = Arc::<AtomicUsize>::default();
        let held = Arc::clone(&alive);
        let (ours, theirs) = pipe::pair(1_000);
        let options = SocketOptions::default().with_authenticator(move |_| {
            let held = Arc::clone(&held);
            async move {
                held.fetch_add(1, SeqCst);
                pending().await
            }
        });
        let opening = Box::pin(Pull::from_stream_with_options(theirs, options));
        let sending = Box::pin(async {
            let push = Push::from_stream(ours).await.unwrap();
            while alive.load(SeqCst) == 0 {
                yield_now().await;
            }
            push
        });
        let Either::Right((push, opening)) = select(opening, sending).await else {
            panic!("nobody has said yes")
        };
        assert_eq!(Arc::strong_count(&alive), 3, "ours, the closure's and the future's");
        drop(opening);
        assert_eq!(Arc::strong_count(&alive), 1);
        drop(push);
    });
}
