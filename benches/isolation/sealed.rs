//! Where the server asks for CURVE: a good peer, and clients that only make it work.
//!
//! Anybody may come in: what a handshake costs does not depend on who it is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use monocoque::security::{CurveKeypair, CurveSecretKey, accept_any_client};

use super::rt::{self, *};
use crate::attack::{Attack, hold};
use crate::peer::{IDENTITY, PATIENCE, TIME, body};
use crate::stalled::greeting;
use crate::{Figures, MANY, WARM_UP};

/// Handshakes that an attacker has under way.
const AT_A_TIME: usize = 16;

fn keypair(seed: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([seed; 32]).into()
}

pub fn as_server(options: SocketOptions) -> SocketOptions {
    options.with_curve_server(keypair(1), accept_any_client())
}

fn as_client() -> SocketOptions {
    SocketOptions::default().with_curve_client(keypair(1).public_key(), keypair(2))
}

/// The figures of a good peer of the first socket, beside an attack on the socket with this number.
pub fn measure(attack: Attack, attacked: usize, endpoints: &[Endpoint; 2]) -> Figures {
    rt::run(async {
        let [good, _as_good] = [good_peer(&endpoints[0]).await, good_peer(&endpoints[1]).await];
        let endpoint = endpoints[attacked].clone();
        thread::spawn(move || match attack {
            Attack::Hellos => say_hello_again(&endpoint),
            _ => rt::run(shake_hands(endpoint)),
        });
        rt::sleep(WARM_UP).await;
        [answers_in_a_second(&good, 1).await, answers_in_a_second(&good, MANY).await]
    })
}

async fn good_peer(endpoint: &Endpoint) -> DealerSocket {
    let options = as_client().with_identity(IDENTITY);
    let good = DealerSocket::connect_with_options(endpoint, options).await.unwrap();
    good.wait_for_peers(1).await.unwrap();
    good
}

/// With so many requests under way at a time.
async fn answers_in_a_second(good: &DealerSocket, under_way: usize) -> f64 {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        for n in 0..under_way {
            good.send(&body(n)[..]).await.unwrap();
        }
        for n in 0..under_way {
            let Some(answer) = rt::timeout(PATIENCE, good.recv()).await else { return 0.0 };
            assert_eq!(answer.unwrap()[0][..], body(n), "whole and in order");
        }
        count += under_way;
    }
    count as f64 / start.elapsed().as_secs_f64()
}

async fn shake_hands(endpoint: Endpoint) {
    for _ in 1..AT_A_TIME {
        let endpoint = endpoint.clone();
        rt::spawn(async move { shake_hands_in_turn(&endpoint).await });
    }
    shake_hands_in_turn(&endpoint).await;
}

async fn shake_hands_in_turn(endpoint: &Endpoint) {
    loop {
        let client = DealerSocket::connect_with_options(endpoint, as_client()).await.unwrap();
        // One that is turned away for now is another attempt.
        let _ = rt::timeout(PATIENCE, client.wait_for_peers(1)).await;
    }
}

/// What somebody heard on the way costs nothing to be said again, and each time the server works.
fn say_hello_again(endpoint: &Endpoint) {
    let heard = heard_hello();
    hold(100, || {
        let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().expect("tcp")))?;
        stream.write_all(&heard)?;
        Ok(stream)
    });
}

/// The greeting and the HELLO of a client.
fn heard_hello() -> Vec<u8> {
    /// A greeting, and a HELLO in its frame.
    const LEN: usize = 64 + 2 + 200;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::from(listener.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&greeting("CURVE")).unwrap();
        let mut heard = vec![0; LEN];
        stream.read_exact(&mut heard).unwrap();
        heard
    });
    // Hung up on once it was heard, which ends the attempt.
    rt::run(async { DealerSocket::connect_with_options(&endpoint, as_client()).await.expect_err("no server") });
    heard.join().unwrap()
}
