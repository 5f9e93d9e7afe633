//! Steps that decide: gate and register.

use super::data::origin;
use super::learn::metrics;
use super::{Context, Parts, argument};
use crate::error::EmitError;
use crate::py::{Argument, Py, flat, operator};
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
    if gate.requirements.iter().any(|item| names_champion(&item.left) || names_champion(&item.right)) {
        parts = champion(context, parts)?;
        decide.push(Argument::keyword("champion", Py::name("champion")));
    }
    Ok(parts.line(format!("return {}", flat(&Py::name("gate.decide").call_with(decide)))))
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
const OWN_INPUTS: [&str; 3] = ["metrics", "champion", "parts"];

/// The evaluation whose numbers the gate judges.
fn judging<'a>(context: &'a Context<'_>) -> Result<&'a Evaluate, EmitError> {
    let from = context.step.inputs.get("metrics");
    let found = context.plan.steps.iter().find_map(|step| match (from, &step.spec) {
        (Some(InputRef::Step { step: id, .. }), StepSpec::Evaluate(evaluate)) if *id == step.id => Some(evaluate),
        _ => None,
    });
    found.ok_or_else(|| EmitError::Missing { step: context.step.id.clone(), what: "evaluation to judge".to_owned() })
}

fn names_champion(quantity: &Quantity) -> bool {
    match quantity {
        Quantity::Champion(_) => true,
        Quantity::Binary { left, right, .. } => names_champion(left) || names_champion(right),
        Quantity::Number(_) | Quantity::Metric(_) | Quantity::MetricBy { .. } | Quantity::Gap { .. } => false,
    }
}

fn requirement(requirement: &Requirement) -> Result<Py, EmitError> {
    Ok(Py::name("Requirement").call_with(vec![
        Argument::positional(Py::string(&requirement.text)),
        Argument::positional(quantity(&requirement.left)?),
        Argument::positional(Py::string(&requirement.compare)),
        Argument::positional(quantity(&requirement.right)?),
        Argument::keyword("origin", origin(&requirement.origin)),
    ]))
}

/// `gate.Champion("roc_auc") - 0.005`.
fn quantity(quantity: &Quantity) -> Result<Py, EmitError> {
    let gate = |name: &str, texts: &[&String]| Py::name("gate").method(name, texts.iter().map(|text| Py::string(text)));
    Ok(match quantity {
        Quantity::Number(value) => Py::name("gate.Number").call([Py::float(*value)]),
        Quantity::Metric(metric) => gate("Metric", &[metric]),
        Quantity::MetricBy { metric, slice } => gate("MetricBy", &[metric, slice]),
        Quantity::Gap { metric, slice } => gate("Gap", &[metric, slice]),
        Quantity::Champion(metric) => gate("Champion", &[metric]),
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
