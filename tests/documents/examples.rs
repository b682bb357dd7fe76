//! Every function that users call has an example, or says where there is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::tree::root;

/// What nobody outside meets, and what the system's files have for the runtimes.
const INSIDE: [&str; 4] = ["engine/", "protocol/", "routing/", "runtime/os/"];

/// Functions without an example, and why.
const WITHOUT: [(&str, &str, &str); 2] = [
    ("options/transport.rs", "$name", "made by a macro, whose table has what is said of each"),
    ("runtime/vacating.rs", "of_this_process", "a runtime returns it, and can do nothing else with it"),
];

/// Something that is documented: a function, or what a link may name as well.
struct Item {
    file: String,
    name: String,
    docs: String,
    is_function: bool,
}

impl Item {
    fn has_example(&self) -> bool {
        self.docs.contains("```") || self.docs.contains("example!(")
    }

    /// What is named in brackets: its path, and whether it is of the same type.
    fn links(&self) -> Vec<(String, bool)> {
        let mut links = Vec::new();
        for part in self.docs.split('[').skip(1) {
            let Some((shown, rest)) = part.split_once(']') else { continue };
            let target = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                Some((target, _)) => target,
                None => shown,
            };
            let path = target.trim_matches('`').trim_end_matches('!');
            let name = path.rsplit("::").next().unwrap_or_default();
            links.push((name.to_owned(), path.starts_with("Self::") || path == "self"));
        }
        links
    }
}

/// The name of what a line of source begins, and whether that is a function.
fn item(line: &str) -> Option<(&str, bool)> {
    let (kind, rest) = match line.strip_prefix("macro_rules! ") {
        Some(name) => ("macro", name),
        None => {
            let line = line.strip_prefix("pub ")?;
            let line = line.strip_prefix("const fn ").map_or(line, |_| &line["const ".len()..]);
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.split_once(' ')?
        }
    };
    let known = ["macro", "fn", "struct", "enum", "trait"].contains(&kind);
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next()?;
    known.then_some((name, kind == "fn"))
}

/// What a module is called by its file.
fn module_of(file: &str) -> &str {
    let path = file.strip_suffix("/mod.rs").or(file.strip_suffix(".rs")).unwrap_or(file);
    path.rsplit('/').next().unwrap_or_default()
}

/// All that is documented in a file. What is public but not at the outermost level is part of something that is,
/// since nothing is `pub` that cannot be reached.
fn items_of(file: &str, text: &str, into: &mut Vec<Item>) {
    let mut push = |name: &str, docs: String, is_function| {
        into.push(Item { file: file.to_owned(), name: name.to_owned(), docs, is_function });
    };
    let about = text.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    push(module_of(file), about, false);
    let mut docs = String::new();
    let mut in_doc = false;
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    for line in code.lines().map(str::trim) {
        if in_doc || line.starts_with("#[doc") {
            docs += line;
            in_doc = !line.ends_with(")]");
        } else if let Some(said) = line.strip_prefix("///") {
            docs += said;
        } else if !line.starts_with("//") && !line.starts_with("#[") {
            if let Some((name, is_function)) = item(line) {
                push(name, std::mem::take(&mut docs), is_function);
            }
            docs.clear();
        }
    }
}

fn items() -> Vec<Item> {
    fn read_all(folder: &Path, into: &mut Vec<Item>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !INSIDE.contains(&&*format!("{file}/")) && !path.ends_with("tests") {
                    read_all(&path, into);
                }
            } else if file.ends_with(".rs") && !file.ends_with("tests.rs") {
                items_of(&file, &fs::read_to_string(&path).unwrap(), into);
            }
        }
    }
    let mut all = Vec::new();
    read_all(&root().join("src"), &mut all);
    all
}

/// Those that have an example, and those that lead to one of these, however many steps that takes.
fn shown(items: &[Item]) -> BTreeSet<usize> {
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        named.entry(&item.name).or_default().push(index);
    }
    let mut shown: BTreeSet<usize> = (0..items.len()).filter(|index| items[*index].has_example()).collect();
    loop {
        let leads = |index: &usize| {
            let item = &items[*index];
            item.links().iter().any(|(name, same)| {
                let name = if name == "self" { module_of(&item.file) } else { name };
                let ends = named.get(name).into_iter().flatten();
                let here = ends.clone().any(|end| items[*end].file == item.file);
                ends.copied().any(|end| {
                    // One's own method, where there is such a one in the file.
                    (!same || !here || items[end].file == item.file) && shown.contains(&end) && end != *index
                })
            })
        };
        let more: Vec<usize> =
            (0..items.len()).filter(|index| !shown.contains(index) && leads(index)).collect();
        if more.is_empty() {
            return shown;
        }
        shown.extend(more);
    }
}

#[test]
fn every_function_has_an_example_or_says_where_one_is() {
    let items = items();
    let shown = shown(&items);
    let functions = || items.iter().enumerate().filter(|(_, item)| item.is_function);
    let excepted =
        |item: &Item| WITHOUT.iter().any(|(file, name, _)| *file == item.file && *name == item.name);
    let lacking: Vec<_> = functions()
        .filter(|(index, item)| !shown.contains(index) && !excepted(item))
        .map(|(_, item)| format!("{}: {}", item.file, item.name))
        .collect();
    assert!(lacking.is_empty(), "an example, or a link to one, for: {lacking:#?}");
    // Exceptions that are none any more.
    for (file, name, _) in WITHOUT {
        let is_one = functions()
            .any(|(index, item)| item.file == file && item.name == name && !shown.contains(&index));
        assert!(is_one, "{file}: {name}");
    }
    let (all, with) = (functions().count(), functions().filter(|(_, item)| item.has_example()).count());
    println!("{all} functions, {with} with an example, {} that lead to one", all - with - WITHOUT.len());
    assert!(all > 500 && with > 250, "{all} {with}");
}
