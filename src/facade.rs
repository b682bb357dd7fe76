//! The names of one runtime: its sockets, their halves, its prelude, and sockets made of its streams.

/// Makes them of the table of all types; `$runtime` is what the runtime is called, the rest are types of its own.
macro_rules! facade {
    (
        ($runtime:literal, $stream:ty, $tcp:ty, $unix:ty $(, $host:ident)?)
        $($name:ident $marker:ident $alias:ident [$($sender:ident $receiver:ident)?]: $($can:ident)+;)+
    ) => {
        $(
            #[doc = concat!("The ", stringify!($name), " socket on ", $runtime, ".")]
            pub type $alias<P = $crate::resilience::NoOpPermits> = $crate::socket::$alias<$stream, P>;

            $(
                #[doc = concat!("The sending half of a [`", stringify!($alias), "`].")]
                pub type $sender<P = $crate::resilience::NoOpPermits> =
                    $crate::socket::Sender<$crate::socket::$marker, $stream, P>;

                #[doc = concat!("The receiving half of a [`", stringify!($alias), "`].")]
                pub type $receiver<P = $crate::resilience::NoOpPermits> =
                    $crate::socket::Receiver<$crate::socket::$marker, $stream, P>;
            )?
        )+

        #[doc = concat!("Many requests at once on ", $runtime, ": [`rpc::Client`](crate::rpc::Client).")]
        pub type Client<P = $crate::resilience::NoOpPermits> = $crate::rpc::Client<$stream, P>;

        #[doc = concat!("The reply to come of a [`Client`] on ", $runtime, ": [`rpc::PendingReply`](crate::rpc::PendingReply).")]
        pub type PendingReply<P = $crate::resilience::NoOpPermits> = $crate::rpc::PendingReply<$stream, P>;

        #[doc = concat!("The server of requests on ", $runtime, ": [`rpc::Server`](crate::rpc::Server).")]
        pub type Server<P = $crate::resilience::NoOpPermits> = $crate::rpc::Server<$stream, P>;

        #[doc = concat!("What a [`Server`] hands out on ", $runtime, ": [`rpc::Request`](crate::rpc::Request).")]
        pub type Request<P = $crate::resilience::NoOpPermits> = $crate::rpc::Request<$stream, P>;

        #[doc = concat!("The requests of a [`Server`] on ", $runtime, " as a stream: [`rpc::RequestStream`](crate::rpc::RequestStream).")]
        pub type RequestStream<P = $crate::resilience::NoOpPermits> = $crate::rpc::RequestStream<$stream, P>;

        #[doc = concat!("The handle for the reply to a [`Request`] on ", $runtime, ": [`rpc::Reply`](crate::rpc::Reply).")]
        pub type Reply<P = $crate::resilience::NoOpPermits> = $crate::rpc::Reply<$stream, P>;

        #[doc = concat!("The sockets of ", $runtime, " and everything that using them needs.")]
        pub mod prelude {
            pub use super::{$($alias, $($sender, $receiver,)?)+ Client, Server};
            $(pub use super::$host;)?
            pub use $crate::prelude::*;
        }

        impl<T: $crate::socket::Kind> $crate::socket::Socket<T, $stream, $crate::resilience::NoOpPermits> {
            /// Makes a socket of a connected TCP stream, with default options; resolves when the handshake is
            /// done. It has a companion task and does not reconnect.
            ///
            /// # Errors
            /// What made the handshake fail; no runtime.
            ///
            /// # Cancel safety
            /// Dropped before it is ready, the stream is closed.
            #[doc = example!(r#"// A listener of your own, and what came to it.
let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
let dialled = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
let (accepted, _) = listener.accept().await?;
let (push, pull) = tokio::try_join!(PushSocket::from_tcp(dialled), PullSocket::from_tcp(accepted))?;
push.send("work").await?;
assert_eq!(pull.recv().await?[0], "work");"#)]
            pub async fn from_tcp(stream: $tcp) -> $crate::Result<Self> {
                Self::from_tcp_with_options(stream, $crate::SocketOptions::default()).await
            }

            /// [`from_tcp`](Self::from_tcp) with options.
            ///
            /// # Errors
            /// As there, and for an option that cannot work.
            ///
            /// # Cancel safety
            /// Dropped before it is ready, the stream is closed.
            pub async fn from_tcp_with_options(
                stream: $tcp,
                options: $crate::SocketOptions,
            ) -> $crate::Result<Self> {
                let ours = <$stream>::from_tcp(&stream, &options.transport)?;
                // Its runtime is not to watch it beside ours.
                drop(stream);
                Self::from_runtime_stream(ours, options).await
            }

            /// Makes a socket of a connected Unix stream; otherwise as [`from_tcp`](Self::from_tcp).
            ///
            /// # Errors
            /// As there.
            ///
            /// # Cancel safety
            /// Dropped before it is ready, the stream is closed.
            #[cfg(unix)]
            pub async fn from_unix(stream: $unix) -> $crate::Result<Self> {
                Self::from_unix_with_options(stream, $crate::SocketOptions::default()).await
            }

            /// [`from_unix`](Self::from_unix) with options.
            ///
            /// # Errors
            /// As there, and for an option that cannot work.
            ///
            /// # Cancel safety
            /// Dropped before it is ready, the stream is closed.
            #[cfg(unix)]
            pub async fn from_unix_with_options(
                stream: $unix,
                options: $crate::SocketOptions,
            ) -> $crate::Result<Self> {
                let ours = <$stream>::from_unix(&stream, &options.transport)?;
                drop(stream);
                Self::from_runtime_stream(ours, options).await
            }
        }
    };
}
pub(crate) use facade;

/// Makes the names of encrypted sockets.
#[cfg(feature = "tls")]
macro_rules! tls_facade {
    (
        ($runtime:literal, $host:ty)
        $($name:ident $marker:ident $alias:ident [$($sender:ident $receiver:ident)?]: $($can:ident)+;)+
    ) => {
        #[doc = concat!("The runtime of encrypted sockets on ", $runtime, ".")]
        pub type Host = $crate::runtime::Layered<$host, $crate::runtime::tls::Tls>;

        #[doc = concat!("An encrypted stream of ", $runtime, ".")]
        pub type Stream = $crate::runtime::LayeredStream<$host, $crate::runtime::tls::Tls>;

        /// What encrypted sockets are opened on: the runtime that the caller runs on, with this layer upon its
        /// streams. The page of the [layer](crate::runtime::tls) shows it.
        ///
        /// # Errors
        /// [`Error::NoRuntime`](crate::Error::NoRuntime) outside of a runtime.
        pub fn host(tls: $crate::runtime::tls::Tls) -> $crate::Result<Host> {
            Host::on_current(tls).ok_or($crate::Error::NoRuntime { runtime: $runtime })
        }

        $(
            #[doc = concat!("The ", stringify!($name), " socket, encrypted, on ", $runtime, ".")]
            pub type $alias<P = $crate::resilience::NoOpPermits> = $crate::socket::$alias<Stream, P>;

            $(
                #[doc = concat!("The sending half of a [`", stringify!($alias), "`].")]
                pub type $sender<P = $crate::resilience::NoOpPermits> =
                    $crate::socket::Sender<$crate::socket::$marker, Stream, P>;

                #[doc = concat!("The receiving half of a [`", stringify!($alias), "`].")]
                pub type $receiver<P = $crate::resilience::NoOpPermits> =
                    $crate::socket::Receiver<$crate::socket::$marker, Stream, P>;
            )?
        )+

        #[doc = concat!("Many requests at once, encrypted, on ", $runtime, ".")]
        pub type Client<P = $crate::resilience::NoOpPermits> = $crate::rpc::Client<Stream, P>;

        #[doc = concat!("The reply to come of a [`Client`], encrypted, on ", $runtime, ": [`rpc::PendingReply`](crate::rpc::PendingReply).")]
        pub type PendingReply<P = $crate::resilience::NoOpPermits> = $crate::rpc::PendingReply<Stream, P>;

        #[doc = concat!("The server of requests, encrypted, on ", $runtime, ".")]
        pub type Server<P = $crate::resilience::NoOpPermits> = $crate::rpc::Server<Stream, P>;

        #[doc = concat!("What a [`Server`] hands out, encrypted, on ", $runtime, ": [`rpc::Request`](crate::rpc::Request).")]
        pub type Request<P = $crate::resilience::NoOpPermits> = $crate::rpc::Request<Stream, P>;

        #[doc = concat!("The requests of a [`Server`], encrypted, on ", $runtime, " as a stream: [`rpc::RequestStream`](crate::rpc::RequestStream).")]
        pub type RequestStream<P = $crate::resilience::NoOpPermits> = $crate::rpc::RequestStream<Stream, P>;

        #[doc = concat!("The handle for the reply to a [`Request`], encrypted, on ", $runtime, ": [`rpc::Reply`](crate::rpc::Reply).")]
        pub type Reply<P = $crate::resilience::NoOpPermits> = $crate::rpc::Reply<Stream, P>;
    };
}
#[cfg(feature = "tls")]
pub(crate) use tls_facade;
