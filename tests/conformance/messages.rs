//! libzmq's test_hello_msg, test_disconnect_msg and test_hiccup_msg, and trap 52.

use super::common::*;
use super::rt::{self, *};

#[test]
fn hello_msg() {
    rt::run(async {
        for endpoint in endpoints() {
            let greeting = SocketOptions::default().with_hello_message("W");
            let router = RouterSocket::bind_with_options(&endpoint, greeting).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let greeting = named("X").with_hello_message("H");
            let dealer = DealerSocket::connect_with_options(&local, greeting).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap(), Message::from("W"));
            assert_eq!(router.recv().await.unwrap(), Message::from(["X", "H"]));
        }
        // Bound late.
        let endpoint = inproc();
        let greeting = quick().with_hello_message("H");
        let early = DealerSocket::connect_with_reconnect_and_options(&endpoint, greeting).await.unwrap();
        early.send("next").await.unwrap();
        let greeting = SocketOptions::default().with_hello_message("W");
        let late = DealerSocket::bind_with_options(&endpoint, greeting).await.unwrap();
        assert_eq!(early.recv().await.unwrap(), Message::from("W"));
        assert_eq!(late.recv().await.unwrap(), Message::from("H"), "first of all");
        assert_eq!(late.recv().await.unwrap(), Message::from("next"));
    });
}

#[test]
fn disconnect_msg() {
    rt::run(async {
        for endpoint in endpoints() {
            let options = SocketOptions::default().with_disconnect_message("D");
            let router = RouterSocket::bind_with_options(&endpoint, options).await.unwrap();
            let local = router.local_endpoint().unwrap();
            for disconnects in [false, true] {
                let greeting = named("X").with_hello_message("H");
                let dealer = DealerSocket::connect_with_options(&local, greeting).await.unwrap();
                assert_eq!(router.recv().await.unwrap(), Message::from(["X", "H"]));
                if disconnects {
                    dealer.disconnect(&local).unwrap();
                } else {
                    dealer.close().await;
                }
                assert_eq!(router.recv().await.unwrap(), Message::from(["X", "D"]));
            }
            assert_balanced(&router.stats());
        }
    });
}

#[test]
fn hiccup_msg() {
    rt::run(async {
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let options = quick().with_hello_message("HELLO").with_hiccup_message("HICCUP");
            let dealer =
                DealerSocket::connect_with_options(router.local_endpoint().unwrap(), options).await.unwrap();
            assert_eq!(router.recv_from().await.unwrap().1, Message::from("HELLO"));
            router.close().await;
            assert_eq!(dealer.recv().await.unwrap(), Message::from("HICCUP"));
        }
    });
}

/// Each on its own side only, on every connection, and never before the handshake.
#[test]
fn trap_52_who_is_told_what_and_when() {
    rt::run(async {
        let folder = Folder::new();
        for fixed in fixed_endpoints(&folder) {
            let options = |name: &'static str| {
                quick()
                    .with_identity(name)
                    .with_hello_message(["hello", name])
                    .with_disconnect_message(["disconnect", name])
                    .with_hiccup_message(["hiccup", name])
            };
            let client =
                DealerSocket::connect_with_reconnect_and_options(&fixed, options("client")).await.unwrap();
            client.send("asked early").await.unwrap();
            for round in 0..2 {
                let server = DealerSocket::bind_with_options(&fixed, options("server")).await.unwrap();
                assert_eq!(server.recv().await.unwrap(), Message::from(["hello", "client"]));
                if round == 0 {
                    assert_eq!(server.recv().await.unwrap(), Message::from("asked early"));
                }
                assert_eq!(client.recv().await.unwrap(), Message::from(["hello", "server"]));
                server.close().await;
                assert_eq!(client.recv().await.unwrap(), Message::from(["hiccup", "client"]));
            }
            let server = DealerSocket::bind_with_options(&fixed, options("server")).await.unwrap();
            assert_eq!(server.recv().await.unwrap(), Message::from(["hello", "client"]));
            client.close().await;
            assert_eq!(server.recv().await.unwrap(), Message::from(["disconnect", "server"]));
            // Whoever never says who he is, is not missed either.
            if fixed.starts_with("tcp") {
                let mut monitor = server.monitor();
                drop(rt::tcp(&server.local_endpoint().unwrap()).await);
                failed_handshake(&mut monitor).await;
            }
            assert!(matches!(server.try_recv(), Err(Error::WouldBlock)));
        }
    });
}

/// Types that do not talk freely have nothing of it: such an option is refused, where libzmq ignores it.
#[test]
fn trap_52_only_dealer_and_router_are_told() {
    rt::run(async {
        let options: [fn(SocketOptions) -> SocketOptions; 3] = [
            |options| options.with_hello_message("hello"),
            |options| options.with_disconnect_message("disconnect"),
            |options| options.with_hiccup_message("hiccup"),
        ];
        for set in options {
            let options = set(SocketOptions::default());
            let refused = [
                PullSocket::new(options.clone()).map(drop),
                PushSocket::new(options.clone()).map(drop),
                ReqSocket::new(options.clone()).map(drop),
                PairSocket::new(options.clone()).map(drop),
            ];
            assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Option(_)))), "{refused:?}");
            assert!(DealerSocket::new(options.clone()).is_ok() && RouterSocket::new(options).is_ok());
        }
    });
}
