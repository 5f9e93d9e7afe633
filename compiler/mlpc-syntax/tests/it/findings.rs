//! What is wrong and how it is said: one finding for each slip, at the right place.

use crate::{check_lossless, messages};
use mlpc_diagnostics::{Applicability, Severity};
use mlpc_syntax::parse;

/// An entry of a block, its only finding and the text that the finding points at.
const FINDINGS: &[(&str, &str, &str)] = &[
    ("a = ", "MLP0101 expected an expression, found the end of the entry", ""),
    ("a = )", "MLP0102 `)` closes nothing", ")"),
    ("owner \"x\"", "MLP0101 expected `=`, `:` or `{` after `owner`, found `\"x\"`", "\"x\""),
    ("a = f(b c)", "MLP0101 expected `)`, `,` or `:`, found `c`", "c"),
    ("a = f(b = 1)", "MLP0101 expected `)`, `,` or `:`, found `=`", "="),
    ("a = [1 2]", "MLP0101 expected `]` or `,`, found `2`", "2"),
    ("a = { b: 1 c: 2 }", "MLP0101 expected `,` between the entries of a record", ""),
    ("a = 1 b = 2", "MLP0101 expected an operator or the end of the entry, found `b`", "b"),
    ("a = if b then c", "MLP0101 expected `else`, found the end of the entry", ""),
    ("a = b +", "MLP0101 expected an expression, found the end of the entry", ""),
    ("a = b == c == d == e", "MLP0101 comparisons do not chain", "=="),
    ("a = b in c in d", "MLP0101 comparisons do not chain", "in"),
    ("a = 1..=2..=3", "MLP0101 a range has two ends", "..="),
    ("a = x by y", "MLP0101 `by` asks for every slice, which only a `require` can do", "by y"),
    ("a = b && c", "MLP0101 `&` means nothing here", "&"),
    ("a = 'b'", "MLP0101 `'` means nothing here", "'"),
    ("a = 1;", "MLP0101 `;` means nothing here", ";"),
    ("a: ", "MLP0101 expected a type, found the end of the entry", ""),
    ("a: int unique 3", "MLP0101 expected an option of the field, found `3`", "3"),
    ("a: int unique unique", "MLP0101 this field has `unique` twice", "unique"),
    ("filter a = b", "MLP0101 expected an operator, found `=`", "="),
    ("a = 1, column b", "MLP0101 a `column` statement must start its line", "column"),
    ("let a", "MLP0101 expected `=`, found the end of the entry", ""),
    ("join a on b", "MLP0101 expected `as`, `asof` or `by`, found `on`", "on"),
    ("allow MLP0101", "MLP0101 expected `because`, found the end of the entry", ""),
    ("a = 1,, b = 2", "MLP0101 expected an entry, found `,`", ","),
    ("a = hour // 6", "MLP0101 this is a comment, not a division", "//"),
    // Literals.
    ("a = 9223372036854775808", "MLP0103 `9223372036854775808` means nothing", "9223372036854775808"),
    ("a = 1e999", "MLP0103 `1e999` means nothing", "1e999"),
    ("a = 1__0", "MLP0103 `1__0` means nothing", "1__0"),
    ("a = 12abc", "MLP0103 `12abc` means nothing", "12abc"),
    ("a = 1.5h", "MLP0103 `1.5h` means nothing", "1.5h"),
    ("a = 99999999999999w", "MLP0103 `99999999999999w` means nothing", "99999999999999w"),
    ("a = 99999999999Gi", "MLP0103 `99999999999Gi` means nothing", "99999999999Gi"),
    (r#"a = "b\qc""#, r"MLP0103 `\q` is no escape", r"\q"),
    (r#"a = "b\u{d800}c""#, r"MLP0103 `\u{d800}` is no escape", r"\u{d800}"),
    (r#"a = "b\u41""#, r"MLP0103 `\u` is no escape", r"\u"),
    (r#"a = f"b\é""#, r"MLP0103 `\é` is no escape", r"\é"),
    (r#"a = f"b } c""#, "MLP0103 this `}` closes nothing", "}"),
    (r#"a = f"b {c +} d""#, "MLP0103 this is no expression", "{c +}"),
    (r#"a = f"{}""#, "MLP0103 this is no expression", "{}"),
    (r#"a = date("2013-02-29")"#, "MLP0103 `2013-02-29` is no date", "\"2013-02-29\""),
    (r#"a = date("2013-1-01")"#, "MLP0103 `2013-1-01` is no date", "\"2013-1-01\""),
    ("a = \"b", "MLP0103 this string is never closed", "\"b"),
    ("a = f(\"b)", "MLP0103 this string is never closed", "\"b)"),
    ("a = `b", "MLP0103 this name is never closed", "`b"),
    // Ranges.
    ("a = 1..2", "MLP0104 this range does not say whether its end belongs to it", ".."),
    ("a = 1.. 2", "MLP0104 this range does not say whether its end belongs to it", ".."),
    ("a = x<..y", "MLP0104 this range does not say whether its end belongs to it", "<.."),
    ("a: int in 1..12 @pii", "MLP0104 this range does not say whether its end belongs to it", ".."),
    // Brackets.
    ("a = f(1, [2", "MLP0102 this `[` is never closed", "["),
    ("a = [1, 2)", "MLP0102 this `[` is closed by `)`", "["),
    ("a = (1]", "MLP0102 this `(` is closed by `]`", "("),
    ("a = [1, 2}", "MLP0102 this `[` is closed by `}`", "["),
    ("a = { b: 1", "MLP0102 this `{` is never closed", "{"),
    ("a { b = 1", "MLP0102 this `{` is never closed", "{"),
    ("a = 1 }", "MLP0102 `}` closes nothing", "}"),
];

#[test]
fn each_slip_gives_one_finding_and_spares_its_neighbours() {
    for (entry, message, place) in FINDINGS {
        let text = format!("features x {{\n  before = 1\n  {entry}\n  after = 2\n}}\n");
        let parsed = parse(&text);
        check_lossless(&text, &parsed);
        assert_eq!(messages(&parsed), [*message], "{entry}");
        let span = parsed.errors[0].primary().copied().unwrap_or_default();
        assert_eq!(&text[span.range()], *place, "{entry}");
        assert!(!parsed.errors[0].help.is_empty() && !parsed.errors[0].labels[0].text.is_empty(), "{entry}");
        let names = setting_names(&text);
        assert!(names.contains(&"before".to_owned()) && names.contains(&"after".to_owned()), "{entry}: {names:?}");
    }
}

fn setting_names(text: &str) -> Vec<String> {
    let (block, _) = crate::block(text);
    let name = |entry: &mlpc_syntax::ast::Entry| match entry {
        mlpc_syntax::ast::Entry::Setting { name, .. } => Some(name.text()),
        _ => None,
    };
    block.entries.iter().filter_map(name).collect()
}

#[test]
fn a_bare_range_has_both_fixes() {
    let parsed = parse("param a: int in 1..5");
    let fixes: Vec<&str> = parsed.errors[0].fixes.iter().map(|fix| fix.edits[0].text.as_str()).collect();
    assert_eq!(fixes, ["..=", "..<"]);
    let parsed = parse("param a: int in 1<..5");
    let fixes: Vec<&str> = parsed.errors[0].fixes.iter().map(|fix| fix.edits[0].text.as_str()).collect();
    assert_eq!(fixes, ["<..=", "<..<"]);
}

/// Applies the first fix of the first finding.
fn mended(text: &str) -> String {
    let parsed = parse(text);
    let mut text = text.to_owned();
    for edit in &parsed.errors[0].fixes[0].edits {
        text.replace_range(edit.place.range(), &edit.text);
    }
    text
}

#[test]
fn fixes_mend_what_they_claim_to() {
    let texts = [
        "pipeline p {\n  a = f(1, [2\n  b = 3\n}\n",
        "pipeline p {\n  a { b = 1\n  b = 3\n}\n",
        "dataset d {\n  schema {\n    a: int\n  expect {\n    a > 1\n  }\n}\n",
        "pipeline p {\n  a = [1)\n}\n",
        "pipeline p {\n  a = 1\n",
        "pipeline p {\n  a = { b: 1 c: 2 }\n}\n",
        "pipeline p {\n  a = f(b = 2)\n}\n",
        "gate g on r {\n  require a = 2\n}\n",
        "pipeline p {\n  , a = 2\n}\n",
        "pipeline p {\n  a = 1..5\n}\n",
        "pipeline p {\n  a = 2)\n}\n",
        "parm a: int = 3\n",
        "fn f(x: int -> int {\n  a = 1\n}\n",
    ];
    for text in texts {
        let mended = mended(text);
        assert_eq!(messages(&parse(&mended)), Vec::<String>::new(), "{text}\n{mended}");
    }
}

#[test]
fn unclosed_braces_are_blamed_by_indentation() {
    let text = "dataset d {\n  schema {\n    a: int\n  expect {\n    a > 1\n  }\n}\n";
    let parsed = parse(text);
    assert_eq!(messages(&parsed), ["MLP0102 this `{` is never closed"]);
    let [opened, missing] = parsed.errors[0].labels.as_slice() else { panic!("{:?}", parsed.errors) };
    assert_eq!(opened.place.range(), 21..22);
    assert_eq!(&text[..missing.place.end as usize], "dataset d {\n  schema {\n    a: int");
    assert_eq!(parsed.errors[0].fixes[0].edits[0].text, "\n  }");
}

#[test]
fn a_missing_or_broken_header_keeps_kind_name_and_entries() {
    for (text, message) in [
        ("train t\n  a = 1\n}\n", "MLP0101 expected `{` after `train t`"),
        ("train t of of of {\n  a = 1\n}\n", "MLP0101 expected `from`, `of`, `on` or `for`, found `of`"),
        ("train t 5 {\n  a = 1\n}\n", "MLP0101 expected `from`, `of`, `on` or `for`, found `5`"),
    ] {
        let (block, parsed) = crate::block(text);
        check_lossless(text, &parsed);
        assert_eq!(block.kind.text, "train");
        assert_eq!(block.name.map(|name| name.text()), Some("t".to_owned()), "{text}");
        assert_eq!(block.entries.len(), 1, "{text}");
        assert_eq!(messages(&parsed).len(), 1, "{text} {message} {:?}", messages(&parsed));
    }
}

#[test]
fn text_that_declares_nothing_is_one_finding() {
    for (text, message) in [
        ("parm a: int = 3\n", "MLP0101 expected a declaration, found `parm`"),
        ("= 3 } ) (\n", "MLP0101 expected a declaration, found `=`"),
        ("train t { a = 1 }\nfoo bar\n", "MLP0101 expected a declaration, found `foo`"),
        ("param a: int = \n  3\n", "MLP0101 expected an expression, found the end of the entry"),
        ("import \"a.mlp\"\n/ (b\n", "MLP0101 expected a declaration, found `/`"),
        ("import shared\n", "MLP0101 expected a string, found `shared`"),
    ] {
        let parsed = parse(text);
        check_lossless(text, &parsed);
        assert_eq!(messages(&parsed), [message], "{text}");
    }
    assert_eq!(messages(&parse("// nothing\n\n")), Vec::<String>::new());
    assert_eq!(messages(&parse("")), Vec::<String>::new());
}

#[test]
fn severities_and_applicabilities_are_set() {
    let comment = parse("pipeline p { a = hour // 6\n}");
    assert_eq!(comment.errors[0].severity, Severity::Warning);
    let comma = parse("pipeline p {\n  , a = 2\n}");
    assert_eq!(comma.errors[0].fixes[0].applicability, Applicability::Safe);
    let words = parse("pipeline p { a = hour // 6 hours\n}");
    assert_eq!(messages(&words), Vec::<String>::new());
}

#[test]
fn depth_is_limited_and_one_finding() {
    let deep = |unit: &str, tail: &str, count: usize| {
        format!("pipeline p {{\n  a = {}b{}\n  c = 1\n}}\n", unit.repeat(count), tail.repeat(count))
    };
    let texts = [
        deep("-", "", 100_000),
        deep("not ", "", 100_000),
        deep("(", ")", 100_000),
        deep("[", "]", 100_000),
        deep("f(", ")", 100_000),
        deep("{ a: ", " }", 100_000),
        deep("1 + ", "", 100_000),
        deep("a ** ", "", 100_000),
        deep("if a then b else ", "", 100_000),
        deep("", ".x", 100_000),
        deep("", "(1)", 100_000),
        deep("", "[1]", 100_000),
        format!("pipeline p {{\n{}{}\n  c = 1\n}}\n", "a {\n".repeat(10_000), "}\n".repeat(10_000)),
    ];
    for text in texts {
        let parsed = parse(&text);
        check_lossless(&text, &parsed);
        assert_eq!(messages(&parsed), ["MLP0105 this is nested too deep"], "{}", &text[..60]);
        assert!(setting_names(&text).contains(&"c".to_owned()), "{}", &text[..60]);
    }
    assert_eq!(messages(&parse(&deep("(", "", 100_000))), ["MLP0105 this is nested too deep"]);
    let hole = format!("pipeline p {{\n  a = f\"{{{}b}}\"\n}}\n", "(".repeat(100_000));
    assert_eq!(messages(&parse(&hole)), ["MLP0103 this is no expression"]);
    assert_eq!(messages(&parse(&deep("(", ")", 250))), Vec::<String>::new());
}
