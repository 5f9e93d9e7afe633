//! Steps that decide: gate and register.

use super::data::origin;
use super::{Context, Parts};
use crate::error::EmitError;
use crate::py::{Argument, Py, flat, operator};
use mlpc_plan::plan::{Gate, Quantity, Register, Requirement};

pub(super) fn gate(context: &Context<'_>, gate: &Gate) -> Result<Parts, EmitError> {
    context.require(&["metrics"], &["verdict"])?;
    let requirements = gate.requirements.iter().map(requirement).collect::<Result<Vec<_>, _>>()?;
    let decide = Py::name("gate.decide").call_with(vec![
        Argument::positional(Py::string(&gate.name)),
        Argument::positional(Py::name("REQUIREMENTS")),
        Argument::keyword("metrics", Py::name("args.metrics")),
        Argument::keyword("verdict", Py::name("args.verdict")),
        Argument::keyword("min_rows", Py::integer(i64::try_from(gate.min_rows).unwrap_or(i64::MAX))),
    ]);
    let title = format!("The gate `{}`: lets a model through, or refuses it with the reasons.", gate.name);
    Ok(Parts::new(title, "Judge every requirement.")
        .constant("REQUIREMENTS", &Py::List(requirements))
        .line(format!("return {}", flat(&decide))))
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
