use super::rt::{self, *};

const TASKS: u64 = 1000;
const WORKERS: usize = 3;

/// Takes numbers from the ventilator, and sends their squares to the sink.
async fn work(ventilator: Endpoint, sink: Endpoint) -> Result<()> {
    // A small mark: a worker takes few tasks in advance, and leaves the others to its colleagues.
    let options = SocketOptions::default().with_recv_hwm(10);
    let tasks = PullSocket::connect_with_options(ventilator, options).await?;
    let results = PushSocket::connect(sink).await?;
    loop {
        let number = number(&tasks.recv().await?);
        results.send((number * number).to_be_bytes()).await?;
    }
}

async fn hand_out(ventilator: PushSocket) -> Result<()> {
    // Otherwise the first worker to connect would get a head start.
    ventilator.wait_for_peers(WORKERS).await?;
    for number in 0..TASKS {
        // Goes to the next worker in turn that has room, and waits if none has.
        ventilator.send(number.to_be_bytes()).await?;
    }
    // To the last one: closing writes what is queued.
    let unsent = ventilator.close().await;
    assert_eq!(unsent, 0);
    Ok(())
}

pub async fn run() -> Result<()> {
    let ventilator = PushSocket::bind("tcp://127.0.0.1:0").await?;
    let sink = PullSocket::bind("tcp://127.0.0.1:0").await?;
    let from = ventilator.local_endpoint().expect("it is bound");
    let to = sink.local_endpoint().expect("it is bound");
    for _ in 0..WORKERS {
        rt::spawn(work(from.clone(), to.clone()));
    }
    rt::spawn(hand_out(ventilator));

    // The results of the workers come in turn, whatever the order of the tasks was.
    let mut sum = 0;
    for _ in 0..TASKS {
        sum += number(&sink.recv().await?);
    }
    println!("{TASKS} tasks by {WORKERS} workers: the sum of the squares is {sum}");
    assert_eq!(sum, (TASKS - 1) * TASKS * (2 * TASKS - 1) / 6);
    let shares: Vec<u64> = sink.stats().peers.iter().map(|worker| worker.received).collect();
    println!("each worker did its share: {}", shares.iter().all(|share| *share > 0));
    Ok(())
}

fn number(message: &Message) -> u64 {
    u64::from_be_bytes(message[0][..].try_into().expect("eight bytes"))
}
