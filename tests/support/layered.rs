//! The runtimes with a layer upon them, as the suites name what they need of one.

/// Makes a module like that of the runtime, whose sockets have the layer: what tests name is the same.
macro_rules! layered {
    ($feature:literal, $name:ident, $runtime:ty, $layer:ty) => {
        #[cfg(feature = $feature)]
        pub mod $name {
            use monocoque::runtime::{Layered, LayeredStream};
            use monocoque::socket;

            pub use crate::support::$name::*;

            /// The runtime below.
            pub type Below = $runtime;
            pub type Host = Layered<$runtime, $layer>;
            pub type Stream = LayeredStream<$runtime, $layer>;

            layered!(Stream: DealerSocket PairSocket PubSocket PullSocket PushSocket RepSocket ReqSocket
                RouterSocket SubSocket XPubSocket XSubSocket);
            pub type DealerSender<P = NoOpPermits> = socket::Sender<socket::Dealer, Stream, P>;
            pub type DealerReceiver<P = NoOpPermits> = socket::Receiver<socket::Dealer, Stream, P>;
        }
    };
    ($stream:ty: $($socket:ident)+) => {
        $(pub type $socket<P = NoOpPermits> = socket::$socket<$stream, P>;)+
    };
}
