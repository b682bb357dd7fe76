//! A TLS session without a stream: bytes in, bytes out.

use std::fmt;
use std::io;

use ::rustls::client::UnbufferedClientConnection;
use ::rustls::server::UnbufferedServerConnection;
use ::rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, ReadTraffic,
    UnbufferedStatus, WriteTraffic,
};
use bytes::Bytes;

use super::incoming::Incoming;
use crate::runtime::{RecvBuf, SendBuf};

/// The most plaintext in a record.
const RECORD: usize = 16 * 1024;
/// What a record has besides, and more.
const OVERHEAD: usize = 64;

/// Either end; the two have no type in common.
pub(super) enum Connection {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
}

/// One connection's keys and state, and what lies between it and both sides.
pub(super) struct Session {
    connection: Connection,
    incoming: Incoming,
    /// Plaintext that there was no room for.
    surplus: RecvBuf,
    /// The peer has said that nothing more will come.
    ended: bool,
    /// Why there is nothing more to be had. rustls is not asked again then: it panics, in builds that check what they
    /// assume, at what it has refused already.
    failed: Option<::rustls::Error>,
}

/// What to do as soon as that may be done.
enum Job<'a> {
    Nothing,
    Seal(&'a [u8]),
    Farewell,
}

/// Where a step has led.
enum Turn {
    /// There may be more to do.
    Again,
    /// All that has come is taken; messages may leave, and the job is done.
    Open,
    /// The handshake waits for the peer.
    Blocked,
    /// Both ends have said that nothing more will come.
    Closed,
}

/// Where plaintext goes.
struct Plain<'a> {
    target: Option<&'a mut RecvBuf>,
    surplus: &'a mut RecvBuf,
}

impl Plain<'_> {
    fn put(&mut self, mut bytes: &[u8]) {
        if let Some(target) = &mut self.target {
            let len = bytes.len().min(target.unfilled().len());
            let (now, later) = bytes.split_at(len);
            target.unfilled()[..len].copy_from_slice(now);
            target.advance(len);
            bytes = later;
        }
        self.surplus.extend_from_slice(bytes);
    }

    fn is_full(&mut self) -> bool {
        let full = self.target.as_mut().is_some_and(|target| target.unfilled().is_empty());
        full || !self.surplus.filled().is_empty()
    }
}

/// Keys and plaintext are not shown.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("handshaking", &self.is_handshaking()).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(connection: Connection) -> Self {
        let surplus = RecvBuf::with_capacity(0);
        Self { connection, incoming: Incoming::default(), surplus, ended: false, failed: None }
    }

    pub(super) const fn incoming(&mut self) -> &mut Incoming {
        &mut self.incoming
    }

    /// Whether the peer has said that nothing more will come; it is asked once all that did is taken.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_handshaking(&self) -> bool {
        match &self.connection {
            Connection::Client(client) => client.is_handshaking(),
            Connection::Server(server) => server.is_handshaking(),
        }
    }

    /// The peer's certificates, its own first.
    pub(super) fn peer_certificates(&self) -> Vec<Bytes> {
        let certificates = match &self.connection {
            Connection::Client(client) => client.peer_certificates(),
            Connection::Server(server) => server.peer_certificates(),
        };
        certificates.unwrap_or_default().iter().map(|der| Bytes::copy_from_slice(der)).collect()
    }

    /// Nothing comes for now: an idle connection keeps no buffers.
    pub(super) fn rest(&mut self) {
        self.incoming.rest();
        if self.surplus.filled().is_empty() {
            self.surplus = RecvBuf::with_capacity(0);
        }
    }

    /// Goes on with the handshake; what is to leave for it is put into `outgoing`.
    pub(super) fn shake(&mut self, outgoing: &mut SendBuf) -> io::Result<()> {
        self.advance(&Job::Nothing, None, outgoing)
    }

    /// Decrypts what has come into the spare room of `target`; returns how much that was.
    pub(super) fn open(&mut self, target: &mut RecvBuf, outgoing: &mut SendBuf) -> io::Result<usize> {
        let room = target.unfilled().len();
        let surplus = room.min(self.surplus.filled().len());
        target.unfilled()[..surplus].copy_from_slice(&self.surplus.filled()[..surplus]);
        target.advance(surplus);
        self.surplus.consume(surplus);
        if surplus == room {
            return Ok(room);
        }
        let before = target.filled().len();
        self.advance(&Job::Nothing, Some(target), outgoing)?;
        Ok(surplus + target.filled().len() - before)
    }

    /// Encrypts `bytes`.
    pub(super) fn seal(&mut self, bytes: &[u8], outgoing: &mut SendBuf) -> io::Result<()> {
        self.advance(&Job::Seal(bytes), None, outgoing)
    }

    /// Says that nothing more will come, if there is a session to say it in; where it has failed, the alert said so.
    pub(super) fn farewell(&mut self, outgoing: &mut SendBuf) -> io::Result<()> {
        let is_over = self.is_handshaking() || self.failed.is_some();
        if is_over { Ok(()) } else { self.advance(&Job::Farewell, None, outgoing) }
    }

    fn advance(
        &mut self,
        job: &Job<'_>,
        target: Option<&mut RecvBuf>,
        outgoing: &mut SendBuf,
    ) -> io::Result<()> {
        if let Some(error) = &self.failed {
            return Err(refused(error.clone()));
        }
        let waits_for_nothing = matches!(job, Job::Nothing);
        let mut plain = Plain { target, surplus: &mut self.surplus };
        loop {
            if waits_for_nothing && plain.is_full() {
                return Ok(());
            }
            let input = self.incoming.filled_mut();
            let (used, turn) = match &mut self.connection {
                Connection::Client(client) => {
                    step(client.process_tls_records(input), job, &mut plain, outgoing, &mut self.ended)
                }
                Connection::Server(server) => {
                    step(server.process_tls_records(input), job, &mut plain, outgoing, &mut self.ended)
                }
            };
            self.incoming.consume(used);
            match turn {
                Ok(Turn::Again) => {}
                Ok(Turn::Closed | Turn::Blocked) if !waits_for_nothing => {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Ok(Turn::Open | Turn::Closed | Turn::Blocked) => return Ok(()),
                Err(error) => {
                    self.failed = error.get_ref().and_then(|error| error.downcast_ref()).cloned();
                    self.complain(outgoing);
                    return Err(error);
                }
            }
        }
    }

    /// Puts what the peer is to be told of an error into `outgoing`.
    fn complain(&mut self, outgoing: &mut SendBuf) {
        loop {
            let wants_write = match &self.connection {
                Connection::Client(client) => client.wants_write(),
                Connection::Server(server) => server.wants_write(),
            };
            if !wants_write {
                return;
            }
            // What is to leave comes before anything is looked at.
            match &mut self.connection {
                Connection::Client(client) => encode_alert(client.process_tls_records(&mut []), outgoing),
                Connection::Server(server) => encode_alert(server.process_tls_records(&mut []), outgoing),
            }
        }
    }
}

fn refused(error: ::rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn encode_alert<D>(status: UnbufferedStatus<'_, '_, D>, outgoing: &mut SendBuf) {
    if let Ok(ConnectionState::EncodeTlsData(mut data)) = status.state {
        encode(&mut data, outgoing);
    }
}

/// Does what a session asks for; returns how much of its input is done with as well.
fn step<D>(
    status: UnbufferedStatus<'_, '_, D>,
    job: &Job<'_>,
    plain: &mut Plain<'_>,
    outgoing: &mut SendBuf,
    ended: &mut bool,
) -> (usize, io::Result<Turn>) {
    let mut used = status.discard;
    let state = match status.state {
        Ok(state) => state,
        Err(error) => return (used, Err(refused(error))),
    };
    let turn = match state {
        ConnectionState::ReadTraffic(traffic) => take(traffic, plain, &mut used),
        ConnectionState::EncodeTlsData(mut data) => {
            encode(&mut data, outgoing);
            Ok(Turn::Again)
        }
        ConnectionState::TransmitTlsData(data) => {
            // It is in the queue, behind which all else stands.
            data.done();
            Ok(Turn::Again)
        }
        ConnectionState::PeerClosed => {
            *ended = true;
            Ok(Turn::Again)
        }
        ConnectionState::BlockedHandshake => Ok(Turn::Blocked),
        ConnectionState::Closed => Ok(Turn::Closed),
        ConnectionState::WriteTraffic(mut traffic) => {
            perform(job, &mut traffic, outgoing).map(|()| Turn::Open)
        }
        other => {
            let unsupported = format!("TLS asks for what is not supported: {other:?}");
            Err(io::Error::new(io::ErrorKind::Unsupported, unsupported))
        }
    };
    (used, turn)
}

fn take<D>(mut traffic: ReadTraffic<'_, '_, D>, plain: &mut Plain<'_>, used: &mut usize) -> io::Result<Turn> {
    while let Some(record) = traffic.next_record() {
        let record = record.map_err(refused)?;
        *used += record.discard;
        plain.put(record.payload);
    }
    Ok(Turn::Again)
}

fn encode<D>(data: &mut EncodeTlsData<'_, D>, outgoing: &mut SendBuf) {
    let mut room = 1024;
    while let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) =
        outgoing.put_with(room, |to| data.encode(to))
    {
        room = required_size;
    }
}

fn perform<D>(job: &Job<'_>, traffic: &mut WriteTraffic<'_, D>, outgoing: &mut SendBuf) -> io::Result<()> {
    let mut room = match job {
        Job::Nothing => return Ok(()),
        Job::Seal(bytes) => bytes.len() + OVERHEAD * (bytes.len() / RECORD + 2),
        Job::Farewell => OVERHEAD,
    };
    loop {
        let done = outgoing.put_with(room, |to| match job {
            Job::Seal(bytes) => traffic.encrypt(bytes, to),
            Job::Nothing | Job::Farewell => traffic.queue_close_notify(to),
        });
        match done {
            Ok(()) => return Ok(()),
            Err(EncryptError::InsufficientSize(insufficient)) => room = insufficient.required_size,
            Err(exhausted) => return Err(io::Error::other(exhausted)),
        }
    }
}
