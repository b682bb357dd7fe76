//! Both runtimes in one process: a socket of one talks to a socket of the other.
#![cfg(all(feature = "tokio", feature = "compio"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

use monocoque::{compio, tokio};

const ROUNDS: u32 = 1_000;

/// A frame for each round: small ones, and now and then a large one.
fn payload(round: u32) -> Vec<u8> {
    vec![round as u8; if round % 100 == 0 { 1_000_000 } else { round as usize }]
}

#[test]
fn tokio_and_compio_talk_to_each_other() {
    let (send, endpoints) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        ::compio::runtime::Runtime::new().unwrap().block_on(async {
            let router = compio::RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
            send.send(router.local_endpoint().unwrap()).unwrap();
            for _ in 0..ROUNDS {
                let (identity, message) = router.recv_from().await.unwrap();
                router.send_to(identity, message).await.unwrap();
            }
            assert_eq!(router.close().await, 0);
        });
    });
    let runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let dealer = tokio::DealerSocket::connect(endpoints.recv().unwrap()).await.unwrap();
        for round in 0..ROUNDS {
            dealer.send(payload(round)).await.unwrap();
            assert!(dealer.recv().await.unwrap()[0] == payload(round)[..], "round {round}");
        }
        dealer.close().await;
    });
    server.join().unwrap();
}

/// Sockets of both on one thread: compio's runtime inside of tokio's context.
#[test]
fn each_socket_finds_its_own_runtime() {
    let tokio_runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = tokio_runtime.enter();
    ::compio::runtime::Runtime::new().unwrap().block_on(async {
        let pull = compio::PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = tokio::PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        for round in 0..ROUNDS {
            push.send(round.to_be_bytes()).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], round.to_be_bytes());
        }
    });
}

/// A proxy with one side on tokio and the other on compio.
#[test]
fn a_proxy_joins_both() {
    let tokio_runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = tokio_runtime.enter();
    ::compio::runtime::Runtime::new().unwrap().block_on(async {
        let frontend = compio::RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let backend = tokio::DealerSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let req = tokio::ReqSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        let rep = compio::RepSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        let talk = async {
            for round in 0..ROUNDS {
                req.send(payload(round)).await.unwrap();
                let request = rep.recv().await.unwrap();
                rep.send(request).await.unwrap();
                assert!(req.recv().await.unwrap()[0] == payload(round)[..], "round {round}");
            }
        };
        let (talk, proxy) = (std::pin::pin!(talk), std::pin::pin!(monocoque::proxy(&frontend, &backend)));
        let ended = futures_util::future::select(talk, proxy).await;
        assert!(matches!(ended, futures_util::future::Either::Left(_)), "the proxy goes on");
    });
}

/// Fails if the other side of the channel, which reports what it has done, makes no progress: a wake-up
/// that is lost is lost for good, and no runtime can be trusted to tell.
fn watch(progress: &std::sync::mpsc::Receiver<u64>, end: u64) {
    let mut done = 0;
    while done < end {
        let next = progress.recv_timeout(std::time::Duration::from_secs(20));
        done = next.unwrap_or_else(|error| panic!("after {done} of {end}: {error}"));
    }
}

/// One way through small marks: both sides wait for each other again and again, on threads and runtimes of
/// their own.
#[test]
fn a_million_messages_between_runtimes_inside_of_the_process() {
    const MESSAGES: u64 = 1_000_000;
    let (progress, watched) = std::sync::mpsc::channel();
    let receiver = std::thread::spawn(move || {
        ::compio::runtime::Runtime::new().unwrap().block_on(async {
            let options = monocoque::SocketOptions::default().with_recv_hwm(3);
            let pull = compio::PullSocket::bind_with_options("inproc://million", options).await.unwrap();
            for n in 0..MESSAGES {
                assert_eq!(pull.recv().await.unwrap()[0], n.to_be_bytes());
                progress.send(n + 1).unwrap();
            }
            assert!(pull.try_recv().is_err());
        });
    });
    let sender = std::thread::spawn(|| {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let options = monocoque::SocketOptions::default().with_send_hwm(5);
            let push = tokio::PushSocket::connect_with_options("inproc://million", options).await.unwrap();
            for n in 0..MESSAGES {
                push.send(n.to_be_bytes()).await.unwrap();
            }
            assert_eq!(push.close().await, 0);
            let stats = push.stats();
            assert_eq!((stats.accepted, stats.sent), (MESSAGES, MESSAGES));
        });
    });
    watch(&watched, MESSAGES);
    receiver.join().unwrap();
    sender.join().unwrap();
}

/// Back and forth, one message at a time: each is a wake-up across the threads.
#[test]
fn round_trips_between_runtimes_inside_of_the_process() {
    const ROUND_TRIPS: u64 = 50_000;
    let (progress, watched) = std::sync::mpsc::channel();
    let server = std::thread::spawn(|| {
        ::compio::runtime::Runtime::new().unwrap().block_on(async {
            let router = compio::RouterSocket::bind("inproc://trips").await.unwrap();
            for _ in 0..ROUND_TRIPS {
                let (identity, message) = router.recv_from().await.unwrap();
                router.send_to(identity, message).await.unwrap();
            }
        });
    });
    let client = std::thread::spawn(move || {
        let runtime =
            ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let dealer = tokio::DealerSocket::connect("inproc://trips").await.unwrap();
            for n in 0..ROUND_TRIPS {
                dealer.send(n.to_be_bytes()).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap()[0], n.to_be_bytes());
                progress.send(n + 1).unwrap();
            }
        });
    });
    watch(&watched, ROUND_TRIPS);
    client.join().unwrap();
    server.join().unwrap();
}

const SENDERS: usize = 4;
const MESSAGES: u64 = 5_000;
const CHURN: &str = "inproc://come and go";
/// Follows the messages of a sender, with how many of them it could not send in place of a number.
const END: u64 = 1 << 63;

/// Sends numbered messages through one socket after the other: one that is closed leaves what it has sent.
macro_rules! sender {
    ($runtime:ident, $sender:expr) => {
        async {
            let options = monocoque::SocketOptions::default().with_send_hwm(20);
            let open = || $runtime::PushSocket::connect_with_reconnect_and_options(CHURN, options.clone());
            let payload = |n: u64| [&$sender.to_be_bytes()[..], &n.to_be_bytes()].concat();
            let mut push = open().await.unwrap();
            let mut unsent = 0;
            for n in 0..MESSAGES {
                push.send(payload(n)).await.unwrap();
                if n % 97 == 96 || n == MESSAGES - 1 {
                    unsent += push.close().await;
                    push = open().await.unwrap();
                }
            }
            push.send(payload(END | unsent)).await.unwrap();
            while push.close().await > 0 {
                push = open().await.unwrap();
                push.send(payload(END | unsent)).await.unwrap();
            }
        }
    };
}

/// Receives all of it, and lets the name go again and again.
async fn receive_everything(progress: std::sync::mpsc::Sender<u64>) {
    let options = monocoque::SocketOptions::default().with_recv_hwm(10);
    let pull = compio::PullSocket::new(options).unwrap();
    let mut seen = std::collections::HashSet::new();
    // By sender and socket.
    let mut next = std::collections::HashMap::new();
    let (mut received, mut expected, mut running) = (0, SENDERS as u64 * MESSAGES, SENDERS);
    for turn in 0_u64.. {
        if running == 0 && received == expected {
            break;
        }
        if turn % 211 == 0 {
            if turn > 0 {
                pull.unbind(CHURN).unwrap();
            }
            pull.bind_to(CHURN).await.unwrap();
        }
        let message = pull.recv().await.unwrap();
        progress.send(turn + 1).unwrap();
        let number = |at: usize| u64::from_be_bytes(message[0][at..at + 8].try_into().unwrap());
        let (sender, n) = (number(0), number(8));
        assert!(seen.insert((sender, n)), "{n} of {sender} came twice");
        if n & END != 0 {
            expected -= n & !END;
            running -= 1;
            continue;
        }
        let earlier = next.insert((sender, n / 97), n);
        assert!(earlier.is_none_or(|earlier| earlier < n), "{n} of {sender} after {earlier:?}");
        received += 1;
    }
    progress.send(u64::MAX).unwrap();
}

/// Senders that come and go, each on a thread of its own and on either runtime, and a receiver that does
/// likewise: every message arrives once or is counted, and those of a socket in order.
#[test]
fn nothing_is_lost_or_doubled_while_sockets_come_and_go() {
    let senders: Vec<_> = (0..SENDERS as u64)
        .map(|sender| {
            std::thread::spawn(move || {
                if sender % 2 == 0 {
                    let mut builder = ::tokio::runtime::Builder::new_multi_thread();
                    let runtime = builder.worker_threads(1).enable_all().build().unwrap();
                    runtime.block_on(sender!(tokio, sender));
                } else {
                    ::compio::runtime::Runtime::new().unwrap().block_on(sender!(compio, sender));
                }
            })
        })
        .collect();
    let (progress, watched) = std::sync::mpsc::channel();
    let receiver = std::thread::spawn(move || {
        ::compio::runtime::Runtime::new().unwrap().block_on(receive_everything(progress));
    });
    watch(&watched, u64::MAX);
    receiver.join().unwrap();
    for sender in senders {
        sender.join().unwrap();
    }
}
