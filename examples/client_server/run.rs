use std::time::Duration;

use futures_util::future::join_all;

use super::rt::{self, *};

/// Squares numbers, the smaller the later, until the server is drained; what is no number it does not answer.
async fn serve(server: Server) {
    while let Ok(request) = server.next().await {
        rt::spawn(async move {
            let number = request.message[0].to_str().ok().and_then(|text| text.parse::<u64>().ok());
            // Dropped, the handle of a request is told as unanswered; the client has its time limit.
            let Some(number) = number else { return };
            rt::sleep(Duration::from_millis(50 - number.min(50))).await;
            // A client that has left, or does not read, is not waited for: it is an error that can be ignored.
            if let Err(refused) = request.reply.send((number * number).to_string()).await {
                println!("a reply is of no use any more: {refused}");
            }
        });
    }
}

pub async fn server(endpoint: &str) -> Result<()> {
    let server = Server::bind(endpoint).await?;
    println!("serving on {}", server.socket().local_endpoint().expect("it is bound"));
    serve(server).await;
    Ok(())
}

pub async fn client(endpoint: &str) -> Result<()> {
    // A request whose server goes away is sent again; each has five seconds in all.
    let options = ClientOptions::default()
        .with_timeout(Duration::from_secs(5))
        .with_on_server_lost(OnServerLost::Resend);
    let client = Client::connect_with_options(endpoint, options).await?;

    // Fifty at once over one connection: each gets its own reply, whatever their order.
    let numbers = 0..50_u64;
    let replies = join_all(numbers.clone().map(|number| client.request(number.to_string()))).await;
    for (number, reply) in numbers.zip(replies) {
        assert_eq!(reply?[0], (number * number).to_string());
    }
    println!("50 requests, 50 replies");

    match client.request_within("a word", Duration::from_millis(200)).await {
        Ok(reply) => println!("unexpected: {reply:?}"),
        Err(failed) => println!("what is no number is not answered: {failed}"),
    }
    Ok(())
}

pub async fn both() -> Result<()> {
    let server = Server::bind("tcp://127.0.0.1:0").await?;
    let endpoint = server.socket().local_endpoint().expect("it is bound");
    rt::spawn(serve(server.clone()));
    client(&endpoint.to_string()).await?;

    // What it has taken is answered, and nothing more is taken.
    server.drain(Duration::from_secs(5)).await?;
    let unanswered = server.socket().stats().dropped(DropCause::Unanswered);
    println!("drained, with {unanswered} requests unanswered");
    Ok(())
}
