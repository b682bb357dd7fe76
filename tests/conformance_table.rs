//! The table of libzmq's tests is complete, and what it names is there.

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all functions in the Rust files of a folder.
fn functions(folder: &Path, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = read(&path);
            let parts = text.split("fn ").skip(1);
            names.extend(parts.filter_map(|part| Some(part.split_once(['(', '<'])?.0.to_owned())));
        }
    }
}

/// The two cells of each row, headings excepted.
fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    let cells =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    cells.filter(|(name, _)| *name != "libzmq")
}

#[test]
fn every_test_of_libzmq_has_its_row() {
    let table = read("docs/conformance.md");
    let names: Vec<&str> = rows(&table).map(|(name, _)| name).collect();
    let unique: HashSet<&str> = names.iter().copied().collect();
    assert_eq!((names.len(), unique.len()), (142 + 7, 142 + 7));
    assert_eq!(names.iter().filter(|name| name.starts_with("unittest_")).count(), 7);
}

#[test]
fn what_the_table_names_exists() {
    let table = read("docs/conformance.md");
    let mut named = 0;
    for (name, here) in rows(&table) {
        assert!(!here.trim().is_empty(), "{name} has neither a test nor a reason");
        for reference in here.split('`').skip(1).step_by(2) {
            let (file, test) = reference.split_once(": ").unwrap();
            assert!(read(file).contains(&format!("fn {test}(")), "{name}: {reference}");
            named += 1;
        }
    }
    assert!(named > 80, "{named}");
}

/// All but 51, which is about STREAM sockets.
#[test]
fn every_trap_has_a_test() {
    let mut names = HashSet::new();
    for folder in ["src", "tests"] {
        functions(&root().join(folder), &mut names);
    }
    for trap in (1..=52).filter(|trap| *trap != 51) {
        let prefix = format!("trap_{trap:02}_");
        assert!(names.iter().any(|name| name.starts_with(&prefix)), "{prefix}");
    }
}
