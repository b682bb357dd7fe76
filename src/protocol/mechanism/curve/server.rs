//! The side whose key is known.

use std::mem;

use subtle::ConstantTimeEq as _;

use super::boxes::{SharedKey, TAG};
use super::seal::CurveSeal;
use super::{
    COOKIE, HELLO, INITIATE, READY, VOUCH, VOUCHED, WELCOME, draw, new_pair, numbered, random, split,
};
use crate::protocol::command::{self, Command};
use crate::protocol::mechanism::{Done, Mechanism, Step};
use crate::protocol::{Config, ProtocolError, metadata};
use crate::security::{Credentials, CurveKeypair, CurvePublicKey, CurveSecretKey, CurveServerKeys, Entropy};

pub(in crate::protocol::mechanism) struct CurveServer {
    keys: CurveServerKeys,
    entropy: Entropy,
    state: State,
}

enum State {
    AwaitingHello,
    AwaitingInitiate(Box<Begun>),
    Over,
}

/// What is known of a client that has said HELLO.
struct Begun {
    /// The key that it knows us by.
    server_key: CurvePublicKey,
    client_transient: [u8; 32],
    transient: CurveSecretKey,
    cookie: [u8; COOKIE],
    /// The number of its last command.
    number: u64,
}

impl CurveServer {
    pub(in crate::protocol::mechanism) const fn new(keys: CurveServerKeys, entropy: Entropy) -> Self {
        Self { keys, entropy, state: State::AwaitingHello }
    }

    fn handle_hello(&mut self, data: &[u8]) -> Result<Step, ProtocolError> {
        let hello = Hello::parse(data)?;
        let keys = self.keys.current();
        let opened = keys.iter().map(|keypair| hello.open(keypair));
        let opened = opened.filter_map(Result::transpose).next().transpose()?;
        let (keypair, shared) = opened.ok_or(ProtocolError::UnknownServerKey)?;
        let transient = new_pair(self.entropy)?;
        let cookie = draw(self.entropy)?;
        let nonce = draw(self.entropy)?;
        let text = [transient.public_key().as_bytes(), &cookie[..]].concat();
        let sealed = shared.seal(&random(WELCOME, nonce), &text);
        self.state = State::AwaitingInitiate(Box::new(Begun {
            server_key: keypair.public_key(),
            client_transient: hello.client_transient,
            transient: transient.secret_key().clone(),
            cookie,
            number: u64::from_be_bytes(hello.number),
        }));
        Ok(Step::Reply(command::body("WELCOME", &[&nonce[..], &sealed].concat())))
    }
}

/// The data of a HELLO.
struct Hello<'a> {
    client_transient: [u8; 32],
    number: [u8; 8],
    sealed: &'a [u8],
}

impl<'a> Hello<'a> {
    fn parse(data: &'a [u8]) -> Result<Self, ProtocolError> {
        let (version, rest) = split::<2>(data)?;
        let (padding, rest) = split::<72>(rest)?;
        let (client_transient, rest) = split(rest)?;
        let (number, sealed) = split(rest)?;
        if version != [1, 0] || padding != [0; 72] || sealed.len() != 64 + TAG {
            return Err(ProtocolError::MalformedCommand);
        }
        Ok(Self { client_transient, number, sealed })
    }

    /// Opens it, if it is meant for this key.
    fn open<'k>(
        &self,
        keypair: &'k CurveKeypair,
    ) -> Result<Option<(&'k CurveKeypair, SharedKey)>, ProtocolError> {
        let shared = SharedKey::agree(keypair.secret_key(), &self.client_transient)?;
        let opened = shared.open(&numbered(HELLO, self.number), self.sealed);
        Ok(opened.is_some_and(|text| text[..] == [0; 64]).then_some((keypair, shared)))
    }
}

impl Begun {
    /// Everything that costs little comes before what costs a lot.
    fn handle_initiate(&self, config: &Config, data: &[u8]) -> Result<Step, ProtocolError> {
        let (cookie, rest) = split::<COOKIE>(data)?;
        let (number, sealed) = split(rest)?;
        if sealed.len() < TAG + 32 + VOUCH {
            return Err(ProtocolError::MalformedCommand);
        }
        let is_later = u64::from_be_bytes(number) > self.number;
        if !is_later || !bool::from(cookie[..].ct_eq(&self.cookie[..])) {
            return Err(ProtocolError::Tampered);
        }
        let shared = SharedKey::agree(&self.transient, &self.client_transient)?;
        let opened = shared.open(&numbered(INITIATE, number), sealed).ok_or(ProtocolError::Tampered)?;
        let (public_key, rest) = split(&opened)?;
        let (vouch_nonce, rest) = split(rest)?;
        let (vouch, metadata) = split::<{ VOUCH - 16 }>(rest)?;
        self.check_vouch(&public_key, vouch_nonce, &vouch)?;
        // The first of our numbers; the traffic goes on from there.
        let ready = shared.seal(&numbered(READY, 1_u64.to_be_bytes()), &metadata::encode(config));
        Ok(Step::Done(Done {
            reply: Some(command::body("READY", &[&1_u64.to_be_bytes()[..], &ready].concat())),
            metadata: metadata.to_vec(),
            seal: Some(Box::new(CurveSeal::server(shared, u64::from_be_bytes(number)))),
            credentials: Credentials::Curve { public_key: CurvePublicKey::from_bytes(public_key) },
        }))
    }

    /// Whoever has the secret key says that it means this connection, and us.
    fn check_vouch(&self, client: &[u8; 32], nonce: [u8; 16], vouch: &[u8]) -> Result<(), ProtocolError> {
        let shared = SharedKey::agree(&self.transient, client)?;
        let opened = shared.open(&random(VOUCHED, nonce), vouch).ok_or(ProtocolError::Tampered)?;
        let expected = [self.client_transient, *self.server_key.as_bytes()].concat();
        if bool::from(opened[..].ct_eq(&expected[..])) { Ok(()) } else { Err(ProtocolError::Tampered) }
    }
}

impl Mechanism for CurveServer {
    fn start(&mut self, _: &Config) -> Result<Option<Vec<u8>>, ProtocolError> {
        Ok(None)
    }

    fn takes_long(&self, first: bool) -> bool {
        !first
    }

    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        match (command.name, mem::replace(&mut self.state, State::Over)) {
            (b"HELLO", State::AwaitingHello) => self.handle_hello(command.data),
            (b"INITIATE", State::AwaitingInitiate(begun)) => begun.handle_initiate(config, command.data),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

impl std::fmt::Debug for CurveServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CurveServer").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SocketType;
    use crate::security::NoEntropy;

    fn entropy(bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.iter_mut().zip(1_u8..).for_each(|(byte, at)| *byte = at);
        Ok(())
    }

    fn keypair(seed: u8) -> CurveKeypair {
        CurveSecretKey::from_bytes([seed; 32]).into()
    }

    const SERVER: u8 = 2;

    /// A client that may say whatever it wants to, and a server that has said WELCOME to it.
    struct Liar {
        transient: CurveKeypair,
        shared: SharedKey,
        server_transient: [u8; 32],
        cookie: Vec<u8>,
        server: CurveServer,
        config: Config,
    }

    impl Liar {
        fn new() -> Self {
            let config = Config::new(SocketType::Router);
            let transient = keypair(77);
            let server_key = keypair(SERVER).public_key();
            let shared = SharedKey::agree(transient.secret_key(), server_key.as_bytes()).unwrap();
            let public = transient.public_key();
            let sealed = shared.seal(&numbered(HELLO, [1; 8]), &[0; 64]);
            let data = [&[1, 0][..], &[0; 72], public.as_bytes(), &[1; 8], &sealed].concat();
            let mut server = CurveServer::new(keypair(SERVER).into(), entropy);
            let Ok(Step::Reply(welcome)) =
                server.handle_command(&config, Command { name: b"HELLO", data: &data })
            else {
                panic!("no WELCOME");
            };
            let nonce = welcome[8..24].try_into().unwrap();
            let opened = shared.open(&random(WELCOME, nonce), &welcome[24..]).unwrap();
            let server_transient: [u8; 32] = opened[..32].try_into().unwrap();
            let shared = SharedKey::agree(transient.secret_key(), &server_transient).unwrap();
            let cookie = opened[32..].to_vec();
            Self { transient, shared, server_transient, cookie, server, config }
        }

        /// A vouch by `secret` for `transient` and `server_key`, to `to`.
        fn vouch(
            &self,
            secret: &CurveSecretKey,
            transient: [u8; 32],
            server_key: CurvePublicKey,
            to: &[u8; 32],
        ) -> Vec<u8> {
            let shared = SharedKey::agree(secret, to).unwrap();
            let text = [transient, *server_key.as_bytes()].concat();
            [&[5; 16][..], &shared.seal(&random(VOUCHED, [5; 16]), &text)].concat()
        }

        fn initiate(mut self, number: u64, client: &[u8; 32], vouch: &[u8]) -> Result<Step, ProtocolError> {
            let number = number.to_be_bytes();
            let sealed = self.shared.seal(&numbered(INITIATE, number), &[&client[..], vouch].concat());
            let data = [&self.cookie[..], &number, &sealed].concat();
            self.server.handle_command(&self.config, Command { name: b"INITIATE", data: &data })
        }
    }

    const LATER: u64 = u64::from_be_bytes([2; 8]);

    #[test]
    fn a_vouch_must_be_by_the_client_for_this_connection_and_to_this_server() {
        let (client, other) = (keypair(1), keypair(3));
        let server = keypair(SERVER).public_key();
        let judge = |secret: &CurveSecretKey, is_own: bool, key, to_transient: bool| {
            let liar = Liar::new();
            let own = *liar.transient.public_key().as_bytes();
            let transient = if is_own { own } else { *other.public_key().as_bytes() };
            let to = if to_transient { liar.server_transient } else { *server.as_bytes() };
            let vouch = liar.vouch(secret, transient, key, &to);
            liar.initiate(LATER, client.public_key().as_bytes(), &vouch)
        };
        let result = judge(client.secret_key(), true, server, true);
        let Ok(Step::Done(done)) = result else { panic!("{result:?}") };
        assert_eq!(done.credentials, Credentials::Curve { public_key: client.public_key() });
        for (what, secret, is_own, key, to_transient) in [
            ("by another", other.secret_key(), true, server, true),
            ("for another connection", client.secret_key(), false, server, true),
            ("to another server", client.secret_key(), true, other.public_key(), true),
            ("sealed for the permanent key", client.secret_key(), true, server, false),
        ] {
            let result = judge(secret, is_own, key, to_transient);
            assert_eq!(result.map(drop), Err(ProtocolError::Tampered), "{what}");
        }
    }

    #[test]
    fn numbers_rise_from_hello_on_and_the_cookie_comes_back() {
        let client = keypair(1);
        let public = *client.public_key().as_bytes();
        let prepare = || {
            let liar = Liar::new();
            let own = *liar.transient.public_key().as_bytes();
            let server = keypair(SERVER).public_key();
            let vouch = liar.vouch(client.secret_key(), own, server, &liar.server_transient);
            (liar, vouch)
        };
        let hello = u64::from_be_bytes([1; 8]);
        for (number, is_fine) in
            [(0, false), (hello - 1, false), (hello, false), (hello + 1, true), (u64::MAX, true)]
        {
            let (liar, vouch) = prepare();
            assert_eq!(liar.initiate(number, &public, &vouch).is_ok(), is_fine, "{number}");
        }
        for at in 0..COOKIE {
            let (mut liar, vouch) = prepare();
            liar.cookie[at] ^= 1 << (at % 8);
            let result = liar.initiate(LATER, &public, &vouch);
            assert_eq!(result.map(drop), Err(ProtocolError::Tampered), "byte {at}");
        }
        // A key that agrees on nothing.
        let (liar, vouch) = prepare();
        assert!(liar.initiate(LATER, &[0; 32], &vouch).is_err());
    }

    /// However much of it there is, and although it is sealed.
    #[test]
    fn what_a_client_seals_is_checked_like_what_it_says() {
        let client = keypair(1);
        let vouched = |more: &[u8]| {
            let liar = Liar::new();
            let own = *liar.transient.public_key().as_bytes();
            let server = keypair(SERVER).public_key();
            let vouch = liar.vouch(client.secret_key(), own, server, &liar.server_transient);
            liar.initiate(LATER, client.public_key().as_bytes(), &[&vouch, more].concat())
        };
        let metadata = |more: &[u8]| match vouched(more) {
            Ok(Step::Done(done)) => metadata::parse(&done.metadata),
            other => panic!("{other:?}"),
        };
        let property = b"\x01X\0\0\0\x01y";
        assert_eq!(metadata(property).unwrap().len(), 1);
        for len in 1..property.len() {
            assert_eq!(metadata(&property[..len]), Err(ProtocolError::MalformedMetadata), "{len} bytes");
        }
        for malformed in [&b"\0\0\0\0\0"[..], b"\x01\xff\0\0\0\0", b"\x01X\xff\xff\xff\xff", &[0x80; 5_000]] {
            assert_eq!(metadata(malformed), Err(ProtocolError::MalformedMetadata), "{malformed:?}");
        }
        assert!(matches!(metadata(&property.repeat(65)), Err(ProtocolError::TooManyProperties { .. })));
        // Whatever stands in place of a key, a vouch and metadata.
        for len in 0..300 {
            let sealed = vec![0xA5; len];
            let result = Liar::new().initiate(LATER, client.public_key().as_bytes(), &sealed);
            assert!(result.is_err(), "{len} bytes");
        }
    }
}
