use futures_util::future::try_join_all;

use super::rt::{self, *};

const CLIENTS: usize = 4;
const REQUESTS: usize = 50;

async fn work(name: char, broker: Endpoint) -> Result<()> {
    // Clients and workers connect, the broker is the one address that everybody knows.
    let rep = RepSocket::connect(broker).await?;
    loop {
        let request = rep.recv().await?;
        rep.send([request[0].clone(), name.to_string().into()]).await?;
    }
}

/// Sends requests one by one; returns how many of the replies came from which worker.
async fn ask(broker: &Endpoint, id: usize) -> Result<[usize; 2]> {
    let req = ReqSocket::connect(broker).await?;
    let mut replies = [0; 2];
    for n in 0..REQUESTS {
        let request = format!("request {n} of client {id}");
        let reply = req.request(request.as_str()).await?;
        assert_eq!(reply[0], request, "each client gets its own replies");
        replies[usize::from(reply[1] == "B")] += 1;
    }
    Ok(replies)
}

pub async fn run() -> Result<()> {
    // A client that does not take its replies holds up nobody else's: what it has no room for is dropped, and
    // counted.
    let clients = RouterSocket::bind("tcp://127.0.0.1:0").await?;
    let workers = DealerSocket::bind("tcp://127.0.0.1:0").await?;
    let clients_at = clients.local_endpoint().expect("it is bound");
    let workers_at = workers.local_endpoint().expect("it is bound");

    // The broker is one future. The ROUTER puts the identity of the client in front of each request, workers
    // carry it unseen, and it takes the reply home.
    let mut broker = Proxy::new(&clients, &workers);
    let control = broker.control();
    rt::spawn(async move { broker.run().await });

    for name in ['A', 'B'] {
        rt::spawn(work(name, workers_at.clone()));
    }
    // Requests wait where they are while there is no worker; this only makes the shares fair from the start.
    workers.wait_for_peers(2).await?;
    let replies = try_join_all((0..CLIENTS).map(|id| ask(&clients_at, id))).await?;

    let [a, b] = replies.iter().fold([0, 0], |[a, b], [more_a, more_b]| [a + more_a, b + more_b]);
    println!("{CLIENTS} clients got {} replies; A and B took turns: {}", a + b, a == b);
    let stats = control.stats();
    println!("through the broker: {} requests, {} replies", stats.frontend.received, stats.backend.received);

    // A broker that is paused loses nothing: requests wait in the sockets.
    control.pause();
    let req = ReqSocket::connect(&clients_at).await?;
    req.send("patience").await?;
    control.resume();
    println!("after a pause: \"{}\"", String::from_utf8_lossy(&req.recv().await?[0]));
    control.terminate();
    Ok(())
}
