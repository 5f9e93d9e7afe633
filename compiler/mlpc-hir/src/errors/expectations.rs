//! Wording of what is found about expectations.

use super::{finding, suggest};
use crate::library::Takes;
use crate::typed::Finding;
use crate::types::{Interval, Ty, TyKind};
use mlpc_diagnostics::{Span, did_you_mean, list_words, rule};

/// A distance as a part of something else.
pub fn distance_not_alone(measure: &str, span: Span) -> Finding {
    finding(rule::wrong_distance, format!("`{measure}` is compared with numbers and nothing else"), span)
        .here("not one bound on one distance")
        .help(format!(
            "write `{measure}(column, against: …) < 0.2`, and an expectation of its own for whatever else must hold"
        ))
}

/// A distance of something that is no column.
pub fn distance_of_expression(measure: &str, span: Span) -> Finding {
    finding(rule::wrong_distance, format!("`{measure}` measures a column, because profiles are kept by column"), span)
        .here("not a column of the dataset")
}

/// A distance of a column that it cannot be measured of.
pub fn distance_of_kind(measure: &str, column: &str, takes: Takes, found: &Ty, span: Span) -> Finding {
    let message = format!("`{measure}` measures {}, and `{column}` is `{}`", takes.describe(), found.kind);
    let finding = finding(rule::wrong_distance, message, span).here(format!("`{}`", found.kind));
    match (&found.kind, takes) {
        (TyKind::String, Takes::Levels | Takes::Distribution) => {
            finding.help(format!("declare `{column}` as a `category` if it has a limited number of values"))
        }
        (TyKind::Category(_) | TyKind::Bool, Takes::Numbers) => {
            finding.help("use `drift`, `jensen_shannon`, `chi_squared` or `cramers_v`")
        }
        (TyKind::Int | TyKind::Float, Takes::Levels) => {
            finding.help("use `drift`, `jensen_shannon`, `ks` or `wasserstein`")
        }
        _ => finding.help("`null_rate_change` measures any column"),
    }
}

/// A comparison with a profile that there is not.
pub fn unknown_profile(name: &str, known: &[String], span: Span) -> Finding {
    let near = did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned);
    let message = match name {
        "" => "`against` names an earlier profile".to_owned(),
        name => format!("there is no profile `{name}` to compare with"),
    };
    let finding = finding(rule::unknown_profile, message, span)
        .here(format!("not {}", list_words(known.iter().map(String::as_str), "or")))
        .note("`reference` is pinned by `mlp.lock`, `previous` is of the last run that succeeded");
    suggest(finding, near, span)
}

/// An expectation that all data meet, or none.
pub fn expectation_cannot_fail(always: bool, measured: &str, range: Interval, span: Span) -> Finding {
    let what = if always { "all data meet" } else { "no data can meet" };
    finding(rule::expectation_cannot_fail, format!("{what} this expectation"), span)
        .here(if always { "always holds" } else { "never holds" })
        .note(format!("`{measured}` is in `{range}`"))
        .help("give a bound that tells good data from bad")
}

/// A reference of a tagged column.
pub fn tagged_reference(column: &str, tag: &str, span: Span) -> Finding {
    let message = format!("the reference would keep values of `{column}`, which is tagged `@{tag}`");
    finding(rule::tagged_reference, message, span)
        .here(format!("tagged `@{tag}`"))
        .note("a reference is a file of the project, and its history holds it for good")
        .help("compare it with `previous`, whose profile stays in the storage of runs")
}
