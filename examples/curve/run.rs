use std::error::Error;
use std::time::Duration;

use monocoque::security::{CurveKeypair, CurvePublicKey, allow_keys};

use super::rt::{self, *};
use crate::args::Task;
use crate::keys;

const SERVER: &str = "tcp://127.0.0.1:5599";

pub async fn perform(task: Task) -> Result<String, Box<dyn Error>> {
    match task {
        Task::Server { secret, allowed } => {
            let allowed =
                allowed.iter().map(|path| keys::read_public(path)).collect::<Result<Vec<_>, _>>()?;
            let rep = bind(SERVER, keys::read_secret(&secret)?, allowed).await?;
            // Whoever is refused meanwhile is told so by the server itself.
            let _ = rt::timeout(Duration::from_secs(8), serve(rep)).await;
            Ok("that was it".to_owned())
        }
        Task::Client { secret, server, text } => {
            let (keypair, server) = (keys::read_secret(&secret)?, keys::read_public(&server)?);
            Ok(ask(SERVER.parse()?, keypair, server, text).await?)
        }
        Task::All | Task::Keys { .. } => all().await,
    }
}

/// A server is not made without saying who may come in.
async fn bind(
    endpoint: &str,
    keypair: CurveKeypair,
    allowed: Vec<CurvePublicKey>,
) -> monocoque::Result<RepSocket> {
    let options = SocketOptions::default().with_curve_server(keypair, allow_keys(allowed));
    RepSocket::bind_with_options(endpoint, options).await
}

async fn serve(rep: RepSocket) -> monocoque::Result<()> {
    loop {
        let (id, request) = rep.recv_with_peer().await?;
        // Where the authenticator names nobody, a client is known by its key.
        let user = rep.peer(id).and_then(|peer| peer.user).unwrap_or_default();
        println!("{user} asks {:?}", String::from_utf8_lossy(&request[0]));
        rep.send(format!("{} to you, too", String::from_utf8_lossy(&request[0]))).await?;
    }
}

async fn ask(
    endpoint: Endpoint,
    keypair: CurveKeypair,
    server: CurvePublicKey,
    text: String,
) -> monocoque::Result<String> {
    let options = SocketOptions::default().with_curve_client(server, keypair);
    let req = ReqSocket::connect_with_options(endpoint, options).await?;
    let reply = req.request(text).await?;
    Ok(String::from_utf8_lossy(&reply[0]).into_owned())
}

async fn all() -> Result<String, Box<dyn Error>> {
    let (server, client) = (CurveKeypair::generate()?, CurveKeypair::generate()?);
    let rep = bind("tcp://127.0.0.1:0", server.clone(), vec![client.public_key()]).await?;
    let endpoint = rep.local_endpoint().expect("it is bound");
    rt::spawn(serve(rep.clone()));

    let reply = ask(endpoint.clone(), client.clone(), server.public_key(), "hello".to_owned()).await?;
    println!("the client that is known: {reply:?}");

    let stranger = ask(endpoint.clone(), CurveKeypair::generate()?, server.public_key(), "hello".to_owned());
    println!("a stranger: {}", stranger.await.expect_err("it is not on the list"));

    let elsewhere = ask(endpoint, client, CurveKeypair::generate()?.public_key(), "hello".to_owned());
    println!("a client of another server: {}", elsewhere.await.expect_err("it has another key"));

    Ok(format!("let in: {}, refused: {}", rep.stats().connects, rep.stats().handshakes_failed))
}
