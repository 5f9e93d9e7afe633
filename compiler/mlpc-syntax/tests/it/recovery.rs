//! How entries end, and that each shape becomes the right entry.

use crate::sexpr::show;
use crate::{check_lossless, entries, messages};
use mlpc_syntax::ast::{ColumnItem, Decl, Entry, StatementKind};
use mlpc_syntax::parse;

/// Each entry in a few words.
fn words(kind: &str, body: &str) -> Vec<String> {
    entries(kind, body).0.iter().map(word).collect()
}

fn word(entry: &Entry) -> String {
    match entry {
        Entry::Setting { name, value, .. } => format!("{} = {}", name.text(), show(value)),
        Entry::Field(field) => format!("{}: field", field.name.text),
        Entry::Search { name, domain, when, .. } => {
            let when = when.as_ref().map_or_else(String::new, |when| format!(" when {}", show(when)));
            format!("{} in {}{when}", name.text(), show(domain))
        }
        Entry::Statement(statement) => format!("{} statement", statement.keyword.text),
        Entry::Expression(expr) => show(expr),
        Entry::Block(block) => {
            format!("{} {{ {} }}", block.kind.text, block.entries.iter().map(word).collect::<Vec<_>>().join("; "))
        }
        Entry::Spread(path) => format!("...{}", path.text()),
        Entry::Bare(name) => name.text.clone(),
        Entry::Error(_) => "<error>".to_owned(),
    }
}

#[test]
fn newlines_and_commas_end_entries_where_they_should() {
    let table: &[(&str, &str, &[&str])] = &[
        ("x", "a = 1, b = 2\nc = 3,\nd = 4", &["a = 1", "b = 2", "c = 3", "d = 4"]),
        ("x", "a = [1,\n2\n]\nb = 1", &["a = [1 2]", "b = 1"]),
        ("x", "a = b +\n  c\n  * d\n  and e\n-f\nnot g", &["a = (and (+ b (* c d)) e)", "(neg f)", "(not g)"]),
        ("x", "a = b\n  not in c", &["a = (not-in b c)"]),
        ("x", "a = sum(b)\n  over (by: c)\n  / 2", &["a = (/ (over (call sum b) by: c) 2)"]),
        ("x", "a = if b\n then c\n else d", &["a = (if b c d)"]),
        ("x", "b { a = 1 }//c\ndrop a//b\nd = 1", &["b { a = 1 }", "drop statement", "d = 1"]),
        ("x", "a = b // c\nd = 1", &["a = b", "d = 1"]),
        ("x", "a = 1..\nb = 0.0<..\nc = 5%\nd = 1", &["a = (1..)", "b = (0.0<..)", "c = 0.05%", "d = 1"]),
        ("x", "in: int\nand = 3\nover: int\nwhen = b", &["in: field", "and = 3", "over: field", "when = b"]),
        ("x", "sum: int, label: string\nfilter: bool", &["sum: field", "label: field", "filter: field"]),
        ("x", "label = 1\nfilter = a\ncolumn in [1]", &["label = 1", "filter = a", "(in column [1])"]),
        ("x", "{}", &["<error>"]),
        ("x", "column a,\n  b = c,\n  d\ne = 1", &["column statement", "e = 1"]),
        ("x", "filter (a or b) and c\nrequire -a < b", &["filter statement", "require statement"]),
        ("x", "column * except (a, b)\ndrop a, b", &["column statement", "drop statement"]),
        (
            "x",
            "model.max_iter = 3\n...Flight\nnulls, categories",
            &["model.max_iter = 3", "...Flight", "nulls", "categories"],
        ),
        ("x", "resources { cpu = 4, memory = 1Ki }", &["resources { cpu = 4; memory = 1024B }"]),
        ("x", "resources\n{ cpu = 4 }\na = 1", &["resources { cpu = 4 }", "a = 1"]),
        ("x", "search a { b = 1 } search c { d = 2 }", &["search { b = 1 }", "search { d = 2 }"]),
        ("x", "pixel[0..=63]: float in 0..=16", &["pixel: field"]),
        ("x", "search { a in 1..=3 when b == c }", &["search { a in (1..=3) when (== b c) }"]),
        ("x", "expect { a in 1..=3 }", &["expect { (in a (1..=3)) }"]),
        ("x", "search { linear.a in log(1..=3), b in [1] }", &["search { linear.a in (call log (1..=3)); b in [1] }"]),
        ("x", "for all rows of a.b: c > 1", &["(for-all a.b (> c 1))"]),
        ("x", "allow MLP1\n  because \"x\"", &["allow statement"]),
        ("x", "given a = [{ b: 1\n c: 2 }]", &["given statement"]),
        ("x", "", &[]),
        ("x", "// only\n/// comments", &[]),
    ];
    for (kind, body, expected) in table {
        let (_, found) = entries(kind, body);
        assert_eq!(words(kind, body), *expected, "{body}\n{found:?}");
        assert_eq!(found.is_empty(), !expected.contains(&"<error>"), "{body}\n{found:?}");
    }
}

#[test]
fn a_hanging_entry_does_not_swallow_the_next() {
    for hanging in ["a = b +", "column a = b and", "column c,", "filter d,", "a ="] {
        for next in ["column e = 1", "f = 1", "g: int", "join d by e"] {
            // After a comma `f = 1` is one more column.
            if hanging == "column c," && next == "f = 1" {
                continue;
            }
            let (found, messages) = entries("features", &format!("  {hanging}\n  {next}"));
            assert_eq!(found.len(), 2, "{hanging} {next} {found:?}");
            assert!(!matches!(found[1], Entry::Error(_)), "{hanging} {next}");
            assert_eq!(messages.len(), 1, "{hanging} {next} {messages:?}");
        }
    }
}

#[test]
fn statements_hold_their_parts() {
    let (found, messages) = entries(
        "features",
        "  join weather as w asof seen by origin, dest = w_dest within 2h\n  join d asof by k\n  column a, b = 1\n  \
         sample every 7d in date(\"1970-01-01\")..=as_of\n  allow MLP0507(email, phone) because \"why\" until date(\"1970-01-02\")\n  \
         given fitted z = { mean: 0.0 }\n  expect error MLP0401\n  expect error = [1]\n  weight w\n  warn x > 1",
    );
    assert_eq!(messages, Vec::<String>::new());
    let kinds: Vec<&StatementKind> = found
        .iter()
        .map(|entry| match entry {
            Entry::Statement(statement) => &statement.kind,
            other => panic!("{other:?}"),
        })
        .collect();
    let StatementKind::Join(join) = kinds[0] else { panic!("{:?}", kinds[0]) };
    assert_eq!(join.dataset.text(), "weather");
    assert_eq!(join.alias.as_ref().map(|name| name.text.as_str()), Some("w"));
    assert_eq!(join.asof.as_ref().and_then(|(_, name)| name.as_ref()).map(|name| name.text.as_str()), Some("seen"));
    let by: Vec<_> =
        join.by.iter().map(|(left, right)| (left.text(), right.as_ref().map(|name| name.text.clone()))).collect();
    assert_eq!(by, [("origin".to_owned(), None), ("dest".to_owned(), Some("w_dest".to_owned()))]);
    assert_eq!(join.within.as_ref().map(show).as_deref(), Some("7200000ms"));
    let StatementKind::Join(join) = kinds[1] else { panic!("{:?}", kinds[1]) };
    assert!(matches!(join.asof, Some((_, None))));
    let StatementKind::Column(items) = kinds[2] else { panic!("{:?}", kinds[2]) };
    assert!(matches!(items.as_slice(), [ColumnItem::One { value: None, .. }, ColumnItem::One { value: Some(_), .. }]));
    let StatementKind::Sample { every, range } = kinds[3] else { panic!("{:?}", kinds[3]) };
    assert_eq!((show(every), show(range)), ("604800000ms".to_owned(), "(day0..=as_of)".to_owned()));
    let StatementKind::Allow { code, columns, because, until } = kinds[4] else { panic!("{:?}", kinds[4]) };
    assert_eq!((code.text.as_str(), columns.len(), because.value.as_str()), ("MLP0507", 2, "why"));
    assert_eq!(until.as_ref().map(show).as_deref(), Some("day1"));
    assert!(matches!(kinds[5], StatementKind::Given { fitted: true, .. }));
    assert!(matches!(kinds[6], StatementKind::ExpectError(name) if name.text == "MLP0401"));
    assert!(matches!(kinds[7], StatementKind::Expect { name, .. } if name.text == "error"));
    assert!(matches!(kinds[8], StatementKind::Weight { value: None, .. }));
    assert!(matches!(kinds[9], StatementKind::Warn(_)));
}

#[test]
fn documentation_goes_to_what_follows_it_directly() {
    let text = "/// Lost.\n\n/// One.\n/// Two.\n// plain\ndataset d {\n  /// A.\n  a: int\n  /// Lost.\n\n  b = 1\n  /// C.\n  c { /// D.\n d = 1 } }";
    let (block, parsed) = crate::block(text);
    check_lossless(text, &parsed);
    assert_eq!(block.doc.as_deref(), Some("One.\nTwo."));
    assert_eq!(&text[block.span.range()][..9], "dataset d");
    let [Entry::Field(a), Entry::Setting { doc, .. }, Entry::Block(c)] = block.entries.as_slice() else {
        panic!("{block:?}")
    };
    assert_eq!((a.doc.as_deref(), doc.as_deref(), c.doc.as_deref()), (Some("A."), None, Some("C.")));
    assert!(matches!(&c.entries[0], Entry::Setting { doc: Some(doc), .. } if doc == "D."));
}

#[test]
fn headers_hold_their_parts() {
    let (block, _) =
        crate::block("fitted fn f(x: float in 0.0.., ...more: N, const d: int = 0) -> float? in ..=1.0 { a = 1 }");
    assert_eq!(block.modifiers.len(), 1);
    assert_eq!((block.kind.text.as_str(), block.name.map(|name| name.text())), ("fn", Some("f".to_owned())));
    let signature = block.signature.expect("has one");
    let flags: Vec<_> = signature.params.iter().map(|part| (part.variadic, part.constant)).collect();
    assert_eq!(flags, [(false, false), (true, false), (false, true)]);
    assert!(signature.result.is_some_and(|result| result.nullable));
    assert_eq!(signature.domain.as_ref().map(show).as_deref(), Some("(..=1.0)"));
    let (block, _) = crate::block("trainer a.b for binary,\n  multiclass {\n}");
    let connector = block.connector.expect("has one");
    assert_eq!((connector.word.text.as_str(), connector.paths.len()), ("for", 2));
    let (block, _) = crate::block("test \"a \\\"b\\\"\" of of {\n}");
    assert_eq!(block.name.map(|name| name.text()).as_deref(), Some("a \"b\""));
    assert_eq!(block.connector.map(|connector| connector.paths[0].text()).as_deref(), Some("of"));
}

#[test]
fn values_and_imports_hold_their_parts() {
    let Decl::Value(value) = parse("/// Doc.\nparam a: float? = 0.5 in 0.0<..<1.0\n").decl else { panic!("no value") };
    assert_eq!(
        (value.keyword.text.as_str(), value.name.text.as_str(), value.doc.as_deref()),
        ("param", "a", Some("Doc."))
    );
    assert_eq!(value.value.as_ref().map(show).as_deref(), Some("0.5"));
    assert_eq!(value.domain.as_ref().map(show).as_deref(), Some("(0.0<..<1.0)"));
    let Decl::Import { path, alias, .. } = parse("import \"a/b.mlp\" as c\n").decl else { panic!("no import") };
    assert_eq!((path.value.as_str(), alias.map(|name| name.text)), ("a/b.mlp", Some("c".to_owned())));
}

#[test]
fn fields_take_their_options_in_any_order() {
    let (found, messages) = entries(
        "schema",
        "  a: timestamp? @pii known after 1h30m from \"A\" unique as epoch(ms) matches r\"\\d\" constant in 1..=2 = 1 @x",
    );
    assert_eq!(messages, Vec::<String>::new());
    let [Entry::Field(field)] = found.as_slice() else { panic!("{found:?}") };
    assert!(field.ty.nullable && field.unique.is_some() && field.constant.is_some());
    assert_eq!(field.known_after.as_ref().map(show).as_deref(), Some("5400000ms"));
    assert_eq!(field.from.as_ref().map(|name| name.value.as_str()), Some("A"));
    assert_eq!(field.matches.as_ref().map(|name| name.value.as_str()), Some("\\d"));
    assert_eq!(field.parse_as.as_ref().map(show).as_deref(), Some("(call epoch ms)"));
    assert_eq!(field.default.as_ref().map(show).as_deref(), Some("1"));
    assert_eq!(field.domain.as_ref().map(show).as_deref(), Some("(1..=2)"));
    assert_eq!(field.tags.iter().map(|tag| tag.text.as_str()).collect::<Vec<_>>(), ["pii", "x"]);
}

#[test]
fn broken_entries_are_error_nodes_of_their_whole_text() {
    let text = "pipeline p {\n  a = 1\n  b = = 2 // c\n  d = 3\n}\n";
    let (block, parsed) = crate::block(text);
    assert_eq!(messages(&parsed).len(), 1);
    let [_, Entry::Error(span), _] = block.entries.as_slice() else { panic!("{block:?}") };
    assert_eq!(&text[span.range()], "b = = 2");
}
