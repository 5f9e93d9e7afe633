//! Calls of `mlp_runtime.joins`.

use super::{Step, time};
use crate::error::EmitError;
use crate::exprs::{Printer, timedelta};
use crate::names::columns_of;
use crate::py::{Argument, Py};
use mlpc_plan::plan::{Join, Known};

/// `joins.by_key(frame, …)`, `joins.latest(frame, …)`.
///
/// # Errors
///
/// If an expression can't be printed.
pub fn step(printer: &mut Printer, join: &Join, other: &str) -> Result<Step, EmitError> {
    let latest = join.known.as_ref().is_some_and(|known| known.latest);
    let on = join.on.iter().map(|(value, column)| Ok((Py::string(column), printer.expression(value)?)));
    let on = Py::Dict(on.collect::<Result<_, EmitError>>()?);
    let take = join.columns.iter().map(|(there, here)| (Py::string(here), Py::string(there))).collect();
    let mut arguments = vec![
        Argument::positional(Py::name(other)),
        Argument::keyword("on", on),
        Argument::keyword("take", Py::Dict(take)),
    ];
    arguments.extend(join.known.iter().flat_map(|when| known(printer, when)));
    let function = if latest { "joins.latest" } else { "joins.by_key" };
    Ok(Step::around(function, arguments))
}

/// The columns of the row that a join reads.
pub fn reads(join: &Join) -> Vec<String> {
    let keys = join.on.iter().flat_map(|(value, _)| columns_of(value));
    keys.chain(join.known.iter().map(|known| known.here.clone())).collect()
}

fn known(printer: &mut Printer, known: &Known) -> Vec<Argument> {
    let mut arguments = vec![
        Argument::keyword("time", time(printer, &known.here, known.zones.here.as_deref())),
        Argument::keyword("their_time", time(printer, &known.there, known.zones.there.as_deref())),
    ];
    if known.available_ms != 0 {
        arguments.push(Argument::keyword("available", timedelta(known.available_ms)));
    }
    arguments.extend(known.within_ms.map(|ms| Argument::keyword("within", timedelta(ms))));
    if let Some(until) = &known.until {
        arguments.push(Argument::keyword("until", time(printer, until, known.zones.until.as_deref())));
    }
    arguments
}
