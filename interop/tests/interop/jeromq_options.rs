//! What JeroMQ's sockets are told and tell: subscriptions, identities, and who they are.

use monocoque::security::{CurveKeypair, allow_keys, allow_users};

use super::jeromq::{Java, all_pairs, hex, meet, short};
use super::matrix::{Kind, options};
use super::rt::{self, *};

#[test]
fn subscriptions_and_their_ends() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        for ours_bind in [true, false] {
            for verbose in [false, true] {
                let theirs = java.open(zmq::XPUB, &format!("XPUB_VERBOSE={}", u8::from(verbose))).await;
                let (ours, endpoint) = meet(Kind::XSub, options(), &theirs, ours_bind).await;
                assert_eq!(theirs.recv().await, [vec![1]]);
                if !ours_bind {
                    let second = SubSocket::connect(&endpoint).await.unwrap();
                    second.subscribe("").unwrap();
                    // The same again is told to a verbose one only.
                    if verbose {
                        assert_eq!(theirs.recv().await, [vec![1]]);
                    }
                    second.subscribe("own").unwrap();
                    assert_eq!(theirs.recv().await, [b"\x01own"]);
                    second.close().await;
                    assert_eq!(theirs.recv().await, [b"\0own"]);
                }
                ours.send("\u{1}topic".into()).await;
                assert_eq!(theirs.recv().await, [b"\x01topic"]);
                ours.send("\0".into()).await;
                assert_eq!(theirs.recv().await, [vec![0]]);
                theirs.send(&[b"other".to_vec()]).await;
                theirs.send(&[b"topic 1".to_vec(), Vec::new()]).await;
                assert_eq!(ours.recv().await, Message::from(["topic 1", ""]));
                ours.close().await;
                // Like libzmq's, a publisher that connects keeps what a lost peer had subscribed to for its return.
                if !ours_bind {
                    assert_eq!(theirs.recv().await, [b"\0topic"]);
                }
                theirs.close().await;
            }
        }
    });
}

#[test]
fn its_subscriptions_and_their_ends() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        for ours_bind in [true, false] {
            let theirs = java.open(zmq::XSUB, "").await;
            theirs.send(&[b"\x01topic".to_vec()]).await;
            let (ours, _) = meet(Kind::XPub, options(), &theirs, ours_bind).await;
            ours.wait_for_peer().await;
            // A call, in which it takes notice of the connection.
            theirs.send(&[b"\x01other".to_vec()]).await;
            let told = [ours.recv().await, ours.recv().await];
            assert!(
                told.contains(&Message::from("\u{1}topic")) && told.contains(&Message::from("\u{1}other"))
            );
            theirs.send(&[b"\0other".to_vec()]).await;
            assert_eq!(ours.recv().await[0], "\0other");
            ours.send("other".into()).await;
            ours.send("topic 1".into()).await;
            assert_eq!(theirs.recv().await, [b"topic 1"]);
            theirs.close().await;
            assert_eq!(ours.recv().await[0], "\0topic");
            ours.close().await;
        }
    });
}

/// Two peers of a ROUTER by their names, of any bytes, and one without.
#[test]
fn identities() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = router.local_endpoint().unwrap().to_string();
        let names = [b"a".to_vec(), vec![255; 255], (1..=200).collect()];
        for name in &names {
            let theirs = java.open(zmq::DEALER, &format!("IDENTITY=0x{}", hex(name))).await;
            theirs.connect(&endpoint).await;
            theirs.send(&[b"hello".to_vec(), Vec::new()]).await;
            let (from, hello) = router.recv_from().await.unwrap();
            assert!(from == name[..] && hello == Message::from(["hello", ""]));
            router.send_to(from, "answer").await.unwrap();
            assert_eq!(theirs.recv().await, [b"answer"]);
            theirs.close().await;
        }

        let theirs = java.open(zmq::ROUTER, "").await;
        let endpoint = vacant();
        theirs.bind(&endpoint).await;
        for name in names.iter().map(Vec::as_slice).chain([&b""[..]]) {
            let options = SocketOptions::default().with_identity(name.to_vec());
            let dealer = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
            dealer.send(["hello", ""]).await.unwrap();
            let got = theirs.recv().await;
            assert!(got[1..] == [b"hello".to_vec(), Vec::new()]);
            assert!(if name.is_empty() { got[0].len() == 5 && got[0][0] == 0 } else { got[0] == name });
            theirs.send(&[got[0].clone(), b"answer".to_vec()]).await;
            assert_eq!(dealer.recv().await.unwrap()[0], "answer");
            dealer.close().await;
        }
        theirs.close().await;
    });
}

#[test]
fn plain_in_both_roles() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        java.admit(&[&b"ann"[..], b"secret"]).await;
        for ours_bind in [true, false] {
            let client = options().with_plain_client("ann", "secret");
            all_pairs(&java, "ZAP_DOMAIN=domain PLAIN_SERVER=1", client, ours_bind, &short()).await;
            let server = options().with_plain_server(allow_users([("ann", "secret")]));
            all_pairs(&java, "PLAIN_USERNAME=ann PLAIN_PASSWORD=secret", server, ours_bind, &short()).await;
        }
        let theirs = java.open(zmq::PULL, "ZAP_DOMAIN=domain PLAIN_SERVER=1").await;
        let endpoint = vacant();
        theirs.bind(&endpoint).await;
        let wrong = options().with_plain_client("ann", "wrong");
        let push = PushSocket::connect_with_reconnect_and_options(&endpoint, wrong).await.unwrap();
        let mut monitor = push.monitor();
        while !matches!(monitor.next().await, Some(SocketEvent::HandshakeFailed { .. })) {}
        assert!(!push.is_connected());
    });
}

#[test]
fn curve_in_both_roles() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        let (server, client) = (CurveKeypair::generate().unwrap(), CurveKeypair::generate().unwrap());
        java.admit(&[client.public_key().as_bytes()]).await;
        let keys = |pair: &CurveKeypair| {
            let (public, secret) = (pair.public_key(), pair.secret_key());
            format!(
                "CURVE_PUBLICKEY=0x{} CURVE_SECRETKEY=0x{}",
                hex(public.as_bytes()),
                hex(secret.as_bytes())
            )
        };
        for ours_bind in [true, false] {
            let ours = options().with_curve_client(server.public_key(), client.clone());
            let theirs = format!("ZAP_DOMAIN=domain CURVE_SERVER=1 {}", keys(&server));
            all_pairs(&java, &theirs, ours, ours_bind, &short()).await;
            let ours = options().with_curve_server(server.clone(), allow_keys([client.public_key()]));
            let server_key = hex(server.public_key().as_bytes());
            let theirs = format!("CURVE_SERVERKEY=0x{server_key} {}", keys(&client));
            all_pairs(&java, &theirs, ours, ours_bind, &short()).await;
        }
    });
}
