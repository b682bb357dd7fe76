//! What libzmq makes of our refusals, and we of its.

use std::thread;

use monocoque::monitor::DisconnectKind;
use monocoque::options::RouterHandover;
use monocoque::security::{Claim, Verdict};

use super::libzmq::{join, theirs};
use super::rt::{self, *};

const MESSAGES: u32 = 50;

/// A libzmq socket that connects, and has sent all that it has to.
fn client(kind: zmq::SocketType, endpoint: &Endpoint) -> zmq::Socket {
    let socket = zmq::Context::new().socket(kind).unwrap();
    socket.set_identity(b"same").unwrap();
    socket.set_reconnect_ivl(10).unwrap();
    socket.connect(&endpoint.to_string()).unwrap();
    for n in 0..MESSAGES {
        socket.send(&n.to_be_bytes()[..], 0).unwrap();
    }
    socket
}

async fn refusals(monitor: &mut Monitor, count: u32) {
    for _ in 0..count {
        while !matches!(monitor.next().await, Some(SocketEvent::HandshakeFailed { .. })) {}
    }
}

/// It comes back until it is let in, and has kept all that it had.
#[test]
fn their_second_pair_keeps_its_messages() {
    rt::run(async {
        let server = PairSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = server.local_endpoint().unwrap();
        let first = PairSocket::connect(&endpoint).await.unwrap();
        let mut monitor = server.monitor();
        let second = client(zmq::PAIR, &endpoint);
        refusals(&mut monitor, 3).await;
        first.close().await;
        for n in 0..MESSAGES {
            assert_eq!(server.recv().await.unwrap()[0], n.to_be_bytes());
        }
        drop(second);
    });
}

#[test]
fn their_dealer_keeps_its_messages_until_its_identity_is_free() {
    rt::run(async {
        let options = SocketOptions::default().with_router_handover(RouterHandover::Never);
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let named = SocketOptions::default().with_identity("same");
        let first = DealerSocket::connect_with_options(&endpoint, named).await.unwrap();
        let mut monitor = router.monitor();
        let second = client(zmq::DEALER, &endpoint);
        refusals(&mut monitor, 3).await;
        first.close().await;
        for n in 0..MESSAGES {
            let (identity, message) = router.recv_from().await.unwrap();
            assert_eq!((identity, &message[0]), ("same".into(), &n.to_be_bytes().into()));
        }
        drop(second);
    });
}

/// libzmq hangs up on a message over its ZMQ_MAXMSGSIZE, and says nothing.
#[test]
fn what_is_over_their_limit_is_given_up() {
    rt::run(async {
        let pull = zmq::Context::new().socket(zmq::PULL).unwrap();
        pull.set_maxmsgsize(1 << 20).unwrap();
        pull.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = pull.get_last_endpoint().unwrap().unwrap();
        let thread = theirs(move || {
            for expected in ["first", "last"] {
                assert_eq!(pull.recv_bytes(0).unwrap(), expected.as_bytes());
            }
        });
        let push = PushSocket::connect(&endpoint).await.unwrap();
        push.send("first").await.unwrap();
        push.send(vec![0; 4 << 20]).await.unwrap();
        push.send("last").await.unwrap();
        join(thread).await;
        let stats = push.stats();
        assert_eq!(stats.dropped(DropCause::Refused), stats.dropped_total());
    });
}

/// The two sides whose READY could wait for each other: neither does.
#[test]
fn both_ways_of_the_handshake() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap().to_string();
        let thread = thread::spawn(move || {
            let push = zmq::Context::new().socket(zmq::PUSH).unwrap();
            push.connect(&endpoint).unwrap();
            push.send("they dial", 0).unwrap();
        });
        assert_eq!(pull.recv().await.unwrap()[0], "they dial");
        join(thread).await;

        let push = zmq::Context::new().socket(zmq::PUSH).unwrap();
        push.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = push.get_last_endpoint().unwrap().unwrap();
        let pull = PullSocket::connect(&endpoint).await.unwrap();
        let thread = thread::spawn(move || {
            push.send("we dial", 0).unwrap();
            push
        });
        assert_eq!(pull.recv().await.unwrap()[0], "we dial");
        drop(thread.join().unwrap());
    });
}

/// Not now: it comes again, with all that it had.
#[test]
fn their_client_that_is_put_off_comes_again() {
    rt::run(async {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let options = SocketOptions::default().with_authenticator(move |_| {
            let again = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3;
            async move { if again { Verdict::try_later("busy") } else { Verdict::accept_as("them") } }
        });
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let client = client(zmq::DEALER, &router.local_endpoint().unwrap());
        for n in 0..MESSAGES {
            let (user, message) = router.recv_with_user().await.unwrap();
            assert_eq!((user.as_deref(), &message[1][..]), (Some("them"), &n.to_be_bytes()[..]));
        }
        assert_eq!(router.stats().handshakes_failed_by(DisconnectKind::PutOff), 3);
        drop(client);
    });
}

/// Denied, or nobody could tell: it reads the ERROR and never comes again, while another that is put off does.
#[test]
fn their_client_that_is_denied_stops_for_good() {
    for broken in [false, true] {
        rt::run(async move {
            let options = SocketOptions::default().with_authenticator(move |claim: Claim| async move {
                match (&claim.identity[..] == b"same", broken) {
                    (false, _) => Verdict::try_later("busy"),
                    (true, false) => Verdict::deny("no"),
                    (true, true) => Verdict::broken("no list"),
                }
            });
            let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            let endpoint = router.local_endpoint().unwrap();
            let mut monitor = router.monitor();
            let denied = client(zmq::DEALER, &endpoint);
            refusals(&mut monitor, 1).await;
            let other = zmq::Context::new().socket(zmq::DEALER).unwrap();
            other.set_reconnect_ivl(10).unwrap();
            other.connect(&endpoint.to_string()).unwrap();
            refusals(&mut monitor, 30).await;
            let kind = if broken { DisconnectKind::AuthenticatorFailed } else { DisconnectKind::Denied };
            assert_eq!(router.stats().handshakes_failed_by(kind), 1, "the other came thirty times");
            // Nobody will ever take what it has.
            denied.set_linger(0).unwrap();
            drop((denied, other));
        });
    }
}
