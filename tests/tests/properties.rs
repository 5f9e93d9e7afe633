//! What holds of any text: nothing is lost, nothing panics, errors stay where they are, and edits in sequence give what a
//! fresh start gives.

use crate::mistakes::{EXAMPLES, edits};
use mlpc_db::{Database, blocks};
use mlpc_diagnostics::Severity;
use mlpc_hir::types::Interval;
use mlpc_tests::program::{Checked, MAIN, check, check_files, check_in};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A change of a text, by shares of its length.
#[derive(Clone, Debug)]
enum Change {
    /// Takes a part out.
    Delete(f64, usize),
    /// Puts words in.
    Insert(f64, String),
    /// Repeats a part elsewhere.
    Copy(f64, usize, f64),
}

/// Words with which texts are broken.
const WORDS: [&str; 44] = [
    "{", "}", "(", ")", "[", "]", "=", "==", ",", ":", "..", "..=", "..<", "\"", "`", "//", "/", "+", "-", "**", "%",
    ".", "...", "?", "@pii", "column", "let", "label", "filter", "join", "require", "allow", "over", "if", "in", "not",
    "1", "2.5e3", "70%", "3d", "null", "f\"{x}\"", "é", "dataset",
];

fn change() -> impl Strategy<Value = Change> {
    let share = || 0.0..1.0f64;
    prop_oneof![
        (share(), 1..40usize).prop_map(|(at, length)| Change::Delete(at, length)),
        (share(), proptest::sample::select(&WORDS[..])).prop_map(|(at, word)| Change::Insert(at, format!(" {word} "))),
        (share(), proptest::sample::select(&WORDS[..])).prop_map(|(at, word)| Change::Insert(at, word.to_owned())),
        (share(), 1..60usize, share()).prop_map(|(from, length, to)| Change::Copy(from, length, to)),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec(change(), 1..6)
}

/// The text with a change made in it, between characters.
fn apply(text: &str, change: &Change) -> String {
    let place = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share"
        )]
        let at = (share * text.len() as f64) as usize;
        text.floor_char_boundary(at)
    };
    let part = |at: usize, length: usize| at..text.ceil_char_boundary((at + length).min(text.len()));
    let mut out = text.to_owned();
    match change {
        Change::Delete(at, length) => out.replace_range(part(place(*at), *length), ""),
        Change::Insert(at, word) => out.insert_str(place(*at), word),
        Change::Copy(from, length, to) => out.insert_str(place(*to), &text[part(place(*from), *length)]),
    }
    out
}

fn broken(text: &str, changes: &[Change]) -> String {
    changes.iter().fold(text.to_owned(), |text, change| apply(&text, change))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_is_lost(example in 0..2usize, changes in changes()) {
        let text = broken(EXAMPLES[example], &changes);
        let mut end = 0;
        for chunk in mlpc_syntax::split(&text) {
            prop_assert_eq!(chunk.start, end);
            end = chunk.end;
            let part = &text[chunk.start..chunk.end];
            let tree = mlpc_syntax::parse(part).tree;
            prop_assert_eq!(tree.text(), part);
            let leaves: String = tree.leaves().map(|leaf| tree.text_of(leaf)).collect();
            prop_assert_eq!(leaves, part);
        }
        prop_assert_eq!(end, text.len());
    }

    #[test]
    fn any_text_is_checked_and_every_place_is_in_it(example in 0..2usize, changes in changes()) {
        let text = broken(EXAMPLES[example], &changes);
        let checked = check(&text);
        for finding in &checked.findings {
            for label in &finding.labels {
                prop_assert!(text.get(label.place.span.range()).is_some(), "{finding:?}");
            }
            prop_assert!(finding.primary().is_some());
        }
    }

    #[test]
    fn a_broken_block_breaks_no_other(which in 0..64usize, changes in changes()) {
        let text = every_block_has_a_mistake();
        let bodies = bodies(&text);
        let (name, body) = &bodies[which % bodies.len()];
        let inside = broken(&text[body.clone()], &changes).replace('\n', "\n  ");
        let mut changed = text.clone();
        changed.replace_range(body.clone(), &inside);
        let untouched: BTreeSet<&str> = independent(name).into_iter().collect();
        let before = errors_by_block(&check(&text), &untouched);
        let after = errors_by_block(&check(&changed), &untouched);
        prop_assert_eq!(before, after, "{} is {}", name, inside);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_in_sequence_give_what_a_fresh_start_gives(
        example in 0..2usize,
        steps in proptest::collection::vec((proptest::collection::vec(0..200usize, 0..4), proptest::option::of(change())), 2..6),
    ) {
        let mut db = Database::default();
        for (chosen, change) in steps {
            let edited = edits(example, &chosen);
            let text = change.iter().fold(edited, |text, change| apply(&text, change));
            let files = [(MAIN, text.as_str()), ("shared.mlp", "const limit = 3\n")];
            let checked = check_in(db, &files);
            prop_assert_eq!(shown(&checked), shown(&check_files(&files)), "{}", text);
            db = checked.db;
        }
    }

    #[test]
    fn imported_files_come_and_go(steps in proptest::collection::vec((0..4usize, 0..4usize), 2..8)) {
        let mains = [
            "import \"a.mlp\" as a\npipeline p { seed = 1 }\nfeatures e from a.d { column x }\n",
            "import \"b.mlp\" as b\npipeline p { seed = 1 }\nfeatures e from b.d { column y }\n",
            "import \"a.mlp\" as a\nimport \"b.mlp\" as b\npipeline p { seed = 1 }\nfeatures e from b.d { column x }\n",
            "pipeline p { seed = 1 }\nfeatures e from a.d { column x }\n",
        ];
        let libraries = [
            "dataset d { source = csv(\"d.csv\"), schema { x: float } }\n",
            "import \"b.mlp\" as b\ndataset d { source = csv(\"d.csv\"), schema { x: flaot } }\n",
            "import \"a.mlp\" as a\ndataset d { source = csv(\"d.csv\"), schema { y: float } }\n",
            "",
        ];
        let mut db = Database::default();
        for (main, library) in steps {
            let files = [(MAIN, mains[main]), ("a.mlp", libraries[library]), ("b.mlp", libraries[3 - library])];
            let checked = check_in(db, &files);
            prop_assert_eq!(shown(&checked), shown(&check_files(&files)));
            db = checked.db;
        }
    }
}

/// Findings with their places, free of the numbers that a database gives to files.
fn shown(checked: &Checked) -> Vec<String> {
    let mut lines: Vec<String> = checked
        .findings
        .iter()
        .map(|finding| {
            let places: Vec<_> =
                finding.labels.iter().map(|label| (checked.line(&label.place), label.place.span)).collect();
            format!("{} {} {places:?} {:?} {:?}", finding.code.id, finding.message, finding.notes, finding.help)
        })
        .collect();
    lines.sort();
    lines
}

// --- a program in which each block has a mistake of its own ----------------------------------------------------------

const BLOCKS: [(&str, &str); 7] = [
    ("pipeline p", "\n  seed  = 1\n  retry = retry(attempts: 0)\n"),
    ("environment cpu", "\n  python   = \"2.7\"\n  packages = [\"polars>=1,<3\"]\n"),
    ("step load", "\n  run     = shell(\"true\")\n  timeout = 0s\n  outputs { rows: file(\"d.csv\") }\n"),
    (
        "dataset d",
        "\n  source = csv(load.rows)\n  schema {\n    x: float\n    c: category[\"u\", \"v\"]\n  }\n  expect { c != \"w\" }\n",
    ),
    ("dataset other", "\n  source = csv(\"d.csv\")\n  schema { y: float in 2.0..=1.0 }\n"),
    ("features e from d", "\n  filter x > 0.0\n  column z = log(x) + q\n  label  c\n"),
    ("step last", "\n  run = shell(3)\n  inputs { rows = load.rows }\n"),
];

fn every_block_has_a_mistake() -> String {
    BLOCKS.iter().map(|(header, body)| format!("{header} {{{body}}}\n\n")).collect()
}

/// Names of blocks and where what stands between their braces is.
fn bodies(text: &str) -> Vec<(&'static str, std::ops::Range<usize>)> {
    let place = |(header, body): &(&'static str, &'static str)| {
        let start = text.find(&format!("{header} {{")).unwrap() + header.len() + 2;
        (*header, start..start + body.len())
    };
    BLOCKS.iter().map(place).collect()
}

/// Blocks that do not read the given one, neither directly nor by way of others.
fn independent(name: &str) -> Vec<&'static str> {
    let readers: &[&str] = match name {
        "step load" => &["dataset d", "features e from d", "step last"],
        "dataset d" => &["features e from d"],
        _ => &[],
    };
    BLOCKS.iter().map(|(header, _)| *header).filter(|header| *header != name && !readers.contains(header)).collect()
}

/// Code and message of each error, by the header of its block.
fn errors_by_block(checked: &Checked, only: &BTreeSet<&str>) -> Vec<(String, String)> {
    let file = checked.files()[0];
    let mut found = Vec::new();
    for finding in checked.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        let place = finding.primary().unwrap();
        let home = blocks(&checked.db, file).iter().rev().find(|block| block.start(&checked.db) <= place.span.start);
        let header = home.and_then(|block| block.text(&checked.db).trim_start().split(" {").next()).unwrap_or_default();
        if only.contains(header) {
            found.push((header.to_owned(), format!("{} {}", finding.code.id, finding.message)));
        }
    }
    found
}

#[test]
fn the_blocks_with_mistakes_have_them() {
    let all: BTreeSet<&str> = BLOCKS.iter().map(|(header, _)| *header).collect();
    let found = errors_by_block(&check(&every_block_has_a_mistake()), &all);
    let headers: BTreeSet<&str> = found.iter().map(|(header, _)| header.as_str()).collect();
    assert_eq!(headers, all, "{found:?}");
    assert_eq!(found.len(), all.len(), "{found:?}");
}

// --- ranges ----------------------------------------------------------------------------------------------------------

/// Ranges of numbers whose sums, products and quotients are exact.
fn interval() -> impl Strategy<Value = Interval> {
    let bound =
        || proptest::sample::select(&[f64::NEG_INFINITY, -4.0, -1.0, -0.5, 0.0, 0.5, 2.0, 4.0, f64::INFINITY][..]);
    (bound(), bound(), any::<bool>(), any::<bool>()).prop_map(|(low, high, low_closed, high_closed)| Interval {
        low,
        low_closed: low_closed && low.is_finite(),
        high,
        high_closed: high_closed && high.is_finite(),
    })
}

const POINTS: [f64; 11] = [-8.0, -4.0, -2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 4.0];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_hold_what_arithmetic_gives(left in interval(), right in interval()) {
        for a in POINTS.into_iter().filter(|point| left.contains(*point)) {
            prop_assert!(left.negated().contains(-a), "-{left}");
            prop_assert!(left.hull(right).contains(a));
            prop_assert_eq!(left.meet(right).contains(a), right.contains(a));
            prop_assert!(a.fract() != 0.0 || left.of_integers().contains(a), "integers of {left}");
            prop_assert!(!left.within(right) || right.contains(a), "{left} within {right}");
            for b in POINTS.into_iter().filter(|point| right.contains(*point)) {
                prop_assert!(left.plus(right).contains(a + b), "{left} + {right}: {a} + {b} not in {}", left.plus(right));
                prop_assert!(left.times(right).contains(a * b), "{left} * {right}: {a} * {b} not in {}", left.times(right));
                if !right.contains(0.0) {
                    let quotient = left.divided_by(right);
                    prop_assert!(quotient.contains(a / b), "{left} / {right}: {a} / {b} not in {quotient}");
                }
            }
        }
    }
}

#[test]
fn conditions_are_called_constant_exactly_where_they_are() {
    for (low, high) in [(0, 0), (0, 2), (1, 3)] {
        let comparisons: Vec<(&str, i64)> = ["<", "<=", ">", ">=", "==", "!="]
            .into_iter()
            .flat_map(|op| (-1..=4).map(move |bound| (op, bound)))
            .collect();
        let blocks: String = comparisons
            .iter()
            .enumerate()
            .map(|(at, (op, bound))| {
                format!("features e{at} from d {{ filter a {op} {bound}, column x }}\n")
                    .replace(", column", "\n  column")
            })
            .collect();
        let schema = format!("schema {{ a: int in {low}..={high}, x: float }}");
        let text = format!("pipeline p {{ seed = 1 }}\ndataset d {{ source = csv(\"d.csv\"), {schema} }}\n{blocks}");
        let checked = check(&text);
        for (at, (op, bound)) in comparisons.iter().enumerate() {
            let holds = |a: i64| match *op {
                "==" => a == *bound,
                "<" => a < *bound,
                "<=" => a <= *bound,
                ">" => a > *bound,
                ">=" => a >= *bound,
                _ => a != *bound,
            };
            let count = (low..=high).filter(|a| holds(*a)).count();
            let expected = match count {
                0 => Some("this condition is never true"),
                _ if count == usize::try_from(high - low + 1).unwrap() => Some("this condition is always true"),
                _ => None,
            };
            let line = text.lines().position(|line| line.starts_with(&format!("features e{at} "))).unwrap() + 1;
            let mut found = checked.findings.iter().filter(|finding| {
                finding.code.name == "impossible_condition" && checked.line(finding.primary().unwrap()).1 == line
            });
            assert_eq!(
                found.next().map(|finding| finding.message.as_str()),
                expected,
                "a in {low}..={high}: a {op} {bound}"
            );
        }
    }
}
