//! Where declarations start, by table.

use mlpc_syntax::{Chunk, ChunkKind, split};

/// Kind, keyword, name and text of each chunk.
fn chunks(text: &str) -> Vec<(ChunkKind, String, String, String)> {
    split(text)
        .into_iter()
        .map(|Chunk { kind, keyword, name, start, end }| (kind, keyword, name, text[start..end].to_owned()))
        .collect()
}

/// Keyword and name of each chunk, `-` for text that declares nothing.
fn heads(text: &str) -> Vec<String> {
    let head = |(kind, keyword, name, _): (ChunkKind, String, String, String)| match kind {
        ChunkKind::Other => "-".to_owned(),
        _ => format!("{keyword} {name}"),
    };
    chunks(text).into_iter().map(head).collect()
}

#[test]
fn declarations_start_at_column_zero_and_only_there() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\n// nothing\n", &["-"]),
        ("dataset a {\n}\nfeatures b from a {\n}\n", &["dataset a", "features b"]),
        ("dataset a {\n  train x {\n}\n", &["dataset a"]),
        ("split s of f {\ntrain = 70%, test = 30%\n}\n", &["split s"]),
        ("schema s {\ntrain: int\ntest in [1]\nfeatures.x = 3\nmetric(x) > 1\n}\n", &["schema s"]),
        ("dataset d {\nschema {\na: int\n}\n}\n", &["dataset d"]),
        ("sweep s of m {\nsearch linear {\n}\nprofile x {\n}\n}\n", &["sweep s"]),
        ("datset a {\n}\ndataset b {\n}\n", &["datset a", "dataset b"]),
        ("fnn log1p(x: float = 1.0) -> float { a = 1 }\n", &["fnn log1p"]),
        ("column a = f({ b: 1 })\n", &["-"]),
        ("dataset a {\nforeign b = f({ c: 1 })\n", &["dataset a"]),
        ("import \"a.mlp\" as b\nparam x: int = 1\nconst Y = 2\n", &["import a.mlp", "param x", "const Y"]),
        ("fitted fn standardize(x: float) -> float { a = 1 }\n", &["fn standardize"]),
        ("trainer sklearn.ridge for regression {\n}\n", &["trainer sklearn.ridge"]),
        ("test \"a night flight\" of trips {\n}\n", &["test a night flight"]),
        ("ensemble n of a, b { x = 1 }\n", &["ensemble n"]),
        ("dataset\n\ndataset b {\n", &["dataset ", "dataset b"]),
        ("dataset `a b` {\n}\n", &["dataset a b"]),
        ("junk = 1\ndataset a {\n}\n", &["-", "dataset a"]),
        ("pipeline p {\n  a = (\ndataset b {\n}\n", &["pipeline p", "dataset b"]),
        ("\u{feff}dataset a {\n}\n", &["dataset a"]),
        ("dataset a {\r\n}\r\nstep b {\r\n}\r\n", &["dataset a", "step b"]),
    ];
    for (text, expected) in table {
        assert_eq!(heads(text), *expected, "{text:?}");
    }
}

#[test]
fn comments_directly_before_a_declaration_belong_to_it() {
    let text = "// file\n\n/// one\ndataset a {\n}\n// loose\n\n// two\n/// three\nstep b {\n}\n// end\n";
    let texts: Vec<String> = chunks(text).into_iter().map(|(.., text)| text).collect();
    assert_eq!(texts, ["// file\n\n/// one\ndataset a {\n}\n// loose\n\n", "// two\n/// three\nstep b {\n}\n// end\n"]);
}

#[test]
fn splitting_is_fast() {
    let (_, text) = crate::corpus::files().into_iter().find(|(name, _)| name == "flight_delay.mlp").expect("is there");
    let large = format!("{text}\n").repeat(10_000_000 / text.len());
    let start = std::time::Instant::now();
    let count = split(&large).len();
    assert!(count > 10_000);
    // Some ten times slower than it is, for a busy machine.
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}
