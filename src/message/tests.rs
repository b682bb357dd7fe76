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
