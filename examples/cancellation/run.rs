use std::time::Duration;

use futures_util::future::try_join;

use super::rt::{self, *};

const MESSAGES: usize = 300;

/// Sends numbered messages to a peer that is slow, each with less time than it needs.
async fn send_impatiently(push: &PushSocket) -> Result<usize> {
    let mut dropped = 0;
    for number in 0..MESSAGES {
        let mut message = number.to_string().into_bytes();
        message.resize(20_000, b' ');
        // Dropping `send` before it is done means that the message was not sent, not even a part of it: to try
        // again is always right, and never sends anything twice.
        while match rt::timeout(Duration::from_micros(200), push.send(message.clone())).await {
            Some(sent) => sent.map(|()| false)?,
            None => true,
        } {
            dropped += 1;
        }
    }
    Ok(dropped)
}

async fn receive_impatiently(pull: &PullSocket) -> Result<usize> {
    let mut dropped = 0;
    for expected in 0..MESSAGES {
        let message = loop {
            // The same for `recv`: a message leaves the socket only in the poll that returns it.
            match rt::timeout(Duration::from_micros(100), pull.recv()).await {
                Some(message) => break message?,
                None => dropped += 1,
            }
        };
        assert!(message[0].starts_with(format!("{expected} ").as_bytes()), "in order, and each one once");
        if expected % 10 == 0 {
            rt::sleep(Duration::from_millis(2)).await;
        }
    }
    Ok(dropped)
}

pub async fn run() -> Result<()> {
    let small = SocketOptions::default().with_recv_hwm(1).with_recv_buffer(8192);
    let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", small).await?;
    let small = SocketOptions::default().with_send_hwm(1).with_send_buffer(8192);
    let endpoint = pull.local_endpoint().expect("it is bound");
    let push = PushSocket::connect_with_options(endpoint, small).await?;

    let (sends, receives) = try_join(send_impatiently(&push), receive_impatiently(&pull)).await?;
    println!("{MESSAGES} messages arrived once and in order");
    println!("dropped on the way: sends {}, receives {}", sends > 0, receives > 0);
    assert!(sends > 0);

    // A future that owns the message takes it along when it is dropped. To keep hold of it, wait for room
    // first, and give the message away when that cannot fail any more.
    let precious = Message::from("precious");
    let permit = loop {
        if let Some(permit) = rt::timeout(Duration::from_millis(1), push.reserve(precious.size())).await {
            break permit?;
        }
    };
    permit.send(precious)?;
    println!("\"{}\" arrived", String::from_utf8_lossy(&pull.recv().await?[0]));
    Ok(())
}
