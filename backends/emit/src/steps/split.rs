//! The step that assigns rows to parts and folds.

use super::{Context, Parts};
use crate::error::EmitError;
use crate::exprs::span;
use crate::features::ROW;
use crate::py::{Argument, Py, flat};
use mlpc_plan::plan::{Days, Folds, Split, SplitBy};

pub(super) fn split(context: &Context<'_>, split: &Split) -> Result<Parts, EmitError> {
    context.require(&["rows"], &["parts"])?;
    let by_days = !split.days.is_empty();
    let (names, constant) = if by_days { ("DAYS", days(split)?) } else { ("SHARES", shares(split)) };
    let (function, how) = way(split);
    let call = Py::name("split").attribute(function).call_with(arguments(split, names));
    let mut parts = Parts::new(
        format!("Assign each row to a part of `{}`, {how}.", split.name),
        "Assign rows to parts; fail if a part lacks rows or classes.",
    )
    .constant(names, &constant)
    .line("rows = table.read(args.rows)")
    .line(format!("parts = {}", flat(&call)));
    let mut summary = vec![Argument::positional(Py::name("counts"))];
    if let Some(folds) = split.folds {
        parts = parts.line(format!("parts = {}", flat(&fold_call(split, folds))));
        summary.push(Argument::keyword("folds", Py::integer(i64::from(folds.total()))));
    }
    parts = parts.line(format!("counts = split.require_rows(parts, {names})"));
    if let Some(label) = &split.label {
        let label = flat(&Py::string(label));
        parts = parts.line(format!("split.require_classes(rows, parts, label={label})"));
    }
    let summary = flat(&Py::name("split.summary").call_with(summary));
    Ok(parts.line("table.write(parts, args.parts)").line(format!("return step.Result(rows=counts, summary={summary})")))
}

fn shares(split: &Split) -> Py {
    Py::Dict(split.shares.iter().map(|(part, share)| (Py::string(part), Py::float(*share))).collect())
}

/// `{"train": (None, date(2013, 11, 1)), …}`.
fn days(split: &Split) -> Result<Py, EmitError> {
    let item = |(part, days): (&String, &Days)| {
        Ok((Py::string(part), Py::Tuple(vec![day(days.from.as_deref())?, day(days.until.as_deref())?])))
    };
    split.days.iter().map(item).collect::<Result<_, EmitError>>().map(Py::Dict)
}

fn day(iso: Option<&str>) -> Result<Py, EmitError> {
    let Some(iso) = iso else { return Ok(Py::name("None")) };
    let numbers: Vec<i64> = iso.split('-').filter_map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [_, _, _] => Ok(Py::name("date").call(numbers.into_iter().map(Py::integer))),
        _ => Err(EmitError::Date(iso.to_owned())),
    }
}

/// The function that splits so, and the same in words.
fn way(split: &Split) -> (&'static str, String) {
    match &split.by {
        SplitBy::Random => ("random", "by a hash of the key".to_owned()),
        SplitBy::Stratified(column) => ("stratified", format!("by a hash of the key within each `{column}`")),
        SplitBy::Group(column) => ("group", format!("by a hash of `{column}`")),
        SplitBy::Time { timestamp, .. } if split.days.is_empty() => ("time", format!("in order of `{timestamp}`")),
        SplitBy::Time { timestamp, .. } => ("days", format!("by the day of `{timestamp}`")),
    }
}

fn arguments(split: &Split, names: &str) -> Vec<Argument> {
    let key = if split.key.is_empty() { vec![ROW.to_owned()] } else { split.key.clone() };
    let by_hash = !matches!(split.by, SplitBy::Time { .. });
    let mut arguments = vec![Argument::positional(Py::name("rows"))];
    if by_hash {
        arguments.push(text("name", &split.name));
    }
    arguments.push(Argument::keyword("key", Py::strings(&key)));
    arguments.push(Argument::keyword(names.to_lowercase(), Py::name(names)));
    if by_hash {
        arguments.push(Argument::keyword("seed", Py::name("args.seed")));
    }
    match &split.by {
        SplitBy::Random => {}
        SplitBy::Stratified(column) | SplitBy::Group(column) => arguments.push(text("column", column)),
        SplitBy::Time { timestamp, gap_ms, group, timezone } => {
            arguments.push(text("timestamp", timestamp));
            arguments.push(length("gap", *gap_ms));
            if let Some(zone) = timezone.as_ref().filter(|zone| !split.days.is_empty() && *zone != "UTC") {
                arguments.push(text("zone", zone));
            }
            arguments.extend(group.iter().map(|column| text("group", column)));
        }
    }
    arguments
}

/// How the training part is divided.
fn fold_call(split: &Split, folds: Folds) -> Py {
    let mut arguments = vec![Argument::positional(Py::name("rows")), Argument::positional(Py::name("parts"))];
    let number = |name: &str, value: u32| Argument::keyword(name, Py::integer(i64::from(value)));
    match folds {
        Folds::Hashed { count, times, inner } => {
            arguments.push(text("name", &split.name));
            arguments.push(number("count", count));
            arguments.push(Argument::keyword("seed", Py::name("args.seed")));
            arguments.extend((times > 1).then(|| number("times", times)));
            arguments.extend((inner > 0).then(|| number("inner", inner)));
            match &split.by {
                SplitBy::Stratified(column) => arguments.push(text("strata", column)),
                SplitBy::Group(column) => arguments.push(text("group", column)),
                SplitBy::Random | SplitBy::Time { .. } => {}
            }
            Py::name("split.folds").call_with(arguments)
        }
        Folds::WalkForward { count, test_ms, window_ms } => {
            if let SplitBy::Time { timestamp, gap_ms, group, .. } = &split.by {
                arguments.push(text("timestamp", timestamp));
                arguments.push(number("count", count));
                arguments.push(length("test", test_ms));
                arguments.push(length("gap", *gap_ms));
                arguments.extend(window_ms.map(|window| length("window", window)));
                arguments.extend(group.iter().map(|column| text("group", column)));
            }
            Py::name("split.walk_forward").call_with(arguments)
        }
    }
}

fn text(name: &str, value: &str) -> Argument {
    Argument::keyword(name, Py::string(value))
}

/// `gap=timedelta(days=1)`.
fn length(name: &str, ms: i64) -> Argument {
    Argument::keyword(name, Py::name("timedelta").call_with(vec![span(ms)]))
}
