//! Infix operators: what they take, what they give, and what nulls and ranges do.

use super::{Infer, places, quantity, time};
use crate::errors::{self, TyAt};
use crate::typed::{Const, TExpr, TKind};
use crate::types::{Interval, Ty, TyKind};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BinaryOp, Expr};

impl Infer<'_> {
    pub(super) fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> TExpr {
        let left = self.expr(left);
        // `a and b`: b is only of interest where a is true; `a or b`: where it is false.
        let before = self.refined.clone();
        match op {
            BinaryOp::And => self.refine(&left, true),
            BinaryOp::Or => self.refine(&left, false),
            _ => {}
        }
        let right = self.expr(right);
        self.refined = before;
        if left.ty.is_unknown() || right.ty.is_unknown() {
            return TExpr::error(span);
        }
        let result = match op {
            BinaryOp::And | BinaryOp::Or => self.logic(op, &left, &right),
            _ if op.is_comparison() => self.comparison(&left, &right, span),
            _ => self.arithmetic(op, &left, &right, span),
        };
        match result {
            Some((ty, _)) if quantity::only_measures(op, &left, &right, &ty) => TExpr { ty, span, ..left },
            Some((ty, finite)) => {
                let (left, right) = time::alike(left, right, &ty.kind);
                let (left, right) = exact(op, left, right, &ty.kind);
                let kind = TKind::Binary { op, left: Box::new(left), right: Box::new(right), finite };
                let typed = TExpr { kind, ty, span };
                self.decided(&typed);
                typed
            }
            None => TExpr::error(span),
        }
    }

    fn logic(&mut self, op: BinaryOp, left: &TExpr, right: &TExpr) -> Option<(Ty, bool)> {
        let mut fine = true;
        for side in [left, right] {
            if !side.ty.fits(&TyKind::Bool) {
                let what = format!("`{}`", op.symbol());
                self.findings.push(errors::mismatch(&what, "a condition on each side", &side.ty, side.span));
                fine = false;
            }
        }
        fine.then(|| (Ty::new(TyKind::Bool).with_null(left.ty.nullable || right.ty.nullable), false))
    }

    fn comparison(&mut self, left: &TExpr, right: &TExpr, span: Span) -> Option<(Ty, bool)> {
        if left.ty.kind == TyKind::Null || right.ty.kind == TyKind::Null {
            self.findings.push(errors::null_comparison(span));
            return None;
        }
        if !self.check_comparable(left, right, span) {
            return None;
        }
        Some((Ty::new(TyKind::Bool).with_null(left.ty.nullable || right.ty.nullable), false))
    }

    /// Whether the two can be compared; reports why not, also a text that a category does not have.
    pub(super) fn check_comparable(&mut self, left: &TExpr, right: &TExpr, span: Span) -> bool {
        for (side, other) in [(left, right), (right, left)] {
            if let TyKind::Category(Some(levels)) = &side.ty.kind
                && let TKind::Literal(Const::Str(text)) = &other.kind
            {
                if levels.contains(text) {
                    return true;
                }
                self.findings.push(errors::outside_category(text, levels, other.span));
                return false;
            }
        }
        if comparable(&left.ty, &right.ty) && quantity::same_unit(left, right) {
            return true;
        }
        let (left, right) = (TyAt(&left.ty, left.span), TyAt(&right.ty, right.span));
        self.findings.push(errors::incompatible("compare", "with", &left, &right, span));
        false
    }

    fn arithmetic(&mut self, op: BinaryOp, left: &TExpr, right: &TExpr, span: Span) -> Option<(Ty, bool)> {
        let nullable = left.ty.nullable || right.ty.nullable;
        if left.ty.is_number() && right.ty.is_number() {
            let unit = self.unit_of(op, left, right, span)?;
            let (ty, finite) = numeric(op, &left.ty, &right.ty);
            return Some((ty.with_null(nullable || finite).with_unit(unit), finite));
        }
        if let Some(kind) = temporal(op, &left.ty.kind, &right.ty.kind) {
            let division = op == BinaryOp::Div;
            let zone = left.ty.zone().or_else(|| right.ty.zone());
            return Some((Ty::new(kind).with_null(nullable || division).in_zone(zone), division));
        }
        let what = format!("`{}`", op.symbol());
        let odd = [left, right].into_iter().find(|side| !side.ty.is_number() && !side.ty.is_time());
        match odd {
            Some(side) if side.ty.kind != TyKind::Duration => {
                let finding = errors::mismatch(&what, "numbers", &side.ty, side.span);
                let text = matches!(side.ty.kind, TyKind::String | TyKind::Category(_)) && op == BinaryOp::Add;
                self.findings.push(if text { finding.help("use `concat(a, b)` to join texts") } else { finding });
            }
            _ => {
                let (left, right) = (TyAt(&left.ty, left.span), TyAt(&right.ty, right.span));
                self.findings.push(errors::incompatible(&format!("apply {what} to"), "and", &left, &right, span));
            }
        }
        None
    }
}

/// Decimals as the result needs them: quotients and powers are floats, products have the digits of both.
fn exact(op: BinaryOp, left: TExpr, right: TExpr, result: &TyKind) -> (TExpr, TExpr) {
    match (op, result) {
        (BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::Pow, _)
        | (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, TyKind::Float) => (places::float(left), places::float(right)),
        (BinaryOp::Mul, _) => (places::widened(left, result), places::widened(right, result)),
        _ => (left, right),
    }
}

/// Whether values of the two types can be compared.
pub(super) fn comparable(left: &Ty, right: &Ty) -> bool {
    let text = |ty: &Ty| matches!(ty.kind, TyKind::String | TyKind::Category(_));
    (left.is_number() && right.is_number())
        || (left.is_time() && right.is_time())
        || (text(left) && text(right))
        || (left.kind == right.kind && !matches!(left.kind, TyKind::Vector(_) | TyKind::List(_)))
}

/// The result of arithmetic on numbers, and whether it may be NaN or infinite.
fn numeric(op: BinaryOp, left: &Ty, right: &Ty) -> (Ty, bool) {
    let both_int = left.kind == TyKind::Int && right.kind == TyKind::Int;
    let float = [left, right].iter().any(|side| side.kind == TyKind::Float);
    let kind = match op {
        _ if both_int => TyKind::Int,
        BinaryOp::Add | BinaryOp::Sub if !float => left.kind.decimal(&right.kind),
        BinaryOp::Mul if !float => left.kind.decimal_product(&right.kind).unwrap_or(TyKind::Float),
        _ => TyKind::Float,
    };
    let by_zero = right.range.contains(0.0);
    match op {
        BinaryOp::Add => (Ty::new(kind).in_range(left.range.plus(right.range)), false),
        BinaryOp::Sub => (Ty::new(kind).in_range(left.range.plus(right.range.negated())), false),
        BinaryOp::Mul => (Ty::new(kind).in_range(left.range.times(right.range)), false),
        BinaryOp::Div if by_zero => (Ty::new(TyKind::Float), true),
        BinaryOp::Div => (Ty::new(TyKind::Float).in_range(left.range.divided_by(right.range)), false),
        BinaryOp::Rem => (Ty::new(kind).in_range(remainder(left.range, right.range)), by_zero),
        BinaryOp::FloorDiv if by_zero => (Ty::new(kind), true),
        BinaryOp::FloorDiv => (Ty::new(kind).in_range(left.range.divided_by(right.range).floored()), false),
        _ if let Some(exponent) = whole_exponent(right) => (Ty::new(kind).in_range(left.range.power(exponent)), false),
        // A negative base or a zero one with a negative exponent gives NaN or infinity.
        _ if both_int && right.range.low >= 0.0 => (Ty::new(TyKind::Int), false),
        _ => (Ty::new(TyKind::Float), left.range.low <= 0.0),
    }
}

/// What is left of a division, which has the sign of the divisor.
fn remainder(left: Interval, right: Interval) -> Interval {
    if left.low >= 0.0 && left.high < right.low {
        return left;
    }
    if right.low < 0.0 {
        return Interval::ALL;
    }
    let below = Interval { low: 0.0, low_closed: true, high: right.high, high_closed: false };
    if left.low >= 0.0 { below.meet(Interval { low: 0.0, low_closed: true, ..left }) } else { below }
}

/// The exponent, where it is a small whole number that is written out.
#[expect(clippy::cast_possible_truncation, reason = "checked to be small and whole")]
fn whole_exponent(exponent: &Ty) -> Option<i32> {
    let value = exponent.range.low;
    let constant = value == exponent.range.high && value.fract() == 0.0;
    (constant && (0.0..=64.0).contains(&value)).then_some(value as i32)
}

/// The result of arithmetic on times and spans, where it has one.
fn temporal(op: BinaryOp, left: &TyKind, right: &TyKind) -> Option<TyKind> {
    use TyKind::{Date, Duration, Float, Int, Timestamp};
    match (op, left, right) {
        (BinaryOp::Sub, Timestamp, Timestamp)
        | (BinaryOp::Sub, Date, Date)
        | (BinaryOp::Sub, Timestamp, Date)
        | (BinaryOp::Sub, Date, Timestamp)
        | (BinaryOp::Add | BinaryOp::Sub, Duration, Duration) => Some(Duration),
        (BinaryOp::Add | BinaryOp::Sub, Timestamp | Date, Duration) | (BinaryOp::Add, Duration, Timestamp | Date) => {
            Some(Timestamp)
        }
        (BinaryOp::Mul, Duration, Int) | (BinaryOp::Mul, Int, Duration) => Some(Duration),
        (BinaryOp::Div, Duration, Duration) => Some(Float),
        _ => None,
    }
}
