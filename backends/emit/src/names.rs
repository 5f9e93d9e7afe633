//! Names in expressions and in keyword arguments.

use crate::py::{Argument, Py, is_identifier};
use mlpc_plan::plan::Expr;

/// The module of a features block: names of imported files have dots.
#[must_use]
pub fn module_name(features: &str) -> String {
    features.replace('.', "_")
}

/// The columns that an expression reads, in order, each once.
#[must_use]
pub fn columns_of(expression: &Expr) -> Vec<String> {
    expression.columns()
}

/// Named expressions as arguments of `with_columns`: keywords where every name can be one, else aliases.
#[must_use]
pub fn named_arguments(named: Vec<(String, Py)>) -> Vec<Argument> {
    // `self` is a parameter of the method itself.
    let keywords = named.iter().all(|(name, _)| is_identifier(name) && name != "self");
    named
        .into_iter()
        .map(|(name, value)| match keywords {
            true => Argument::keyword(name, value),
            false => Argument::positional(value.method("alias", [Py::string(&name)])),
        })
        .collect()
}
