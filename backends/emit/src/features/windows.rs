//! Calls of `mlp_runtime.windows`: windows over the same rows in the same frame are one call.

use super::{Step, independent, time};
use crate::error::EmitError;
use crate::exprs::{Printer, timedelta};
use crate::names::columns_of;
use crate::py::{Argument, Py};
use mlpc_plan::plan::{Aggregate, Expr, Frame, Window, Zones};

/// Windows none of which reads another: they are computed side by side.
pub fn stages<'a>(windows: &[&'a Window]) -> Vec<Vec<&'a Window>> {
    independent(windows.iter().copied(), |window| (&window.name, reads_any(window)))
}

/// `windows.add(frame, windows.back({…}, …), …)`; `rows_of` gives what holds the rows of a dataset, or those of the frame
/// itself.
///
/// # Errors
///
/// If an expression can't be printed.
pub fn step(
    printer: &mut Printer,
    stage: &[&Window],
    rows_of: impl Fn(Option<&str>) -> String,
) -> Result<Step, EmitError> {
    let mut calls: Vec<(&Window, Vec<(Py, Py)>)> = Vec::new();
    for window in stage {
        let column = (Py::string(&window.name), aggregate(printer, window)?);
        match calls.iter_mut().find(|(first, _)| sees_the_same(first, window)) {
            Some((_, columns)) => columns.push(column),
            None => calls.push((window, vec![column])),
        }
    }
    let calls = calls.into_iter().map(|(window, columns)| {
        let call = call(printer, window, Py::Dict(columns), &rows_of)?;
        Ok(Argument::positional(call))
    });
    Ok(Step::around("windows.add", calls.collect::<Result<_, EmitError>>()?))
}

/// `windows.back({…}, …)` of columns that see what `window` sees.
fn call(
    printer: &mut Printer,
    window: &Window,
    columns: Py,
    rows_of: impl Fn(Option<&str>) -> String,
) -> Result<Py, EmitError> {
    let (here, there, zones) = times(&window.frame);
    let mut arguments =
        vec![Argument::positional(columns), Argument::keyword("time", time(printer, here, zones.here.as_deref()))];
    if !window.by.is_empty() {
        arguments.push(Argument::keyword("by", keys(printer, window.by.iter().map(|(here, _)| here))?));
    }
    if !is_over_itself(window) {
        let rows = Py::name(rows_of(window.source.as_deref()));
        let mut source = vec![
            Argument::keyword("rows", rows),
            Argument::keyword("time", time(printer, there, zones.there.as_deref())),
        ];
        if !window.by.is_empty() {
            source.push(Argument::keyword("by", keys(printer, window.by.iter().map(|(_, there)| there))?));
        }
        arguments.push(Argument::keyword("over", Py::name("windows.Source").call_with(source)));
    }
    let (function, frame) = frame(&window.frame);
    arguments.extend(frame);
    Ok(Py::name(function).call_with(arguments))
}

/// The columns of the row that a window reads: not those of another dataset's rows.
pub fn reads(window: &Window) -> Vec<String> {
    let (here, there, _) = times(&window.frame);
    let mut names = vec![here.to_owned()];
    names.extend(window.by.iter().flat_map(|(here, _)| columns_of(here)));
    if let Aggregate::Rank { own } = &window.aggregate {
        names.extend(columns_of(own));
    }
    if window.source.is_none() {
        names.push(there.to_owned());
        names.extend(window.by.iter().flat_map(|(_, there)| columns_of(there)));
        names.extend(window.value.iter().chain(&window.filter).flat_map(columns_of));
    }
    names
}

/// Also what a column of another dataset is called: two windows that share a name are never taken together.
fn reads_any(window: &Window) -> Vec<String> {
    let values = window.value.iter().chain(&window.filter).flat_map(columns_of);
    reads(window).into_iter().chain(values).collect()
}

fn sees_the_same(one: &Window, other: &Window) -> bool {
    one.source == other.source && one.by == other.by && one.frame == other.frame
}

fn is_over_itself(window: &Window) -> bool {
    let (here, there, _) = times(&window.frame);
    window.source.is_none() && here == there && window.by.iter().all(|(here, there)| here == there)
}

fn times(frame: &Frame) -> (&str, &str, &Zones) {
    match frame {
        Frame::Back { here, there, zones, .. } | Frame::Ahead { here, there, zones, .. } => (here, there, zones),
    }
}

/// Keys: names where they are plain columns.
fn keys<'a>(printer: &mut Printer, keys: impl Iterator<Item = &'a Expr>) -> Result<Py, EmitError> {
    let keys = keys.map(|key| match key {
        Expr::Column { name } => Ok(Py::string(name)),
        _ => printer.expression(key),
    });
    Ok(Py::List(keys.collect::<Result<_, EmitError>>()?))
}

fn frame(frame: &Frame) -> (&'static str, Vec<Argument>) {
    let mut arguments = Vec::new();
    match frame {
        Frame::Back { window_ms, rows, lag_ms, .. } => {
            arguments.extend(window_ms.map(|ms| Argument::keyword("window", timedelta(ms))));
            arguments.extend(rows.map(|rows| Argument::keyword("rows", Py::integer(i64::from(rows)))));
            if *lag_ms != 0 {
                arguments.push(Argument::keyword("lag", timedelta(*lag_ms)));
            }
            ("windows.back", arguments)
        }
        Frame::Ahead { ahead_ms, as_of, .. } => {
            arguments.push(Argument::keyword("ahead", timedelta(*ahead_ms)));
            arguments.extend(as_of.as_ref().map(|as_of| Argument::keyword("as_of", Py::string(as_of))));
            ("windows.ahead", arguments)
        }
    }
}

fn aggregate(printer: &mut Printer, window: &Window) -> Result<Py, EmitError> {
    let mut arguments = Vec::new();
    if let Some(value) = &window.value {
        arguments.push(Argument::positional(printer.expression(value)?));
    }
    let (function, option) = match &window.aggregate {
        Aggregate::Count => ("count", None),
        Aggregate::Sum => ("sum", None),
        Aggregate::Mean => ("mean", None),
        Aggregate::Std => ("std", None),
        Aggregate::Min => ("min", None),
        Aggregate::Max => ("max", None),
        Aggregate::Quantile { q } => ("quantile", Some(Argument::positional(Py::float(*q)))),
        Aggregate::First => ("first", None),
        Aggregate::Last => ("last", None),
        Aggregate::NUnique => ("n_unique", None),
        Aggregate::EwmMean { half_life_ms } => {
            ("ewm_mean", Some(Argument::keyword("half_life", timedelta(*half_life_ms))))
        }
        Aggregate::Lag { n } => ("lag", Some(Argument::positional(Py::integer(i64::from(*n))))),
        Aggregate::Diff { n } => ("diff", Some(Argument::positional(Py::integer(i64::from(*n))))),
        Aggregate::Rank { own } => ("rank", Some(Argument::keyword("own", printer.expression(own)?))),
    };
    arguments.extend(option);
    if let Some(filter) = &window.filter {
        arguments.push(Argument::keyword("where", printer.expression(filter)?));
    }
    Ok(Py::name("windows").attribute(function).call_with(arguments))
}
