//! The tables of libzmq's tests and of the guarantees are complete, and what the documents name is there.

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/tree.rs"]
mod tree;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use tree::{read, root};

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

/// Fails unless the test, in backticks as `file: test`, exists.
fn assert_exists(reference: &str, wanted_by: &str) {
    let (file, test) = reference.split_once(": ").unwrap_or_else(|| panic!("{wanted_by}: {reference}"));
    assert!(read(file).contains(&format!("fn {test}(")), "{wanted_by}: {reference}");
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
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
        for reference in quoted(here) {
            assert_exists(reference, name);
            named += 1;
        }
    }
    assert!(named > 80, "{named}");
}

/// Each mistake and each attempt names what holds, or says why nothing does.
#[test]
fn what_the_audit_of_security_names_exists() {
    let audit = read("docs/security-audit.md");
    let mut named = 0;
    for line in audit.lines() {
        for reference in quoted(line).filter(|quoted| quoted.contains(".rs: ")) {
            assert_exists(reference, line);
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
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

/// The cells of each row of the guarantees: the promise, the tests, the attack.
fn guarantees(table: &str) -> impl Iterator<Item = [&str; 3]> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.map(|row| <[&str; 3]>::try_from(row.split(" | ").collect::<Vec<_>>()).unwrap());
    cells.filter(|[promise, ..]| *promise != "promise")
}

#[test]
fn every_guarantee_names_tests_that_exist() {
    let table = read("docs/guarantees.md");
    for [promise, tests, attack] in guarantees(&table) {
        assert!(quoted(tests).count() > 0, "nothing holds: {promise}");
        assert!(!attack.trim().is_empty(), "{promise}");
        for reference in quoted(tests) {
            assert_exists(reference, promise);
        }
    }
    assert!(guarantees(&table).count() > 20);
}

/// A sentence in the README is a promise.
#[test]
fn what_the_readme_guarantees_has_its_row() {
    let (readme, table) = (read("README.md"), read("docs/guarantees.md"));
    let promises: HashSet<&str> = guarantees(&table).map(|[promise, ..]| promise).collect();
    let section = readme.split("## What is guaranteed\n\n").nth(1).unwrap();
    let list = section.split("\n\n").next().unwrap();
    let bullets: Vec<String> =
        list.split("\n- ").map(|item| item.trim_start_matches("- ").replace("\n  ", " ")).collect();
    assert!(bullets.len() >= 5);
    for bullet in &bullets {
        assert!(promises.contains(bullet.trim()), "no row for: {bullet}");
    }
}

/// What looks like a file or folder of the project, and is not a command or a name.
fn is_path(text: &str) -> bool {
    let known = ["src/", "tests/", "benches/", "examples/", "interop/", "engine/", "runtime/", "socket/"];
    let more = ["protocol/", "routing/", "resilience/", "monitor/", "options/", "message/", "endpoint/"];
    known.iter().chain(&more).any(|start| text.starts_with(start)) && !text.contains([' ', '*'])
}

#[test]
fn files_that_the_documents_name_are_there() {
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = read(document);
        let named: Vec<&str> = quoted(&text).filter(|name| is_path(name)).collect();
        for name in &named {
            let found = root().join(name).exists() || root().join("src").join(name).exists();
            assert!(found, "{document}: {name}");
        }
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (link, _) in links {
            assert!(root().join(link).exists(), "{document}: {link}");
        }
    }
}
