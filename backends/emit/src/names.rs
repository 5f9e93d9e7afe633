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
    let mut names = Vec::new();
    collect(expression, &mut names);
    names
}

fn collect(expression: &Expr, names: &mut Vec<String>) {
    match expression {
        Expr::Column { name } => {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Expr::Literal { .. } | Expr::Date { .. } | Expr::Duration { .. } => {}
        Expr::List { items } => items.iter().for_each(|item| collect(item, names)),
        Expr::Call { args, .. } => args.values().flatten().for_each(|item| collect(item, names)),
        Expr::UserCall { args, .. } => args.iter().for_each(|item| collect(item, names)),
        Expr::Unary { operand, .. } => collect(operand, names),
        Expr::Binary { left, right, .. } => [left, right].into_iter().for_each(|item| collect(item, names)),
        Expr::If { condition, then, otherwise } => {
            [condition, then, otherwise].into_iter().for_each(|item| collect(item, names));
        }
        Expr::InList { item, .. } => collect(item, names),
        Expr::InRange { item, low, high, .. } => {
            collect(item, names);
            low.iter().chain(high).for_each(|(bound, _)| collect(bound, names));
        }
        Expr::Cast { value, .. } => collect(value, names),
    }
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
