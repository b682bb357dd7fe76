//! Handshakes that fail: each is an event with its cause at either end, and heals when the certificate does.

use std::sync::Arc;

use monocoque::runtime::Layered;
use monocoque::runtime::tls::Tls;
use monocoque::runtime::tls::rustls::{ClientConfig, ServerConfig};
use monocoque::socket;

use super::rt::{self, *};
use crate::certificates::{AUTHORITY, Authority, Identity, NAMES};
use crate::configured::Configured;

const ANY: &str = "tcp://127.0.0.1:0";

type PlainDealer = socket::DealerSocket<<rt::Below as monocoque::runtime::Connector>::Stream>;
type PlainRouter = socket::RouterSocket<<rt::Below as monocoque::runtime::Connector>::Stream>;

fn on(tls: &Tls) -> rt::Host {
    Layered::on_current(Configured(tls.clone())).unwrap()
}

fn quick() -> SocketOptions {
    let interval = std::time::Duration::from_millis(1);
    SocketOptions::default().with_reconnect_interval(interval).with_reconnect_interval_max(10 * interval)
}

/// Why the next handshake fails.
async fn failed_handshake(monitor: &mut Monitor) -> Error {
    loop {
        if let SocketEvent::HandshakeFailed { cause, .. } = monitor.next().await.unwrap() {
            return cause;
        }
    }
}

/// Until a handshake fails for this cause. The other end may have gone before it could be told.
async fn fails_by(monitor: &mut Monitor, says: &str) {
    for attempt in 0.. {
        let cause = failed_handshake(monitor).await.to_string();
        if cause.contains(says) {
            return;
        }
        assert!(attempt < 50, "{says} is not in: {cause}");
    }
}

/// A client and a server that do not come to terms, until the server's or the client's configuration is replaced.
async fn heals(client: Arc<ClientConfig>, server: Arc<ServerConfig>, says: [&str; 2]) {
    let (dialling, accepting) = (Tls::client(client), Tls::server(server));
    let router = RouterSocket::bind_on(&on(&accepting), ANY, quick()).await.unwrap();
    let mut at_server = router.monitor();
    let dealer = DealerSocket::new_on(&on(&dialling), quick()).unwrap();
    let mut at_client = dealer.monitor();
    dealer.connect_to(router.local_endpoint().unwrap()).unwrap();
    for _ in 0..2 {
        fails_by(&mut at_client, says[0]).await;
        fails_by(&mut at_server, says[1]).await;
    }
    assert_eq!((dealer.stats().connects, router.stats().connects), (0, 0));
    dialling.replace_client(AUTHORITY.client(Some(AUTHORITY.issue(&["client"]))));
    accepting.replace_server(AUTHORITY.server(AUTHORITY.issue(&NAMES), true));
    dealer.send("x").await.unwrap();
    assert_eq!(router.recv().await.unwrap()[1], "x");
}

#[test]
fn certificates_that_have_expired() {
    let server = AUTHORITY.server(AUTHORITY.issue_expired(&NAMES), false);
    rt::run(heals(AUTHORITY.client(None), server, ["certificate expired", "CertificateExpired"]));
}

#[test]
fn certificates_of_other_hosts() {
    let server = AUTHORITY.server(AUTHORITY.issue(&["example.org"]), false);
    rt::run(heals(AUTHORITY.client(None), server, ["not valid for name", "fatal alert"]));
}

#[test]
fn certificates_of_unknown_authorities() {
    let server = AUTHORITY.server(Authority::new().issue(&NAMES), false);
    rt::run(heals(AUTHORITY.client(None), server, ["UnknownIssuer", "UnknownCA"]));
}

#[test]
fn clients_without_the_certificate_that_is_demanded() {
    let server = AUTHORITY.server(AUTHORITY.issue(&NAMES), true);
    rt::run(heals(AUTHORITY.client(None), server, ["CertificateRequired", "no certificates"]));
}

#[test]
fn clients_with_expired_certificates() {
    let client = AUTHORITY.client(Some(AUTHORITY.issue_expired(&["client"])));
    let server = AUTHORITY.server(AUTHORITY.issue(&NAMES), true);
    rt::run(heals(client, server, ["CertificateExpired", "certificate expired"]));
}

#[test]
fn certificates_that_sign_themselves() {
    let server = AUTHORITY.server(Identity::self_signed(&NAMES), false);
    rt::run(heals(AUTHORITY.client(None), server, ["UnknownIssuer", "UnknownCA"]));
    let client = AUTHORITY.client(Some(Identity::self_signed(&["client"])));
    let server = AUTHORITY.server(AUTHORITY.issue(&NAMES), true);
    rt::run(heals(client, server, ["UnknownCA", "UnknownIssuer"]));
}

/// What is more than a handshake may have is not read to its end, on either side.
#[test]
fn chains_of_certificates_that_are_too_long() {
    const BYTES: usize = 100_000;
    let server = AUTHORITY.server(AUTHORITY.issue(&NAMES).with_bytes_behind(BYTES), false);
    rt::run(heals(AUTHORITY.client(None), server, ["HandshakePayloadTooLarge", ""]));
    let client = AUTHORITY.client(Some(AUTHORITY.issue(&["client"]).with_bytes_behind(BYTES)));
    let server = AUTHORITY.server(AUTHORITY.issue(&NAMES), true);
    rt::run(heals(client, server, ["", "HandshakePayloadTooLarge"]));
}

/// Either end may be the one that speaks in the clear.
#[test]
fn what_is_encrypted_and_what_is_not_do_not_mix() {
    rt::run(async {
        let router = RouterSocket::bind_with_options(ANY, quick()).await.unwrap();
        let mut monitor = router.monitor();
        let refused = PlainDealer::connect_with_options(router.local_endpoint().unwrap(), quick()).await;
        assert!(refused.is_err());
        fails_by(&mut monitor, "corrupt message").await;

        let plain = PlainRouter::bind_with_options(ANY, quick()).await.unwrap();
        let dealer = DealerSocket::connect_with_options(plain.local_endpoint().unwrap(), quick()).await;
        let error = dealer.unwrap_err();
        assert!(matches!(error, Error::CannotConnect { .. }), "{error}");
    });
}
