//! What these tests have in common.

pub(super) use super::rt;
pub use super::rt::*;
use std::future::{Future, poll_fn};
pub use std::pin::pin;
use std::task::Poll;
pub use std::time::Duration;

pub const TCP: &str = "tcp://127.0.0.1:0";

pub async fn server() -> (Server, Endpoint) {
    let server = Server::bind(TCP).await.unwrap();
    let endpoint = server.socket().local_endpoint().unwrap();
    (server, endpoint)
}

/// A server and a client that is connected to it.
pub async fn pair() -> (Server, Client) {
    let (server, endpoint) = server().await;
    (server, Client::connect(endpoint).await.unwrap())
}

/// Answers every request with what it says.
pub async fn echo(server: Server) {
    while let Ok(request) = server.next().await {
        request.reply.send(request.message).await.unwrap();
    }
}

/// A request that goes on for as long as it is polled, and the first poll of it.
pub async fn started<F: Future>(future: &mut std::pin::Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// The next event that `fits`.
pub async fn event<T>(monitor: &mut Monitor, fits: impl Fn(&SocketEvent) -> Option<T>) -> T {
    loop {
        let event = monitor.next().await.expect("the socket lives");
        if let Some(found) = fits(&event) {
            return found;
        }
    }
}

/// Waits until so many messages that came were dropped as unexpected.
pub async fn unexpected(client: &Client, monitor: &mut Monitor, count: u64) {
    while client.socket().stats().recv_dropped_by(DropCause::Unexpected) < count {
        event(monitor, |event| match event {
            SocketEvent::ReceivedDropped { cause: DropCause::Unexpected, .. } => Some(()),
            _ => None,
        })
        .await;
    }
}
