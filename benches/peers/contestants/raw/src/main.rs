//! No ZeroMQ: blocking TCP and Unix streams with length-prefixed messages, what the machine allows.

mod framed;
mod stream;

use std::time::Duration;

use framed::Framed;
use harness::local::{Contestant, Missing};
use harness::{Bind, Figures, Kind, Mode, Result};
use stream::Stream;

fn main() {
    harness::main(&[
        Mode {
            name: "raw",
            about: "blocking std TCP, written in the batches of our sockets, decoded and checked",
            kind: Kind::Plain,
            run: |task| harness::local::run(Raw { batched: true }, task),
        },
        Mode {
            name: "raw, a write each",
            about: "the same with one write for each message",
            kind: Kind::Eager,
            run: |task| harness::local::run(Raw { batched: false }, task),
        },
    ]);
}

#[derive(Clone, Copy)]
struct Raw {
    batched: bool,
}

impl Contestant for Raw {
    type Push = Framed;
    type Pull = Framed;
    type Dealer = Framed;
    type Router = Framed;
    type Pub = Missing;
    type Sub = Missing;

    fn run<F: Future<Output = Result<Figures>> + 'static>(self, side: F) -> F::Output {
        harness::block_on(side)
    }

    async fn pause(self, duration: Duration) {
        std::thread::sleep(duration);
    }

    async fn bind_pull(self, bind: Bind) -> Result<Framed> {
        Ok(Framed::new(Stream::accept(bind)?, self.batched))
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Framed>> {
        if count > 1 {
            return harness::unsupported("one stream");
        }
        Ok(vec![Framed::new(Stream::connect(endpoint)?, self.batched)])
    }

    async fn bind_router(self, bind: Bind) -> Result<Framed> {
        self.bind_pull(bind).await
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Framed> {
        Ok(Framed::new(Stream::connect(endpoint)?, self.batched))
    }
}
