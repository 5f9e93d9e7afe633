//! Tests of the crate from outside, in one binary.
#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

mod corpus;
mod expressions;
mod findings;
mod properties;
mod recovery;
mod sexpr;
mod splitting;
mod trees;

use mlpc_syntax::ast::{BlockDecl, Decl, Entry, Expr};
use mlpc_syntax::{Chunk, Parse, parse, split};

/// The chunks of a file and what each says.
pub fn parse_file(text: &str) -> Vec<(Chunk, Parse)> {
    split(text).into_iter().map(|chunk| (chunk.clone(), parse(&text[chunk.start..chunk.end]))).collect()
}

/// The block that a text declares.
pub fn block(text: &str) -> (BlockDecl, Parse) {
    let parsed = parse(text);
    match &parsed.decl {
        Decl::Block(block) => (block.clone(), parsed),
        other => panic!("no block: {other:?}"),
    }
}

/// The entries of a block of this kind, and the findings as `code message`.
pub fn entries(kind: &str, body: &str) -> (Vec<Entry>, Vec<String>) {
    let (block, parsed) = block(&format!("{kind} x {{\n{body}\n}}\n"));
    (block.entries, messages(&parsed))
}

/// The value of a setting, and the findings.
pub fn value(text: &str) -> (Option<Expr>, Vec<String>) {
    let (entries, messages) = entries("pipeline", &format!("  a = {text}"));
    let value = match entries.as_slice() {
        [Entry::Setting { value, .. }] => Some(value.clone()),
        _ => None,
    };
    (value, messages)
}

/// The findings of a parse as `code message`.
pub fn messages(parsed: &Parse) -> Vec<String> {
    parsed.errors.iter().map(|error| format!("{} {}", error.code.id, error.message)).collect()
}

/// Checks what must hold of any parse: no byte lost, each in one leaf, every place within the text.
pub fn check_lossless(text: &str, parsed: &Parse) {
    let tree = &parsed.tree;
    assert_eq!(tree.text(), text);
    let leaves: String = tree.leaves().map(|leaf| tree.text_of(leaf)).collect();
    assert_eq!(leaves, text, "leaves of\n{}", tree.debug_print());
    let mut at = 0;
    for leaf in tree.leaves() {
        assert_eq!(tree.span(leaf).start, at, "{}", tree.debug_print());
        at = tree.span(leaf).end;
    }
    for label in parsed.errors.iter().flat_map(|error| &error.labels) {
        assert!(text.get(label.place.range()).is_some(), "{:?} in {text:?}", label.place);
    }
    for edit in parsed.errors.iter().flat_map(|error| &error.fixes).flat_map(|fix| &fix.edits) {
        assert!(text.get(edit.place.range()).is_some(), "{:?} in {text:?}", edit.place);
    }
}
