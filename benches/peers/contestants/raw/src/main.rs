//! No ZeroMQ: blocking TCP and Unix streams with length-prefixed messages, what the machine allows.

mod fan_out;
mod framed;
mod stream;
mod waiting;

use std::time::Duration;

use fan_out::{Publisher, Subscriber};
use framed::Framed;
use harness::local::Contestant;
use harness::{Bind, Figures, Kind, Mode, Result, unsupported};
use stream::Stream;

fn main() {
    harness::main(&[
        Mode {
            name: "raw",
            about: "blocking std TCP, written in the batches of our sockets, decoded and checked",
            kind: Kind::Plain,
            run: |task| harness::local::run(Raw(Style::Batched), task),
        },
        Mode {
            name: "raw, gathered",
            about: "the same, but payloads of 4 KiB and more are not copied for that",
            kind: Kind::Plain,
            run: |task| harness::local::run(Raw(Style::Gathered), task),
        },
        Mode {
            name: "raw, epoll",
            about: "the same as raw, with an `epoll_wait` before each read; for round trips",
            kind: Kind::Plain,
            run: |task| harness::local::run(Raw(Style::Epoll), task),
        },
        Mode {
            name: "raw, a write each",
            about: "the same with one write for each message",
            kind: Kind::Eager,
            run: |task| harness::local::run(Raw(Style::Each), task),
        },
    ]);
}

#[derive(Clone, Copy)]
struct Raw(Style);

/// How messages are written and waited for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Style {
    Batched,
    Gathered,
    Epoll,
    Each,
}

impl Contestant for Raw {
    type Push = Framed;
    type Pull = Framed;
    type Dealer = Framed;
    type Router = Framed;
    type Pub = Publisher;
    type Sub = Subscriber;

    fn run<F: Future<Output = Result<Figures>> + 'static>(self, side: F) -> F::Output {
        harness::block_on(side)
    }

    async fn pause(self, duration: Duration) {
        std::thread::sleep(duration);
    }

    async fn bind_pull(self, bind: Bind) -> Result<Framed> {
        if self.0 == Style::Epoll {
            return unsupported("for round trips");
        }
        Framed::new(Stream::accept(bind)?, self.0)
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Framed>> {
        if count > 1 {
            return unsupported("one stream");
        }
        Ok(vec![Framed::new(Stream::connect(endpoint)?, self.0)?])
    }

    async fn bind_router(self, bind: Bind) -> Result<Framed> {
        Framed::new(Stream::accept(bind)?, self.0)
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Framed> {
        Framed::new(Stream::connect(endpoint)?, self.0)
    }

    async fn bind_pub(self, bind: Bind) -> Result<Publisher> {
        if self.0 == Style::Epoll {
            return unsupported("for round trips");
        }
        Publisher::bind(bind)
    }

    /// Subscribers take everything: nothing is filtered.
    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Subscriber>> {
        if topics != [String::new()] {
            return unsupported("no topics");
        }
        (0..count).map(|_| Subscriber::connect(endpoint)).collect()
    }

    async fn recv_all<F: FnMut(&[u8]) -> bool>(
        self,
        subs: Vec<Subscriber>,
        each: Vec<F>,
    ) -> Result<Vec<Subscriber>> {
        fan_out::recv_all(subs, each)
    }
}
