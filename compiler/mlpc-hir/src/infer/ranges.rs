//! Ranges of results: what functions make of the ranges of their arguments, and comparisons that ranges decide.

use super::call::Bound;
use super::{Infer, Position};
use crate::errors;
use crate::library::{FnSig, RangeRule};
use crate::typed::{Const, TExpr, TKind};
use crate::types::{Interval, Ty, TyKind};
use mlpc_syntax::ast::BinaryOp;

/// The range of a call's result, by the function's rule; all that it declares where it has none.
pub(super) fn of_call(signature: &FnSig, bound: &Bound) -> Interval {
    let Some(rule) = signature.ranges else { return signature.result_range };
    let values: Vec<&Ty> = bound.values.values().flatten().map(|value| &value.ty).collect();
    let Some(first) = values.first() else { return signature.result_range };
    let constant = |name: &str| bound.constants.get(name).and_then(Const::number);
    let range = match rule {
        RangeRule::Same => first.range,
        RangeRule::Magnitude => first.range.magnitude(),
        RangeRule::Floor => first.range.floored(),
        RangeRule::Ceiling => first.range.negated().floored().negated(),
        RangeRule::Truncated => truncated(first.range),
        RangeRule::Rounded => match constant("digits") {
            Some(0.0) => rounded(first.range),
            _ => Interval::ALL,
        },
        RangeRule::SquareRoot => root(first.range),
        RangeRule::Least => extreme(&values.iter().map(|ty| flipped(ty)).collect::<Vec<_>>()).negated(),
        RangeRule::Greatest => extreme(&values.iter().map(|ty| (*ty).clone()).collect::<Vec<_>>()),
        RangeRule::Held => match (constant("low"), constant("high")) {
            (Some(low), Some(high)) => held(first.range, low, high),
            _ => Interval::ALL,
        },
        RangeRule::Kept => match (constant("low"), constant("high")) {
            (Some(low), Some(high)) => first.range.meet(closed(low, high)),
            _ => first.range,
        },
        RangeRule::First => first_of(&values),
    };
    range.meet(signature.result_range)
}

fn closed(low: f64, high: f64) -> Interval {
    Interval { low, low_closed: true, high, high_closed: true }
}

fn flipped(ty: &Ty) -> Ty {
    Ty { range: ty.range.negated(), ..ty.clone() }
}

/// The greatest of values, nulls passed over: at least each one that is never null.
fn extreme(values: &[Ty]) -> Interval {
    let all = values.iter().map(|ty| ty.range).reduce(Interval::hull).unwrap_or(Interval::ALL);
    values.iter().filter(|ty| !ty.nullable).fold(all, |range, ty| {
        range.meet(Interval { low: ty.range.low, low_closed: ty.range.low_closed, ..Interval::ALL })
    })
}

/// The first of values that is not null: none after one that is never null.
fn first_of(values: &[&Ty]) -> Interval {
    let reached = values.iter().take_while(|ty| ty.nullable).count() + 1;
    let ranges = values.iter().take(reached).filter(|ty| ty.kind != TyKind::Null).map(|ty| ty.range);
    ranges.reduce(Interval::hull).unwrap_or(Interval::ALL)
}

fn held(range: Interval, low: f64, high: f64) -> Interval {
    let bounds = closed(low, high);
    if range.low >= high || range.high <= low {
        return Interval::point(if range.low >= high { high } else { low });
    }
    // What lies outside comes to stand on a bound, which is then reached.
    let (below, above) = (range.low < low, range.high > high);
    let inner = range.meet(bounds);
    Interval { low_closed: below || inner.low_closed, high_closed: above || inner.high_closed, ..inner }
}

fn root(range: Interval) -> Interval {
    let range = range.meet(Interval { low: 0.0, low_closed: true, ..Interval::ALL });
    Interval { low: range.low.sqrt(), high: range.high.sqrt(), ..range }
}

fn truncated(range: Interval) -> Interval {
    let (above, below) = (range.floored(), range.negated().floored().negated());
    match (range.low >= 0.0, range.high <= 0.0) {
        (true, _) => above,
        (_, true) => below,
        _ => {
            Interval { low: below.low, low_closed: below.low_closed, high: above.high, high_closed: above.high_closed }
        }
    }
}

/// A tie goes to the even neighbour, so ends are rounded so too.
fn rounded(range: Interval) -> Interval {
    let (low, high) = (range.low.round_ties_even(), range.high.round_ties_even());
    Interval { low, low_closed: low.is_finite(), high, high_closed: high.is_finite() }
}

impl Infer<'_> {
    /// Reports a condition that ranges, levels or nulls decide. An expectation may say again what a schema says.
    pub(super) fn decided(&mut self, condition: &TExpr) {
        // That it was asked before is no reason not to ask whether a value is null.
        let asked = |expr: &TExpr| matches!(&expr.kind, TKind::Column(name) if self.refined.contains_key(name));
        let again = matches!(condition.kind, TKind::Call { .. }) && condition.children().into_iter().any(asked);
        if self.position != Position::Expectation
            && !again
            && let Some((always, operand)) = verdict(condition)
        {
            self.findings.push(errors::constant_condition(always, &operand.ty, condition.span));
        }
    }

    /// Reports a number of a list that the value beside `in` never is.
    pub(super) fn never_among(&mut self, item: &TExpr, member: &TExpr) {
        let apart = item.ty.is_number() && member.ty.is_number() && !item.ty.range.contains(member.ty.range.low);
        if apart && self.position != Position::Expectation {
            self.findings.push(errors::never_equal(&item.ty, member.span));
        }
    }
}

/// Whether a condition is always (`true`) or never (`false`) true, and what decides it. What is written out on both
/// sides is a choice, not a slip.
#[must_use]
pub fn verdict(condition: &TExpr) -> Option<(bool, &TExpr)> {
    let written = |expr: &TExpr| matches!(expr.kind, TKind::Literal(_));
    match &condition.kind {
        TKind::Binary { left, right, .. } if written(left) && written(right) => None,
        TKind::Binary { op, left, right, .. } if left.ty.is_number() && right.ty.is_number() => {
            let shown = if written(left) { right } else { left };
            compare(*op, left.ty.range, right.ty.range, left.ty.nullable || right.ty.nullable)
                .map(|always| (always, &**shown))
        }
        TKind::Binary { op: op @ (BinaryOp::Eq | BinaryOp::Ne), left, right, .. } => {
            apart(&left.ty, &right.ty).then_some(())?;
            let null = left.ty.nullable || right.ty.nullable;
            match op {
                BinaryOp::Eq => Some((false, &**left)),
                _ => (!null).then_some((true, &**left)),
            }
        }
        TKind::Call { function, args, .. } => {
            let argument = args.values().next().and_then(|values| values.first())?;
            let known = !argument.ty.nullable && !written(argument);
            match function.as_str() {
                "is_null" if known => Some((false, argument)),
                "is_not_null" if known => Some((true, argument)),
                _ => None,
            }
        }
        TKind::InRange { item, low, high, negated } if item.ty.is_number() && !written(item) => {
            let inside = in_range(item, low.as_ref(), high.as_ref())?;
            let always = inside != *negated;
            (!always || !item.ty.nullable).then_some((always, &**item))
        }
        _ => None,
    }
}

/// Whether two categories have no level in common.
fn apart(left: &Ty, right: &Ty) -> bool {
    match (&left.kind, &right.kind) {
        (TyKind::Category(Some(left)), TyKind::Category(Some(right))) => {
            !left.iter().any(|level| right.contains(level))
        }
        _ => false,
    }
}

type Side = (Box<TExpr>, bool);

/// Whether a value surely lies between its bounds, or surely does not.
fn in_range(item: &TExpr, low: Option<&Side>, high: Option<&Side>) -> Option<bool> {
    let side = |bound: Option<&Side>, op: [BinaryOp; 2]| match bound {
        None => Some(true),
        Some((bound, closed)) => {
            let op = if *closed { op[0] } else { op[1] };
            compare(op, item.ty.range, bound.ty.range, bound.ty.nullable)
        }
    };
    let above = side(low, [BinaryOp::Ge, BinaryOp::Gt]);
    let below = side(high, [BinaryOp::Le, BinaryOp::Lt]);
    match (above, below) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
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
