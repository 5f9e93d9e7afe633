//! Features that are the same in every row, so that a model learns nothing of them.

use crate::blocks::Context;
use crate::errors;
use crate::typed::{Features, Role, TExpr, TKind};
use crate::types::TyKind;

/// Reports each of them.
pub fn check(context: &mut Context<'_>, value: &Features) {
    for definition in value.definitions.iter().filter(|definition| definition.role == Role::Feature) {
        if let Some(what) = constant(&definition.expr) {
            context.findings.push(errors::constant_column(&definition.name, &what, definition.span));
        }
    }
}

/// What a value always is, if it is always the same.
fn constant(expr: &TExpr) -> Option<String> {
    let ty = &expr.ty;
    if ty.is_unknown() {
        return None;
    }
    if ty.kind == TyKind::Null || ty.range.is_empty() {
        return Some("is null in every row".to_owned());
    }
    if ty.nullable {
        return None;
    }
    match (&expr.kind, &ty.kind) {
        (TKind::Literal(value), _) => Some(format!("is {} in every row", value.describe())),
        (_, TyKind::Category(Some(levels))) if levels.len() == 1 => {
            levels.first().map(|level| format!("is {level:?} in every row"))
        }
        _ if ty.is_number() && ty.range.low == ty.range.high => Some(format!("is {} in every row", ty.range.low)),
        _ => None,
    }
}
