//! `expect { … }`: what must hold of a dataset's rows, row by row, over the table, or against an earlier profile.

use super::Context;
use super::dataset::{TableScope, decl_name, is_partial};
use crate::errors;
use crate::infer::refine::mirrored;
use crate::infer::{Infer, Position};
use crate::library::{FnSig, fn_signature, nested};
use crate::names::{Space, resolve};
use crate::typed::{Against, Column, Const, Dataset, Distance, Expectation, FnBody, TExpr, TKind};
use crate::types::{Interval, Ty, TyKind};
use mlpc_syntax::ast::{BinaryOp, BlockDecl, Entry, Expr, ExprKind, StatementKind};

/// Checks the expectations of a dataset whose columns are known.
pub(super) fn check(context: &mut Context<'_>, decl: &BlockDecl, value: &mut Dataset) {
    let columns: Vec<Column> = value.columns.iter().map(|column| column.column.clone()).collect();
    let scope = TableScope::new(decl_name(decl), columns, is_partial(context, decl));
    for entry in nested(decl, "expect") {
        let (expr, fails) = match entry {
            Entry::Expression(expr) => (expr, true),
            Entry::Statement(statement) => match &statement.kind {
                StatementKind::Warn(expr) => (expr, false),
                _ => continue,
            },
            _ => continue,
        };
        let condition = infer(context, &scope, expr);
        if condition.ty.is_unknown() {
            continue;
        }
        let table = is_table(context, &condition);
        let offending = if table { offending(context, &condition) } else { None };
        let text = context.source(expr.span);
        if table && let Some((always, measured)) = bound_verdict(&condition) {
            let what = context.source(measured.span);
            context.findings.push(errors::expectation_cannot_fail(always, &what, measured.ty.range, expr.span));
        }
        let distance = distance(context, value, &condition);
        let counts = counts(context, &condition);
        value.expectations.push(Expectation {
            text,
            span: expr.span,
            fails,
            condition,
            table,
            offending,
            distance,
            counts,
        });
    }
}

fn infer(context: &mut Context<'_>, scope: &TableScope, expr: &Expr) -> TExpr {
    // `rows in 300..` is short for `rows() in 300..`.
    let rewritten = call_rows(expr, scope);
    let mut infer = Infer {
        db: context.db,
        file: context.file,
        columns: scope,
        position: Position::Expectation,
        findings: &mut context.findings,
        refined: std::collections::BTreeMap::new(),
        table: None,
    };
    infer.condition(&rewritten, "an expectation")
}

fn call_rows(expr: &Expr, scope: &TableScope) -> Expr {
    let is_rows =
        |expr: &Expr| matches!(&expr.kind, ExprKind::Name(name) if name == "rows") && scope.find("rows").is_none();
    let called = |expr: &Expr| -> Box<Expr> {
        if is_rows(expr) {
            Box::new(Expr { kind: ExprKind::Call(Box::new(expr.clone()), Vec::new()), span: expr.span })
        } else {
            Box::new(expr.clone())
        }
    };
    let kind = match &expr.kind {
        ExprKind::In { item, set, negated } => ExprKind::In { item: called(item), set: set.clone(), negated: *negated },
        ExprKind::Binary(op, left, right) => ExprKind::Binary(*op, called(left), called(right)),
        other => other.clone(),
    };
    Expr { kind, span: expr.span }
}

/// Whether a condition measures the table: it calls an expectation.
fn is_table(context: &Context<'_>, condition: &TExpr) -> bool {
    let mut table = false;
    condition.walk(&mut |expr| table |= expectation_of(context, expr).is_some());
    table
}

fn expectation_of(context: &Context<'_>, expr: &TExpr) -> Option<FnSig> {
    let TKind::Call { function, .. } = &expr.kind else { return None };
    let block = resolve(context.db, context.file, Space::Expectation, function)?;
    fn_signature(context.db, block).clone()
}

/// The mask of rows that the first expectation in a condition blames.
fn offending(context: &Context<'_>, condition: &TExpr) -> Option<TExpr> {
    let mut found = None;
    condition.walk(&mut |expr| {
        if found.is_some() {
            return;
        }
        let template = expectation_of(context, expr).and_then(|signature| signature.offending);
        if let (Some(template), TKind::Call { function, args, constants, .. }) = (template, &expr.kind) {
            let kind = TKind::Call {
                function: function.clone(),
                body: FnBody::Polars(template),
                args: args.clone(),
                constants: constants.clone(),
                finite: false,
            };
            found = Some(TExpr { kind, ty: Ty::new(TyKind::Bool), span: expr.span });
        }
    });
    found
}

/// The side of a condition that is measured, and the numbers that its literal side allows.
fn allowed(condition: &TExpr) -> Option<(&TExpr, Interval)> {
    let number = |side: &TExpr| match &side.kind {
        TKind::Literal(value) => value.number(),
        _ => None,
    };
    match &condition.kind {
        TKind::Binary { op, left, right, .. } => match (number(left), number(right)) {
            (None, Some(bound)) => Some((left, numbers(*op, bound)?)),
            (Some(bound), None) => Some((right, numbers(mirrored(*op), bound)?)),
            _ => None,
        },
        TKind::InRange { item, low, high, negated: false } => {
            let mut allowed = Interval::ALL;
            if let Some((bound, closed)) = low {
                (allowed.low, allowed.low_closed) = (number(bound)?, *closed);
            }
            if let Some((bound, closed)) = high {
                (allowed.high, allowed.high_closed) = (number(bound)?, *closed);
            }
            Some((item, allowed))
        }
        _ => None,
    }
}

/// The numbers that compare so with a bound.
fn numbers(op: BinaryOp, bound: f64) -> Option<Interval> {
    let above = |low_closed| Interval { low: bound, low_closed, ..Interval::ALL };
    let below = |high_closed| Interval { high: bound, high_closed, ..Interval::ALL };
    match op {
        BinaryOp::Lt => Some(below(false)),
        BinaryOp::Le => Some(below(true)),
        BinaryOp::Gt => Some(above(false)),
        BinaryOp::Ge => Some(above(true)),
        BinaryOp::Eq => Some(Interval::point(bound)),
        _ => None,
    }
}

/// Whether a bound always (`true`) or never (`false`) holds of what it bounds.
fn bound_verdict(condition: &TExpr) -> Option<(bool, &TExpr)> {
    let (measured, allowed) = allowed(condition)?;
    let range = measured.ty.range;
    if !measured.ty.is_number() || range == Interval::ALL {
        return None;
    }
    let apart = |low: Interval, high: Interval| {
        low.high < high.low || (low.high == high.low && !(low.high_closed && high.low_closed))
    };
    if range.within(allowed) {
        return Some((true, measured));
    }
    (apart(range, allowed) || apart(allowed, range)).then_some((false, measured))
}

/// Whether what a condition measures is a count or a share of rows, which shows no value.
fn counts(context: &Context<'_>, condition: &TExpr) -> bool {
    let mut all = true;
    condition.walk(&mut |expr| all &= expectation_of(context, expr).is_none_or(|signature| signature.counts));
    all
}

/// The distance from an earlier profile that a condition bounds.
fn distance(context: &mut Context<'_>, dataset: &Dataset, condition: &TExpr) -> Option<Distance> {
    let mut found = None;
    condition.walk(&mut |expr| {
        if found.is_none()
            && let Some(signature) = expectation_of(context, expr)
            && signature.takes.is_some()
        {
            found = Some((expr.clone(), signature));
        }
    });
    let (call, signature) = found?;
    let TKind::Call { args, constants, .. } = &call.kind else { return None };
    let alone = allowed(condition).is_some_and(|(measured, _)| measured == &call);
    if !alone {
        context.findings.push(errors::distance_not_alone(&signature.name, condition.span));
        return None;
    }
    let argument = args.values().flatten().next()?;
    let TKind::Column(name) = &argument.kind else {
        context.findings.push(errors::distance_of_expression(&signature.name, argument.span));
        return None;
    };
    let takes = signature.takes?;
    if !takes.fits(&argument.ty.kind) {
        context.findings.push(errors::distance_of_kind(&signature.name, name, takes, &argument.ty, argument.span));
        return None;
    }
    let column = dataset.columns.iter().find(|column| column.column.name == *name)?;
    let against = match constants.get("against") {
        Some(Const::Str(word)) if word == "previous" => Against::Previous,
        _ => Against::Reference,
    };
    if let (Against::Reference, Some(tag)) = (against, column.column.tags.first()) {
        context.findings.push(errors::tagged_reference(name, tag, argument.span));
        return None;
    }
    let FnBody::Python { reference, .. } = &signature.body else { return None };
    let default = |name: &String| signature.params.iter().find(|param| param.name == *name)?.default.clone();
    let arguments = constants
        .iter()
        .filter(|(name, value)| name.as_str() != "against" && default(name).as_ref() != Some(*value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(Distance { measure: reference.clone(), column: name.clone(), against, arguments })
}
