//! What a dataset says of time: when columns are known, between which times a row holds.

use crate::blocks::Context;
use crate::consts::{dotted, literal};
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Dataset};
use crate::types::Ty;
use mlpc_syntax::ast::{BlockDecl, Expr, ExprKind, Field};

/// `known after 1d`, in milliseconds.
pub fn known_ms(context: &mut Context<'_>, field: &Field) -> Option<i64> {
    let expr = field.known_after.as_ref()?;
    match literal(expr) {
        Some(Const::Duration(ms)) if ms >= 0 => Some(ms),
        _ => {
            context.findings.push(errors::wrong_form("known after", "a duration, as `3h`", expr.span));
            None
        }
    }
}

/// `valid = from..<until`.
pub fn valid(expr: &Expr) -> Option<(String, String)> {
    let ExprKind::Range(range) = &expr.kind else { return None };
    let side = |bound: &Option<(Box<Expr>, bool)>| bound.as_ref().and_then(|(bound, _)| dotted(bound));
    Some((side(&range.low)?, side(&range.high)?))
}

/// Checks `valid`, and that columns known later have a time to count from.
pub fn check(context: &mut Context<'_>, decl: &BlockDecl, value: &mut Dataset) {
    if let Some(expr) = setting(decl, "valid") {
        let Some((from, until)) = valid(expr) else {
            context.findings.push(errors::wrong_form("valid", "two columns, as `from..<until`", expr.span));
            return;
        };
        let (from_ty, until_ty) = (time_column(context, value, &from, expr), time_column(context, value, &until, expr));
        if let (Some(from_ty), Some(_)) = (from_ty, until_ty) {
            if from_ty.nullable {
                context.findings.push(errors::null_use(
                    "the start of `valid`",
                    &from_ty,
                    "a version starts at a time",
                    expr.span,
                ));
            }
            value.valid = Some((from, until));
        }
    }
    let late = value.columns.iter().find(|column| column.column.known_ms.is_some_and(|ms| ms > 0));
    if let (None, Some(column)) = (setting(decl, "timestamp"), late) {
        let name = decl.name.as_ref().map_or_else(String::new, mlpc_syntax::ast::BlockName::text);
        let span = mlpc_db::definition(&mlpc_syntax::ast::Decl::Block(decl.clone()), &column.column.name);
        context.findings.push(errors::missing_timestamp("`known after`", &name, span));
    }
}

fn time_column(context: &mut Context<'_>, value: &Dataset, name: &str, expr: &Expr) -> Option<Ty> {
    match value.columns.iter().find(|column| column.column.name == name) {
        Some(column) if column.column.ty.is_time() || column.column.ty.is_unknown() => Some(column.column.ty.clone()),
        Some(column) => {
            context.findings.push(errors::mismatch("`valid`", "a date or a timestamp", &column.column.ty, expr.span));
            None
        }
        None => {
            let known: Vec<String> = value.columns.iter().map(|column| column.column.name.clone()).collect();
            context.findings.push(errors::unknown_column(name, "this dataset", &known, expr.span));
            None
        }
    }
}
