//! What a condition shows of the columns in it: after `filter is_not_null(x)`, `x` is not null.

use super::Infer;
use crate::typed::{TExpr, TKind};
use crate::types::{Interval, Ty};
use mlpc_syntax::ast::{BinaryOp, UnaryOp};
use std::collections::BTreeMap;

impl Infer<'_> {
    /// Takes it that `condition` is true, or not true.
    pub fn refine(&mut self, condition: &TExpr, truth: bool) {
        refine(condition, truth, &mut self.refined);
    }
}

fn refine(condition: &TExpr, truth: bool, known: &mut BTreeMap<String, Ty>) {
    match &condition.kind {
        TKind::Unary(UnaryOp::Not, operand) if truth => match &operand.kind {
            TKind::Call { function, args, .. } if function == "is_null" => not_null(first(args.values()), known),
            // `not c` is true only where c is false, which shows what a comparison's operands are not null.
            TKind::Binary { left, right, op, .. } if op.is_comparison() => {
                not_null(Some(left), known);
                not_null(Some(right), known);
            }
            _ => {}
        },
        TKind::Binary { op: BinaryOp::And, left, right, .. } if truth => {
            refine(left, true, known);
            refine(right, true, known);
        }
        TKind::Binary { op, left, right, .. } if truth && op.is_comparison() => {
            not_null(Some(left), known);
            not_null(Some(right), known);
            bound(left, *op, right, known);
            bound(right, mirrored(*op), left, known);
        }
        TKind::InList { item, .. } if truth => not_null(Some(item), known),
        TKind::InRange { item, low, high, negated } if truth => {
            not_null(Some(item), known);
            if !negated {
                let side = |bound: &Option<(Box<TExpr>, bool)>| {
                    bound.as_ref().map(|(bound, closed)| (bound.ty.range, *closed))
                };
                let mut range = Interval::ALL;
                if let Some((low, closed)) = side(low) {
                    (range.low, range.low_closed) = (low.low, closed);
                }
                if let Some((high, closed)) = side(high) {
                    (range.high, range.high_closed) = (high.high, closed);
                }
                narrow(item, range, known);
            }
        }
        TKind::Call { function, args, .. } => match (function.as_str(), truth) {
            ("is_not_null", true) | ("is_null", false) => not_null(first(args.values()), known),
            _ => {}
        },
        _ => {}
    }
}

fn first<'a>(mut args: impl Iterator<Item = &'a Vec<TExpr>>) -> Option<&'a TExpr> {
    args.next().and_then(|values| values.first())
}

fn not_null(expr: Option<&TExpr>, known: &mut BTreeMap<String, Ty>) {
    if let Some(TExpr { kind: TKind::Column(name), ty, .. }) = expr {
        let ty = known.get(name).cloned().unwrap_or_else(|| ty.clone());
        known.insert(name.clone(), ty.with_null(false));
    }
}

fn narrow(expr: &TExpr, range: Interval, known: &mut BTreeMap<String, Ty>) {
    if let TKind::Column(name) = &expr.kind
        && expr.ty.is_number()
    {
        let ty = known.get(name).cloned().unwrap_or_else(|| expr.ty.clone());
        let range = ty.range.meet(range);
        known.insert(name.clone(), ty.in_range(range));
    }
}

fn bound(expr: &TExpr, op: BinaryOp, other: &TExpr, known: &mut BTreeMap<String, Ty>) {
    let range = other.ty.range;
    let below =
        Interval { low: f64::NEG_INFINITY, low_closed: false, high: range.high, high_closed: range.high_closed };
    let above = Interval { low: range.low, low_closed: range.low_closed, high: f64::INFINITY, high_closed: false };
    match op {
        BinaryOp::Lt => narrow(expr, Interval { high_closed: false, ..below }, known),
        BinaryOp::Le => narrow(expr, below, known),
        BinaryOp::Gt => narrow(expr, Interval { low_closed: false, ..above }, known),
        BinaryOp::Ge => narrow(expr, above, known),
        BinaryOp::Eq => narrow(expr, range, known),
        _ => {}
    }
}

fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

/// Whether a comparison with known ranges is always (`true`) or never (`false`) true.
#[must_use]
pub fn verdict(condition: &TExpr) -> Option<(bool, &TExpr)> {
    match &condition.kind {
        TKind::Binary { op, left, right, .. } if left.ty.is_number() && right.ty.is_number() => {
            compare(*op, left.ty.range, right.ty.range, left.ty.nullable || right.ty.nullable)
                .map(|always| (always, &**left))
        }
        _ => None,
    }
}

fn compare(op: BinaryOp, left: Interval, right: Interval, nullable: bool) -> Option<bool> {
    let surely_less = left.high < right.low || (left.high == right.low && !(left.high_closed && right.low_closed));
    let at_most = left.high <= right.low;
    let surely_more = left.low > right.high || (left.low == right.high && !(left.low_closed && right.high_closed));
    let at_least = left.low >= right.high;
    let same = left.low == left.high && right.low == right.high && left.low == right.low;
    let (always, never) = match op {
        BinaryOp::Lt => (surely_less, at_least),
        BinaryOp::Le => (at_most, surely_more),
        BinaryOp::Gt => (surely_more, at_most),
        BinaryOp::Ge => (at_least, surely_less),
        BinaryOp::Eq => (same, surely_less || surely_more),
        BinaryOp::Ne => (surely_less || surely_more, same),
        _ => (false, false),
    };
    match (always && !nullable, never) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}
