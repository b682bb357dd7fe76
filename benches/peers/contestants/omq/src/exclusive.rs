//! Its sockets that one task has to itself, for one peer.

use std::time::Duration;

use harness::local::{Contestant, Echoes, MaybeSend, Missing, Receives, Sends};
use harness::{Bind, Figures, Payload, Result};
use omq_tokio::SocketType;
use omq_tokio::exclusive::{Options, Socket};

use crate::options::{last, message};

#[derive(Clone, Copy)]
pub struct Exclusive;

pub struct Side(Socket);

impl Contestant for Exclusive {
    type Push = Missing;
    type Pull = Missing;
    type Dealer = Side;
    type Router = Side;
    type Pub = Missing;
    type Sub = Missing;

    fn run<F: Future<Output = Result<Figures>> + 'static>(self, side: F) -> F::Output {
        harness::tokio::current_thread(side)
    }

    async fn pause(self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn bind_router(self, bind: Bind) -> Result<Side> {
        let (socket, endpoint) =
            Socket::bind(SocketType::Router, bind.endpoint.as_str(), Options::default()).await?;
        bind.announce(endpoint.to_string());
        Ok(Side(socket))
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Side> {
        Ok(Side(Socket::connect(SocketType::Dealer, endpoint, Options::default()).await?))
    }
}

impl Sends for Side {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        Ok(self.0.send(&message(payload)).await?)
    }
}

impl Receives for Side {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        each(last(&self.0.recv().await?));
        Ok(())
    }
}

impl Echoes for Side {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let message = self.0.recv().await?;
        each(last(&message));
        Ok(self.0.send(&message).await?)
    }
}
