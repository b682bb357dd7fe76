use std::borrow::Cow;

use bytes::Bytes;

use super::*;

#[test]
fn sizes_stay_small() {
    assert_eq!(size_of::<Frame>(), 72);
    assert_eq!(size_of::<Message>(), 72);
}

#[test]
fn inline_boundary() {
    for len in [0, 1, 63, 64, 65, 72, 4096] {
        let payload = vec![7_u8; len];
        let frame = Frame::from(payload.clone());
        assert_eq!(frame.shared().is_none(), len <= INLINE_CAPACITY);
        assert_eq!(frame, payload);
        assert_eq!(frame.into_bytes(), payload);
    }
}

#[test]
fn window_beyond_the_payload_is_unseen() {
    let window = [7; INLINE_CAPACITY];
    for len in [0, 1, 63, 64] {
        for mut message in [Message::BLANK, Message::new(), Message::from(vec![1; 100])] {
            message.set_window(&window, len);
            assert_eq!(message, Message::from(&window[..len]));
        }
    }
    let mut message = Message::BLANK;
    message.set_window(&window, 65);
    assert_eq!(message.size(), 64);
}

#[test]
fn large_payloads_are_not_copied() {
    let bytes = Bytes::from(vec![1_u8; 1000]);
    let frame = Frame::from(bytes.clone());
    assert_eq!(frame.as_ptr(), bytes.as_ptr());
    assert_eq!(Message::from(frame).into_single().unwrap().into_bytes().as_ptr(), bytes.as_ptr());
}

#[test]
fn envelope_operations() {
    let mut message = Message::from("body");
    message.push_front(Frame::new());
    message.push_front("id");
    message.push_back("tail");
    assert_eq!(message.iter().map(|f| f.len()).collect::<Vec<_>>(), [2, 0, 4, 4]);
    assert_eq!(message.size(), 10);
    assert_eq!(message.pop_front().unwrap(), "id");
    assert_eq!(message.pop_back().unwrap(), "tail");
    assert_eq!(message.len(), 2);
    let message = message.into_single().unwrap_err();
    assert_eq!(Vec::<Bytes>::from(message), [Bytes::new(), Bytes::from("body")]);
}

#[test]
fn single_and_many_forms_are_equal() {
    let one = Message::from("x");
    let mut many: Message = ["x", "y"].into_iter().collect();
    many.pop_back();
    assert_eq!(one, many);
    assert_eq!(many.into_single().unwrap(), "x");
    assert!(Message::new().is_empty());
    assert_eq!(Message::from(vec![Bytes::from("x")]), one);
}

#[test]
fn debug_is_readable_and_short() {
    assert_eq!(format!("{:?}", Message::from("a\0")), "[b\"a\\x00\"]");
    assert!(format!("{:?}", Frame::from(vec![b'a'; 9999])).len() < 100);
}

#[test]
fn cost_is_payload_and_a_constant_for_each_frame() {
    for message in
        [Message::new(), "".into(), "x".into(), vec![0; 1000].into(), ("", "y", vec![0; 70]).into()]
    {
        assert_eq!(message.cost(), message.size() + message.len() * Frame::COST);
    }
}

#[test]
fn memory_for_frames_that_are_not_there_is_let_go() {
    let mut message = Message::from(vec![""; 1000]);
    for left in [10, 2, 1] {
        while message.len() > left {
            message.pop_front();
        }
        let expected = message.clone();
        message.trim();
        assert_eq!(message, expected);
        if let Frames::Many(frames) = &message.0 {
            assert!(frames.capacity() <= 2 * left, "{} for {left}", frames.capacity());
        }
    }
    assert!(message.only_frame().is_some());
    // An unused reserve of a payload would not be counted either.
    let mut payload = Vec::with_capacity(100_000);
    payload.extend_from_slice(&[1; 100]);
    assert!(Vec::from(Frame::from(payload)).capacity() < 1000);
}

#[test]
fn messages_are_made_of_tuples_and_lists() {
    let (text, bytes) = (String::from("b"), vec![b'c']);
    let expected = |count| ["a", "b", "c", "d", "e", "f"].into_iter().take(count).collect::<Message>();
    assert_eq!(Message::from(("a", &text)), expected(2));
    assert_eq!(Message::from(("a", &text, &bytes)), expected(3));
    assert_eq!(Message::from(("a", text.clone(), bytes, b"d")), expected(4));
    assert_eq!(Message::from(("a", "b", "c", Bytes::from("d"), [b'e'])), expected(5));
    assert_eq!(Message::from(("a", "b", Frame::from("c"), &b"d"[..], "e", "f")), expected(6));
    assert_eq!(Message::from(vec!["a", "b"]), expected(2));
    assert_eq!(Message::from(vec![String::from("a"), text.clone()]), expected(2));
    assert_eq!(Message::from(vec![Frame::from("a"), Frame::from("b")]), expected(2));
    assert_eq!(Message::from([vec![b'a'], vec![b'b']]), expected(2));
    assert_eq!(Message::from([b"a", b"b"]), expected(2));
    assert_eq!(Message::from(&text), Message::from("b"));
    assert_eq!(Message::from(Cow::from("b")), Message::from("b"));
    assert_eq!(Message::from(vec![1, 2, 3_u8]).len(), 1, "bytes are one frame");
}

#[test]
fn frames_are_text_where_they_are() {
    for text in ["", "a", "ä".repeat(100).as_str()] {
        let frame = Frame::from(text);
        assert_eq!(frame.to_str(), Ok(text));
        assert_eq!(frame.to_string_lossy(), text);
        assert_eq!(String::try_from(frame.clone()).unwrap(), text);
        assert_eq!(Vec::from(frame), text.as_bytes());
    }
    let broken = Frame::from(b"a\xFF");
    assert_eq!(broken.to_str().unwrap_err().valid_up_to(), 1);
    assert_eq!(broken.to_string_lossy(), "a\u{FFFD}");
    assert_eq!(String::try_from(broken).unwrap_err().into_bytes(), b"a\xFF");
}
