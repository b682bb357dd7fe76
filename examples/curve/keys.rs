//! Keys in files: 40 characters in Z85, as libzmq's tools write them.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use monocoque::security::{CurveKeypair, CurvePublicKey, CurveSecretKey};

/// Makes a key pair. Files that are there stay as they are, and it fails.
pub fn write(name: &Path) -> Result<String, Box<dyn Error>> {
    let keypair = CurveKeypair::generate()?;
    let (public, secret) = (name.with_extension("public"), name.with_extension("secret"));
    private(&secret)?.write_all(keypair.secret_key().to_z85().as_bytes())?;
    File::create_new(&public)?.write_all(keypair.public_key().to_string().as_bytes())?;
    Ok(format!("{} may be told to anybody, {} to nobody", public.display(), secret.display()))
}

/// A new file that only its owner can read, from the beginning on.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub fn read_public(path: &Path) -> Result<CurvePublicKey, Box<dyn Error>> {
    Ok(fs::read_to_string(path)?.trim().parse()?)
}

pub fn read_secret(path: &Path) -> Result<CurveKeypair, Box<dyn Error>> {
    Ok(CurveSecretKey::from_z85(fs::read_to_string(path)?.trim())?.into())
}
