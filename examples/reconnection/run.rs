use std::time::Duration;

use super::rt::{self, *};

/// Prints what happens to the connection, as a log would.
async fn watch(mut monitor: Monitor) {
    while let Some(event) = monitor.next().await {
        match event {
            SocketEvent::ConnectFailed { .. } => println!("  nobody there, trying again"),
            SocketEvent::HandshakeSucceeded { .. } => println!("  connected"),
            SocketEvent::Disconnected { reason, .. } => println!("  disconnected: {reason}"),
            _ => {}
        }
    }
}

async fn expect(pull: &PullSocket, numbers: std::ops::Range<u32>) -> Result<()> {
    for number in numbers {
        assert_eq!(pull.recv().await?[0], number.to_string());
    }
    Ok(())
}

pub async fn run() -> Result<()> {
    // An endpoint where nobody is listening now: the system has just chosen it.
    let endpoint = PullSocket::bind("tcp://127.0.0.1:0").await?.local_endpoint().expect("it is bound");

    // Impatient, for an example: by default the delays double from 100 ms to 30 s.
    let options = SocketOptions::default()
        .with_backoff(
            Backoff::new().with_initial(Duration::from_millis(20)).with_max(Duration::from_millis(100)),
        )
        // While nobody is there, messages wait in the socket. How many, how large and for how long is for
        // you to say; `Wait` and `Fail` are the other choices.
        .with_while_disconnected(WhileDisconnected::QueueUpTo {
            messages: 1000,
            bytes: 1_000_000,
            max_age: Some(Duration::from_secs(60)),
        });
    // `connect` would fail without a server. This one does not need it yet.
    let push = PushSocket::connect_with_reconnect_and_options(&endpoint, options).await?;
    rt::spawn(watch(push.monitor()));

    for number in 0..100 {
        push.send(number.to_string()).await?;
    }
    rt::sleep(Duration::from_millis(30)).await;
    println!("{} messages wait for a server", push.buffered_messages());

    let server = PullSocket::bind(&endpoint).await?;
    expect(&server, 0..100).await?;
    println!("the server came, and got them in order");

    server.close().await;
    while push.is_connected() {
        rt::sleep(Duration::from_millis(1)).await;
    }
    for number in 100..200 {
        push.send(number.to_string()).await?;
    }
    println!("the server has gone; {} messages wait", push.buffered_messages());

    let server = PullSocket::bind(&endpoint).await?;
    expect(&server, 100..200).await?;
    println!("the server is back, and got them in order");

    // Nothing was dropped. What the kernel had taken of the first connection could have been lost with it, but the
    // server had read it all before it went, as its system has confirmed: nothing is in doubt.
    let stats = push.stats();
    println!(
        "connections {}, dropped {}, in doubt {}",
        stats.connects,
        stats.dropped_total(),
        stats.in_doubt
    );
    Ok(())
}
