use std::time::Duration;

use super::rt::{self, *};

/// Squares numbers; one of them takes it long.
async fn serve(rep: RepSocket) -> Result<()> {
    loop {
        let request = rep.recv().await?;
        let number: u32 =
            std::str::from_utf8(&request[0]).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        if number == 13 {
            rt::sleep(Duration::from_millis(200)).await;
        }
        // A REP answers the peer whose request it received last: there is no address to keep.
        rep.send((number * number).to_string()).await?;
    }
}

pub async fn run() -> Result<()> {
    let rep = RepSocket::bind("tcp://127.0.0.1:0").await?;
    let endpoint = rep.local_endpoint().expect("it is bound");
    rt::spawn(serve(rep.clone()));

    // Each request carries a number that its reply has to repeat, so that a late reply cannot be taken for
    // the next one. Without it a REQ is just as safe, but has to reconnect after giving a request up.
    let options = SocketOptions::default().with_req_correlate(true);
    let req = ReqSocket::connect_with_options(endpoint, options).await?;

    for number in [3, 4] {
        let reply = req.request(number.to_string()).await?;
        println!("{number} squared is {}", text(&reply));
    }

    // Dropping a request that takes too long needs no clean-up: the next one works.
    match rt::timeout(Duration::from_millis(50), req.request("13")).await {
        Some(reply) => println!("13 squared is {}", text(&reply?)),
        None => println!("13 takes too long: given up"),
    }
    let reply = req.request("5").await?;
    println!("5 squared is {}, and not what 13 is", text(&reply));

    // If the peer goes away there will be no reply, and `recv` says so instead of waiting for ever.
    req.send("13").await?;
    rep.close().await;
    match req.recv().await {
        Err(Error::PeerLost) => println!("the server has gone, and the request with it"),
        other => println!("unexpected: {other:?}"),
    }
    Ok(())
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message[0]).into_owned()
}
