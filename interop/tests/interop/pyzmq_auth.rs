//! pyzmq's own authenticator as the server, and pyzmq's clients before ours: a second opinion on PLAIN and CURVE. Where
//! pyzmq cannot be imported, or has no CURVE, the test says so and is over; `MONOCOQUE_PYTHON` names an interpreter.

use std::time::Duration;

use monocoque::security::{CurveKeypair, CurvePublicKey, CurveSecretKey, allow_keys, allow_users};

use super::pyzmq::{Python, message};
use super::rt::{self, *};

/// Reads the mechanism, the role, and our public key; says where it is bound, with its public key, and lets in who
/// has our key, or is Ann. Echoes what it gets.
const PROGRAM: &str = r#"
import os, sys, tempfile
try:
    import zmq, zmq.auth
    from zmq.auth.thread import ThreadAuthenticator
except ImportError as error:
    print(error)
    sys.exit()
if not zmq.has("curve"):
    print("pyzmq without CURVE")
    sys.exit()
context = zmq.Context()
print("pyzmq", zmq.__version__, "libzmq", zmq.zmq_version(), flush=True)
mechanism, role, key, where = sys.stdin.readline().split()
public, secret = zmq.curve_keypair()
socket = context.socket(zmq.REP)
socket.linger = 1000
socket.rcvtimeo = socket.sndtimeo = 20000
authenticator = None
if role == "server":
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.allow("127.0.0.1")
    if mechanism == "PLAIN":
        authenticator.configure_plain(domain="*", passwords={"ann": "secret"})
        socket.plain_server = True
    else:
        keys = tempfile.mkdtemp()
        with open(os.path.join(keys, "ours.key"), "w") as file:
            file.write('metadata\ncurve\n    public-key = "%s"\n' % key)
        authenticator.configure_curve(domain="*", location=keys)
        socket.curve_server = True
        socket.curve_secretkey, socket.curve_publickey = secret, public
    socket.bind("tcp://127.0.0.1:*")
    print(socket.last_endpoint.decode().rstrip("\0"), public.decode(), flush=True)
else:
    if mechanism == "PLAIN":
        socket.plain_username, socket.plain_password = b"ann", b"secret"
    else:
        print(public.decode(), flush=True)
        socket.curve_serverkey = key.encode()
        socket.curve_secretkey, socket.curve_publickey = secret, public
        where = sys.stdin.readline().strip()
    socket.connect(where)
for n in range(100):
    socket.send_multipart(socket.recv_multipart())
socket.close()
if authenticator:
    authenticator.stop()
print("done", flush=True)
"#;

async fn ask(req: ReqSocket, python: Python) {
    for n in 0..100 {
        req.send(message(n)).await.unwrap();
        assert_eq!(req.recv().await.unwrap(), message(n));
    }
    python.done().await;
}

fn options() -> SocketOptions {
    SocketOptions::default().with_reconnect_interval(Duration::from_millis(5))
}

/// What it does not know is refused, and what it knows comes in.
#[test]
fn its_authenticator_lets_us_in() {
    rt::run(async {
        let (ours, stranger) = (CurveKeypair::generate().unwrap(), CurveKeypair::generate().unwrap());
        for mechanism in ["PLAIN", "CURVE"] {
            let Some(mut python) = Python::start(PROGRAM) else { return };
            python.say(&format!("{mechanism} server {} -", ours.public_key()));
            let said = python.line();
            let (endpoint, key) = said.split_once(' ').unwrap();
            let (good, bad) = if mechanism == "PLAIN" {
                (options().with_plain_client("ann", "secret"), options().with_plain_client("ann", "wrong"))
            } else {
                let key: CurvePublicKey = key.parse().unwrap();
                (
                    options().with_curve_client(key, ours.clone()),
                    options().with_curve_client(key, stranger.clone()),
                )
            };
            let refused = ReqSocket::connect_with_reconnect_and_options(endpoint, bad).await.unwrap();
            let error = refused.wait_for_peers(1).await.unwrap_err();
            assert!(error.to_string().contains("400"), "{mechanism}: {error}");
            let req = ReqSocket::connect_with_options(endpoint, good).await.unwrap();
            ask(req, python).await;
        }
    });
}

#[test]
fn its_clients_come_in_to_us() {
    rt::run(async {
        let keypair = CurveKeypair::from(CurveSecretKey::from_bytes([7; 32]));
        for mechanism in ["PLAIN", "CURVE"] {
            let Some(mut python) = Python::start(PROGRAM) else { return };
            let any = "tcp://127.0.0.1:0";
            let req = if mechanism == "PLAIN" {
                let options = options().with_plain_server(allow_users([("ann", "secret")]));
                let req = ReqSocket::bind_with_options(any, options).await.unwrap();
                python.say(&format!("PLAIN client - {}", req.local_endpoint().unwrap()));
                req
            } else {
                python.say(&format!("CURVE client {} -", keypair.public_key()));
                let allowed = allow_keys([python.line().parse().unwrap()]);
                let options = options().with_curve_server(keypair.clone(), allowed);
                let req = ReqSocket::bind_with_options(any, options).await.unwrap();
                python.say(&req.local_endpoint().unwrap().to_string());
                req
            };
            req.wait_for_peers(1).await.unwrap();
            ask(req, python).await;
        }
    });
}
