//! Parameters of runs, and the steps whose values follow from them.

use super::Lowering;
use super::expr::{dtype, iso, range, value};
use crate::Plan;
use crate::plan::{Derived, Formula, Param, Parameter};
use indexmap::IndexMap;
use mlpc_hir::parameters::RunParameter;
use mlpc_hir::typed::{self, Hyperparameter};
use serde_json::Value;

impl Lowering<'_> {
    fn run_parameter(&self, name: &str) -> Option<&RunParameter> {
        self.parameters.iter().find(|known| known.name == name)
    }

    /// Says of a plan with all its steps which parameters these take.
    pub(super) fn set_parameters(&self, plan: &mut Plan) {
        let derived =
            plan.steps.iter().flat_map(|step| step.params.values()).filter_map(|param| param.derived.as_ref());
        let used: Vec<&str> = derived.flat_map(|derived| derived.formula.parameters()).collect();
        let taken = self.parameters.iter().filter(|known| used.contains(&known.name.as_str()));
        let parameters: IndexMap<String, Parameter> =
            taken.map(|known| (known.name.clone(), parameter(known))).collect();
        plan.parameters = parameters;
    }

    /// A hyperparameter as a step is given it.
    pub(super) fn hyperparameter(&self, given: &Hyperparameter) -> Param {
        let formula = given.formula.as_ref().and_then(|formula| self.formula(formula));
        let derived = formula.filter(|formula| !formula.parameters().is_empty());
        Param {
            python_type: given.python_type.clone(),
            value: value(&given.value),
            default: given.default,
            derived: derived.map(|formula| Derived { formula, is_float: given.is_float, range: range(given.range) }),
        }
    }

    /// The pipeline's `as_of` as a step is given it.
    pub(super) fn as_of_param(&self) -> Option<Param> {
        let as_of = self.as_of.as_ref()?;
        let named = self.as_of_from.as_ref().and_then(|name| self.run_parameter(name));
        let formula = named.map(|known| Formula::Parameter(known.name.clone()));
        Some(Param {
            python_type: "str".to_owned(),
            value: Value::from(iso(as_of)),
            default: false,
            derived: formula.map(|formula| Derived { formula, is_float: false, range: None }),
        })
    }

    /// The formula with the values of those parameters that no run can be given.
    fn formula(&self, formula: &typed::Formula) -> Option<Formula> {
        let boxed = |formula| self.formula(formula).map(Box::new);
        Some(match formula {
            typed::Formula::Parameter(name) if self.run_parameter(name).is_some() => Formula::Parameter(name.clone()),
            typed::Formula::Parameter(name) => Formula::Value(value(self.fixed.get(name)?)),
            typed::Formula::Value(constant) => Formula::Value(value(constant)),
            typed::Formula::Negative(operand) => Formula::Negative(boxed(operand)?),
            typed::Formula::Binary(op, left, right) => {
                Formula::Binary { operator: op.symbol().to_owned(), left: boxed(left)?, right: boxed(right)? }
            }
            typed::Formula::List(items) => {
                Formula::List(items.iter().map(|item| self.formula(item)).collect::<Option<_>>()?)
            }
        })
    }
}

fn parameter(known: &RunParameter) -> Parameter {
    Parameter {
        doc: known.doc.clone(),
        dtype: dtype(&known.ty),
        value: value(&known.value),
        range: range(known.range),
        scheduled: known.scheduled,
    }
}
