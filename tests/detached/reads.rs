//! What messages take of reads, from a stream that has them all.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::{AsyncRead, AsyncWrite};
use monocoque::runtime::FuturesIo;
use monocoque::socket;

use crate::pipe;
use crate::stalled::opening;

/// Bytes to be read, and somebody who takes all that is written.
struct Laid {
    bytes: Vec<u8>,
    at: usize,
    reads: Arc<AtomicUsize>,
    /// Writes fail from now on.
    broken: Arc<AtomicBool>,
}

impl Laid {
    /// What a peer of this type says, with so many messages of so many bytes.
    fn messages(socket_type: &str, count: usize, size: usize) -> Self {
        let mut bytes = opening(socket_type, b"");
        for _ in 0..count {
            bytes.push(2);
            bytes.extend((size as u64).to_be_bytes());
            bytes.resize(bytes.len() + size, 7);
        }
        Self { bytes, at: 0, reads: Arc::default(), broken: Arc::default() }
    }
}

impl AsyncRead for Laid {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = buf.len().min(self.bytes.len() - self.at);
        if read == 0 {
            return Poll::Pending;
        }
        buf[..read].copy_from_slice(&self.bytes[self.at..][..read]);
        self.at += read;
        self.reads.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for Laid {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let broken = self.broken.load(Ordering::SeqCst);
        Poll::Ready(if broken { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(bytes.len()) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Kills small reads behind frames that are not worth them, and large ones behind those that are: of 100 KB all but the
/// first 8 KiB go where they are to be.
#[test]
fn reads_bring_many_messages_or_one_that_is_large() {
    const MESSAGES: usize = 500;
    for (size, most) in [(100, 1), (1_000, 10), (9_000, 130), (16_000, 205), (40_000, 505), (100_000, 1_010)]
    {
        let laid = Laid::messages("PUSH", MESSAGES, size);
        let reads = Arc::clone(&laid.reads);
        pipe::run(async {
            let pull = socket::PullSocket::from_stream(FuturesIo::new(laid)).await.unwrap();
            for _ in 0..MESSAGES {
                assert_eq!(pull.recv().await.unwrap()[0].len(), size);
            }
        });
        let reads = reads.load(Ordering::SeqCst);
        assert!(reads <= most, "{reads} reads for {MESSAGES} messages of {size} bytes");
    }
}

/// Kills losing what had arrived before a write failed, as far as 64 reads of 64 KiB bring it.
#[test]
fn what_had_arrived_is_received_when_a_write_fails() {
    const MESSAGES: usize = 400;
    for (size, least) in [(1_000, MESSAGES), (9_000, 250), (16_000, 150), (40_000, 60)] {
        let laid = Laid::messages("DEALER", MESSAGES, size);
        let broken = Arc::clone(&laid.broken);
        pipe::run(async {
            let dealer = socket::DealerSocket::from_stream(FuturesIo::new(laid)).await.unwrap();
            broken.store(true, Ordering::SeqCst);
            let _lost = dealer.send("x").await;
            let mut received = 0;
            while dealer.recv().await.is_ok() {
                received += 1;
            }
            assert!(received >= least, "{received} of {MESSAGES} messages of {size} bytes");
        });
    }
}
