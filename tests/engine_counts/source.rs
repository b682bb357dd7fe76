//! Sources as text: without comments, the contents of strings, and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One file below `src/`.
pub struct Source {
    pub name: String,
    /// Without comments and tests, strings emptied, and as many lines as there were.
    pub code: String,
    /// Lines of the file that are no tests, comments and empty ones among them.
    pub lines: usize,
    pub test_lines: usize,
    pub functions: Vec<Function>,
}

pub struct Function {
    pub name: String,
    /// The type whose `impl` it stands in, if it is a plain one.
    pub of: Option<String>,
    /// Its parameters and what it returns.
    pub signature: String,
    pub body: String,
    pub lines: usize,
}

impl Function {
    /// Whether a call of something of this name is in its body.
    pub fn calls(&self, name: &str) -> bool {
        self.body.match_indices(name).any(|(start, _)| {
            let before = self.body[..start].chars().next_back();
            let after = self.body[start + name.len()..].chars().next();
            let ends = matches!(after, Some('(' | ')' | ',' | ':'));
            ends && !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
        })
    }
}

/// All files below `src/`.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 40, "the sources were found");
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    files.iter().map(|path| Source::new(name(path), &fs::read_to_string(path).unwrap())).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Whether a file has nothing but tests, or what they need.
fn is_test_file(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.contains("/tests/")
        || file.starts_with("test_")
        || ["tests.rs", "toy.rs", "conformance.rs"].contains(&file)
}

impl Source {
    pub fn new(name: String, text: &str) -> Self {
        let all = text.lines().count();
        if is_test_file(&name) {
            let (code, functions) = (String::new(), Vec::new());
            return Self { name, code, lines: 0, test_lines: all, functions };
        }
        let code = without_tests(&without_words(text));
        let functions = functions(&code);
        let lines = code.lines().count();
        Self { name, lines, test_lines: all - lines, code, functions }
    }
}

/// Blanks comments and the contents of strings and characters, and keeps the lines.
fn without_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (skipped, kept) = match word(rest) {
            Some(len) => (len, if first == '/' { "" } else { "\"\"" }),
            None => (first.len_utf8(), &rest[..first.len_utf8()]),
        };
        code.push_str(kept);
        if kept.len() != skipped {
            code.extend(rest[..skipped].chars().filter(|&skipped| skipped == '\n'));
        }
        rest = &rest[skipped..];
    }
    code
}

/// How long the comment, string or character is that `rest` begins with.
fn word(rest: &str) -> Option<usize> {
    let until = |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |at| from + at);
    if rest.starts_with("//") {
        return Some(until(0, "\n"));
    }
    if rest.starts_with("r#\"") {
        return Some(until(3, "\"#") + 2);
    }
    if rest.starts_with("'\\") {
        return Some(until(3, "'") + 1);
    }
    let mut chars = rest.char_indices();
    match chars.next()?.1 {
        '\'' => {
            chars.next()?;
            let (at, end) = chars.next()?;
            (end == '\'').then_some(at + 1)
        }
        '"' => {
            let mut escaped = false;
            let end = chars.find(|&(_, next)| {
                let ends = next == '"' && !escaped;
                escaped = next == '\\' && !escaped;
                ends
            });
            end.map(|(at, _)| at + 1)
        }
        _ => None,
    }
}

/// Takes out the modules of tests that stand in `code`.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some((before, tests)) = rest.split_once("#[cfg(test)]\nmod ") {
        kept.push_str(before);
        let opens = tests.find(['{', ';']).unwrap_or(0);
        let ends = if tests[opens..].starts_with('{') { block_end(tests, opens) } else { opens };
        rest = tests[ends..].split_once('\n').map_or("", |(_, rest)| rest);
    }
    kept + rest
}

/// Where the block ends that opens at `open`.
fn block_end(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, next) in code[open..].char_indices() {
        match next {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The blocks of plain `impl`s: where they are, and of which type.
fn impls(code: &str) -> Vec<(usize, usize, String)> {
    let starts = code.match_indices("\nimpl").map(|(at, _)| at).chain(code.starts_with("impl").then_some(0));
    starts
        .filter_map(|at| {
            let open = at + code[at..].find('{')?;
            let head = &code[at..open];
            let named = head.trim_end().rsplit(' ').next()?;
            let name = named.split('<').next()?;
            (!head.contains(" for ")).then(|| (open, block_end(code, open), name.to_owned()))
        })
        .collect()
}

fn functions(code: &str) -> Vec<Function> {
    let impls = impls(code);
    let found = code.match_indices("fn ").filter_map(|(at, _)| {
        if code[..at].chars().next_back().is_some_and(|before| !before.is_whitespace()) {
            return None;
        }
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|next| next.is_alphanumeric() || *next == '_').collect();
        let open = at + 3 + body_start(rest)?;
        let end = block_end(code, open);
        let of = impls.iter().find(|(from, to, _)| (*from..*to).contains(&at)).map(|(_, _, of)| of.clone());
        let lines = code[at..end].matches('\n').count() + 1;
        let signature = code[at..open].to_owned();
        Some(Function { name, of, signature, body: code[open..end].to_owned(), lines })
    });
    found.filter(|function| !function.name.is_empty()).collect()
}

/// Where the body opens, if the function has one. The `;` of an array's type ends nothing.
fn body_start(rest: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, next) in rest.char_indices() {
        match next {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' => return Some(at),
            _ => {}
        }
    }
    None
}
