//! Options, one by one, so that each can be left out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use monocoque::options::{ReconnectStop, RouterHandover, RouterNotify};
use monocoque::prelude::*;
use monocoque::rpc::{ClientOptions, OnServerLost, ServerOptions};
use monocoque::runtime::sim;
use monocoque::security::{
    Claim, CurveKeypair, CurveSecretKey, Verdict, accept_any_client, allow_keys, allow_users,
};

use crate::plan::{Kind, name};

#[derive(Clone, Debug)]
pub enum Choice {
    SendHwm(usize),
    RecvHwm(usize),
    SendHwmBytes(usize),
    RecvHwmBytes(usize),
    LeftoverBytes(usize),
    IncompleteBytes(usize),
    MaxMessageSize(usize),
    MaxFrames(usize),
    MaxSubscriptions(usize),
    MaxSubscriptionBytes(usize),
    MaxConnections(usize),
    MaxConnectionsPerAddress(usize),
    MaxHandshakes(usize),
    MaxResends(Option<u32>),
    MaxAttempts(u32),
    Identity(u8),
    Flush(FlushPolicy),
    Full(OnFull),
    Cancel(OnCancel),
    Disconnected(WhileDisconnected),
    HandshakeTimeout(Duration),
    FrameTimeout(Option<Duration>),
    ConnectTimeout(Duration),
    RecvTimeout(Duration),
    SendTimeout(Duration),
    Heartbeats {
        interval: Duration,
        timeout: Duration,
        ttl: Option<Duration>,
    },
    Linger(Duration),
    UnlimitedLinger,
    NoReconnect,
    Stop(ReconnectStop),
    RouterMandatory,
    Handover(RouterHandover),
    RouterNotify(RouterNotify),
    ProbeRouter,
    ReqCorrelate,
    ReqRelaxed,
    ReqResend,
    XPubVerbose,
    XPubVerboser,
    XPubManual,
    XPubManualLastValue,
    InvertMatching,
    OnlyFirstSubscribe,
    XSubVerboseUnsubscribe,
    Conflate,
    Welcome(usize),
    Hello(usize),
    Farewell(usize),
    Hiccup(usize),
    MonitorEvents(usize),
    MonitorDrops(usize),
    Plain(Role),
    Curve(Role),
    Judge(Judge),
    /// Topics that end with an odd byte are refused.
    Filter,
    /// Of the user's own, which jumps.
    BackoffFn,
    RetryBudget(u32),
    WaitTimes,
    RecvSpin(Duration),
    Rpc(Rpc),
}

/// Options of clients and servers.
#[derive(Clone, Copy, Debug)]
pub enum Rpc {
    Timeout(Option<Duration>),
    MaxOutstanding(usize),
    Resend,
}

/// Who is who for PLAIN and CURVE.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    Client,
    /// A client whom a server that is not for everybody does not know.
    Stranger,
    Server,
    ServerForAll,
}

/// What an authenticator answers.
#[derive(Clone, Copy, Debug)]
pub enum Judge {
    Accepts,
    AcceptsAfter(Duration),
    Denies,
    SaysLater,
    /// Lets in whom it has seen an even number of times before.
    Wavers,
    Hangs,
}

/// What all sockets have unless they say otherwise: they notice things and try again soon, so that a session is
/// short in virtual time.
fn base() -> SocketOptions {
    SocketOptions::default()
        .with_backoff(
            Backoff::new().with_initial(Duration::from_millis(5)).with_max(Duration::from_millis(80)),
        )
        .with_linger(Duration::from_millis(300))
        .with_connect_timeout(Duration::from_secs(1))
        .with_handshake_timeout(Duration::from_millis(500))
}

pub fn build(choices: &[Choice]) -> SocketOptions {
    choices.iter().fold(base(), |options, choice| choice.apply(options))
}

pub fn client(choices: &[Choice]) -> ClientOptions {
    rpc(choices).fold(build(choices).into(), |options: ClientOptions, choice| match choice {
        Rpc::Timeout(limit) => options.with_timeout(limit),
        Rpc::MaxOutstanding(n) => options.with_max_outstanding(n),
        Rpc::Resend => options.with_on_server_lost(OnServerLost::Resend),
    })
}

pub fn server(choices: &[Choice]) -> ServerOptions {
    rpc(choices).fold(build(choices).into(), |options: ServerOptions, choice| match choice {
        Rpc::MaxOutstanding(n) => options.with_max_outstanding(n),
        Rpc::Timeout(_) | Rpc::Resend => options,
    })
}

fn rpc(choices: &[Choice]) -> impl Iterator<Item = Rpc> {
    choices.iter().filter_map(|choice| match choice {
        Choice::Rpc(choice) => Some(*choice),
        _ => None,
    })
}

impl Choice {
    /// Whether sockets of this type have the option; others refuse it.
    pub fn is_of(&self, kind: Kind) -> bool {
        if matches!(self, Self::Rpc(_)) {
            return kind != kind.socket();
        }
        let kind = kind.socket();
        let publishes = matches!(kind, Kind::Pub | Kind::XPub);
        let topical = publishes || matches!(kind, Kind::Sub | Kind::XSub);
        match self {
            Self::Full(OnFull::DropOldest) => {
                !matches!(kind, Kind::Sub | Kind::Pull | Kind::Req | Kind::Rep | Kind::XSub)
            }
            Self::Full(OnFull::Disconnect) => publishes || kind == Kind::Router,
            Self::Full(_) => !matches!(kind, Kind::Sub | Kind::Pull),
            Self::Disconnected(_) | Self::MaxResends(_) => {
                matches!(kind, Kind::Push | Kind::Dealer | Kind::Req | Kind::Pair)
            }
            Self::Hello(_) | Self::Farewell(_) | Self::Hiccup(_) => {
                matches!(kind, Kind::Dealer | Kind::Router)
            }
            Self::Conflate => {
                matches!(kind, Kind::Push | Kind::Pull | Kind::Pub | Kind::Sub | Kind::Dealer)
            }
            Self::MaxSubscriptions(_) | Self::MaxSubscriptionBytes(_) => topical,
            Self::Welcome(_) | Self::Filter => publishes,
            Self::OnlyFirstSubscribe => publishes || kind == Kind::XSub,
            Self::InvertMatching => topical && kind != Kind::XSub,
            Self::XSubVerboseUnsubscribe => kind == Kind::XSub,
            Self::XPubVerbose | Self::XPubVerboser | Self::XPubManual | Self::XPubManualLastValue => {
                kind == Kind::XPub
            }
            _ => true,
        }
    }

    fn apply(&self, options: SocketOptions) -> SocketOptions {
        match *self {
            Self::SendHwm(n) => options.with_send_hwm(n),
            Self::RecvHwm(n) => options.with_recv_hwm(n),
            Self::SendHwmBytes(n) => options.with_send_hwm_bytes(n),
            Self::RecvHwmBytes(n) => options.with_recv_hwm_bytes(n),
            Self::LeftoverBytes(n) => options.with_leftover_bytes(n),
            Self::IncompleteBytes(n) => options.with_incomplete_bytes(n),
            Self::MaxMessageSize(n) => options.with_max_message_size(n),
            Self::MaxFrames(n) => options.with_max_frames(n),
            Self::MaxSubscriptions(n) => options.with_max_subscriptions(n),
            Self::MaxSubscriptionBytes(n) => options.with_max_subscription_bytes(n),
            Self::MaxConnections(n) => options.with_max_connections(n),
            Self::MaxConnectionsPerAddress(n) => options.with_max_connections_per_address(n),
            Self::MaxHandshakes(n) => options.with_max_handshakes(n),
            Self::MaxResends(n) => options.with_max_resends(n),
            Self::MaxAttempts(n) => options.with_max_attempts(Some(n)),
            Self::Identity(n) => options.with_identity(name(n)),
            Self::Flush(policy) => options.with_flush_policy(policy),
            Self::Full(on_full) => options.with_on_full(on_full),
            Self::Cancel(on_cancel) => options.with_on_cancel(on_cancel),
            Self::Disconnected(policy) => options.with_while_disconnected(policy),
            Self::HandshakeTimeout(limit) => options.with_handshake_timeout(limit),
            Self::FrameTimeout(limit) => options.with_frame_timeout(limit),
            Self::ConnectTimeout(limit) => options.with_connect_timeout(limit),
            Self::RecvTimeout(limit) => options.with_recv_timeout(Some(limit)),
            Self::SendTimeout(limit) => options.with_send_timeout(Some(limit)),
            Self::Heartbeats { interval, timeout, ttl } => options
                .with_heartbeat_interval(Some(interval))
                .with_heartbeat_timeout(timeout)
                .with_heartbeat_ttl(ttl),
            Self::Linger(linger) => options.with_linger(linger),
            Self::UnlimitedLinger => options.with_unlimited_linger(),
            Self::NoReconnect => options.with_reconnect(false),
            Self::Stop(stop) => options.with_reconnect_stop(stop),
            Self::Plain(role) => role.plain(options),
            Self::Curve(role) => role.curve(options),
            Self::Judge(judge) => judge.apply(options),
            Self::BackoffFn => {
                options.with_backoff_fn(|failures| Duration::from_millis(u64::from(failures) * 37 % 90))
            }
            Self::RetryBudget(tokens) => options.with_retry_budget(RetryBudget::new(tokens, 20.0)),
            Self::WaitTimes => options.with_wait_times(true),
            Self::RecvSpin(spin) => options.with_recv_spin(spin),
            // They are no options of the socket.
            Self::Rpc(_) => options,
            _ => self.apply_to_type(options),
        }
    }

    /// Those that only some socket types have.
    fn apply_to_type(&self, options: SocketOptions) -> SocketOptions {
        match *self {
            Self::RouterMandatory => options.with_router_mandatory(true),
            Self::Handover(handover) => options.with_router_handover(handover),
            Self::RouterNotify(when) => options.with_router_notify(when),
            Self::ProbeRouter => options.with_probe_router(true),
            Self::ReqCorrelate => options.with_req_correlate(true),
            Self::ReqRelaxed => options.with_req_relaxed(true),
            Self::ReqResend => options.with_req_resend(true),
            Self::XPubVerbose => options.with_xpub_verbose(true),
            Self::XPubVerboser => options.with_xpub_verboser(true),
            Self::XPubManual => options.with_xpub_manual(true),
            Self::XPubManualLastValue => options.with_xpub_manual_last_value(true),
            Self::InvertMatching => options.with_invert_matching(true),
            Self::OnlyFirstSubscribe => options.with_only_first_subscribe(true),
            Self::XSubVerboseUnsubscribe => options.with_xsub_verbose_unsubscribe(true),
            Self::Conflate => options.with_conflate(true),
            Self::Welcome(len) => options.with_xpub_welcome_message(vec![b'w'; len]),
            Self::Hello(len) => options.with_hello_message(vec![b'h'; len]),
            Self::Farewell(len) => options.with_disconnect_message(vec![b'f'; len]),
            Self::Hiccup(len) => options.with_hiccup_message(vec![b'i'; len]),
            Self::MonitorEvents(n) => options.with_monitor_events(n),
            Self::MonitorDrops(n) => options.with_monitor_drops(n),
            Self::Filter => {
                options.with_subscription_filter(|_, topic| topic.last().is_none_or(|last| last % 2 == 0))
            }
            _ => unreachable!("{self:?} is applied to all types"),
        }
    }
}

/// Always the same for a number, so that any two sockets of a session know each other.
fn keypair(number: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([number; 32]).into()
}

impl Role {
    fn plain(self, options: SocketOptions) -> SocketOptions {
        match self {
            Self::Client => options.with_plain_client("known", "secret"),
            Self::Stranger => options.with_plain_client("known", "wrong"),
            Self::Server => options.with_plain_server(allow_users([("known", "secret")])),
            Self::ServerForAll => options.with_plain_server(async |_: Claim| Verdict::accept()),
        }
    }

    fn curve(self, options: SocketOptions) -> SocketOptions {
        let (server, known, stranger) = (keypair(1), keypair(2), keypair(3));
        match self {
            Self::Client => options.with_curve_client(server.public_key(), known),
            Self::Stranger => options.with_curve_client(server.public_key(), stranger),
            Self::Server => options.with_curve_server(server, allow_keys([known.public_key()])),
            Self::ServerForAll => options.with_curve_server(server, accept_any_client()),
        }
    }
}

impl Judge {
    fn apply(self, options: SocketOptions) -> SocketOptions {
        let asked = AtomicUsize::new(0);
        options.with_authenticator(move |_: Claim| {
            let before = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                match self {
                    Self::Accepts => {}
                    Self::AcceptsAfter(delay) => sim::sleep(delay).await,
                    Self::Denies => return Verdict::deny("not you"),
                    Self::SaysLater => return Verdict::try_later("not now"),
                    Self::Wavers if before % 2 == 1 => return Verdict::deny("not this time"),
                    Self::Wavers => {}
                    Self::Hangs => std::future::pending().await,
                }
                Verdict::accept_as("somebody")
            }
        })
    }
}
