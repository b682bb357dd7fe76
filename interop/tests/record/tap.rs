//! What is said on a connection, frame by frame.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Direction {
    ToServer,
    ToClient,
}

impl Direction {
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::ToServer => ">",
            Self::ToClient => "<",
        }
    }
}

pub struct Spoken {
    pub direction: Direction,
    /// With its header.
    pub frame: Vec<u8>,
}

/// Where a client reaches the server so that what they say is heard.
pub fn before(server: &str) -> (String, Receiver<Spoken>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let server = server.strip_prefix("tcp://").unwrap().to_owned();
    let (tell, spoken) = channel();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(server).unwrap();
        let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let tell_back = tell.clone();
        thread::spawn(move || carry(back.0, back.1, Direction::ToClient, &tell_back));
        carry(client, server, Direction::ToServer, &tell)
    });
    (endpoint, spoken)
}

/// Until one of them, or whoever listens, has gone.
fn carry(
    mut from: TcpStream,
    mut to: TcpStream,
    direction: Direction,
    tell: &Sender<Spoken>,
) -> io::Result<()> {
    let mut greeting = [0; 64];
    // Each part is sent only when the one before has come from the other side.
    for part in [0..10, 10..11, 11..64] {
        from.read_exact(&mut greeting[part.clone()])?;
        to.write_all(&greeting[part])?;
    }
    loop {
        let frame = read_frame(&mut from)?;
        // Before it is passed on, so that an answer comes after it.
        tell.send(Spoken { direction, frame: frame.clone() }).map_err(io::Error::other)?;
        to.write_all(&frame)?;
    }
}

fn read_frame(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0];
    from.read_exact(&mut frame)?;
    let is_long = frame[0] & 2 != 0;
    frame.resize(if is_long { 9 } else { 2 }, 0);
    from.read_exact(&mut frame[1..])?;
    let len = frame[1..].iter().fold(0, |len, &byte| len << 8 | usize::from(byte));
    let header = frame.len();
    frame.resize(header + len, 0);
    from.read_exact(&mut frame[header..])?;
    Ok(frame)
}
