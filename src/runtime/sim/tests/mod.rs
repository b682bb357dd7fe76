//! Whole simulations, by what they look at.

mod determinism;
mod faults;
mod machines;
mod names;
mod streams;
mod tasks;
mod timers;

use std::future::Future;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::endpoint::Endpoint;

const MS: Duration = Duration::from_millis(1);
const SERVER: &str = "tcp://server:5555";

/// Every connection takes exactly `latency`.
fn steady(latency: Duration) -> SimConfig {
    SimConfig::new().with_links(Plan::new().with_latency(latency..=latency))
}

fn fixed(seed: u64) -> Sim {
    Sim::with_config(seed, steady(MS))
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

/// A client and the server's end of one connection.
async fn pair() -> (RawStream, RawStream) {
    let mut listener = raw_listen("tcp://pair:*").await.unwrap();
    let connecting = raw_connect(listener.local_endpoint().clone());
    let client = connecting.await.unwrap();
    (client, listener.accept().await.unwrap())
}

/// Everything up to the end of the stream, and how that came.
async fn drain(stream: &mut RawStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.err();
    (bytes, error.map(|error| error.kind()))
}

/// What a panic inside `f` said.
fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("no panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap()).to_owned(),
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
