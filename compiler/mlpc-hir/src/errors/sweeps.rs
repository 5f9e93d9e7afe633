//! What is wrong with a sweep: its dimensions, its strategy, what it seeks.

use super::{finding, suggest};
use crate::typed::{Const, Finding};
use crate::types::Interval;
use mlpc_db::Place;
use mlpc_diagnostics::{Span, did_you_mean, list_words, rule};

/// A dimension that the trainer does not have.
pub fn unknown_dimension<'a>(
    trainer: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    span: Span,
) -> Finding {
    let near = did_you_mean(name, known).map(str::to_owned);
    let message = format!("`{trainer}` has no hyperparameter `{name}`");
    suggest(finding(rule::unknown_dimension, message, span).here("nothing to search"), near, span)
}

/// A value of a dimension that the trainer does not take.
pub fn dimension_range(trainer: &str, name: &str, range: Interval, value: &Const, span: Span) -> Finding {
    let message = format!("`{name}` of `{trainer}` is in `{range}`, and this reaches {}", value.describe());
    finding(rule::dimension_range, message, span).here("out of range")
}

/// A value of a dimension that is of another type.
pub fn dimension_type(trainer: &str, name: &str, wanted: &str, value: &str, span: Span) -> Finding {
    let message = format!("`{name}` of `{trainer}` takes `{wanted}`, and this is {value}");
    finding(rule::dimension_range, message, span).here("wrong type")
}

/// A domain that is none.
pub fn bad_domain(message: impl Into<String>, here: &str, help: &str, span: Span) -> Finding {
    finding(rule::bad_domain, message, span).here(here).help(help)
}

/// A hyperparameter that the train block sets.
pub fn set_and_searched(name: &str, train: &str, set: Place, span: Span) -> Finding {
    finding(rule::set_and_searched, format!("`{name}` is searched here and set by `{train}`"), span)
        .here("searched")
        .label(set, "set here")
        .help(format!("leave `{name}` out of `{train}`"))
}

/// A split whose rows all train or judge at the end.
pub fn nothing_to_choose_by(split: &str, place: Place, span: Span) -> Finding {
    let message = format!("the split `{split}` has neither a validation part nor folds to choose by");
    finding(rule::nothing_to_choose_by, message, span)
        .here("chosen by what?")
        .label(place, "this split")
        .help("give it `validation = 15%`, or `folds = 5`: the test part judges once, at the end")
}

/// A metric that is sought in the direction in which models are worse.
pub fn wrong_direction(metric: &str, asked: &str, better: &str, span: Span) -> Finding {
    let message = format!("`{asked}({metric})` seeks the worst model: of `{metric}`, {better} is better");
    let instead = if asked == "maximize" { "minimize" } else { "maximize" };
    finding(rule::wrong_direction, message, span).here("the wrong way").help(format!("write `{instead}({metric})`"))
}

/// A grid with more points than it may have.
pub fn grid_too_large(points: u64, budget: u64, sizes: &[(String, usize)], span: Span) -> Finding {
    let sizes = sizes.iter().map(|(name, size)| format!("{size} of `{name}`")).collect::<Vec<_>>();
    let message = format!("this grid has {points} points, and its budget is {budget}");
    finding(rule::grid_too_large, message, span)
        .here("too many")
        .note(format!("it crosses {}", list_words(sizes.iter().map(String::as_str), "and")))
        .help("take values out, or draw points: `random(trials: 40)`, `tpe(trials: 40)`")
}

/// A strategy that does not fit what it should search.
pub fn strategy_misfit(message: impl Into<String>, here: &str, help: &str, span: Span) -> Finding {
    finding(rule::strategy_misfit, message, span).here(here).help(help)
}

/// Models that learn from other rows than the first.
pub fn candidates_differ(first: &str, other: &str, what: &str, places: [Place; 2], span: Span) -> Finding {
    let [here, there] = places;
    finding(rule::candidates_differ, format!("`{first}` and `{other}` learn from different {what}"), span)
        .here("cannot be compared")
        .label(here, format!("`{first}`"))
        .label(there, format!("`{other}`"))
        .help("give them the same `data`")
}
