//! One shard: a runtime, a producer and a consumer, none of which another thread ever sees.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::rt::{self, *};

/// How long the producer goes on.
const TIME: Duration = Duration::from_millis(500);

/// Messages between two looks at the clock.
const BETWEEN: u64 = 100;

pub fn run(start: &Barrier) -> Result<f64> {
    rt::run(async {
        let opened = open().await;
        // After an error as well: the other shards are waiting.
        start.wait();
        let (push, pull) = opened?;
        let begin = Instant::now();
        let (_, received) = futures_util::future::try_join(produce(&push, begin), consume(&pull)).await?;
        Ok(received as f64 / begin.elapsed().as_secs_f64())
    })
}

async fn open() -> Result<(PushSocket, PullSocket)> {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
    let push = PushSocket::connect(pull.local_endpoint().expect("it is bound")).await?;
    Ok((push, pull))
}

/// Sends numbers, and an empty message as the last.
async fn produce(push: &PushSocket, begin: Instant) -> Result<()> {
    let mut next = 0;
    while begin.elapsed() < TIME {
        for number in next..next + BETWEEN {
            push.send(number.to_be_bytes()).await?;
        }
        next += BETWEEN;
    }
    Ok(push.send("").await?)
}

/// Receives until the empty message; returns how many came before it.
async fn consume(pull: &PullSocket) -> Result<u64> {
    for expected in 0.. {
        let message = pull.recv().await?;
        if message[0].is_empty() {
            return Ok(expected);
        }
        assert_eq!(message[0][..], u64::to_be_bytes(expected), "a shard has an order");
    }
    unreachable!("64 bits are not counted through")
}
