//! No ZeroMQ: blocking TCP with length-prefixed messages, what the machine allows.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::wire::{self, Clock, WARM_UP};

/// The batches that our sockets write.
const BATCH: usize = 32 * 1024;

pub fn batched(size: usize, count: u64) -> f64 {
    one_way(size, count, BATCH)
}

pub fn one_write_each(size: usize, count: u64) -> f64 {
    one_way(size, count, 0)
}

fn listen(announce: &std::sync::mpsc::Sender<SocketAddr>) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    announce.send(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn one_way(size: usize, count: u64, batch: usize) -> f64 {
    let server = move |announce: std::sync::mpsc::Sender<SocketAddr>| {
        let mut decoder = Decoder::new(listen(&announce));
        let mut clock = Clock::default();
        for number in 0..WARM_UP + count {
            clock.tick(number);
            wire::check(decoder.next(), size, number);
        }
        clock.seconds()
    };
    let client = move |address: SocketAddr| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut message = vec![0; size];
        let mut out = Vec::with_capacity(batch + size + 4);
        for number in 0..WARM_UP + count {
            wire::fill(&mut message, number);
            out.extend_from_slice(&(size as u32).to_be_bytes());
            out.extend_from_slice(&message);
            if out.len() >= batch {
                stream.write_all(&out).unwrap();
                out.clear();
            }
        }
        stream.write_all(&out).unwrap();
    };
    wire::on_two_cores(server, client)
}

/// Takes messages off a stream, a read at a time.
struct Decoder {
    stream: TcpStream,
    buffer: Vec<u8>,
    head: usize,
    filled: usize,
}

impl Decoder {
    fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; BATCH], head: 0, filled: 0 }
    }

    fn next(&mut self) -> &[u8] {
        self.require(4);
        let header: [u8; 4] = self.buffer[self.head..self.head + 4].try_into().unwrap();
        let len = u32::from_be_bytes(header) as usize;
        self.require(4 + len);
        let start = self.head + 4;
        self.head = start + len;
        &self.buffer[start..self.head]
    }

    fn require(&mut self, len: usize) {
        if self.filled - self.head >= len {
            return;
        }
        self.buffer.copy_within(self.head..self.filled, 0);
        self.filled -= self.head;
        self.head = 0;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        while self.filled < len {
            let read = self.stream.read(&mut self.buffer[self.filled..]).unwrap();
            assert!(read > 0, "the sender has gone");
            self.filled += read;
        }
    }
}

pub fn round_trips(size: usize, count: u64) -> f64 {
    let server = move |announce: std::sync::mpsc::Sender<SocketAddr>| {
        let mut stream = listen(&announce);
        let mut buffer = vec![0; size];
        let mut clock = Clock::default();
        for number in 0..WARM_UP + count {
            clock.tick(number);
            stream.read_exact(&mut buffer).unwrap();
            wire::check(&buffer, size, number);
            stream.write_all(&buffer).unwrap();
        }
        clock.seconds()
    };
    let client = move |address: SocketAddr| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = vec![0; size];
        for number in 0..WARM_UP + count {
            wire::fill(&mut buffer, number);
            stream.write_all(&buffer).unwrap();
            stream.read_exact(&mut buffer).unwrap();
            wire::check(&buffer, size, number);
        }
    };
    wire::on_one_core(server, client)
}
