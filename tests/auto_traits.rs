//! On tokio and smol, sockets may be shared and their futures sent between threads: checked by compiling.
#![cfg(any(feature = "tokio", feature = "smol"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

fn shared<T: Send + Sync>() {}
fn sent<T: Send>(_: &T) {}
fn spawned<T: Future<Output: Send> + Send + 'static>(_: T) {}

/// Generic over runtime, type and permits, and spawned.
mod generic {
    use super::{sent, spawned};
    use futures_util::StreamExt;
    use monocoque::Message;
    use monocoque::rpc::{Client, Server};
    use monocoque::runtime::{AsyncStream, Runtime};
    use monocoque::socket::{
        Receives, SendHost, SendPermits, SendStream, Sends, SendsToAny, Socket, SocketRecv, SocketSend,
    };

    pub fn calls<T, S, P>(socket: Socket<T, S, P>)
    where
        T: Sends + SendsToAny + Receives,
        S: SendStream,
        P: SendPermits,
    {
        sent(&socket.clone());
        sent(&socket.send("x"));
        sent(&socket.send_many(["x"]));
        sent(&socket.recv());
        sent(&socket.recv_many(&mut Vec::new(), 1));
        sent(&socket.flush());
        sent(&socket.close());
        sent(&async move {
            let permit = socket.reserve(1).await.unwrap();
            permit.send("x").unwrap();
            socket.send("x").await.unwrap();
            socket.flush().await.unwrap();
            let message = socket.recv().await.unwrap();
            let (sender, receiver) = socket.split();
            sender.send(message).await.unwrap();
            drop(receiver.recv().await);
        });
    }

    pub fn opening<T: Sends, S: SendStream<Runtime: SendHost<S>>>(_: &Socket<T, S>) {
        let host = S::Runtime::current().unwrap();
        sent(&async move {
            let options = monocoque::SocketOptions::default();
            let socket = Socket::<T, S>::connect_on(&host, "tcp://127.0.0.1:1", options).await.unwrap();
            socket.bind_to("tcp://127.0.0.1:0").await.unwrap();
            socket.close().await
        });
    }

    pub fn requests<S: SendStream<Runtime: SendHost<S>>, P: SendPermits>(client: Client<S, P>) {
        sent(&client.clone());
        let asked = client.try_request("x").unwrap();
        spawned(asked.reply());
        sent(&async move {
            client.request("x").await.unwrap();
            let server = Server::<S>::bind("tcp://127.0.0.1:0").await.unwrap();
            server.next().await.unwrap().reply.send("x").await.unwrap();
            let mut requests = server.requests();
            requests.next().await.unwrap().unwrap();
        });
    }

    pub async fn halves(
        sender: impl SocketSend<Stream: AsyncStream>,
        receiver: impl SocketRecv,
        message: Message,
    ) {
        sender.send(message).await.unwrap();
        receiver.recv().await.unwrap();
    }
}

/// The same for one runtime, and its streams.
macro_rules! mount {
    ($name:ident, $feature:literal, $tcp:ty, $unix:ty) => {
        #[cfg(feature = $feature)]
        mod $name {
            use super::{sent, shared, spawned};
            use monocoque::resilience::{NoOpPermits, SemaphorePermits};
            use monocoque::$name::prelude::*;

            /// Never called: what is generic takes the sockets of this runtime.
            #[allow(dead_code, reason = "a compile-time test")]
            fn generic_code_spawns(dealer: DealerSocket<SemaphorePermits>, plain: DealerSocket) {
                super::generic::opening(&plain);
                super::generic::calls(dealer.clone());
                super::generic::calls(plain);
                let (sender, receiver) = dealer.split();
                sent(&super::generic::halves(sender, receiver, Message::new()));
            }

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
                shared::<Client<SemaphorePermits>>();
                shared::<Server<SemaphorePermits>>();
                shared::<monocoque::$name::PendingReply<SemaphorePermits>>();
                shared::<monocoque::$name::RequestStream<SemaphorePermits>>();
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
                sent(&dealer.send_many(["x"]));
                sent(&dealer.flush());
                sent(&dealer.reserve(1));
                sent(&dealer.recv());
                sent(&dealer.recv_with_user());
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

            /// Never called: the same of many requests at once.
            #[allow(dead_code, reason = "a compile-time test")]
            fn rpc_is_send(client: Client<SemaphorePermits>, server: Server<SemaphorePermits>) {
                use futures_util::StreamExt;
                let limit = std::time::Duration::MAX;
                sent(&Client::connect("tcp://127.0.0.1:1"));
                sent(&Client::connect_with_options("tcp://127.0.0.1:1", ClientOptions::default()));
                sent(&Server::bind("tcp://127.0.0.1:0"));
                sent(&Server::bind_with_options("tcp://127.0.0.1:0", ServerOptions::default()));
                sent(&client.request("x"));
                sent(&client.request_within("x", limit));
                sent(&client.try_request("x").map(|asked| asked.reply()).ok());
                sent(&client.try_request("x").map(|asked| asked.reply_within(limit)).ok());
                let asked = client.try_request("x").unwrap();
                spawned(asked.reply());
                sent(&server.drain(limit));
                let mut requests = server.requests();
                spawned(async move { requests.next().await });
                let answering = async move {
                    drop(server.next().await?.reply.send("x").await);
                    Ok::<_, Error>(())
                };
                sent(&answering);
                super::generic::requests(client);
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
                sent(&PushSocket::new(options.clone()));
                // With an authenticator, whose futures the companion polls.
                let options = options.with_authenticator(async |_| monocoque::security::Verdict::accept());
                shared::<SocketOptions>();
                shared::<monocoque::security::Claim>();
                sent(&PullSocket::bind_with_options("tcp://127.0.0.1:0", options));
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
