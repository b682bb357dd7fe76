//! A pipeline whose figures Prometheus scrapes: `curl http://127.0.0.1:9464/metrics`.

#![forbid(unsafe_code)]

use std::time::Duration;

use monocoque::socket::Collector;
use monocoque::tokio::prelude::*;
use monocoque_exporter::{beside, install, serve};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = |name: &str| SocketOptions::default().with_name(name).with_wait_times(true);
    let workers = PullSocket::bind_with_options("tcp://127.0.0.1:0", options("workers")).await?;
    let endpoint = workers.local_endpoint().expect("it is bound");
    let budget = SemaphorePermits::new(1 << 20);
    let jobs =
        PushSocket::connect_with_options(endpoint, options("jobs")).await?.with_permits(budget.clone());

    let mut collector = Collector::new();
    collector.watch(&workers);
    collector.watch(&jobs);
    collector.watch_permits("jobs", &budget);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9464".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("http://{}/metrics", listener.local_addr()?);
    let serving = serve(listener, install()?, collector);
    let working = async {
        loop {
            jobs.send("job").await?;
            workers.recv().await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    beside(serving, working).await?
}
