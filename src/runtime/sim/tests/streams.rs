//! Bytes between two ends.

use std::future::poll_fn;

use futures_test::task::new_count_waker;

use super::*;
use crate::runtime::{AsyncStream, RecvBuf, SendBuf};

#[test]
fn latency_delays_and_keeps_the_order() {
    let plan = Plan::new().with_latency(MS..=50 * MS).with_write_chunk(1..=1);
    let sim = Sim::with_config(3, SimConfig::new().with_links(plan));
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        let sent = elapsed();
        let bytes: Vec<u8> = (0..=255).collect();
        client.write_all(&bytes).await.unwrap();
        assert_eq!(elapsed(), sent, "writing takes no time");
        let mut received = vec![0; 256];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(received, bytes);
        let took = elapsed() - sent;
        assert!(took > 40 * MS && took <= 50 * MS, "{took:?}");
    });
}

#[test]
fn links_overtake_each_other() {
    let sim = fixed(1);
    sim.network().on_next_connect(Plan::new().with_latency(5 * MS..=5 * MS));
    sim.block_on(async {
        let (mut slow, mut slow_end) = pair().await;
        let (mut quick, mut quick_end) = pair().await;
        slow.write_all(b"s").await.unwrap();
        quick.write_all(b"q").await.unwrap();
        let start = elapsed();
        let arrival = |mut stream: RawStream| {
            spawn(async move {
                stream.read_some(&mut [0]).await.unwrap();
                elapsed()
            })
        };
        slow_end.close().unwrap();
        quick_end.close().unwrap();
        let (slow, quick) = (arrival(slow_end), arrival(quick_end));
        assert_eq!(quick.await.unwrap() - start, MS);
        assert_eq!(slow.await.unwrap() - start, 5 * MS);
    });
}

/// The trait as the engine uses it.
#[test]
fn reads_and_writes_are_short_and_in_place() {
    let plan = Plan::new().with_read_chunk(2..=2).with_write_chunk(3..=3);
    Sim::with_config(1, SimConfig::new().with_links(plan)).block_on(async {
        let (client, server) = pair().await;
        let (mut client, mut server) = (client.into_inner(), server.into_inner());
        let mut src = SendBuf::default();
        src.put(b"ab");
        src.put_shared(&bytes::Bytes::from(vec![b'c'; 5000]));
        assert_eq!(poll_fn(|cx| client.poll_write(cx, &mut src)).await.unwrap(), 3);
        assert_eq!((src.remaining(), src.chunk()[0]), (4999, b'c'));
        sleep(MS).await;
        let mut buf = RecvBuf::with_capacity(64);
        assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buf)).await.unwrap(), 2);
        assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buf)).await.unwrap(), 1);
        assert_eq!(buf.filled(), b"abc");
        let pending = server.poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
        assert!(pending.is_pending());
        assert_eq!(buf.filled(), b"abc");
        assert_eq!(buf.unfilled().len(), 61);
        poll_fn(|cx| client.poll_close(cx)).await.unwrap();
        assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buf)).await.unwrap(), 0);
    });
}

#[test]
fn capacity_pushes_back() {
    let sim = fixed(1);
    sim.network().on_next_connect(Plan::new().with_capacity(Direction::ToServer, 10));
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        let link = client.link();
        let writing = spawn(async move { client.write_all(&[7; 25]).await.map(|()| client) });
        sleep(10 * MS).await;
        let state = sim.network().link(link).unwrap();
        assert_eq!((state.to_server.sent, state.to_server.delivered, state.to_server.unread), (10, 10, 10));
        server.read_exact(&mut [0; 4]).await.unwrap();
        sleep(10 * MS).await;
        assert_eq!(sim.network().links()[0].to_server.sent, 14);
        sim.network().set_capacity(link, Direction::ToServer, 100);
        let mut client = writing.await.unwrap().unwrap();
        server.read_exact(&mut [0; 21]).await.unwrap();
        sim.network().set_capacity(link, Direction::ToServer, 0);
        assert!(timeout(Duration::from_secs(60), client.write_all(b"x")).await.is_err());
    });
}

#[test]
fn half_closed_connections_go_on() {
    fixed(1).block_on(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"request").await.unwrap();
        client.close().unwrap();
        client.close().unwrap();
        assert_eq!(client.write_all(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(drain(&mut server).await, (b"request".to_vec(), None));
        server.write_all(b"reply").await.unwrap();
        drop(server);
        assert_eq!(drain(&mut client).await, (b"reply".to_vec(), None));
    });
}

#[test]
fn a_stream_dropped_with_unread_bytes_resets() {
    fixed(1).block_on(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"unread").await.unwrap();
        server.write_all(b"last words").await.unwrap();
        sleep(2 * MS).await;
        drop(server);
        assert_eq!(drain(&mut client).await, (b"last words".to_vec(), Some(ErrorKind::ConnectionReset)));
        assert_eq!(client.write_all(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.close().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn writing_to_a_dropped_stream_is_answered_by_a_reset() {
    fixed(1).block_on(async {
        let (mut client, server) = pair().await;
        drop(server);
        client.write_all(b"into the void").await.unwrap();
        sleep(3 * MS).await;
        assert_eq!(client.write_all(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_writer_that_waits_learns_that_the_reader_is_gone() {
    let sim = fixed(1);
    sim.network().on_next_connect(Plan::new().with_capacity(Direction::ToServer, 0));
    sim.block_on(async {
        let (mut client, server) = pair().await;
        let writing = spawn(async move { client.write_all(b"x").await });
        sleep(MS).await;
        drop(server);
        assert_eq!(writing.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn each_direction_keeps_the_last_waker_and_both_are_apart() {
    fixed(1).block_on(async {
        let (client, mut server) = pair().await;
        let mut client = client.into_inner();
        let wakes = [(); 3].map(|()| new_count_waker());
        let count = |index: usize| wakes[index].1.get();
        let mut read = |index: usize| {
            client.poll_read(&mut Context::from_waker(&wakes[index].0), &mut RecvBuf::with_capacity(8))
        };
        assert!(read(0).is_pending());
        assert!(read(1).is_pending());
        server.write_all(b"x").await.unwrap();
        sleep(2 * MS).await;
        assert_eq!((count(0), count(1)), (0, 1));
        assert!(matches!(read(1), Poll::Ready(Ok(1))));
        // A waker is used once.
        server.write_all(b"y").await.unwrap();
        sleep(2 * MS).await;
        assert_eq!(count(1), 1);
        assert!(matches!(read(2), Poll::Ready(Ok(1))));
        assert!(read(2).is_pending());
        let mut src = SendBuf::default();
        src.put(&[0; 100_000]);
        let mut cx = Context::from_waker(&wakes[0].0);
        assert!(matches!(client.poll_write(&mut cx, &mut src), Poll::Ready(Ok(65_536))));
        assert!(client.poll_write(&mut cx, &mut src).is_pending());
        server.write_all(b"z").await.unwrap();
        sleep(2 * MS).await;
        assert_eq!((count(0), count(2)), (0, 1));
        server.read_exact(&mut [0; 10]).await.unwrap();
        assert_eq!((count(0), count(2)), (1, 1));
    });
}

#[test]
fn spurious_wakes_and_polls_put_off_happen_and_change_no_bytes() {
    let read_all = |config: SimConfig| {
        let sim = Sim::with_config(5, config.with_links(Plan::new().with_write_chunk(10..=10)));
        let received = sim.block_on(async {
            let (mut client, mut server) = pair().await;
            spawn(async move { client.write_all(&[1; 2000]).await });
            drain(&mut server).await
        });
        assert_eq!(received, (vec![1; 2000], None));
        sim.polls()
    };
    let plain = read_all(SimConfig::new());
    assert!(read_all(SimConfig::new().with_spurious_wakes(true)) > plain);
    assert!(read_all(SimConfig::new().with_spurious_pending(true)) > plain);
}
