//! Unix sockets shared with libzmq, in both directions of binding.

use super::libzmq::{join, theirs};
use super::rt::{self, *};

fn socket(kind: zmq::SocketType) -> zmq::Socket {
    zmq::Context::new().socket(kind).unwrap()
}

/// A path, and where there are such an abstract name.
fn forms(folder: &Folder) -> Vec<String> {
    let mut forms = vec![folder.socket("socket").1];
    if cfg!(any(target_os = "linux", target_os = "android")) {
        forms.push(format!("ipc://@monocoque-test-{:016x}", fastrand::u64(..)));
    }
    forms
}

fn echo(socket: &zmq::Socket) {
    for _ in 0..100 {
        let message = socket.recv_multipart(0).unwrap();
        socket.send_multipart(message, 0).unwrap();
    }
}

async fn round_trips(dealer: &DealerSocket) {
    for n in 0..100_usize {
        let message = Message::from([Frame::from(vec![1; n * n]), Frame::new()]);
        dealer.send(message.clone()).await.unwrap();
        assert!(dealer.recv().await.unwrap() == message);
    }
}

#[test]
fn they_connect() {
    rt::run(async {
        let folder = Folder::new();
        for form in forms(&folder) {
            let dealer = DealerSocket::bind(form).await.unwrap();
            let endpoint = dealer.local_endpoint().unwrap().to_string();
            let thread = theirs(move || {
                let router = socket(zmq::ROUTER);
                router.connect(&endpoint).unwrap();
                echo(&router);
            });
            round_trips(&dealer).await;
            join(thread).await;
        }
    });
}

#[test]
fn they_bind() {
    rt::run(async {
        let folder = Folder::new();
        for form in forms(&folder) {
            let router = socket(zmq::ROUTER);
            router.bind(&form).unwrap();
            let endpoint = router.get_last_endpoint().unwrap().unwrap();
            let thread = theirs(move || echo(&router));
            let dealer = DealerSocket::connect(&endpoint).await.unwrap();
            round_trips(&dealer).await;
            join(thread).await;
        }
    });
}

/// A path that libzmq listens at is in use for us.
#[test]
fn their_path_is_not_taken() {
    rt::run(async {
        let folder = Folder::new();
        let (_, endpoint) = folder.socket("socket");
        let (pull, push) = (socket(zmq::PULL), socket(zmq::PUSH));
        pull.bind(&endpoint).unwrap();
        assert_eq!(PullSocket::bind(&endpoint).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        push.connect(&endpoint).unwrap();
        push.send("x", 0).unwrap();
        assert_eq!(pull.recv_bytes(0).unwrap(), b"x");
    });
}
