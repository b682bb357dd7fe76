//! The figures, scraped over HTTP, and the dashboard that shows them.

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::collections::BTreeSet;

use monocoque::socket::Collector;
use monocoque::tokio::prelude::*;
use monocoque_exporter::{beside, install, serve};
use tokio::net::TcpListener;

const DASHBOARD: &str = include_str!("../dashboard.json");

/// What an HTTP client that blocks gets, on a thread of its own.
async fn get(url: String) -> Result<String, ureq::Error> {
    tokio::task::spawn_blocking(move || ureq::get(&url).call()?.body_mut().read_to_string()).await.unwrap()
}

/// The value of a figure, and that it is there once.
#[track_caller]
fn value(page: &str, series: &str) -> f64 {
    let mut lines = page.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = lines.next().unwrap_or_else(|| panic!("no {series} in\n{page}"));
    assert_eq!(lines.next(), None, "{series}");
    value.parse().unwrap()
}

/// Words of a query that look like the names of series.
fn series(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("zeromq_") || word.starts_with("messaging_"))
}

/// The series that the dashboard asks for.
fn shown() -> BTreeSet<String> {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            shown.extend(series(target["expr"].as_str().unwrap()).map(str::to_owned));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        shown.extend(series(variable["query"].as_str().unwrap()).map(str::to_owned));
    }
    shown
}

/// A life in which there is something of every figure that is only there once there was something.
async fn work(url: String, jobs: PushSocket<SemaphorePermits>, workers: PullSocket, news: PubSocket) {
    for _ in 0..5 {
        jobs.send("job").await.unwrap();
    }
    for _ in 0..4 {
        workers.recv().await.unwrap();
    }
    while workers.stats().recv_queued == 0 {
        tokio::task::yield_now().await;
    }
    news.send("nobody has subscribed").await.unwrap();
    // It is not what a publisher talks to.
    let stranger = PullSocket::connect_with_reconnect(news.local_endpoint().unwrap()).await.unwrap();
    while news.stats().handshakes_failed == 0 {
        tokio::task::yield_now().await;
    }
    drop(stranger);

    let page = get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(value(&page, r#"messaging_client_sent_messages{socket="jobs",type="PUSH"}"#), 5.0);
    assert_eq!(value(&page, r#"messaging_client_consumed_messages{socket="workers",type="PULL"}"#), 4.0);
    assert_eq!(value(&page, r#"zeromq_received_queued_messages{socket="workers",type="PULL"}"#), 1.0);
    assert_eq!(value(&page, r#"zeromq_permits_budget_bytes{permits="jobs"}"#), 1_048_576.0);
    let dropped = r#"zeromq_dropped_messages{socket="news",type="PUB",cause="NoSubscriber"}"#;
    assert_eq!(value(&page, dropped), 1.0);

    // What has changed since is in the next one.
    workers.recv().await.unwrap();
    jobs.send("left").await.unwrap();
    jobs.close().await;
    while workers.is_connected() {
        tokio::task::yield_now().await;
    }
    workers.close().await;
    let page = get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(value(&page, r#"messaging_client_consumed_messages{socket="workers",type="PULL"}"#), 5.0);
    let exported: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for series in shown() {
        assert!(exported.contains(series.as_str()), "the dashboard shows {series}: {exported:#?}");
    }
    assert!(matches!(get(format!("{url}/other")).await, Err(ureq::Error::StatusCode(404))));
}

#[test]
fn prometheus_gets_what_the_dashboard_shows() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let named = |name: &str| SocketOptions::default().with_name(name).with_wait_times(true);
        let bind = "tcp://127.0.0.1:0";
        let workers = PullSocket::bind_with_options(bind, named("workers")).await.unwrap();
        let news = PubSocket::bind_with_options(bind, named("news")).await.unwrap();
        let budget = SemaphorePermits::new(1 << 20);
        let endpoint = workers.local_endpoint().unwrap();
        let jobs = PushSocket::connect_with_options(endpoint, named("jobs")).await.unwrap();
        let jobs = jobs.with_permits(budget.clone());
        let mut collector = Collector::new();
        collector.watch(&workers);
        collector.watch(&jobs);
        collector.watch(&news);
        collector.watch_permits("jobs", &budget);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = serve(listener, install().unwrap(), collector);
        beside(serving, work(url, jobs, workers, news)).await.unwrap();
    });
}

/// Kills a dashboard that shows nothing.
#[test]
fn the_dashboard_asks_for_something() {
    let shown = shown();
    assert!(shown.len() > 10, "{shown:?}");
    assert!(shown.contains("zeromq_dropped_messages"));
}
