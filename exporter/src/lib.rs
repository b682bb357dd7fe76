//! The figures of sockets, as Prometheus scrapes them.
//!
//! The sockets hand over their figures when somebody asks: what they cost between two scrapes is nothing.

#![forbid(unsafe_code)]

use std::future::Future;
use std::io;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use monocoque::runtime::tokio::TokioStream;
use monocoque::socket::Collector;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The longest request, in bytes, that is answered.
const LONGEST_REQUEST: usize = 8 * 1024;

/// How long a client may take over one request and its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the recorder of Prometheus that of the whole process, and returns what renders its figures.
///
/// # Errors
/// If the process has a recorder already.
pub fn install() -> io::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(io::Error::other)?;
    Ok(figures)
}

/// Answers each `GET /metrics` with the figures of that moment, one client after the other, until dropped.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    figures: PrometheusHandle,
    mut collector: Collector<TokioStream>,
) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let answering = answer(client, || {
            collector.collect();
            figures.render()
        });
        // A client that breaks off, or is slow, is no concern of the next one.
        let _ = tokio::time::timeout(PATIENCE, answering).await;
        figures.run_upkeep();
    }
}

async fn answer(mut client: TcpStream, render: impl FnOnce() -> String) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if request.len() > LONGEST_REQUEST || client.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let (status, body) = match request.starts_with(b"GET /metrics ") {
        true => ("200 OK", render()),
        false => ("404 Not Found", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(body.as_bytes()).await?;
    client.shutdown().await
}

/// Runs `work` while the figures are served.
///
/// # Errors
/// If serving them fails.
pub async fn beside<T>(
    serving: impl Future<Output = io::Result<()>>,
    work: impl Future<Output = T>,
) -> io::Result<T> {
    tokio::select! {
        done = work => Ok(done),
        failed = serving => match failed {
            Ok(()) => Err(io::Error::other("the exporter has ended")),
            Err(error) => Err(error),
        },
    }
}
