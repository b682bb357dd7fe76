//! One TLS stream at a time, over bytes in memory: what is told at which poll.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use monocoque::Endpoint;
use monocoque::runtime::tls::{Tls, TlsStream};
use monocoque::runtime::{AsyncStream, Detached, Layer, Local, RecvBuf, SendBuf, Side};

use crate::certificates::{AUTHORITY, NAMES};

/// One direction of a connection: what is under way, and how much of it there may be.
#[derive(Debug)]
struct Way {
    bytes: RefCell<VecDeque<u8>>,
    room: Cell<usize>,
    ended: Cell<bool>,
    /// How many bytes are to pass before one that is changed.
    whole: Cell<Option<usize>>,
}

/// One end of it.
#[derive(Debug)]
struct End {
    incoming: Rc<Way>,
    outgoing: Rc<Way>,
}

impl AsyncStream for End {
    type Runtime = Detached;
    type Sharing = Local;

    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        let mut bytes = self.incoming.bytes.borrow_mut();
        let len = bytes.len().min(buf.unfilled().len());
        if len == 0 && !self.incoming.ended.get() {
            return Poll::Pending;
        }
        for (to, from) in buf.unfilled().iter_mut().zip(bytes.drain(..len)) {
            *to = from;
        }
        buf.advance(len);
        Poll::Ready(Ok(len))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let mut bytes = self.outgoing.bytes.borrow_mut();
        let len = src.chunk().len().min(self.outgoing.room.get().saturating_sub(bytes.len()));
        if len == 0 {
            return Poll::Pending;
        }
        let whole = self.outgoing.whole.get();
        bytes.extend(
            src.chunk()[..len].iter().enumerate().map(|(at, byte)| byte ^ u8::from(Some(at) == whole)),
        );
        self.outgoing.whole.set(whole.and_then(|whole| whole.checked_sub(len)));
        src.advance(len);
        Poll::Ready(Ok(len))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.ended.set(true);
        Poll::Ready(Ok(()))
    }
}

/// A client and a server that have shaken hands, and the way from one to the other.
fn pair() -> (TlsStream<End>, TlsStream<End>, Rc<Way>) {
    let (mut client, mut server, [there, _]) = strangers();
    for _ in 0..4 {
        assert!(read(&mut client, 1).is_pending() && read(&mut server, 1).is_pending());
    }
    assert!(there.bytes.borrow().is_empty());
    (client, server, there)
}

/// A client and a server that have said nothing yet, and the ways between them.
fn strangers() -> (TlsStream<End>, TlsStream<End>, [Rc<Way>; 2]) {
    let way = || {
        let (bytes, room, ended) = (RefCell::default(), Cell::new(usize::MAX), Cell::new(false));
        Rc::new(Way { bytes, room, ended, whole: Cell::default() })
    };
    let (there, back) = (way(), way());
    let tls = Tls::client(AUTHORITY.client(None));
    tls.replace_server(AUTHORITY.server(AUTHORITY.issue(&NAMES), false));
    let endpoint: Endpoint = "tcp://localhost:1".parse().unwrap();
    let client = End { incoming: Rc::clone(&back), outgoing: Rc::clone(&there) };
    let server = End { incoming: Rc::clone(&there), outgoing: Rc::clone(&back) };
    let client = tls.wrap(client, Side::Dialled, &endpoint).unwrap();
    let server = tls.wrap(server, Side::Accepted, &endpoint).unwrap();
    (client, server, [there, back])
}

fn read(stream: &mut TlsStream<End>, room: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut buf = RecvBuf::with_capacity(room);
    let read = stream.poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
    read.map_ok(|read| {
        assert_eq!(read, buf.filled().len());
        buf.filled().to_vec()
    })
}

fn write(stream: &mut TlsStream<End>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
    stream.poll_write(&mut Context::from_waker(Waker::noop()), src)
}

fn queue(len: usize) -> SendBuf {
    let mut queue = SendBuf::default();
    queue.put(&vec![7; len]);
    queue
}

/// Kills counting bytes as sent that were only encrypted, and encrypting them again.
#[test]
fn bytes_are_sent_when_their_records_are_written() {
    let (mut client, mut server, way) = pair();
    let mut queue = queue(1_000);
    // The record is longer than that together.
    for room in [0, 1, 500, 500, 10] {
        way.room.set(room);
        assert!(write(&mut client, &mut queue).is_pending());
        assert_eq!((queue.remaining(), way.bytes.borrow().len()), (1_000, room));
        assert!(read(&mut server, 10_000).is_pending(), "part of a record is nothing");
    }
    way.room.set(usize::MAX);
    // More may stand behind by now, and is another's turn.
    queue.put(&[8; 50]);
    assert!(matches!(write(&mut client, &mut queue), Poll::Ready(Ok(1_000))));
    assert_eq!(queue.remaining(), 50);
    assert!(matches!(read(&mut server, 10_000), Poll::Ready(Ok(bytes)) if bytes == [7; 1_000]));
}

/// What the peer can read counts as sent, whatever becomes of what is behind it: else it would come again on another
/// connection. Each 16 KiB are a record of their own.
#[test]
fn what_the_peer_can_read_counts_as_sent() {
    const ALL: usize = 40_000;
    for room in (0..ALL + 200).step_by(401) {
        let (mut client, mut server, way) = pair();
        let mut queue = queue(ALL);
        way.room.set(room);
        let mut told = 0;
        while let Poll::Ready(Ok(sent)) = write(&mut client, &mut queue) {
            told += sent;
            if queue.is_empty() {
                break;
            }
        }
        assert_eq!(told, ALL - queue.remaining());
        let mut arrived = 0;
        while let Poll::Ready(Ok(bytes)) = read(&mut server, 100_000) {
            arrived += bytes.len();
        }
        assert_eq!(told, arrived, "with room for {room} bytes");
    }
}

/// What is read meanwhile, and a flush, leave alone what would then have arrived untold.
#[test]
fn only_writing_writes_what_is_to_be_told() {
    let (mut client, mut server, way) = pair();
    let mut queue = queue(1_000);
    way.room.set(500);
    assert!(write(&mut client, &mut queue).is_pending());
    way.room.set(usize::MAX);
    assert!(read(&mut client, 100).is_pending());
    assert!(client.poll_flush(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(way.bytes.borrow().len(), 500);
    assert!(read(&mut server, 10_000).is_pending());
    assert!(matches!(write(&mut client, &mut queue), Poll::Ready(Ok(1_000))));
}

/// Each byte of a record (but of its header, of which TLS 1.3 needs the length only) that is changed on the way ends the stream, and nothing of it is received.
#[test]
fn what_was_changed_on_the_way_is_not_received() {
    for at in (5..1_022).step_by(73) {
        let (mut client, mut server, way) = pair();
        let mut queue = queue(1_000);
        assert!(write(&mut client, &mut queue).is_ready());
        way.bytes.borrow_mut()[at] ^= 1;
        match read(&mut server, 10_000) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}"),
            other => panic!("{at}: {other:?}"),
        }
    }
}

/// What is asked of a stream that has failed fails again, whatever came behind: rustls is not asked.
#[test]
fn a_stream_that_has_failed_fails_again() {
    let noise: [&[u8]; 3] = [&[0x17, 3, 3, 0, 32], b"GET / HTTP/1.1\r\n", &[0x17, 3, 3, 0xFF, 0xFF]];
    for (case, shaken) in (0..noise.len()).flat_map(|case| [(case, false), (case, true)]) {
        let (mut server, way) = if shaken {
            let (_, server, way) = pair();
            (server, way)
        } else {
            let (_, server, [way, _]) = strangers();
            (server, way)
        };
        way.bytes.borrow_mut().extend([noise[case], &[9; 100]].concat());
        for _ in 0..3 {
            assert!(matches!(read(&mut server, 100), Poll::Ready(Err(_))), "{case} {shaken}");
            assert!(matches!(write(&mut server, &mut queue(10)), Poll::Ready(Err(_))), "{case} {shaken}");
        }
        let closed = server.poll_close(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(closed, Poll::Ready(Ok(()))), "{case} {shaken}: {closed:?}");
    }
}

/// A byte of the handshake that is changed ends it, has it wait for what never comes, or meant nothing. What is
/// received is in any case what was sent.
#[test]
fn what_was_changed_in_the_handshake_opens_nothing_else() {
    const STEP: usize = 7;
    let [mut ended, mut came] = [0; 2];
    for way in 0..2 {
        for at in (fastrand::usize(..STEP)..5_000).step_by(STEP) {
            let (mut client, mut server, ways) = strangers();
            ways[way].whole.set(Some(at));
            let mut failed = false;
            for _ in 0..5 {
                for end in [&mut client, &mut server] {
                    failed |= matches!(read(end, 1), Poll::Ready(Err(_)));
                }
            }
            if ways[way].whole.get().is_some() {
                // The handshake is not that long.
                break;
            }
            let _ = write(&mut client, &mut queue(1_000));
            let received = read(&mut server, 10_000);
            assert!(
                !matches!(&received, Poll::Ready(Ok(bytes)) if *bytes != [7; 1_000]),
                "{at} of way {way}"
            );
            came += usize::from(!failed && matches!(received, Poll::Ready(Ok(_))));
            ended += usize::from(failed);
        }
    }
    println!("{ended} ended it, {came} meant nothing");
    assert!(ended > 100 && came * 10 < ended, "{ended} ended it, {came} meant nothing");
}

/// Plaintext that finds no room waits for the next read, which needs nothing from below.
#[test]
fn what_finds_no_room_is_read_next() {
    let (mut client, mut server, _) = pair();
    let mut queue = queue(100_000);
    while !queue.is_empty() {
        assert!(write(&mut client, &mut queue).is_ready());
    }
    let mut left = 100_000;
    while left > 0 {
        let Poll::Ready(Ok(bytes)) = read(&mut server, 777) else { panic!("{left} are left") };
        assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 7));
        left -= bytes.len();
    }
    assert!(read(&mut server, 777).is_pending());
}

/// What was encrypted and does not count as sent goes elsewhere: its other half must not arrive when the stream is
/// closed, so no end is said.
#[test]
fn a_close_in_the_middle_of_a_record_is_a_cut() {
    for whole in [true, false] {
        let (mut client, mut server, way) = pair();
        let mut queue = queue(1_000);
        way.room.set(if whole { usize::MAX } else { 500 });
        assert_eq!(write(&mut client, &mut queue).is_ready(), whole);
        way.room.set(usize::MAX);
        let closed = client.poll_close(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(closed, Poll::Ready(Ok(()))));
        if whole {
            assert!(matches!(read(&mut server, 10_000), Poll::Ready(Ok(bytes)) if bytes.len() == 1_000));
            for _ in 0..2 {
                assert!(matches!(read(&mut server, 10_000), Poll::Ready(Ok(bytes)) if bytes.is_empty()));
            }
        } else {
            assert_eq!(queue.remaining(), 1_000);
            let Poll::Ready(Err(error)) = read(&mut server, 10_000) else { panic!("it is cut") };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
