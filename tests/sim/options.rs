//! Options that only some socket types have, against every type.

use monocoque::message::Message;
use monocoque::options::{OptionError, RouterNotify};
use monocoque::socket;

use super::support::*;

type Open = fn(SocketOptions) -> Result<(), Error>;
type Set = fn(SocketOptions) -> SocketOptions;

macro_rules! types {
    ($($name:literal: $socket:ident),+ $(,)?) => {
        [$(($name, |options| socket::$socket::<SimStream>::new(options).map(drop))),+]
    };
}

const TYPES: [(&str, Open); 11] = types! {
    "PUSH": PushSocket,
    "PULL": PullSocket,
    "DEALER": DealerSocket,
    "ROUTER": RouterSocket,
    "REQ": ReqSocket,
    "REP": RepSocket,
    "PUB": PubSocket,
    "SUB": SubSocket,
    "XPUB": XPubSocket,
    "XSUB": XSubSocket,
    "PAIR": PairSocket,
};

fn text() -> Message {
    "text".into()
}

/// Each option, the types that have it, and how it is set to something other than its default.
const OPTIONS: [(&str, &[&str], Set); 26] = [
    ("router_mandatory", &["ROUTER"], |o| o.with_router_mandatory(true)),
    ("router_handover", &["ROUTER"], |o| o.with_router_handover(true)),
    ("router_notify", &["ROUTER"], |o| o.with_router_notify(RouterNotify::Both)),
    ("req_correlate", &["REQ"], |o| o.with_req_correlate(true)),
    ("req_relaxed", &["REQ"], |o| o.with_req_relaxed(true)),
    ("req_resend", &["REQ"], |o| o.with_req_resend(true)),
    ("xpub_verbose", &["XPUB"], |o| o.with_xpub_verbose(true)),
    ("xpub_verboser", &["XPUB"], |o| o.with_xpub_verboser(true)),
    ("xpub_manual", &["XPUB"], |o| o.with_xpub_manual(true)),
    ("xpub_manual_last_value", &["XPUB"], |o| o.with_xpub_manual_last_value(true)),
    ("xpub_welcome_message", &["PUB", "XPUB"], |o| o.with_xpub_welcome_message(text())),
    ("xsub_verbose_unsubscribe", &["XSUB"], |o| o.with_xsub_verbose_unsubscribe(true)),
    ("only_first_subscribe", &["PUB", "XPUB", "XSUB"], |o| o.with_only_first_subscribe(true)),
    ("invert_matching", &["PUB", "SUB", "XPUB"], |o| o.with_invert_matching(true)),
    ("max_subscriptions", &["PUB", "SUB", "XPUB", "XSUB"], |o| o.with_max_subscriptions(9)),
    ("max_subscription_bytes", &["PUB", "SUB", "XPUB", "XSUB"], |o| o.with_max_subscription_bytes(9)),
    ("conflate", &["PUSH", "PULL", "DEALER", "PUB", "SUB"], |o| o.with_conflate(true)),
    ("probe_router", &["DEALER", "ROUTER", "REQ"], |o| o.with_probe_router(true)),
    ("hello_message", &["DEALER", "ROUTER"], |o| o.with_hello_message(text())),
    ("disconnect_message", &["DEALER", "ROUTER"], |o| o.with_disconnect_message(text())),
    ("hiccup_message", &["DEALER", "ROUTER"], |o| o.with_hiccup_message(text())),
    ("on_full", &["PUSH", "DEALER", "ROUTER", "REQ", "REP", "PUB", "XPUB", "XSUB", "PAIR"], |o| {
        o.with_on_full(OnFull::Fail)
    }),
    ("on_full(DropOldest)", &["PUSH", "DEALER", "ROUTER", "PUB", "XPUB", "PAIR"], |o| {
        o.with_on_full(OnFull::DropOldest)
    }),
    ("on_full(Disconnect)", &["ROUTER", "PUB", "XPUB"], |o| o.with_on_full(OnFull::Disconnect)),
    ("while_disconnected", &["PUSH", "DEALER", "REQ", "PAIR"], |o| {
        o.with_while_disconnected(WhileDisconnected::Wait)
    }),
    ("max_resends", &["PUSH", "DEALER", "REQ", "PAIR"], |o| o.with_max_resends(None)),
];

/// Every pair of an option and a type: it is there, or it is refused by name.
#[test]
fn an_option_that_a_type_does_not_have_is_refused() {
    Sim::new(1).block_on(async {
        for (option, having, set) in OPTIONS {
            for (name, open) in TYPES {
                let result = open(set(SocketOptions::default()));
                if having.contains(&name) {
                    assert!(result.is_ok(), "{name}, {option}: {result:?}");
                    continue;
                }
                match result.unwrap_err() {
                    Error::Option(OptionError::NotOfType { option: refused, socket_type }) => {
                        // A choice of an option that the type does not have at all is refused as the option.
                        assert!(option.starts_with(refused), "{refused} for {option}");
                        assert_eq!(socket_type, name);
                    }
                    other => panic!("{name}, {option}: {other}"),
                }
            }
        }
    });
}

/// What is set to its default asks for nothing: options may be made for any type.
#[test]
fn an_option_that_is_as_it_was_is_not_refused() {
    Sim::new(1).block_on(async {
        let options = SocketOptions::default()
            .with_router_mandatory(false)
            .with_xpub_verbose(false)
            .with_conflate(false)
            .with_on_full(None)
            .with_max_resends(3);
        for (name, open) in TYPES {
            assert!(open(options.clone()).is_ok(), "{name}");
        }
    });
}

/// On a stream of one's own as well, and the error says what is wrong.
#[test]
fn a_refused_option_is_named() {
    use futures_util::io::Cursor;
    use monocoque::runtime::FuturesIo;

    Sim::new(1).block_on(async {
        let options = SocketOptions::default().with_req_relaxed(true);
        let stream = FuturesIo::new(Cursor::new(Vec::new()));
        let refused = socket::PushSocket::from_stream_with_options(stream, options.clone()).await;
        let error = refused.unwrap_err().to_string();
        assert_eq!(error, Push::new(options).unwrap_err().to_string());
        assert!(error.contains("a PUSH has no option req_relaxed"), "{error}");
    });
}
