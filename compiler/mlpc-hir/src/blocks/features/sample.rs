//! `sample every D in A..=B`: the rows are moments, one per key of the base and step in time.

use super::facts::shape_of;
use super::scope::FeatureScope;
use crate::blocks::Context;
use crate::consts::{awaits_the_day, constant, moment};
use crate::errors;
use crate::typed::{Const, Features, SAMPLED_AT, Spine};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BlockDecl, Entry, Expr, ExprKind, StatementKind};

/// Reads the `sample` statement, if there is one, and makes the moments the rows' time.
pub fn sample(context: &mut Context<'_>, decl: &BlockDecl, scope: &mut FeatureScope, value: &mut Features) {
    let mut found: Option<Span> = None;
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        let StatementKind::Sample { every, range } = &statement.kind else { continue };
        if let Some(first) = found {
            context.findings.push(errors::duplicate("sample", statement.keyword.span, mlpc_db::Place::Here(first)));
            continue;
        }
        found = Some(statement.keyword.span);
        if value.spine.is_some() {
            context.findings.push(errors::sampled_twice(statement.keyword.span));
            continue;
        }
        value.spine = spine(context, scope, statement.span, every, range);
        // Of a sample that is wrong nothing more is said.
        scope.versioned |= value.spine.as_ref().is_none_or(|spine| spine.valid.is_some());
        // Rows are moments even where the statement is wrong.
        scope.time = Some(SAMPLED_AT.to_owned());
        value.timestamp.clone_from(&scope.time);
        value.key = scope.key.iter().cloned().chain([SAMPLED_AT.to_owned()]).collect();
    }
}

fn spine(context: &mut Context<'_>, scope: &FeatureScope, span: Span, every: &Expr, range: &Expr) -> Option<Spine> {
    if scope.key.is_empty() && !scope.partial {
        context.findings.push(errors::sample_needs_key(&scope.base_name, span));
        return None;
    }
    let every_ms = match constant(context.db, context.file, every) {
        Some(Const::Duration(ms)) if ms > 0 => ms,
        _ => {
            context.findings.push(errors::wrong_form("sample every", "a duration, as `7d`", every.span));
            return None;
        }
    };
    let ExprKind::Range(bounds) = &range.kind else {
        context.findings.push(errors::wrong_form(
            "sample",
            "a range of days or instants, as `date(\"2025-01-01\")..=as_of`",
            range.span,
        ));
        return None;
    };
    let (Some((low, true)), Some((high, true))) = (&bounds.low, &bounds.high) else {
        context.findings.push(errors::wrong_form("sample", "a range with both ends in it, as `a..=b`", range.span));
        return None;
    };
    let (start, end) = (end(context, low)?, end(context, high)?);
    if micros(&start) > micros(&end) {
        context.findings.push(errors::bad_value(
            "this range ends before it starts",
            "no moment lies in it",
            range.span,
        ));
        return None;
    }
    let shape = scope.base_block.as_ref().and_then(|(_, block)| shape_of(context.db, block));
    Some(Spine {
        every_ms,
        start,
        end,
        from: scope.base_time.clone(),
        valid: shape.and_then(|shape| shape.valid.clone()),
    })
}

/// A day or an instant.
fn end(context: &mut Context<'_>, expr: &Expr) -> Option<Const> {
    let found = moment(context.db, context.file, expr);
    if found.is_none() && !awaits_the_day(context.db, context.file, expr) {
        let wanted = "days or instants, as `date(\"2025-01-01\")` or `timestamp(\"2025-01-01T06:00:00Z\")`";
        context.findings.push(errors::wrong_form("sample", wanted, expr.span));
    }
    found
}

/// Microseconds since 1970, days by their midnight in UTC.
fn micros(moment: &Const) -> i64 {
    const DAY: i64 = 86_400_000_000;
    match moment {
        Const::Date(day) => i64::from(*day) * DAY,
        Const::Instant(micros) => *micros,
        _ => 0,
    }
}
