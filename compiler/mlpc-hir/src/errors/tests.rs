//! Wording of findings about `test` blocks.

use super::{finding, suggest};
use crate::typed::{Const, Finding};
use crate::types::Interval;
use mlpc_diagnostics::{Code, Span, did_you_mean, list_words, rule};

/// A test that cannot be judged.
pub fn bad_test(message: impl Into<String>, here: &str, help: &str, span: Span) -> Finding {
    finding(rule::bad_test, message, span).here(here).help(help)
}

/// Expected columns of different lengths.
pub fn uneven(name: &str, count: usize, first: &str, first_count: usize, span: Span, first_span: Span) -> Finding {
    let message = format!("`{name}` has {}, and `{first}` has {first_count}", values(count));
    finding(rule::bad_test, message, span)
        .here(values(count))
        .label(first_span, values(first_count))
        .help("each list holds one value for each row that comes out")
}

fn values(count: usize) -> String {
    format!("{count} value{}", if count == 1 { "" } else { "s" })
}

/// A name in `given` that is neither a dataset of the features nor a parameter.
pub fn unknown_given(name: &str, subject: &str, known: &[String], span: Span) -> Finding {
    let near = did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned);
    let finding = finding(rule::unknown_name, format!("`{subject}` reads no `{name}`"), span).here("not read");
    let finding = match known {
        [] => finding,
        known => finding.note(format!("it reads {}", list_words(known.iter().map(String::as_str), "and"))),
    };
    suggest(finding, near, span)
}

/// A row without a column that something expected is made from.
pub fn incomplete_row(column: &str, dataset: &str, expected: &[String], span: Span) -> Finding {
    let list: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
    let what = list_words(list.iter().map(String::as_str), "and");
    let depends = if list.len() == 1 { "depends" } else { "depend" };
    finding(rule::incomplete_row, format!("this row of `{dataset}` has no `{column}`, on which {what} {depends}"), span)
        .here(format!("`{column}` is missing"))
        .help(format!(
            "add `{column}: …`; only nullable columns and those that nothing expected depends on may be left out"
        ))
}

/// A dataset without rows that something expected is made from.
pub fn no_rows(dataset: &str, subject: &str, span: Span) -> Finding {
    finding(rule::incomplete_row, format!("`{subject}` reads `{dataset}`, and the test gives no rows of it"), span)
        .here("not given")
        .help(format!("add `given {dataset} = [{{ … }}]`, or `given {dataset} = []` for none"))
}

/// A fitted column that is expected without what it learned.
pub fn not_given_fitted(column: &str, fitted: &str, state: &[String], span: Span) -> Finding {
    let fields: Vec<String> = state.iter().map(|name| format!("{name}: …")).collect();
    let message = format!("`{column}` is fitted, and the test does not say what it has learned");
    finding(rule::unfitted_column, message, span)
        .here("known only after training")
        .help(format!("add `given fitted {fitted} = {{ {} }}`", fields.join(", ")))
}

/// `given fitted` of a column that is not fitted.
pub fn not_fitted(name: &str, subject: &str, known: &[String], span: Span) -> Finding {
    let near = did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned);
    let message = format!("`{subject}` has no fitted column `{name}`");
    let finding = finding(rule::unknown_column, message, span).here("not fitted");
    let finding = match known {
        [] => finding,
        known => finding.note(format!("fitted are {}", list_words(known.iter().map(String::as_str), "and"))),
    };
    suggest(finding, near, span)
}

/// A name in what a fitted column has learned.
pub fn unknown_state(name: &str, column: &str, known: &[String], span: Span) -> Finding {
    let near = did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned);
    let message = format!("`{column}` learns no `{name}`");
    let finding = finding(rule::unknown_setting, message, span)
        .here("not learned")
        .note(format!("it learns {}", list_words(known.iter().map(String::as_str), "and")));
    suggest(finding, near, span)
}

/// A given number outside the declared range.
pub fn out_of_range(column: &str, value: &Const, range: Interval, span: Span) -> Finding {
    finding(rule::refused_value, format!("`{column}` is in `{range}`, and this is {}", value.describe()), span)
        .here("refused when data are read")
        .help("give a value that the data may hold, or test that it is refused: `expect error refused_value`")
}

/// A given value that repeats where none may.
pub fn repeated(what: &str, span: Span, first: Span) -> Finding {
    finding(rule::refused_value, format!("{what} occurs twice, and identifies a row"), span)
        .here("refused when data are read")
        .label(first, "the first one")
        .help("give rows that the data may hold, or test that they are refused: `expect error refused_value`")
}

/// `expect error` of something else than what reading data gives.
pub fn not_of_ingest(name: &str, known: &[&'static Code], span: Span) -> Finding {
    let names: Vec<&str> = known.iter().map(|code| code.name).collect();
    let near = did_you_mean(name, names.iter().copied()).map(str::to_owned);
    let finding = finding(rule::bad_test, format!("reading rows never fails with `{name}`"), span)
        .here("not an error of reading")
        .note(format!("it fails with {}", list_words(names.iter().copied(), "or")));
    suggest(finding, near, span)
}
