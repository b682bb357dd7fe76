//! On tokio and smol, sockets may be shared and their futures sent between threads: checked by compiling.
#![cfg(any(feature = "tokio", feature = "smol"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

fn shared<T: Send + Sync>() {}
fn sent<T: Send>(_: &T) {}

/// The same for one runtime, and its streams.
macro_rules! mount {
    ($name:ident, $feature:literal, $tcp:ty, $unix:ty) => {
        #[cfg(feature = $feature)]
        mod $name {
            use super::{sent, shared};
            use monocoque::resilience::{NoOpPermits, SemaphorePermits};
            use monocoque::$name::prelude::*;

            #[test]
            fn sockets_are_send_and_sync() {
                shared::<DealerSocket<NoOpPermits>>();
                shared::<DealerSocket<SemaphorePermits>>();
                shared::<RouterSocket<SemaphorePermits>>();
                shared::<PushSocket<SemaphorePermits>>();
                shared::<PullSocket<SemaphorePermits>>();
                shared::<ReqSocket<SemaphorePermits>>();
                shared::<RepSocket<SemaphorePermits>>();
                shared::<PubSocket<SemaphorePermits>>();
                shared::<SubSocket<SemaphorePermits>>();
                shared::<XPubSocket<SemaphorePermits>>();
                shared::<XSubSocket<SemaphorePermits>>();
                shared::<PairSocket<SemaphorePermits>>();
                shared::<Monitor>();
                shared::<ProxyControl>();
                shared::<Error>();
                shared::<SendError<Message>>();
                shared::<Message>();
            }

            /// Never called: its futures only have to have the right types.
            #[allow(dead_code, reason = "a compile-time test")]
            fn futures_are_send(
                dealer: DealerSocket<SemaphorePermits>,
                router: RouterSocket,
                requests: ReqSocket,
                publisher: PubSocket,
                mut monitor: Monitor,
            ) {
                sent(&dealer.send("x"));
                sent(&dealer.feed("x"));
                sent(&dealer.flush());
                sent(&dealer.reserve(1));
                sent(&dealer.recv());
                sent(&dealer.recv_many(&mut Vec::new(), 1));
                sent(&dealer.try_reconnect());
                sent(&dealer.send_with_reconnect("x"));
                sent(&dealer.recv_with_reconnect());
                sent(&dealer.wait_for_peers(1));
                sent(&dealer.bind_to("tcp://127.0.0.1:0"));
                sent(&dealer.close());
                sent(&router.send_to("id", "x"));
                sent(&router.recv_from());
                sent(&monitor.next());
                sent(&DealerSocket::connect("tcp://127.0.0.1:1"));
                sent(&DealerSocket::connect_with_reconnect("tcp://127.0.0.1:1"));
                sent(&PullSocket::bind("tcp://127.0.0.1:0"));
                sent(&monocoque::proxy(&dealer, &router));
                sent(&monocoque::proxy::forward(&dealer, &router));
                let mut proxy = Proxy::new(&dealer, &router).with_capture(&router);
                sent(&proxy.control());
                sent(&proxy.run());
                let (sender, receiver) = dealer.split();
                sent(&requests.request("x"));
                sent(&publisher.wait_for_subscribers("x", 1));
                sent(&sender.send("x"));
                sent(&receiver.recv());
            }

            /// Never called either: what opens a socket, and the forms that options make.
            #[allow(dead_code, reason = "a compile-time test")]
            fn opening_is_send(tcp: [$tcp; 2], options: SocketOptions) {
                let [one, other] = tcp;
                sent(&PushSocket::from_tcp(one));
                sent(&PushSocket::from_tcp_with_options(other, options.clone()));
                sent(&PushSocket::connect_with_options("tcp://127.0.0.1:1", options.clone()));
                sent(&PushSocket::connect_with_reconnect_and_options("tcp://127.0.0.1:1", options.clone()));
                sent(&PullSocket::bind_with_options("tcp://127.0.0.1:0", options.clone()));
                sent(&PushSocket::new(options));
            }

            #[cfg(unix)]
            #[allow(dead_code, reason = "a compile-time test")]
            fn opening_from_unix_is_send(unix: [$unix; 2], options: SocketOptions) {
                let [one, other] = unix;
                sent(&PullSocket::from_unix(one));
                sent(&PullSocket::from_unix_with_options(other, options));
            }

            /// As streams and sinks, in halves, and with a permit in hand.
            #[allow(dead_code, reason = "a compile-time test")]
            fn other_forms_are_send(mut dealer: DealerSocket<SemaphorePermits>, mut monitor: Monitor) {
                use futures_util::{SinkExt, StreamExt};
                sent(&dealer.next());
                sent(&SinkExt::send(&mut dealer, Message::from("x")));
                sent(&StreamExt::next(&mut monitor));
                let permit = |dealer: DealerSocket<SemaphorePermits>| async move {
                    let permit = dealer.reserve(1).await?;
                    std::future::ready(()).await;
                    permit.send("x").map_err(Error::from)
                };
                sent(&permit(dealer.clone()));
                let (mut sender, mut receiver) = dealer.split();
                sent(&sender.flush());
                sent(&SinkExt::send(&mut sender, Message::from("x")));
                sent(&receiver.next());
            }
        }
    };
}

mount!(tokio, "tokio", ::tokio::net::TcpStream, ::tokio::net::UnixStream);
mount!(smol, "smol", ::smol::net::TcpStream, ::smol::net::unix::UnixStream);
