//! A contestant whose sockets are called as most programs do it: from a function of their own.

use std::time::Duration;

use super::{Contestant, Echoes, MaybeSend, Missing, Receives, Sends};
use crate::{Bind, Figures, Payload, Result};

/// Makes each call from within one more `async fn`. Only for scenarios without PUB and SUB.
#[derive(Clone, Copy)]
pub struct Within<C>(pub C);

pub struct Side<S>(S);

impl<C: Contestant> Contestant for Within<C> {
    type Push = Side<C::Push>;
    type Pull = Side<C::Pull>;
    type Dealer = Side<C::Dealer>;
    type Router = Side<C::Router>;
    type Pub = Missing;
    type Sub = Missing;

    fn run<F>(self, side: F) -> F::Output
    where
        F: Future<Output = Result<Figures>> + MaybeSend + 'static,
    {
        self.0.run(side)
    }

    async fn pause(self, duration: Duration) {
        self.0.pause(duration).await;
    }

    fn pinned(self) -> bool {
        self.0.pinned()
    }

    async fn bind_pull(self, bind: Bind) -> Result<Self::Pull> {
        Ok(Side(self.0.bind_pull(bind).await?))
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Self::Push>> {
        Ok(self.0.connect_push(endpoint, count).await?.into_iter().map(Side).collect())
    }

    async fn bind_router(self, bind: Bind) -> Result<Self::Router> {
        Ok(Side(self.0.bind_router(bind).await?))
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Self::Dealer> {
        Ok(Side(self.0.connect_dealer(endpoint).await?))
    }
}

impl<S: Sends> Sends for Side<S> {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        self.0.send(payload).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.0.flush().await
    }

    async fn send_again(&mut self, payload: Payload<'_>) -> Result<()> {
        self.0.send_again(payload).await
    }

    fn notes(&self) -> Figures {
        self.0.notes()
    }
}

impl<S: Receives> Receives for Side<S> {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        self.0.recv(each).await
    }
}

impl<S: Echoes> Echoes for Side<S> {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        self.0.echo(each).await
    }
}
