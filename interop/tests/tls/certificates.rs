//! Certificates made on the spot, and configurations of rustls with them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use monocoque::runtime::tls::rustls::client::WebPkiServerVerifier;
use monocoque::runtime::tls::rustls::crypto::{CryptoProvider, ring};
use monocoque::runtime::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use monocoque::runtime::tls::rustls::server::WebPkiClientVerifier;
use monocoque::runtime::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The names in the certificates of servers.
pub const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// Whom both ends trust.
pub static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

static NUMBER: AtomicU32 = AtomicU32::new(1);

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    /// What is shown behind the certificate.
    behind: Vec<CertificateDer<'static>>,
}

impl Identity {
    /// Signed by nobody else.
    pub fn self_signed(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap().der().clone();
        Self::new(certificate, &key)
    }

    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { certificate, key, behind: Vec::new() }
    }

    /// Shown with so many bytes of certificates behind it.
    pub fn with_bytes_behind(mut self, bytes: usize) -> Self {
        self.behind = vec![self.certificate.clone(); bytes.div_ceil(self.certificate.len())];
        self
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        [std::slice::from_ref(&self.certificate), &self.behind].concat()
    }
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Issuers are told apart by their names.
        let name = format!("authority {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for these names.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |_| {})
    }

    /// One that ran out long ago.
    pub fn issue_expired(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        })
    }

    fn issue_with(&self, names: &[&str], adapt: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        adapt(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Identity::new(certificate, &key)
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }

    /// For clients that trust this authority, and show `identity` where they are asked to.
    pub fn client(&self, identity: Option<Identity>) -> Arc<ClientConfig> {
        let verifier = WebPkiServerVerifier::builder_with_provider(self.roots(), provider()).build().unwrap();
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().unwrap().with_webpki_verifier(verifier);
        Arc::new(match identity {
            Some(identity) => config.with_client_auth_cert(identity.chain(), identity.key).unwrap(),
            None => config.with_no_client_auth(),
        })
    }

    /// For servers that show `identity`, and demand certificates of this authority or none.
    pub fn server(&self, identity: Identity, demands: bool) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = if demands {
            let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider());
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        Arc::new(config.with_single_cert(identity.chain(), identity.key).unwrap())
    }
}
