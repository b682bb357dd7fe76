use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{join, join_all};

use super::rt::{self, *};

const CLIENTS: usize = 3;

/// Serves until `stop` is ready, in a service a signal: `async { tokio::signal::ctrl_c().await.ok(); }`, or
/// `compio::signal::ctrl_c()`. Returns how many replies could not be sent.
async fn serve(router: RouterSocket, stop: impl Future<Output = ()>) -> Result<u64> {
    let stopping = async {
        stop.await;
        println!("asked to stop");
        // Nobody new is let in, and no more requests are read. Those that have arrived still come.
        router.drain()
    };
    // The stream ends when all of those have been received, and this when the last of them is answered.
    let serving = router.clone().for_each_concurrent(None, |request| answer(&router, request));
    let (drained, ()) = join(stopping, serving).await;
    drained?;
    // Waits until the replies are written, for at most `linger`.
    Ok(router.close().await)
}

/// Takes its time. A reply to a client that has left is dropped and counted.
async fn answer(router: &RouterSocket, request: Result<Message>) {
    let Ok(request) = request else { return };
    rt::sleep(Duration::from_millis(20)).await;
    if let Err(refused) = router.send(request).await {
        eprintln!("a reply was refused: {refused}");
    }
}

/// Asks until the server has gone; returns how many answers it got.
async fn ask(server: Endpoint) -> Result<u64> {
    let req = ReqSocket::connect_with_options(server, SocketOptions::default().with_reconnect(false)).await?;
    let mut answered = 0;
    while req.request("a question").await.is_ok() {
        answered += 1;
    }
    Ok(answered)
}

pub async fn run() -> Result<()> {
    let router = RouterSocket::bind("tcp://127.0.0.1:0").await?;
    let endpoint = router.local_endpoint().expect("it is bound");
    let clients = join_all((0..CLIENTS).map(|_| ask(endpoint.clone())));
    let server = serve(router.clone(), rt::sleep(Duration::from_millis(500)));
    let (unsent, answers) = join(server, clients).await;

    let mut answered = 0;
    for answers in answers {
        answered += answers?;
    }
    let taken = router.stats().delivered;
    println!("{taken} requests taken, {answered} answered, {} replies left behind", unsent?);
    println!("every request that was taken was answered: {}", taken > 0 && taken == answered);
    Ok(())
}
