//! A server that answers any number of clients, and stops as it should: the other process is `client.rs`.
//!
//! ```sh
//! cargo run --example server -- tcp://127.0.0.1:5555
//! ```
//!
//! It says where it listens, and stops at the end of its input (Enter, in a terminal). To copy: this one file, `tokio`
//! with the features `macros` and `rt`, and this crate.

use std::io::{BufRead, stdin};

use monocoque::tokio::prelude::*;

/// Answers until the socket is drained; returns how many.
async fn serve(router: RouterSocket) -> u64 {
    let mut answers = 0;
    while let Ok(mut message) = router.recv().await {
        // Behind who asked and which question it was stands what was asked; all but that goes back as it came.
        let Some(question) = message.pop_back() else { continue };
        message.push_back(question.to_string_lossy().to_uppercase());
        // What is for a client that has left, or does not read, is dropped and counted: nobody stops a server.
        if router.send(message).await.is_ok() {
            answers += 1;
        }
    }
    answers
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> monocoque::Result<()> {
    let endpoint = std::env::args().nth(1).unwrap_or_else(|| "tcp://127.0.0.1:5555".to_owned());
    let router = RouterSocket::bind(endpoint.as_str()).await?;
    println!("listening on {}", router.local_endpoint().expect("it is bound"));
    let serving = tokio::spawn(serve(router.clone()));

    // Any thread may ask it to stop: requests that have come are answered, and no more are taken.
    let stopping = router.clone();
    std::thread::spawn(move || {
        let _ = stdin().lock().read_line(&mut String::new());
        let _ = stopping.drain();
    });
    let answers = serving.await.expect("it does not panic");
    let unsent = router.close().await;
    println!("answered {answers}, of which {unsent} did not leave");
    Ok(())
}
