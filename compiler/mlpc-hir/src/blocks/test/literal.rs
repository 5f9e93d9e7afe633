//! A literal as a value of a column.

use super::Context;
use crate::consts::constant;
use crate::errors;
use crate::infer::literal_expr;
use crate::typed::{Const, Finding};
use crate::types::{Ty, TyKind};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::Expr;
use std::sync::Arc;

/// The value that an expression spells for a column of this type. A time is a text in ISO 8601 with its offset, which
/// may be left out where `zone` says which one it is. Ranges are judged apart.
pub(super) fn value(
    context: &Context<'_>,
    expr: &Expr,
    ty: &Ty,
    zone: Option<&str>,
    what: &str,
) -> Result<Const, Box<Finding>> {
    let Some(found) = constant(context.db, context.file, expr) else {
        return Err(Box::new(errors::wrong_form(what, "a literal", expr.span)));
    };
    if ty.is_unknown() {
        return Ok(found);
    }
    if found == Const::Null {
        return match ty.nullable || ty.kind == TyKind::Null {
            true => Ok(found),
            false => Err(Box::new(null(what, ty, expr.span))),
        };
    }
    fit(&found, &ty.kind, zone).unwrap_or_else(|| Err(of_another_kind(&ty.kind))).map_err(|misfit| match misfit {
        Misfit::Level(text, levels) => Box::new(errors::outside_category(&text, &levels, expr.span)),
        Misfit::Other(wanted) => Box::new(errors::mismatch(what, &wanted, &of(&found, expr.span), expr.span)),
    })
}

/// Why a literal is no value of a type.
enum Misfit {
    Level(String, Vec<String>),
    Other(String),
}

/// The literal as a value of the kind; `None` where the kinds differ.
fn fit(found: &Const, kind: &TyKind, zone: Option<&str>) -> Option<Result<Const, Misfit>> {
    let fine = match (kind, found) {
        (TyKind::Float, Const::Int(_) | Const::Float(_)) => Const::Float(found.number()?),
        (TyKind::Category(Some(levels)), Const::Str(text)) if !levels.contains(text) => {
            return Some(Err(Misfit::Level(text.clone(), levels.clone())));
        }
        (TyKind::Date, Const::Str(text)) if !is_date(text) => {
            return Some(Err(Misfit::Other("a date, as \"2013-01-31\"".to_owned())));
        }
        (TyKind::Timestamp, Const::Str(text)) if !is_moment(text, zone.is_some()) => {
            let wanted = "a time with its offset, as \"2013-01-31T23:00Z\"";
            return Some(Err(Misfit::Other(wanted.to_owned())));
        }
        (TyKind::Vector(size), Const::List(items)) => {
            let numbers: Option<Vec<Const>> = items.iter().map(|item| item.number().map(Const::Float)).collect();
            match (numbers, size) {
                (Some(numbers), Some(size)) if numbers.len() != *size as usize => {
                    return Some(Err(Misfit::Other(format!("{size} numbers"))));
                }
                (Some(numbers), _) => Const::List(numbers),
                (None, _) => return Some(Err(Misfit::Other("a list of numbers".to_owned()))),
            }
        }
        (TyKind::Bool, Const::Bool(_))
        | (TyKind::Int, Const::Int(_))
        | (TyKind::String | TyKind::Category(_) | TyKind::Date | TyKind::Timestamp, Const::Str(_))
        | (TyKind::Date | TyKind::Timestamp, Const::Date(_))
        | (TyKind::Duration, Const::Duration(_))
        | (TyKind::List(_), Const::List(_)) => found.clone(),
        _ => return None,
    };
    Some(Ok(fine))
}

fn of_another_kind(kind: &TyKind) -> Misfit {
    Misfit::Other(match kind {
        TyKind::Category(Some(_)) => "one of its levels".to_owned(),
        kind => format!("`{kind}`"),
    })
}

fn null(what: &str, ty: &Ty, span: Span) -> Finding {
    errors::null_use(what, &Ty::new(TyKind::Null), &format!("it is {}, which is never null", ty.kind), span)
}

fn of(found: &Const, span: Span) -> Ty {
    match found {
        Const::List(_) => Ty::new(TyKind::List(Arc::new(Ty::unknown()))),
        other => literal_expr(other.clone(), span).ty,
    }
}

fn is_date(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok()
}

/// Whether a text is an instant, or a reading of a clock where those are allowed.
fn is_moment(text: &str, clock: bool) -> bool {
    let instant = text.parse::<jiff::Timestamp>().is_ok();
    instant || clock && text.parse::<jiff::civil::DateTime>().is_ok()
}
