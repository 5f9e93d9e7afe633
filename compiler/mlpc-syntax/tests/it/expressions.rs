//! Literals, precedence and the forms of expressions, by table.

use crate::sexpr::show;
use crate::{entries, value};
use mlpc_syntax::ast::{Entry, StatementKind};

/// Expressions that parse without a finding, and what they mean.
const MEANINGS: &[(&str, &str)] = &[
    // Literals.
    ("1_000", "1000"),
    ("9223372036854775807", "9223372036854775807"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("0.5", "0.5"),
    ("1e-3", "0.001"),
    ("1_0.5E2", "1050.0"),
    ("70%", "0.7%"),
    ("0.1%", "0.001%"),
    ("1e1%", "0.1%"),
    ("30m", "1800000ms"),
    ("500ms", "500ms"),
    ("1h30m", "5400000ms"),
    ("2w", "1209600000ms"),
    ("16Gi", "17179869184B"),
    ("512Ki", "524288B"),
    ("true", "true"),
    ("null", "null"),
    (r#""a\\b\"c\n\t\u{e9}""#, r#""a\\b\"c\n\té""#),
    (r#"r"\d+""#, r#""\\d+""#),
    (r#"f"dt={as_of}""#, r#"(f "dt=" as_of)"#),
    (r#"f"{{x}} {a + 1}\u{41} {g("y")}""#, r#"(f "{x} " (+ a 1) "A " (call g "y"))"#),
    (r#"date("1970-01-01")"#, "day0"),
    (r#"date("2000-02-29")"#, "day11016"),
    (r#"date("1969-12-31")"#, "day-1"),
    (r#"date(x)"#, "(call date x)"),
    (r#"date("a", 1)"#, r#"(call date "a" 1)"#),
    ("`Sepal Length` + 1", "(+ Sepal Length 1)"),
    // Ranges.
    ("1..=12", "(1..=12)"),
    ("0.0..<1.0", "(0.0..<1.0)"),
    ("0<..=1", "(0<..=1)"),
    ("0<..<1", "(0<..<1)"),
    ("18..", "(18..)"),
    ("0.0<..", "(0.0<..)"),
    ("..=5", "(..=5)"),
    ("..<5", "(..<5)"),
    ("-1.5..=-0.5", "((neg 1.5)..=(neg 0.5))"),
    ("..=-1", "(..=(neg 1))"),
    ("low + 1..=2 * high", "((+ low 1)..=(* 2 high))"),
    (r#"date("1970-01-02").."#, "(day1..)"),
    ("[1.., 2..=3]", "[(1..) (2..=3)]"),
    // Precedence.
    ("a or b and not c == d", "(or a (and b (not (== c d))))"),
    ("not not a", "(not (not a))"),
    ("a + b * c - d", "(- (+ a (* b c)) d)"),
    ("a / b // c", "(/ a b)"),
    ("a / b//c", "(// (/ a b) c)"),
    ("a//2 + f(x)//(y)", "(+ (// a 2) (// (call f x) y))"),
    ("a % b", "(% a b)"),
    ("10%3", "(% 10 3)"),
    ("-a ** b", "(neg (** a b))"),
    ("a ** -b", "(** a (neg b))"),
    ("a ** b ** c", "(** a (** b c))"),
    ("-a * b", "(* (neg a) b)"),
    ("a - -b", "(- a (neg b))"),
    ("a -b", "(- a b)"),
    ("(a or b) and c", "(and (or a b) c)"),
    ("a in 1..=3 and b", "(and (in a (1..=3)) b)"),
    ("a not in [1, 2]", "(not-in a [1 2])"),
    ("not a in b", "(not (in a b))"),
    ("a < 1..", "(< a (1..))"),
    ("a <= b or a >= c or a != d", "(or (or (<= a b) (>= a c)) (!= a d))"),
    ("if a then b else if c then d else e", "(if a b (if c d e))"),
    ("1 + if a then b else c + 1", "(+ 1 (if a b (+ c 1)))"),
    // Calls, members, aggregates.
    ("sklearn.ridge(alpha: 0.5, f(x),)", "(call (. sklearn ridge) alpha: 0.5 (call f x))"),
    ("a.b[0].c", "(. (at (. a b) 0) c)"),
    (r#"category["a", "b"]"#, r#"(at category ["a" "b"])"#),
    ("count() over (by: k, window: 7d) == 0", "(== (over (call count ) by: k window: 604800000ms) 0)"),
    ("for_ + label + filter + test + sum", "(+ (+ (+ (+ for_ label) filter) test) sum)"),
    ("shadow(traffic: 10%, for: 7d)", "(call shadow traffic: 0.1% for: 604800000ms)"),
    ("{ a: 1, b: { c: [2] } }", "{a: 1 b: {c: [2]}}"),
    ("{}", "{}"),
    ("[\n1,\n2\n]", "[1 2]"),
    ("{\n a: 1\n b: 2,\n\n in: 3 }", "{a: 1 b: 2 in: 3}"),
    ("f( // why\n 1)", "(call f 1)"),
];

#[test]
fn expressions_mean_what_the_table_says() {
    for (text, meaning) in MEANINGS {
        let (value, messages) = value(text);
        assert_eq!(messages, Vec::<String>::new(), "{text}");
        assert_eq!(value.as_ref().map(show).as_deref(), Some(*meaning), "{text}");
    }
}

#[test]
fn by_binds_tighter_than_a_comparison_in_require() {
    let (entries, messages) = entries("gate", "  require recall(threshold: 0.3) by plan >= champion.recall - 1%");
    assert_eq!(messages, Vec::<String>::new());
    let [Entry::Statement(statement)] = entries.as_slice() else { panic!("{entries:?}") };
    let StatementKind::Require { condition, confidence: None } = &statement.kind else { panic!("{statement:?}") };
    assert_eq!(show(condition), "(>= (by (call recall threshold: 0.3) plan) (- (. champion recall) 0.01%))");
}

#[test]
fn a_requirement_says_how_sure_it_must_be() {
    let (entries, messages) =
        entries("gate", "  require f1 > champion.f1 with confidence 95%\n  require with > confidence");
    assert_eq!(messages, Vec::<String>::new());
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Statement(statement) => match &statement.kind {
                StatementKind::Require { condition, confidence } => (show(condition), confidence.as_ref().map(show)),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [("(> f1 (. champion f1))".to_owned(), Some("0.95%".to_owned())), ("(> with confidence)".to_owned(), None)]
    );
}

#[test]
fn spans_cover_their_expressions() {
    let text = "pipeline p { a = (b + 1) * f(c) }";
    let (block, _) = crate::block(text);
    let [Entry::Setting { value, span, .. }] = block.entries.as_slice() else { panic!("{block:?}") };
    assert_eq!(&text[span.range()], "a = (b + 1) * f(c)");
    assert_eq!(&text[value.span.range()], "(b + 1) * f(c)");
    let mlpc_syntax::ast::ExprKind::Binary(_, left, right) = &value.kind else { panic!("{value:?}") };
    assert_eq!((&text[left.span.range()], &text[right.span.range()]), ("(b + 1)", "f(c)"));
}

#[test]
fn expressions_in_f_strings_have_places_in_the_declaration() {
    let text = r#"pipeline p { a = f"x { b.c } y" }"#;
    let (block, _) = crate::block(text);
    let [Entry::Setting { value, .. }] = block.entries.as_slice() else { panic!("{block:?}") };
    let mlpc_syntax::ast::ExprKind::Interpolated(parts) = &value.kind else { panic!("{value:?}") };
    let [_, mlpc_syntax::ast::StrPart::Expr(hole), _] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!(&text[hole.span.range()], "b.c");
}
