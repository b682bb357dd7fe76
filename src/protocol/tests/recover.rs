//! From encoded bytes back to messages, however a queue has cut and glued them.

use super::*;
use SocketType::*;

fn messages() -> Vec<Message> {
    let shared = Bytes::from(vec![b'x'; 5000]);
    vec![
        message(&[b"short"]),
        message(&[b""]),
        message(&[b"", b"", b""]),
        message(&[&[1; 255]]),
        message(&[&[2; 256]]),
        message(&[b"id", b"", &[3; 300], b"end"]),
        [Frame::from("id"), shared.clone().into(), shared.into(), Frame::new()].into(),
    ]
}

#[test]
fn as_written() {
    let mut side = Side::ready(Dealer, Router, 1);
    for message in messages() {
        side.connection.encode_message(&message, &mut side.out);
        assert_eq!(side.connection.recover(side.out.take()), Some(message));
    }
}

#[test]
fn in_pieces_of_any_size() {
    let mut side = Side::ready(Dealer, Router, 1);
    for message in messages() {
        let bytes = Bytes::from(side.encode(&message));
        for size in [1, 2, 3, 7, 64, 257, bytes.len()] {
            let pieces = (0..bytes.len()).step_by(size).map(|at| bytes.slice(at..bytes.len().min(at + size)));
            let pieces = pieces.flat_map(|piece| [Bytes::new(), piece]).collect();
            assert_eq!(side.connection.recover(pieces).as_ref(), Some(&message), "pieces of {size}");
        }
    }
}

#[test]
fn shared_payloads_stay_shared_and_glued_ones_pin_nothing() {
    let payload = Bytes::from(vec![b'x'; 5000]);
    let mut side = Side::ready(Dealer, Router, 1);
    side.connection.encode_message(&payload.clone().into(), &mut side.out);
    let pieces = side.out.take();
    let glued = Bytes::from(pieces.concat());
    let recovered = side.connection.recover(pieces).unwrap();
    assert_eq!(recovered[0].as_ptr(), payload.as_ptr());

    let recovered = side.connection.recover(vec![glued.clone()]).unwrap();
    assert_eq!(recovered[0], payload);
    assert!(!glued.as_ptr_range().contains(&recovered[0].as_ptr()));
}

#[test]
fn only_whole_messages() {
    let mut side = Side::ready(Dealer, Router, 1);
    let bytes = side.encode(&message(&[b"id", b"", &[3; 300], b"end"]));
    for len in 0..bytes.len() {
        let cut = Bytes::copy_from_slice(&bytes[..len]);
        assert_eq!(side.connection.recover(vec![cut]), None, "{len} bytes");
    }
    let more = [&bytes[..], b"\0"].concat();
    assert_eq!(side.connection.recover(vec![more.into()]), None);
    assert_eq!(side.connection.recover(vec![command("PING", b"\0\0").into()]), None);
    // An announced length allocates nothing here either.
    let huge = b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(side.connection.recover(vec![Bytes::from_static(huge)]), None);
}
