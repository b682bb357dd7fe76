//! A client of `server.rs`, in a process of its own.
//!
//! ```sh
//! cargo run --example client -- tcp://127.0.0.1:5555 hello world
//! ```
//!
//! It waits for the server to come, asks once for each word, and again if no answer comes in time. To copy: this one
//! file, `tokio` with the features `macros` and `rt`, and this crate.

use std::time::Duration;

use monocoque::tokio::prelude::*;

/// Asks up to three times.
async fn ask(req: &ReqSocket, question: &str) -> monocoque::Result<Message> {
    let mut last = Error::NotConnected;
    for _ in 0..3 {
        match req.request(question).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => last = failed.into_parts().0,
        }
    }
    Err(last)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> monocoque::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next().unwrap_or_else(|| "tcp://127.0.0.1:5555".to_owned());
    // A late answer to an earlier question is never taken for the answer to this one.
    let options = SocketOptions::default()
        .with_req_relaxed(true)
        .with_req_correlate(true)
        .with_recv_timeout(Duration::from_secs(2));
    let req = ReqSocket::connect_with_reconnect_and_options(endpoint.as_str(), options).await?;
    for question in arguments {
        let answer = ask(&req, &question).await?;
        println!("{question}: {}", answer[0].to_string_lossy());
    }
    req.close().await;
    Ok(())
}
