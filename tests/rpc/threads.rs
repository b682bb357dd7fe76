//! Many tasks on many threads.

use futures_util::future::join_all;
use monocoque::rpc::Request;
use monocoque::tokio::prelude::*;
use std::future::Future;
use std::time::Duration;

async fn pair(options: ClientOptions) -> (Server, Client) {
    let server = Server::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = server.socket().local_endpoint().unwrap();
    (server, Client::connect_with_options(endpoint, options).await.unwrap())
}

/// Serves with tasks that share the server; each request is answered by a task of its own, sooner or later.
fn serve(server: &Server, tasks: usize) {
    for _ in 0..tasks {
        let server = server.clone();
        tokio::spawn(async move {
            while let Ok(Request { message, reply, .. }) = server.next().await {
                tokio::spawn(async move {
                    for _ in 0..fastrand::u32(..10) {
                        tokio::task::yield_now().await;
                    }
                    reply.send(message).await.unwrap();
                });
            }
        });
    }
}

fn run(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(4).enable_all().build().unwrap().block_on(test);
}

/// 1,000 at once, from 8 tasks, and again and again: each has its own reply.
#[test]
fn a_thousand_requests_from_eight_tasks() {
    run(async {
        let (server, client) = pair(ClientOptions::default()).await;
        serve(&server, 4);
        let tasks = (0..8_u32).map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for round in 0..20_u32 {
                    let requests = (0..125_u32).map(|n| {
                        let text = format!("{task} {round} {n}");
                        let client = &client;
                        async move { assert_eq!(client.request(text.clone()).await.unwrap(), text.into()) }
                    });
                    join_all(requests).await;
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(|task| task.unwrap());
        let stats = client.socket().stats();
        assert_eq!((client.outstanding(), stats.delivered, stats.recv_dropped), (0, 20_000, 0));
        server.drain(Duration::from_secs(100)).await.unwrap();
    });
}

/// Tasks that give up at any moment, beside others that do not, on few places: nobody waits for ever, and everything
/// is accounted for.
#[test]
fn tasks_that_give_up() {
    run(async {
        let (server, client) = pair(ClientOptions::default().with_max_outstanding(5)).await;
        serve(&server, 2);
        let tasks = (0..8_u64).map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(task);
                for n in 0..400_u32 {
                    let limit = if task < 4 {
                        Duration::from_micros(random.u64(..500))
                    } else {
                        Duration::from_secs(100)
                    };
                    let text = format!("{task} {n}");
                    match client.request_within(text.clone(), limit).await {
                        Ok(reply) => assert_eq!(reply, text.into()),
                        Err(failed) => assert!(task < 4 && failed.kind() == ErrorKind::TimedOut, "{failed}"),
                    }
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(|task| task.unwrap());
        assert_eq!(client.outstanding(), 0);
        server.drain(Duration::from_secs(100)).await.unwrap();
        client.request_within("drained", Duration::from_millis(1)).await.unwrap_err();
        let stats = client.socket().stats();
        assert_eq!(stats.received, stats.delivered + stats.recv_dropped);
    });
}
