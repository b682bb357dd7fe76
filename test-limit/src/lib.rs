//! A `#[test]` that cannot hang: each has a time limit, at which the process ends with the name of the test.
//!
//! ```ignore
//! #[macro_use(test)]
//! extern crate monocoque_test_limit;
//! ```
//!
//! at the root of a crate takes the place of the standard `#[test]` in all of its files.

use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

/// What every test begins with. It ends with the test, which drops the sender, be it by a panic; a thread of
/// its own waits, so that a test which blocks its thread or computes for ever is found as well.
///
/// The whole process ends, as a thread cannot be ended. Its output is written directly: what is printed is
/// captured, and shown only of tests that fail.
const GUARD: &str = r#"
let running = {
    let seconds = |name: &str| ::std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let usual = 300 + seconds("MONOCOQUE_FUZZ_SECONDS").unwrap_or(0);
    let limit = ::std::time::Duration::from_secs(seconds("MONOCOQUE_TEST_SECONDS").unwrap_or(usual));
    let (running, end) = ::std::sync::mpsc::channel::<::core::convert::Infallible>();
    ::std::thread::spawn(move || {
        if end.recv_timeout(limit) == Err(::std::sync::mpsc::RecvTimeoutError::Timeout) {
            let message = ::std::format!(
                "\ntest {}::{} hangs: it has taken {:?} (MONOCOQUE_TEST_SECONDS sets the limit)\n",
                ::core::module_path!(),
                NAME,
                limit,
            );
            let _ = ::std::io::Write::write_all(&mut ::std::io::stderr(), message.as_bytes());
            ::std::process::abort();
        }
    });
    running
};
"#;

/// The standard `#[test]`, with a time limit of 300 s and those that `MONOCOQUE_FUZZ_SECONDS` asks for, or of the
/// seconds that `MONOCOQUE_TEST_SECONDS` says.
#[proc_macro_attribute]
pub fn test(_: TokenStream, function: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = function.into_iter().collect();
    let body = match tokens.pop() {
        Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => body,
        _ => panic!("a test is a function"),
    };
    let guard = GUARD.replace("NAME", &format!("{:?}", name(&tokens)));
    let mut limited = hidden(guard.parse().expect("Rust"));
    limited.extend(body.stream());
    let mut test: TokenStream = "#[::core::prelude::v1::test]".parse().expect("Rust");
    test.extend(tokens);
    test.extend([TokenTree::Group(Group::new(Delimiter::Brace, limited))]);
    test
}

/// What follows `fn`.
fn name(tokens: &[TokenTree]) -> String {
    let is_fn = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident.to_string() == "fn");
    let at = tokens.iter().position(is_fn).expect("a test is a function");
    tokens[at + 1].to_string()
}

/// The same tokens, whose variables the body of the test does not see.
fn hidden(tokens: TokenStream) -> TokenStream {
    let hide = |token| match token {
        TokenTree::Ident(ident) => Ident::new(&ident.to_string(), Span::mixed_site()).into(),
        TokenTree::Group(group) => Group::new(group.delimiter(), hidden(group.stream())).into(),
        other => other,
    };
    tokens.into_iter().map(hide).collect()
}
