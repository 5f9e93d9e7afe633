//! What is wrong with a block that scores rows.

use super::{bad_value, finding};
use crate::typed::Finding;
use mlpc_db::Place;
use mlpc_diagnostics::{Span, rule};

/// Scoring rows that nothing tells apart.
pub fn predict_needs_key(features: &str, dataset: &str, place: Place, span: Span) -> Finding {
    finding(rule::predict_needs_key, format!("predictions for the rows of `{features}` need a key"), span)
        .here("whose predictions?")
        .label(place, format!("its rows are those of `{dataset}`, which has no `key`"))
        .help(format!("declare `key = …` in `{dataset}`: it is how a prediction is told from the others"))
}

/// A key or time that is called like a column of predictions.
pub fn prediction_column_taken(column: &str, place: Place, span: Span) -> Finding {
    finding(rule::output_clash, format!("predictions have a column `{column}` of their own"), span)
        .here("two columns of one name")
        .label(place, format!("`{column}` is its key or time"))
        .help("give the column another name with `name: type from \"Column\"` in the schema")
}

/// An output that the program reads or writes elsewhere.
pub fn output_clash(path: &str, keyword: &str, name: &str, place: Place, span: Span) -> Finding {
    let does = if keyword == "dataset" { "reads" } else { "writes" };
    finding(rule::output_clash, format!("`{path}` is also what `{name}` {does}"), span)
        .here("would overwrite it")
        .label(place, format!("`{name}` {does} it"))
        .help("write to another file")
}

/// An output at a place where nothing may be written.
pub fn bad_output(format: &str, path: &str, span: Span) -> Finding {
    let kind = if format == "csv" { "CSV" } else { "Parquet" };
    bad_value(format!("`{path}` is no {kind} file within the project"), "not written there", span)
        .help(format!("as `{format}(\"predictions/late.{format}\")`, relative to this file"))
}
