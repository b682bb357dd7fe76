//! What each socket type can do, and what it and its halves are called: markers, and the names of every runtime,
//! come from here.

/// Hands the table to a macro.
macro_rules! socket_types {
    ($callback:ident!($($args:tt)*)) => {
        $callback! {
            ($($args)*)
            REQ Req ReqSocket [ReqSender ReqReceiver]: Sends Receives Requests;
            REP Rep RepSocket [RepSender RepReceiver]: Sends Receives;
            DEALER Dealer DealerSocket [DealerSender DealerReceiver]: Sends SendsToAny Receives;
            ROUTER Router RouterSocket [RouterSender RouterReceiver]: Sends Receives Addressed;
            PUB Pub PubSocket []: Sends Topical Publishes;
            SUB Sub SubSocket []: Receives Topical Subscribes;
            XPUB XPub XPubSocket [XPubSender XPubReceiver]: Sends Receives Topical Publishes Subscribes;
            XSUB XSub XSubSocket [XSubSender XSubReceiver]: Sends Receives Topical Subscribes;
            PUSH Push PushSocket []: Sends SendsToAny;
            PULL Pull PullSocket []: Receives;
            PAIR Pair PairSocket [PairSender PairReceiver]: Sends SendsToAny Receives;
        }
    };
}
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
pub(crate) use socket_types;

/// Says at compile time what each can do.
macro_rules! abilities {
    (() $($name:ident $marker:ident $alias:ident [$($half:ident)*]: $($can:ident)+;)+) => {$(
        impl super::Kind for super::$marker {
            const TYPE: crate::protocol::SocketType = crate::protocol::SocketType::$marker;
        }

        $(impl super::$can for super::$marker {})+
    )+};
}

socket_types!(abilities!());
