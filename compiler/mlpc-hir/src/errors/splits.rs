//! What is wrong with a split: parts, folds, and rows that know what they should not.

use super::{bad_value, duration, finding, wrong_form};
use crate::typed::Finding;
use mlpc_db::Place;
use mlpc_diagnostics::{Applicability, Span, rule};

/// A part that is neither a share nor a stretch of days.
pub fn bad_part(name: &str, span: Span) -> Finding {
    wrong_form(name, "a share, as `20%`, or days, as `date(\"2013-10-01\")..`", span)
}

/// Days in a split that does not go by time.
pub fn days_without_time(name: &str, by: &str, span: Span) -> Finding {
    bad_value(format!("`{name}` is given by days, and this split goes by {by}"), "days of what?", span)
        .help("write a share, as `20%`, or split `by = time`")
}

/// Shares beside days.
pub fn mixed_parts(first: Span, span: Span) -> Finding {
    bad_value("the parts are all shares or all days", "the other kind", span).label(first, "the first of them")
}

/// A part that begins before an earlier one ends.
pub fn overlapping_parts(earlier: &str, later: &str, first: Span, span: Span) -> Finding {
    bad_value(format!("`{later}` begins before `{earlier}` ends"), "rows of both", span)
        .label(first, format!("`{earlier}`"))
        .help(format!("let `{earlier}` end where `{later}` begins: `..<date(…)` and `date(…)..`"))
}

/// A part that cannot hold a row.
pub fn empty_part(name: &str, why: &str, span: Span) -> Finding {
    bad_value(format!("no row can fall into `{name}`: {why}"), "always empty", span)
}

/// A part beside folds.
pub fn part_beside_folds(name: &str, folds: Span, span: Span) -> Finding {
    bad_value(format!("`folds` takes the place of `{name}`"), "given twice over", span)
        .label(folds, "each fold has a training and a validation part of its own")
        .help(format!("leave `{name}` out: all but the test part is divided into folds"))
}

/// Folds that the way to split cannot have.
pub fn folds_misfit(way: &str, by: &str, help: &str, span: Span) -> Finding {
    bad_value(format!("{way} does not go with a split by {by}"), "rows are divided another way", span).help(help)
}

/// A setting that only a split by time has.
pub fn needs_time(setting: &str, by: &str, span: Span) -> Finding {
    bad_value(format!("`{setting}` is of a split by time, and this one goes by {by}"), "has no effect here", span)
}

/// A part of a split that the split does not have.
pub fn no_such_part(split: &str, part: &str, help: &str, span: Span) -> Finding {
    bad_value(format!("the split `{split}` has no part `{part}`"), "nothing to read", span).help(help)
}

/// A part that is not there to be trained on.
pub fn trains_on(part: &str, span: Span) -> Finding {
    bad_value(format!("a model is trained on the training part, and this is `{part}`"), "not to be fitted on", span)
        .help("name the split alone: `data = parts`")
}

/// A gap that lets training rows know of a later part.
pub fn gap_too_small(gap_ms: i64, needed_ms: i64, reason: &str, label: Option<Place>, span: Span) -> Finding {
    let (gap, needed) = (duration(gap_ms), duration(needed_ms));
    let found = finding(rule::gap_too_small, format!("a gap of {gap} is too small: {needed} is enough"), span)
        .here(format!("less than {needed}"))
        .note(reason)
        .note("a training row closer than that to a later part tells what happens in that part")
        .help(format!("write `gap = {needed}`, or leave it out: that is the default"));
    let fixed = found.fix(Applicability::Unsafe, format!("write `{needed}`"), span, needed);
    match label {
        Some(place) => fixed.label(place, "the label"),
        None => fixed,
    }
}

/// A split by chance of rows that know of other times.
pub fn random_split_in_time(way: &str, what: &str, name: &str, place: Place, span: Span) -> Finding {
    let message = format!("a {way} split of rows that know of other times: `{name}` is {what}");
    finding(rule::random_split_in_time, message, span)
        .here("rows of one time fall into several parts")
        .label(place, what)
        .note("a training row then tells what a row of the test part is to be judged by")
        .help("write `by = time`")
}

/// A split by chance of rows that have a time.
pub fn random_split_with_time(way: &str, timestamp: &str, features: Place, span: Span) -> Finding {
    finding(rule::random_split_with_time, format!("a {way} split of rows that have a time, `{timestamp}`"), span)
        .here("trains on rows later than those that judge")
        .label(features, format!("its rows have the time `{timestamp}`"))
        .note("a model in use is always asked about later rows than it has seen")
        .help("write `by = time`, or say with `allow` why the order does not matter")
}

/// Groups of one row each.
pub fn group_is_key(column: &str, dataset: &str, span: Span) -> Finding {
    finding(rule::group_overlap, format!("`{column}` is the key of `{dataset}`, so each group is one row"), span)
        .here("keeps nothing together")
        .help("name the column whose rows belong together, or split `by = random`")
}

/// Rows of one entity in several parts.
pub fn group_overlap(kept: &str, entity: &[&str], features: Place, span: Span) -> Finding {
    let first = entity.first().copied().unwrap_or_default();
    let several: Vec<String> = entity.iter().map(|name| format!("`{name}`")).collect();
    let several = mlpc_diagnostics::list_words(several.iter().map(String::as_str), "and").replace("``", "`");
    let message = format!("rows of one {several} can fall into several parts");
    finding(rule::group_overlap, message, span)
        .here(format!("keeps rows of one `{kept}` together"))
        .label(features, format!("these features are made per {several}, of which there are several rows by the key"))
        .note("what a training row tells of its group, a row of the test part may share")
        .help(format!("write `by = group({first})`, or group the features by `{kept}` too"))
}

/// Rows that judge, used to fit.
pub fn trains_on_test(split: &str, span: Span) -> Finding {
    finding(rule::test_reused, format!("a model is trained on the test part of `{split}`"), span)
        .here("these rows judge")
        .note("a model that has seen the rows which judge it is judged by its memory")
        .help(format!("write `data = {split}`"))
}

/// A test part that decides a second time.
pub fn second_choice(split: &str, gate: &str, first_gate: &str, places: [Place; 2], span: Span) -> Finding {
    let [first, report] = places;
    let message = format!("the test part of `{split}` decides twice: for `{first_gate}` and for `{gate}`");
    finding(rule::test_reused, message, span)
        .here("chooses by rows that have chosen already")
        .label(first, "the first decision")
        .label(report, "another report on the same rows")
        .note("the better of several on the test part is better there by chance, too: its metrics are no longer honest")
        .help("choose among models by `on = validation`, and let one gate judge what was chosen")
}
