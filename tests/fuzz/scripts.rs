//! Draws what scripted peers say.

use std::time::Duration;

use crate::generate::Draw;
use crate::plan::{Kind, Topic, name};
use crate::wire::{Damage, Say, Script};

/// A peer that mostly is one that a socket of this kind may talk to.
pub fn script(draw: &mut Draw, kind: Kind) -> Script {
    let mut says = opening(draw, kind);
    let count = draw.rng.usize(..10);
    says.extend((0..count).map(|_| say(draw)));
    let damages =
        if draw.rarely(3) { (0..draw.rng.usize(1..4)).map(|_| damage(draw)).collect() } else { Vec::new() };
    let piece = draw.one(&[1, 7, 100, usize::MAX, usize::MAX]);
    Script { says, damages, piece }
}

fn opening(draw: &mut Draw, kind: Kind) -> Vec<Say> {
    let kind = if draw.rarely(10) { draw.one(&Kind::ALL) } else { draw.one(kind.partners()) };
    let identity = match draw.rng.u8(..4) {
        0 => name(draw.rng.u8(..4)),
        1 => vec![draw.rng.u8(..3); draw.rng.usize(..300)],
        _ => Vec::new(),
    };
    let minor = draw.one(&[0, 1, 1, 1, 2]);
    let mechanism = draw.mechanism();
    let mut says = vec![Say::Greeting { minor, mechanism }, Say::Ready { kind, identity: identity.into() }];
    match draw.rng.u8(..12) {
        // Half a handshake, one after a rest, or more of it than there is.
        0 => says.truncate(1),
        1 => says.insert(1, Say::Pause(draw.micros(1_000_000))),
        2 => says.insert(1, Say::Listen(draw.micros(50_000))),
        3 => says.push(Say::Metadata { properties: draw.rng.usize(..80), len: draw.rng.usize(..300) }),
        4 => says.clear(),
        _ => {}
    }
    says
}

fn say(draw: &mut Draw) -> Say {
    match draw.rng.u8(..20) {
        0..=3 => {
            let sizes = (0..draw.rng.usize(1..5)).map(|_| draw.size()).collect();
            Say::Message { sizes }
        }
        4 => Say::EmptyFrames(draw.one(&[1, 3, 60, 3_000])),
        5 => Say::Ping {
            count: draw.one(&[1, 1, 3, 500]),
            context: draw.rng.usize(..20),
            ttl: draw.one(&[0, 0, 1, 60_000]),
        },
        6 => Say::Pong { context: draw.rng.usize(..20) },
        7 => Say::Subscribe {
            count: draw.one(&[1, 2, 30, 500]),
            len: draw.rng.usize(..30),
            command: draw.rng.bool(),
        },
        8 | 9 => Say::Topic { topic: Topic(draw.rng.u8(..6)), on: !draw.rarely(3) },
        10 => Say::Announce {
            flags: draw.rng.u8(..8),
            len: draw.one(&[0, 5, 70_000, 1 << 40, u64::MAX]),
            comes: draw.rng.usize(..50),
        },
        11 => Say::Error(draw.one(&["", "400", "incompatible Socket-Type", "nobody knows"])),
        12 => Say::Command {
            name: draw.one(&["READY", "HELLO", "WELCOME", "INITIATE", "MESSAGE", "X", "ERROR", "PING"]),
            // The sizes of CURVE's HELLO and WELCOME, which are looked at first.
            len: if draw.rarely(3) { draw.one(&[194, 160, 249]) } else { draw.rng.usize(..300) },
        },
        13 => Say::Noise { seed: draw.rng.u64(..), len: draw.rng.usize(..100) },
        14 => Say::Pause(draw.micros(200_000)),
        15 | 16 => Say::Read { bytes: draw.rng.usize(..3_000), within: draw.micros(50_000) },
        17 | 18 => Say::Listen(draw.micros(500_000)),
        _ if draw.rarely(2) => Say::HalfClose,
        _ => Say::Listen(Duration::from_secs(1)),
    }
}

fn damage(draw: &mut Draw) -> Damage {
    let (at, byte) = (draw.rng.usize(..400), draw.rng.u8(..));
    draw.one(&[
        Damage::Set(at, byte),
        Damage::Flip(at, byte),
        Damage::Insert(at, byte),
        Damage::Remove(at),
        Damage::Truncate(at),
    ])
}
