//! What the documents of the project say of it is so: what they name is there, and what they repeat of the manifest is
//! what stands there.

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "documents/examples.rs"]
mod examples;
#[path = "support/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tree::{read, root};

/// All documents in a folder, and in those in it.
fn documents(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && (!name.starts_with('.') || name == ".github") {
                documents(&path, into);
            }
        } else if name.ends_with(".md") {
            into.push(path);
        }
    }
}

/// A document without its programs.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Where the links of a document lead, those that it defines included; and the labels that it defines, and that it uses.
#[derive(Default)]
struct Links {
    targets: Vec<String>,
    defined: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Links {
    fn of(text: &str) -> Self {
        let mut links = Self::default();
        let text = prose(text);
        for line in text.lines() {
            if let Some((label, target)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) {
                links.targets.push(target.trim().to_owned());
                links.defined.insert(label.to_owned());
            }
        }
        // Without what is quoted: brackets are a part of programs.
        let text: String = text.split('`').step_by(2).collect();
        let ends = |open: &str, close: char| {
            let parts = text.split(open).skip(1);
            parts.filter_map(|part| Some(part.split_once(close)?.0.replace('\n', " "))).collect::<Vec<_>>()
        };
        links.targets.extend(ends("](", ')'));
        links.used.extend(ends("][", ']'));
        links
    }
}

/// Those that are read as files lead to files; what is made for rustdoc does not.
#[test]
fn links_lead_somewhere() {
    let mut files = Vec::new();
    documents(&root(), &mut files);
    let (mut found, mut broken) = (0, Vec::new());
    for path in files.iter().filter(|path| !path.ends_with("guide/links.md")) {
        let links = Links::of(&fs::read_to_string(path).unwrap());
        let missing = links.used.difference(&links.defined);
        broken.extend(missing.map(|label| format!("{}: [{label}] has no end", path.display())));
        for target in links.targets.iter().filter(|target| !target.contains("://")) {
            let file = target.split('#').next().unwrap_or_default();
            found += 1;
            if !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(found > 100, "{found}");
}

/// The pages of the guide are read in the repository and in rustdoc, where links.md comes first.
#[test]
fn links_of_the_guide_lead_somewhere_in_both_views() {
    let items = Links::of(&read("src/guide/links.md"));
    let mut files = Vec::new();
    documents(&root().join("src/guide"), &mut files);
    let mut used = BTreeSet::new();
    for path in files.iter().filter(|path| !path.ends_with("links.md")) {
        let links = Links::of(&fs::read_to_string(path).unwrap());
        for target in
            links.targets.iter().filter(|target| !target.contains("://") && !target.starts_with('#'))
        {
            let inline = format!("({target})");
            let text = fs::read_to_string(path).unwrap();
            assert!(!text.contains(&inline), "{}: {inline} leads nowhere in rustdoc", path.display());
        }
        used.extend(links.defined);
    }
    // Whether they name items is for rustdoc to say.
    let known = |label: &&String| !label.starts_with("example");
    let wanted: BTreeSet<&String> = used.iter().filter(known).collect();
    assert_eq!(wanted, items.defined.iter().collect());
}

/// The value of a key of the manifest's package.
fn of_manifest(key: &str) -> String {
    let manifest = read("Cargo.toml");
    let package = manifest.split("[package]").nth(1).unwrap();
    let line = package.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
    line.unwrap_or_else(|| panic!("no {key}")).trim_end_matches('"').to_owned()
}

#[test]
fn the_readme_says_what_the_manifest_says() {
    let readme = read("README.md");
    let rust = of_manifest("rust-version");
    assert!(readme.contains(&format!("badge/rust-{rust}%2B-")), "the badge of Rust");
    assert!(readme.contains(&format!("Rust {rust} or newer")), "the limits");
    let licence = of_manifest("license").replace('-', "--").replace(' ', "%20");
    assert!(readme.contains(&format!("badge/licence-{licence}-")), "the badge of the licence");
    assert!(
        read("src/lib.rs").contains("#![forbid(unsafe_code)]") && readme.contains("badge/unsafe-forbidden-")
    );
    assert!(read("docs/policy.md").contains(&format!("{rust} for everything but")));
    assert!(read(".ci/run").contains(&format!("for oldest in {rust}.0:")));
    assert!(read(".github/workflows/ci.yml").contains(&format!("toolchain install {rust}.0")));

    // What the table of features has, is in the manifest, and the other way round.
    let manifest = read("Cargo.toml");
    let features = manifest.split("[features]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let features = features.lines().filter(|line| !line.starts_with('#'));
    let features: BTreeSet<&str> = features.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    let table = readme.split("| feature | what it adds |\n|---|---|\n").nth(1).unwrap();
    let rows = table.split("\n\n").next().unwrap().lines();
    let first_cells = rows.filter_map(|row| Some(row.strip_prefix("| ")?.split_once(" | ")?.0));
    let mut named: BTreeSet<&str> = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    named.insert("default");
    assert_eq!(named, features);
    assert!(manifest.contains("default = [\"tokio\"]") && table.starts_with("| `tokio` (default)"));
}

/// Newest first: what is not released yet, if there is anything, and then the version of the manifest with its day.
#[test]
fn the_changelog_has_the_version_and_its_day() {
    let changelog = read("CHANGELOG.md");
    let mut headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    assert_eq!(headings.next(), Some("Unreleased"));
    let (version, day) = headings.next().and_then(|heading| heading.split_once(" - ")).unwrap();
    assert_eq!(version, of_manifest("version"));
    let day: Vec<u32> = day.split('-').map(|part| part.parse().unwrap()).collect();
    let [year, month, day] = day[..] else { panic!("{day:?}") };
    assert!(year >= 2026 && (1..=12).contains(&month) && (1..=31).contains(&day));
    assert!(
        read("README.md").contains(&format!("version = \"{}\"", &version[..version.rfind('.').unwrap()]))
    );
}

/// One folder or file for each example, all of which the documents name.
#[test]
fn every_example_is_named() {
    let (readme, list) = (read("README.md"), read("examples/README.md"));
    let mut count = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "README" && name != "support" {
            assert!(list.contains(&format!("[`{name}`](")), "{name} is not listed");
            assert!(readme.contains(&name), "{name}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}
