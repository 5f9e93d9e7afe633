//! What holds of any text.

use crate::corpus::{files, without_places};
use crate::{check_lossless, parse_file};
use mlpc_syntax::ast::{Decl, Entry};
use proptest::prelude::*;
use std::sync::LazyLock;

static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| files().into_iter().map(|(_, text)| text).collect());

/// Pieces that break things.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "`",
    "=",
    "==",
    ":",
    ",",
    "..",
    "..=",
    "<..",
    "...",
    "->",
    "-",
    "not ",
    "and ",
    " in ",
    "\n",
    "\n\n",
    "\ndataset x {\n",
    "//",
    "/// ",
    "f\"",
    "r\"",
    "{{",
    "}}",
    "\\",
    "\\u{",
    "é",
    "🚀",
    "'",
    ";",
    "%",
    "1",
    "1.5h",
    "column ",
    " = ",
    " over (",
    "if ",
    " then ",
    "date(\"",
    "\r\n",
    "\t",
    "\u{feff}",
    "@",
    "?",
    "|",
    "**",
];

/// One change: where, how much is taken out, what is put in.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<&'static str>)> {
    (any::<prop::sample::Index>(), 0..6_usize, prop::collection::vec(prop::sample::select(PIECES), 0..3))
}

fn changed(text: &str, at: usize, taken: usize, put: &str) -> String {
    let boundary = |mut index: usize| {
        while !text.is_char_boundary(index) {
            index -= 1;
        }
        index
    };
    let start = boundary(at.min(text.len()));
    let end = boundary((start + taken).min(text.len())).max(start);
    format!("{}{put}{}", &text[..start], &text[end..])
}

/// As many cases as `PROPTEST_CASES` says, else few enough for every run of the tests.
fn config() -> ProptestConfig {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 100 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A declaration as text, without its places and its documentation: damaged text before it may end in a comment.
fn meaning(decl: &Decl) -> String {
    let mut decl = decl.clone();
    match &mut decl {
        Decl::Block(block) => block.doc = None,
        Decl::Value(value) => value.doc = None,
        Decl::Import { .. } | Decl::Error(_) => {}
    }
    without_places(&decl)
}

fn check_file(text: &str) {
    let parsed = parse_file(text);
    let mut at = 0;
    for (chunk, parse) in &parsed {
        assert_eq!(chunk.start, at);
        assert!(chunk.end > chunk.start);
        at = chunk.end;
        check_lossless(&text[chunk.start..chunk.end], parse);
    }
    assert_eq!(at, text.len());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_byte_is_lost_and_nothing_panics(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut text = file.get(&CORPUS).clone();
        for (at, taken, put) in changes {
            text = changed(&text, at.index(text.len() + 1), taken, &put.concat());
        }
        check_file(&text);
    }

    #[test]
    fn soup_is_read_too(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check_file(&pieces.concat());
        check_file(&format!("pipeline p {{\n{}\n}}\n", pieces.concat()));
    }

    #[test]
    fn any_text_is_read(text in "\\PC*") {
        check_file(&text);
    }

    /// Damage within one declaration leaves the others as they were.
    #[test]
    fn a_broken_declaration_breaks_no_other(
        file in any::<prop::sample::Index>(),
        victim in any::<prop::sample::Index>(),
        (at, taken, put) in change(),
    ) {
        let text = file.get(&CORPUS);
        let before = parse_file(text);
        let (chunk, _) = victim.get(&before).clone();
        // Not its last line end, which the next declaration needs in front of it.
        let inner = &text[chunk.start..chunk.end - 1];
        let damaged = changed(inner, at.index(inner.len() + 1), taken, &put.concat());
        let after = parse_file(&format!("{}{damaged}{}", &text[..chunk.start], &text[chunk.end - 1..]));
        let place = before.iter().position(|(other, _)| *other == chunk).unwrap_or_default();
        let following = before.len() - place - 1;
        for ((_, old), (_, new)) in before[..place].iter().zip(&after) {
            prop_assert_eq!(meaning(&old.decl), meaning(&new.decl));
        }
        for ((_, old), (_, new)) in before[before.len() - following..].iter().zip(&after[after.len() - following..]) {
            prop_assert_eq!(meaning(&old.decl), meaning(&new.decl));
        }
    }

    /// Damage to one entry, of whatever kind, leaves the entries around it as they were.
    #[test]
    fn a_broken_entry_breaks_no_other(
        victim in 0..ENTRIES.len(),
        at in any::<prop::sample::Index>(),
        taken in 0..3_usize,
        put in prop::sample::select(&["", "(", ")", "[", "]", "{", "}", "\"", "`", "=", ":", "..", "@", "'", "é", " x ", "1", "f\""][..]),
    ) {
        let line = changed(ENTRIES[victim], at.index(ENTRIES[victim].len() + 1), taken, put);
        // An operator at its start would make it a part of the line before.
        prop_assume!(!line.trim_start().starts_with(['=', '*']));
        let mut lines: Vec<&str> = ENTRIES.to_vec();
        lines[victim] = &line;
        let text = format!("features f from d {{\n  {}\n}}\n", lines.join("\n  "));
        let (clean, broken) = (body(&ENTRIES.join("\n  ")), body(&lines.join("\n  ")));
        let following = ENTRIES.len() - victim - 1;
        prop_assert!(broken.len() >= ENTRIES.len() - 1, "{}", text);
        prop_assert_eq!(&clean[..victim], &broken[..victim], "{}", text);
        prop_assert_eq!(&clean[clean.len() - following..], &broken[broken.len() - following..], "{}", text);
    }
}

/// One-line entries of each kind.
const ENTRIES: [&str; 12] = [
    "owner = \"a\"",
    "list = [1, f(2), { a: 3 }]",
    "a: category[\"x\", \"y\"]? in [1, 2] @pii",
    "column b = sum(c) over (by: d, window: 7d)",
    "join w asof t by k within 2h",
    "resources { cpu = 4, memory = 8Gi }",
    "label e = f > 15.0",
    "filter (g or h) and i",
    "search k { l in 1..=3, m in log(0.1..<1.0) }",
    "drop n, o",
    "p = f\"q {r} s\"",
    "u = if v then w else y",
];

/// The entries of a body without their places.
fn body(lines: &str) -> Vec<String> {
    let parsed = mlpc_syntax::parse(&format!("features f from d {{\n  {lines}\n}}\n"));
    let Decl::Block(block) = parsed.decl else { panic!("no block: {lines}") };
    let whole = |entry: &Entry| {
        let mut alone = block.clone();
        alone.entries = vec![entry.clone()];
        without_places(&Decl::Block(alone))
    };
    block.entries.iter().map(whole).collect()
}

/// Texts of one piece over and over, and of two: no reading takes more than linear time or deep recursion.
#[test]
fn monotonous_texts_are_read_in_time() {
    let pairs = [
        "(]", "{(}", "[)\n", "a(\n", "a {\n", "{}", "}{", "a = (\n", "\"\n", "f\"{", "a.", "a, ", "- ", "a\n=",
        "((\"a\n",
    ];
    for piece in PIECES.iter().chain(&pairs) {
        let start = std::time::Instant::now();
        check_file(&format!("pipeline p {{\n{}\n}}\n", piece.repeat(20_000)));
        // A tenth of that is usual; a quadratic reading takes minutes.
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{piece:?} took {:?}", start.elapsed());
    }
}
