//! Steps that decide: gate and register.

use super::data::origin;
use super::learn::metrics;
use super::{Context, Parts, argument};
use crate::error::EmitError;
use crate::py::{Argument, Py, flat, operator};
use indexmap::IndexMap;
use mlpc_plan::plan::{Evaluate, Gate, InputRef, Quantity, Register, Requirement, StepSpec};

pub(super) fn gate(context: &Context<'_>, gate: &Gate) -> Result<Parts, EmitError> {
    context.require(&["metrics"], &["verdict"])?;
    let requirements = gate.requirements.iter().map(requirement).collect::<Result<Vec<_>, _>>()?;
    let mut decide = vec![
        Argument::positional(Py::string(&gate.name)),
        Argument::positional(Py::name("REQUIREMENTS")),
        Argument::keyword("metrics", Py::name("args.metrics")),
        Argument::keyword("verdict", Py::name("args.verdict")),
        Argument::keyword("min_rows", Py::integer(i64::try_from(gate.min_rows).unwrap_or(i64::MAX))),
    ];
    let title = format!("The gate `{}`: lets a model through, or refuses it with the reasons.", gate.name);
    let mut parts = Parts::new(title, "Judge every requirement.").constant("REQUIREMENTS", &Py::List(requirements));
    let quantities = gate.quantities();
    if quantities.iter().any(|quantity| matches!(quantity, Quantity::Champion(_))) {
        parts = champion(context, parts)?;
        decide.push(Argument::keyword("champion", Py::name("champion")));
    } else if gate.resamples() {
        parts = metrics(parts, judging(context)?)?;
    }
    if gate.resamples() {
        decide.push(Argument::keyword("sample", sample(context)?));
    }
    if quantities.iter().any(|quantity| matches!(quantity, Quantity::Latency(_))) {
        decide.push(Argument::keyword("latencies", latencies(context)?));
    }
    if quantities.iter().any(|quantity| matches!(quantity, Quantity::ModelSize)) {
        context.require(&["model"], &[])?;
        decide.push(Argument::keyword("model_size", Py::name("files.size").call([Py::name("args.model")])));
    }
    let ages = ages(&quantities)?;
    if !ages.is_empty() {
        decide.push(Argument::keyword("ages", Py::Dict(ages)));
    }
    Ok(parts.line(format!("return {}", flat(&Py::name("gate.decide").call_with(decide)))))
}

/// The rows that judge, from which others like them are drawn.
fn sample(context: &Context<'_>) -> Result<Py, EmitError> {
    context.require(&["model", "predictions"], &[])?;
    Ok(Py::name("Sample").call_with(vec![
        Argument::keyword("model", Py::name("args.model")),
        Argument::keyword("predictions", Py::name("args.predictions")),
        Argument::keyword("metrics", Py::name("METRICS")),
        Argument::keyword("seed", Py::name("args.seed")),
    ]))
}

/// How long the packaged model takes for single rows of those that judge.
fn latencies(context: &Context<'_>) -> Result<Py, EmitError> {
    context.require(&["model", "rows", "parts"], &[])?;
    Ok(Py::name("latency.measure").call_with(vec![
        Argument::positional(Py::name("args.model")),
        Argument::keyword("rows", Py::name("args.rows")),
        Argument::keyword("parts", Py::name("args.parts")),
        Argument::keyword("part", Py::string(&judging(context)?.part)),
    ]))
}

/// The age of each dataset whose freshness is asked for.
fn ages(quantities: &[&Quantity]) -> Result<Vec<(Py, Py)>, EmitError> {
    let mut ages: IndexMap<&str, Py> = IndexMap::new();
    for quantity in quantities {
        let Quantity::Freshness { dataset, timestamp, timezone } = quantity else { continue };
        let mut arguments = vec![
            Argument::positional(argument(dataset)?),
            Argument::positional(Py::name("args.as_of")),
            Argument::keyword("time", Py::string(timestamp)),
        ];
        if let Some(zone) = timezone {
            arguments.push(Argument::keyword("zone", Py::string(zone)));
        }
        ages.insert(dataset, Py::name("cutoff.age").call_with(arguments));
    }
    Ok(ages.into_iter().map(|(dataset, age)| (Py::string(dataset), age)).collect())
}

/// Judges the champion on the rows of the report: by the report's metrics, on features of its own making.
fn champion(context: &Context<'_>, parts: Parts) -> Result<Parts, EmitError> {
    context.require(&["champion", "parts"], &[])?;
    let evaluate = judging(context)?;
    let datasets = context.step.inputs.keys().filter(|name| !OWN_INPUTS.contains(&name.as_str()));
    let given = datasets.map(|name| Ok((Py::string(name), argument(name)?))).collect::<Result<_, EmitError>>()?;
    let mut arguments = vec![
        Argument::positional(Py::name("args.champion")),
        Argument::keyword("datasets", Py::Dict(given)),
        Argument::keyword("parts", Py::name("args.parts")),
        Argument::keyword("part", Py::string(&evaluate.part)),
        Argument::keyword("metrics", Py::name("METRICS")),
        Argument::keyword("report", Py::string(&evaluate.name)),
    ];
    if !evaluate.slices.is_empty() {
        arguments.push(Argument::keyword("slices", Py::strings(&evaluate.slices)));
    }
    let call = Py::name("evaluate.champion").call_with(arguments);
    Ok(metrics(parts, evaluate)?.line(format!("champion = {}", flat(&call))))
}

/// Inputs of a gate that are no datasets.
const OWN_INPUTS: [&str; 6] = ["metrics", "champion", "parts", "predictions", "model", "rows"];

/// The evaluation whose numbers the gate judges.
fn judging<'a>(context: &'a Context<'_>) -> Result<&'a Evaluate, EmitError> {
    let from = context.step.inputs.get("metrics");
    let found = context.plan.steps.iter().find_map(|step| match (from, &step.spec) {
        (Some(InputRef::Step { step: id, .. }), StepSpec::Evaluate(evaluate)) if *id == step.id => Some(evaluate),
        _ => None,
    });
    found.ok_or_else(|| EmitError::Missing { step: context.step.id.clone(), what: "evaluation to judge".to_owned() })
}

fn requirement(requirement: &Requirement) -> Result<Py, EmitError> {
    let mut arguments = vec![
        Argument::positional(Py::string(&requirement.text)),
        Argument::positional(quantity(&requirement.left)?),
        Argument::positional(Py::string(&requirement.compare)),
        Argument::positional(quantity(&requirement.right)?),
        Argument::keyword("origin", origin(&requirement.origin)),
    ];
    if let Some(confidence) = requirement.confidence {
        arguments.push(Argument::keyword("confidence", Py::float(confidence)));
    }
    Ok(Py::name("Requirement").call_with(arguments))
}

/// `quantity.Champion("roc_auc") - 0.005`.
fn quantity(quantity: &Quantity) -> Result<Py, EmitError> {
    let of =
        |name: &str, texts: &[&String]| Py::name("quantity").method(name, texts.iter().map(|text| Py::string(text)));
    Ok(match quantity {
        Quantity::Number(value) => Py::name("quantity.Number").call([Py::float(*value)]),
        Quantity::Metric(metric) => of("Metric", &[metric]),
        Quantity::MetricBy { metric, slice } => of("MetricBy", &[metric, slice]),
        Quantity::Gap { metric, slice } => of("Gap", &[metric, slice]),
        Quantity::Champion(metric) => of("Champion", &[metric]),
        Quantity::Duration(ms) => Py::name("quantity.Duration").call([Py::integer(*ms)]),
        Quantity::Size(bytes) => {
            Py::name("quantity.Size").call([Py::integer(i64::try_from(*bytes).unwrap_or(i64::MAX))])
        }
        Quantity::Latency(share) => Py::name("quantity.Latency").call([Py::float(*share)]),
        Quantity::ModelSize => Py::name("quantity.ModelSize").call([]),
        Quantity::Freshness { dataset, .. } => of("Freshness", &[dataset]),
        Quantity::Binary { op, left, right } => {
            let operator = operator(op).ok_or_else(|| EmitError::Operator(op.clone()))?;
            let right = match right.as_ref() {
                Quantity::Number(value) => Py::float(*value),
                other => self::quantity(other)?,
            };
            Py::binary(operator, self::quantity(left)?, right)
        }
    })
}

pub(super) fn register(context: &Context<'_>, register: &Register) -> Result<Parts, EmitError> {
    context.require(&["model"], &["registration"])?;
    let mut arguments = vec![
        Argument::positional(Py::string(&register.model)),
        Argument::keyword("alias", Py::string(&register.alias)),
        Argument::keyword("model", Py::name("args.model")),
        Argument::keyword("registration", Py::name("args.registration")),
    ];
    for name in ["verdict", "metrics"] {
        if context.has_input(name) {
            arguments.push(Argument::keyword(name, Py::name(format!("args.{name}"))));
        }
    }
    let title = format!("Register `{}` for the alias `{}`.", register.model, register.alias);
    Ok(Parts::new(title, "Write the record by which the registry adds a version.")
        .line(format!("return {}", flat(&Py::name("registry.register").call_with(arguments)))))
}
