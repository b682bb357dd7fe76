use futures_util::future::try_join3;

use super::rt::*;

const BUDGET: usize = 1_000_000;
const SIZE: usize = 30_000;

/// A consumer that does not read yet, with small buffers, and a producer that has the budget.
async fn pipe(budget: &SemaphorePermits) -> Result<(PushSocket<SemaphorePermits>, PullSocket)> {
    let options = SocketOptions::default().with_recv_hwm(1).with_recv_buffer(16_384);
    let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
    let endpoint = pull.local_endpoint().expect("it is bound");
    let options = SocketOptions::default().with_send_buffer(16_384);
    let push = PushSocket::connect_with_options(endpoint, options).await?;
    Ok((push.with_permits(budget.clone()), pull))
}

async fn receive(pull: &PullSocket, count: usize) -> Result<usize> {
    let mut size = 0;
    for _ in 0..count {
        size += pull.recv().await?.size();
    }
    Ok(size)
}

pub async fn run() -> Result<()> {
    // One budget for all sockets that hold a clone of it. High-water marks are for each peer: ten thousand
    // peers have ten thousand of them, but there is one memory.
    let budget = SemaphorePermits::new(BUDGET);
    let (one, from_one) = pipe(&budget).await?;
    let (other, from_other) = pipe(&budget).await?;

    // A message takes permits for what it costs, its payload and a little for each frame, before it is queued,
    // and gives them back when the kernel has its last byte. When there are none left `send` would wait; `try_send` gives the message back.
    let mut sent = 0;
    let refused = loop {
        if let Err(refused) = one.try_send(vec![0; SIZE]).and_then(|()| other.try_send(vec![0; SIZE])) {
            break refused;
        }
        sent += 1;
    };
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    println!("no more: a message of {} bytes comes back", refused.into_message().size());

    let queued = one.buffered_bytes() + other.buffered_bytes();
    let cost = SIZE + Frame::COST;
    println!("both sockets together hold to the budget, and use it: {}", queued > BUDGET - cost);
    assert!(queued <= BUDGET && queued > BUDGET - cost);

    // One message larger than the whole budget is not stuck for ever: it is let through alone, once nothing
    // else is queued.
    let giant = async {
        one.send(vec![1; 2 * BUDGET]).await?;
        Ok::<_, Error>(())
    };
    // One of them has one more, unless it was the first that was refused.
    let extra = usize::try_from(one.stats().accepted).expect("a few") - sent;
    let all = try_join3(giant, receive(&from_one, sent + extra + 1), receive(&from_other, sent));
    let ((), to_one, to_other) = all.await?;
    assert_eq!(to_one + to_other, (2 * sent + extra) * SIZE + 2 * BUDGET);
    println!("everything has arrived, and a message of twice the budget last");
    Ok(())
}
