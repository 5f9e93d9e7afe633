//! Wording of what is found about time, lineage and access.

use super::{finding, suggest};
use crate::typed::Finding;
use mlpc_db::Place;
use mlpc_diagnostics::{Applicability, Diagnostic, Span, list_words, rule};

/// One hop of a path through the program: where, and what it says.
pub type Hop = (Place, String);

/// A span of time as the language writes it: `1d12h`, `0s`. Seven days stay days, as they do beside 30.
#[must_use]
pub fn duration(ms: i64) -> String {
    const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = ms;
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            text += &format!("{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn labelled(first: Finding, hops: Vec<Hop>) -> Finding {
    hops.into_iter().fold(first, |finding, (place, text)| finding.label(place, text))
}

// --- windows ---------------------------------------------------------------------------------------------------------

/// Something before `over` that is no call of an aggregate.
pub fn not_an_aggregate(span: Span) -> Finding {
    finding(rule::bad_arguments, "`over` follows an aggregate", span)
        .here("not an aggregate")
        .help("write `mean(x) over (by: key, window: 7d)`")
}

/// An aggregate that does not exist.
pub fn unknown_aggregate<'a>(
    name: &str,
    near: Option<String>,
    known: impl Iterator<Item = &'a str>,
    span: Span,
) -> Finding {
    let finding = finding(rule::unknown_function, format!("there is no aggregate `{name}`"), span)
        .here("unknown aggregate")
        .note(format!("there is {}", list_words(known, "and")));
    suggest(finding, near, span)
}

/// An aggregate over rows where there is one row.
pub fn aggregate_without_over(name: &str, span: Span) -> Finding {
    let way = format!("say which: `{name}(…) over (by: key, window: 7d)`");
    finding(rule::bad_arguments, format!("`{name}` aggregates rows, and a column has one value a row"), span)
        .here("of which rows?")
        .help(format!("{way}; of several values of one row take `least` or `greatest`"))
}

/// A window where there are no rows in time.
pub fn window_outside_features(aggregate: &str, place: &str, span: Span) -> Finding {
    let message = format!("`{aggregate} … over` belongs in a column, `let`, filter or label, not in {place}");
    finding(rule::bad_arguments, message, span).here("no rows to look at")
}

/// `rank` of another dataset's rows.
pub fn rank_of_other_rows(span: Span) -> Finding {
    finding(rule::bad_arguments, "`rank` compares a row with earlier ones of its own table", span)
        .here("another dataset has no row of its own here")
}

/// `a = b` outside `by`.
pub fn pair_outside_by(here: &str, there: &str, span: Span) -> Finding {
    finding(rule::bad_arguments, "`=` pairs two names in `by` only", span)
        .here("not a value")
        .help(format!("`{here} == {there}` compares, `{here}: {there}` names an argument"))
}

/// A column of this table in an aggregate over another.
pub fn outside_source(name: &str, table: &str, span: Span) -> Finding {
    let message = format!("an aggregate reads one table, and `{name}` is not a column of `{table}`");
    finding(rule::unknown_column, message, span)
        .here("of another table")
        .help(format!("write `{table}.column` for its columns; this row's own values come in by `by`"))
}

/// A window, lag or horizon that is not positive.
pub fn backward_duration(name: &str, span: Span) -> Finding {
    finding(rule::future_leakage, format!("`{name}` looks back, and a negative one would look ahead"), span)
        .here("reaches past the row's own time")
        .help("only a label may look ahead: `label x = … over (ahead: 30d)`")
}

// --- availability ----------------------------------------------------------------------------------------------------

/// A feature that is not known when a prediction is asked for. The hops lead from what it reads to the source.
pub fn future_leakage(feature: &str, place: Place, known_ms: i64, hops: Vec<Hop>, names: &[String]) -> Finding {
    let message = format!("the feature `{feature}` is known only {} after its row's time", duration(known_ms));
    let first = Diagnostic::new(rule::future_leakage, message, place).here("not known when a prediction is asked for");
    let finding = labelled(first, hops);
    let finding = if names.len() > 2 { finding.note(format!("path: {}", names.join(" → "))) } else { finding };
    finding.help("use its history instead, as `mean(x) over (by: key, window: 7d)`, or `let` if only a report needs it")
}

/// An `ahead` outside a label.
pub fn looks_ahead(span: Span) -> Finding {
    finding(rule::future_leakage, "only a label may look ahead", span)
        .here("information from after the prediction")
        .help("a feature looks back: `window: 7d`")
}

/// A window that ends before its values are known.
pub fn lag_too_short(what: &str, lag: i64, known: i64, span: Span, value: Span) -> Finding {
    let (known, lag) = (duration(known), duration(lag));
    let message = format!("this window ends {lag} before the row, and {what} is known only after {known}");
    finding(rule::lag_too_short, message, span)
        .here(format!("rows of the last {known} are not known yet"))
        .label(value, format!("known after {known}"))
        .help(format!("leave `lag` out, or write `lag: {known}`"))
        .fix(Applicability::Safe, format!("write `{known}`"), span, known)
}

/// A join as of another time than the row's own.
pub fn asof_another_time(name: &str, time: &str, span: Span) -> Finding {
    finding(
        rule::asof_from_future,
        format!("a join as of `{name}` could reach past the row's own time, `{time}`"),
        span,
    )
    .here("not the row's time")
    .help(format!("write `asof {time}`, or leave the name out"))
    .fix(Applicability::Safe, format!("write `{time}`"), span, time.to_owned())
}

/// An as-of join that takes rows of any age.
pub fn asof_without_within(dataset: &str, span: Span) -> Finding {
    finding(rule::asof_without_within, format!("the latest row of `{dataset}` may be of any age"), span)
        .here("no `within`")
        .help("say how old a row may be: `within 2h`")
}

/// `within` without `asof`.
pub fn within_without_asof(span: Span) -> Finding {
    finding(rule::bad_value, "`within` says how old the row of an `asof` join may be", span).here("not an `asof` join")
}

/// Today's value at an earlier moment.
pub fn not_constant(column: &str, sources: &str, span: Span) -> Finding {
    let message = format!("`{column}` holds today's value, and the rows of {sources} are earlier moments");
    let constant = format!("declare `{column}: … constant` if it never changes for a key");
    finding(rule::not_constant, message, span)
        .here("what was it then?")
        .help(format!("{constant}, or `valid = from..<until` if the data hold its versions"))
}

/// A filter by what is known later, on something that is not the label's.
pub fn selection_bias(column: &str, known_ms: i64, span: Span, source: Place, label: Option<(&str, Place)>) -> Finding {
    let known = duration(known_ms);
    let first = finding(
        rule::selection_bias,
        format!("this filter chooses rows by `{column}`, known only {known} later"),
        span,
    )
    .here("when a prediction is asked for, nobody knows which rows would stay")
    .label(source, format!("`{column}` is known after {known}"));
    let first = match label {
        Some((name, place)) => first.label(place, format!("the label `{name}` does not depend on it")),
        None => first,
    };
    first.help("filter by what is known at once; a filter known later may only name what the label is made of")
}

// --- tags and access -------------------------------------------------------------------------------------------------

/// A tagged column in a place where it must not come.
pub fn tagged_flow(what: &str, sink: &str, tags: &[String], place: Place, hops: Vec<Hop>) -> Finding {
    let shown: Vec<String> = tags.iter().map(|tag| format!("@{tag}")).collect();
    let shown = list_words(shown.iter().map(String::as_str), "and");
    let first = Diagnostic::new(rule::tagged_flow, format!("`{what}` is {shown} and reaches {sink}"), place)
        .here(format!("reaches {sink}"))
        .about(what);
    let allow = format!("`allow MLP0507({what}) because \"…\"`");
    labelled(first, hops).help(format!("leave it out, put it through a function that removes the tag, or {allow}"))
}

/// Production data without all that opens it.
pub fn open_production(missing: &str, span: Span) -> Finding {
    finding(rule::open_production, format!("production data needs {missing}"), span)
        .here("open to anybody")
        .help("write `access = production(role: \"flights-ro\", approval: \"SEC-142\")`")
}

/// Production data read under several roles at once.
pub fn several_roles(block: &str, roles: &[String], place: Place, hops: Vec<Hop>) -> Finding {
    let message = format!("`{block}` reads data of the roles {}", list_words(roles.iter().map(String::as_str), "and"));
    labelled(Diagnostic::new(rule::production_access, message, place).here("a step runs under one role"), hops)
        .help("read each under its role in features of its own, or ask for one role that covers both")
}

/// Production data read by a step that does not run under its role.
pub fn step_without_role(input: &str, role: &str, place: Span, source: Place) -> Finding {
    finding(rule::production_access, format!("`{input}` is production data of the role `{role}`"), place)
        .here("this step does not run under it")
        .label(source, "production data")
        .help(format!("add `role = \"{role}\"` to the step, or let it read what the pipeline has made of the data"))
}

// --- samples ---------------------------------------------------------------------------------------------------------

/// Sampling rows that nothing identifies.
pub fn sample_needs_key(dataset: &str, span: Span) -> Finding {
    finding(rule::join_needs_key, format!("`sample` looks at each key of `{dataset}`, and it has none"), span)
        .here("one row per key and moment")
        .help(format!("declare `key = …` in `{dataset}`"))
}

/// Sampling sampled rows.
pub fn sampled_twice(span: Span) -> Finding {
    finding(rule::duplicate_name, "these features are sampled already", span).here("their rows are moments")
}

/// A statistic of the label over rows among which each row's own is.
pub fn own_label_statistic(feature: &str, label: &str, place: Place, label_place: Place, hops: Vec<Hop>) -> Finding {
    let message = format!("`{feature}` is a statistic of the label `{label}` over rows among which each row's own is");
    let finding =
        Diagnostic::new(rule::own_label_statistic, message, place).here("tells each training row its own label");
    let finding = hops.into_iter().fold(finding, |finding, (place, text)| finding.label(place, text));
    finding
        .label(label_place, "the label")
        .help("use `target_encode(key)`, which gives each training row a value from other rows only")
}
