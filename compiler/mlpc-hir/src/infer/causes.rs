//! Why a value may be null: the division or function in it that gives null where its operands have values.

use crate::typed::{Definition, TExpr, TKind};
use crate::types::Ty;
use mlpc_diagnostics::Span;

/// What makes a value null that nothing in it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// The definition in which it stands, if it is another.
    pub definition: Option<String>,
    /// Where.
    pub span: Span,
    /// In words.
    pub what: String,
}

/// The first cause within a value that is null only by what it does.
#[must_use]
pub fn cause(expr: &TExpr) -> Option<Cause> {
    if !expr.ty.nullable {
        return None;
    }
    if let Some(inner) = expr.children().into_iter().find(|child| child.ty.nullable) {
        return cause(inner);
    }
    let what = match &expr.kind {
        TKind::Binary { right, finite: true, .. } => by_zero(&right.ty),
        TKind::Call { function, finite: true, .. } => format!("`{function}` gives null outside of where it is defined"),
        _ => return None,
    };
    Some(Cause { definition: None, span: expr.span, what })
}

fn by_zero(divisor: &Ty) -> String {
    format!("null where this divides by zero: the divisor is `{divisor}`")
}

/// The cause of a column that is defined among these, also by way of other definitions.
#[must_use]
pub fn cause_of(definitions: &[Definition], name: &str) -> Option<Cause> {
    let mut name = name.to_owned();
    // Definitions form no circle, so this ends after at most all of them.
    for _ in 0..definitions.len() {
        let definition = definitions.iter().find(|definition| definition.name == name)?;
        if let Some(found) = cause(&definition.expr) {
            return Some(Cause { definition: Some(name), ..found });
        }
        let next = definition.expr.columns().into_iter().find(|column| {
            *column != name && definitions.iter().any(|other| other.name == *column && other.expr.ty.nullable)
        })?;
        name = next;
    }
    None
}
