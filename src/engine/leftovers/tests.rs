use super::undecoded::ENTRY;
use super::*;
use crate::message::Frame;
use crate::protocol::{Config, Connection, Event, Role, SocketType};

/// A connection that has shaken hands with a PUSH.
fn connection() -> Connection {
    let begin = |socket_type| Connection::new(&Arc::new(Config::new(socket_type)), Role::First);
    let (mut ours, mut theirs) = (begin(SocketType::Pull), begin(SocketType::Push));
    let (mut to_us, mut to_them) = (Vec::new(), Vec::new());
    ours.start(&mut to_them);
    theirs.start(&mut to_us);
    while theirs.handle_input(&mut &*std::mem::take(&mut to_them), &mut to_us).unwrap().is_some() {}
    let handshaken = ours.handle_input(&mut &*to_us, &mut to_them).unwrap();
    assert!(matches!(handshaken, Some(Event::Handshaken(_))));
    ours.welcome(&mut to_them);
    ours
}

/// What is decoded of the bytes, to know that they hold a message, can take seventy times as much as they do.
#[test]
fn the_first_message_counts_for_what_it_costs() {
    const FRAMES: usize = 15_000;
    let wide = [[1, 0].repeat(FRAMES - 1), vec![0, 0]].concat();
    let undecoded = || Undecoded::of(connection(), wide.clone());
    let cost = ENTRY + wide.len() + FRAMES * Frame::COST;
    assert_eq!(undecoded().cost(), cost);
    for (max, kept) in [(0, 0), (ENTRY + wide.len(), 1), (cost, 1), (3 * cost - 1, 2), (3 * cost, 3)] {
        let mut leftovers = Leftovers::new(&SocketOptions::default().with_leftover_bytes(max));
        let mut fit = 0;
        for n in 0..5 {
            if leftovers.has_room_for(&undecoded()) {
                leftovers.put_in_front(PeerId::new(n, 0), Fifo::new(), Some(undecoded()));
                fit += 1;
            }
        }
        assert_eq!(fit, kept, "of {max} bytes");
        while let Some(next) = leftovers.next() {
            assert!(!matches!(next, Next::Decoded(_, true)), "nothing is cut");
        }
        assert!(leftovers.is_empty() && leftovers.raw == 0);
    }
}

/// Kills losing what was said about the end when nothing undecoded stands before it.
#[test]
fn what_was_decoded_comes_before_what_is_said_about_the_end() {
    let mut leftovers = Leftovers::new(&SocketOptions::default());
    let id = PeerId::new(0, 0);
    leftovers.push(id, "the end".into());
    let mut inbox = Fifo::new();
    ["first", "second"].into_iter().for_each(|text| inbox.push_back(text.into()));
    leftovers.put_in_front(id, inbox, None);
    for expected in ["first", "second", "the end"] {
        let (from, message) = leftovers.pop_decoded().unwrap();
        assert_eq!(from, id);
        assert_eq!(message.get(0).unwrap(), expected);
    }
    assert!(leftovers.pop_decoded().is_none());
    assert!(matches!(leftovers.next(), Some(Next::Over(_))));
    assert!(leftovers.is_empty() && leftovers.messages() == 0);
}
