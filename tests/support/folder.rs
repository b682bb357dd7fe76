//! Folders for socket files.

use std::path::PathBuf;

/// A folder of the test's own, gone with all that is in it when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = format!("monocoque-test-{}-{:016x}", std::process::id(), fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A path in it, and the endpoint of a socket there.
    pub fn socket(&self, name: &str) -> (PathBuf, String) {
        let path = self.0.join(name);
        let endpoint = format!("ipc://{}", path.display());
        (path, endpoint)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}
