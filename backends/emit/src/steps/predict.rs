//! The step that scores rows with a registered model.

use super::{Context, Parts, argument};
use crate::error::EmitError;
use crate::names::module_name;
use crate::py::{Argument, Py, flat};
use mlpc_plan::plan::{Predict, PredictFormat, PredictRows};

/// Inputs that are no datasets.
const OWN_INPUTS: [&str; 2] = ["champion", "previous"];

pub(super) fn predict(context: &Context<'_>, predict: &Predict) -> Result<Parts, EmitError> {
    let set = context.features(&predict.features)?;
    context.require(&["champion"], &["predictions"])?;
    let module = module_name(&predict.features);
    let datasets = context.step.inputs.keys().filter(|name| !OWN_INPUTS.contains(&name.as_str()));
    let given = datasets.map(|name| Ok((Py::string(name), argument(name)?))).collect::<Result<_, EmitError>>()?;
    let load = vec![
        Argument::positional(Py::name("args.champion")),
        Argument::keyword("of", Py::string(&predict.model)),
        Argument::keyword("alias", Py::string(&predict.alias)),
    ];
    let (which, rows) = match predict.rows {
        PredictRows::All => ("all", "the rows"),
        PredictRows::New => ("new", "the rows that were not scored before"),
        PredictRows::Unlabelled => ("unlabelled", "the rows that have no label yet"),
    };
    let format = PredictFormat::of(&predict.output);
    let write = if format == PredictFormat::Csv { "table.write_csv" } else { "table.write" };
    let mut score = vec![
        Argument::positional(Py::name("champion")),
        Argument::positional(Py::Dict(given)),
        Argument::keyword("today", Py::name(&module)),
    ];
    score.extend(set.timestamp.as_deref().map(|time| Argument::keyword("timestamp", Py::string(time))));
    if predict.rows != PredictRows::All {
        score.push(Argument::keyword("which", Py::string(which)));
    }
    if predict.rows == PredictRows::New {
        context.require(&["previous"], &[])?;
        score.push(Argument::keyword("previous", Py::name("args.previous")));
        if format == PredictFormat::Csv {
            score.push(Argument::keyword("previous_format", Py::string("csv")));
        }
    }
    let title = format!("Score {rows} with the {} of `{}`: `{}`.", predict.alias, predict.model, predict.name);
    let mut parts = Parts::new(title, "Predict with the version that holds the alias, by its own features.")
        .line(format!("champion = {}", flat(&Py::name("predict.champion").call_with(load))))
        .line(format!("scored = {}", flat(&Py::name("predict.score").call_with(score))))
        .line(format!("{write}(scored.rows, args.predictions)"))
        .line("return step.Result(rows={\"scored\": scored.count}, summary=scored.summary())");
    parts.features = Some(module);
    Ok(parts)
}
