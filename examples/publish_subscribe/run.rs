use super::rt::*;

const UPDATES: usize = 200;

pub async fn run() -> Result<()> {
    // What a subscriber has not taken waits for it up to its mark; then the subscriber misses messages, and
    // nobody waits for it. In bytes, because messages have all sizes.
    let options = SocketOptions::default().with_send_hwm_bytes(500_000);
    let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
    let endpoint = publisher.local_endpoint().expect("it is bound");

    let weather = SubSocket::connect(&endpoint).await?;
    weather.subscribe("weather.")?;
    let everything = SubSocket::connect(&endpoint).await?;
    everything.subscribe("")?;
    // One that never reads. Its own marks and the system's buffers are small, to be full soon.
    let options = SocketOptions::default().with_recv_hwm(1).with_recv_buffer(16_384);
    let asleep = SubSocket::connect_with_options(&endpoint, options).await?;
    asleep.subscribe("weather.")?;

    // A publisher does not keep what nobody has subscribed to, so it waits for its audience.
    publisher.wait_for_subscribers("weather.", 3).await?;

    let (mut reports, mut others) = (0, 0);
    for number in 0..UPDATES {
        // A subscription matches the beginning of the first frame; the body is a frame of its own.
        publisher.send([Frame::from("weather.rain"), vec![b'.'; 50_000].into()]).await?;
        publisher.send([Frame::from("sport"), number.to_string().into()]).await?;

        assert_eq!(weather.recv().await?[0], "weather.rain");
        reports += 1;
        for _ in 0..2 {
            others += usize::from(everything.recv().await?[0] == "sport");
        }
    }
    println!("the one that wants the weather got {reports} of {UPDATES} reports, and nothing else");
    println!("the one that wants everything got sport as well, {others} times");

    // Whatever does not reach a subscriber is counted, and the others lost nothing.
    let missed = publisher.stats().dropped(DropCause::PeerFull);
    println!("the one that sleeps missed some: {}", missed > 0);
    assert!(missed > 0 && missed < UPDATES as u64);
    Ok(())
}
