//! The same events however the bytes arrive.

use super::*;
use SocketType::*;

/// Everything that a peer can say, with frames around all thresholds.
fn transcript() -> Vec<u8> {
    let mut bytes = greeting(1);
    bytes.extend(ready("DEALER", &property("Identity", b"peer")));
    for len in [0, 1, 70, 71, 255, 256, 8191, 8192, 8193] {
        bytes.extend(frame(0, &vec![len as u8; len]));
    }
    bytes.extend(frame(1, b"a"));
    bytes.extend(command("PING", b"\0\x01context"));
    bytes.extend(frame(1, &[b'b'; 9000]));
    bytes.extend(command("PONG", b"context"));
    bytes.extend(frame(0, b""));
    bytes.extend(command("UNKNOWN", b"data"));
    bytes.extend(command("SUBSCRIBE", &[b't'; 9000]));
    bytes.extend(command("CANCEL", b"t"));
    bytes.extend(frame(0, b"end"));
    bytes
}

fn in_chunks<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut side = Side::new(&config(Router));
    let mut events = vec![];
    for chunk in chunks {
        side.receive_into(chunk, &mut events).unwrap();
        assert!(side.unread.len() <= LARGE_FRAME + 9, "too much is left unread");
    }
    assert_eq!(side.unread, b"");
    (events, side.out.take_bytes())
}

#[test]
fn every_split_gives_the_same_events() {
    let bytes = transcript();
    let whole = in_chunks([&bytes[..]].into_iter());
    assert_eq!(whole.0.len(), 1 + 9 + 2 + 1 + 4);
    for size in [1, 2, 3, 5, 7, 64, 1000, 8192, 8201] {
        assert_eq!(in_chunks(bytes.chunks(size)), whole, "chunks of {size}");
    }
    // All splits in two; the long payloads in strides, their ends byte by byte.
    let mut at = 0;
    while at < bytes.len() {
        let (front, back) = bytes.split_at(at);
        assert_eq!(in_chunks([front, back].into_iter()), whole, "split at {at}");
        let is_uniform = bytes[at..].iter().take(40).all(|byte| *byte == bytes[at]);
        at += if is_uniform { 31 } else { 1 };
    }
}

/// Frames that are all there are never announced as large, however long they are.
#[test]
fn complete_large_frames_need_no_collecting() {
    let bytes = frame(0, &[1; 100_000]);
    let mut side = Side::ready(Pull, Push, 1);
    let mut input = &bytes[..];
    let event = side.connection.handle_input(&mut input, &mut side.out);
    assert_eq!(event, Ok(Some(Event::Message(message(&[&[1; 100_000]])))));
    assert_eq!(input, b"");
}

#[test]
fn incomplete_frames_wait_up_to_the_threshold() {
    for (len, announced) in [(LARGE_FRAME, None), (LARGE_FRAME + 1, Some(()))] {
        let bytes = frame(0, &vec![0; len]);
        let mut side = Side::ready(Pull, Push, 1);
        let mut input = &bytes[..bytes.len() - 1];
        let event = side.connection.handle_input(&mut input, &mut side.out);
        assert_eq!(event, Ok(announced.map(|()| Event::LargeFrame { len })));
        assert_eq!(input.len(), announced.map_or(bytes.len(), |()| len) - 1);
    }
}

/// Until the payload comes by the other door, the announcement stands and nothing is consumed.
#[test]
fn large_frame_is_announced_until_it_is_handed_in() {
    let bytes = frame(0, &[0; 10_000]);
    let mut side = Side::ready(Pull, Push, 1);
    let mut input = &bytes[..20];
    for _ in 0..2 {
        let event = side.connection.handle_input(&mut input, &mut side.out);
        assert_eq!(event, Ok(Some(Event::LargeFrame { len: 10_000 })));
        assert_eq!(input.len(), 11);
    }
    let event = side.connection.handle_large_frame(vec![0; 10_000].into(), &mut side.out);
    assert!(matches!(event, Ok(Some(Event::Message(_)))));
    let event = side.connection.handle_input(&mut &b"\0\0"[..], &mut side.out);
    assert!(matches!(event, Ok(Some(Event::Message(_)))));
}

#[test]
fn one_event_per_call() {
    let mut side = Side::ready(Pull, Push, 1);
    let mut input = &b"\0\x01a\0\x01b\0"[..];
    for (payload, left) in [("a", 4), ("b", 1)] {
        let event = side.connection.handle_input(&mut input, &mut side.out);
        assert_eq!(event, Ok(Some(Event::Message(payload.into()))));
        assert_eq!(input.len(), left);
    }
    assert_eq!(side.connection.handle_input(&mut input, &mut side.out), Ok(None));
    assert_eq!(input, b"\0");
}
