//! No test can hang: the limit of `test-limit/` is in the place of the standard `#[test]`, in every crate.

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::fs;
use std::path::{Path, PathBuf};

const LIMITED: &str = "#[macro_use(test)]\nextern crate monocoque_test_limit;\n";

/// All Rust files in a folder.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The roots of crates with tests, and all the files that they mount.
fn files() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = ["tests", "interop/tests"].map(|folder| here.join(folder));
    let mut all = Vec::new();
    tests.iter().chain([&here.join("src")]).for_each(|folder| sources(folder, &mut all));
    let is_root = |path: &&PathBuf| {
        path.ends_with("src/lib.rs") || tests.iter().any(|folder| path.parent() == Some(folder))
    };
    (all.iter().filter(is_root).cloned().collect(), all)
}

#[test]
fn every_crate_limits_its_tests() {
    let (roots, _) = files();
    assert!(roots.len() > 20, "they were found");
    for root in roots {
        assert!(fs::read_to_string(&root).unwrap().contains(LIMITED), "{}", root.display());
    }
}

/// Others than the one that is limited would be named by a path.
#[test]
fn no_test_goes_past_the_limit() {
    let (_, files) = files();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let goes_past = |line: &str| line.trim_start().starts_with("#[") && line.contains("::test");
        assert!(!text.lines().any(goes_past), "{}", path.display());
    }
}
