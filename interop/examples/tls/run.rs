//! The two roles: what differs from sockets without TLS is the value that they are opened on.

use std::error::Error;
use std::path::Path;

use monocoque::runtime::tls::Tls;

use super::rt::{self, *};
use super::tls::{self, RepSocket, ReqSocket};
use crate::certificates;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

async fn bind(folder: &Path, endpoint: &str) -> Result<RepSocket> {
    let host = tls::host(Tls::server(certificates::server(folder)?))?;
    Ok(RepSocket::bind_on(&host, endpoint, SocketOptions::default()).await?)
}

/// Answers each request, and says who asked.
async fn serve(rep: RepSocket) -> monocoque::Result<()> {
    loop {
        let request = rep.recv().await?;
        let shown = rep
            .peers()
            .into_iter()
            .filter_map(|peer| rep.peer(peer))
            .any(|peer| !peer.certificates.is_empty());
        println!("asked {:?}, by somebody with a certificate: {shown}", request[0]);
        rep.send(request).await?;
    }
}

pub async fn server(folder: &Path, endpoint: &str) -> Result<()> {
    let rep = bind(folder, endpoint).await?;
    println!("listening on {}", rep.local_endpoint().expect("it is bound"));
    Ok(serve(rep).await?)
}

/// The host of the endpoint is what the certificate of the server has to say.
pub async fn client(folder: &Path, endpoint: &str) -> Result<()> {
    let host = tls::host(Tls::client(certificates::client(folder)?))?;
    let req = ReqSocket::connect_on(&host, endpoint, SocketOptions::default()).await?;
    for question in ["one", "two", "three"] {
        let answer = req.request(question).await?;
        println!("answered {:?}", answer[0]);
    }
    req.close().await;
    Ok(())
}

/// Both in one program.
pub async fn both(folder: &Path) -> Result<()> {
    let rep = bind(folder, "tcp://localhost:0").await?;
    let port = rep.local_endpoint().and_then(|endpoint| endpoint.port()).expect("it is bound");
    let serving = rep.clone();
    rt::spawn(async move { drop(serve(serving).await) });
    client(folder, &format!("tcp://localhost:{port}")).await?;
    rep.close().await;
    println!("all was encrypted, and each end knew the other: true");
    Ok(())
}
