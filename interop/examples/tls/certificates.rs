//! Certificates: made by rcgen, kept in files, read into configurations of rustls.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use monocoque::runtime::tls::rustls::crypto::{CryptoProvider, ring};
use monocoque::runtime::tls::rustls::pki_types::pem::PemObject;
use monocoque::runtime::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use monocoque::runtime::tls::rustls::server::WebPkiClientVerifier;
use monocoque::runtime::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Makes an authority, and certificates of it for a server and a client.
pub fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority for this example");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    fs::write(folder.join("authority.pem"), authority.pem())?;
    for (name, hosts) in [("server", &["localhost", "127.0.0.1", "::1"][..]), ("client", &["client"])] {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(hosts)?.signed_by(&key, &authority)?;
        fs::write(folder.join(name).with_extension("pem"), certificate.pem())?;
        write_secret(&folder.join(name).with_extension("key"), &key.serialize_pem())?;
    }
    Ok(())
}

/// For the owner's eyes only.
fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)?.write_all(secret.as_bytes())?;
    Ok(())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn identity(folder: &Path, name: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let path = folder.join(name);
    let chain =
        CertificateDer::pem_file_iter(path.with_extension("pem"))?.collect::<std::result::Result<_, _>>()?;
    Ok((chain, PrivateKeyDer::from_pem_file(path.with_extension("key"))?))
}

fn roots(folder: &Path) -> Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("authority.pem"))?)?;
    Ok(Arc::new(roots))
}

/// Shows the server's certificate, and demands one of the same authority.
pub fn server(folder: &Path) -> Result<Arc<ServerConfig>> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(folder)?, provider()).build()?;
    let (chain, key) = identity(folder, "server")?;
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_client_cert_verifier(verifier).with_single_cert(chain, key)?))
}

/// Trusts the authority, and shows the client's certificate.
pub fn client(folder: &Path) -> Result<Arc<ClientConfig>> {
    let (chain, key) = identity(folder, "client")?;
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots(folder)?).with_client_auth_cert(chain, key)?))
}
