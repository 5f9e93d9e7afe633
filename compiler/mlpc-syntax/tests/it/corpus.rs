//! Whole programs: each file of `tests/corpus` parses without a finding and keeps its bytes.

use crate::{check_lossless, messages, parse_file};
use std::path::PathBuf;

/// The corpus: name and text of each file.
pub fn files() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the corpus is beside the tests")
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (name, std::fs::read_to_string(&path).expect("a readable file"))
        })
        .collect();
    files.sort();
    assert!(files.len() >= 5);
    files
}

#[test]
fn every_file_of_the_corpus_parses() {
    for (name, text) in files() {
        for (chunk, parsed) in parse_file(&text) {
            assert_eq!(messages(&parsed), Vec::<String>::new(), "{name}: {} {}", chunk.keyword, chunk.name);
            check_lossless(&text[chunk.start..chunk.end], &parsed);
        }
    }
}

#[test]
fn windows_line_ends_change_no_meaning() {
    for (name, text) in files() {
        let windows = text.replace('\n', "\r\n");
        for ((chunk, parsed), (_, unix)) in parse_file(&windows).iter().zip(parse_file(&text)) {
            assert_eq!(messages(parsed), Vec::<String>::new(), "{name}: {} {}", chunk.keyword, chunk.name);
            check_lossless(&windows[chunk.start..chunk.end], parsed);
            assert_eq!(without_places(&parsed.decl), without_places(&unix.decl), "{name}");
        }
    }
}

/// A declaration as text without its spans.
pub fn without_places(decl: &mlpc_syntax::ast::Decl) -> String {
    let text = format!("{decl:#?}");
    let is_place = |line: &&str| {
        let line = line.trim_start();
        !(line.starts_with("start: ") || line.starts_with("end: "))
    };
    text.lines().filter(is_place).collect::<Vec<_>>().join("\n")
}
