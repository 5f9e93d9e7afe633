//! Units of measure: which operators and functions take which, and what unit comes out.

use super::Infer;
use super::call::Bound;
use crate::annotations;
use crate::errors::{self, TyAt};
use crate::library::{FnSig, Pattern, UnitPolicy};
use crate::typed::{Const, TExpr, TKind};
use crate::types::{Conversion, Exponent, Interval, Ty, TyKind, Unit};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BinaryOp, Expr};

impl Infer<'_> {
    /// `100.0[mi]`: a number that is written out, with its unit.
    pub(super) fn quantity(&mut self, number: TExpr, unit: &Expr, span: Span) -> TExpr {
        match annotations::unit(unit) {
            Some(unit) => TExpr { ty: number.ty.clone().with_unit(unit), span, ..number },
            None => {
                self.findings.push(errors::bad_unit(unit.span));
                TExpr::error(span)
            }
        }
    }

    /// The unit of what an operator makes of two numbers. None if they do not go together, which is reported.
    pub(super) fn unit_of(&mut self, op: BinaryOp, left: &TExpr, right: &TExpr, span: Span) -> Option<Unit> {
        let (one, two) = (left.ty.unit(), right.ty.unit());
        match op {
            BinaryOp::Mul => one.times(&two),
            BinaryOp::Div | BinaryOp::FloorDiv => one.per(&two),
            BinaryOp::Pow if one.is_plain() && two.is_plain() => Some(one),
            BinaryOp::Pow => {
                let range = right.ty.range;
                let exponent = (range.low == range.high && two.is_plain()).then(|| Exponent::of(range.low)).flatten();
                let power = exponent.and_then(|exponent| one.power(exponent));
                if power.is_none() {
                    self.findings.push(errors::power_of_unit(&TyAt(&left.ty, left.span), &TyAt(&right.ty, right.span)));
                }
                power
            }
            _ if one == two => Some(one),
            _ => {
                let (left, right) = (TyAt(&left.ty, left.span), TyAt(&right.ty, right.span));
                let verb = format!("apply `{}` to", op.symbol());
                self.findings.push(errors::unit_mismatch(&verb, "and", &left, &right, span));
                None
            }
        }
    }

    /// The unit that the arguments of a call share. None if they do not fit, which is reported.
    pub(super) fn shared_unit(&mut self, signature: &FnSig, bound: &Bound) -> Option<Unit> {
        let mut shared: Option<(Ty, Span)> = None;
        for param in &signature.params {
            for value in bound.values.get(&param.name).into_iter().flatten().filter(|value| value.ty.is_number()) {
                let declared = !param.unit.is_plain() || signature.units == UnitPolicy::Plain;
                let wanted = match param.pattern {
                    Pattern::Any | Pattern::Unit | Pattern::List(_) | Pattern::OneOf(_) | Pattern::Sized(_) => continue,
                    Pattern::Is(_) if signature.units == UnitPolicy::Dropped => continue,
                    Pattern::Is(_) if declared => {
                        if value.ty.unit() == param.unit {
                            continue;
                        }
                        let what = format!("`{}` of `{}`", param.name, signature.name);
                        self.findings.push(errors::unit_argument(&what, &param.unit, &value.ty, value.span));
                        return None;
                    }
                    Pattern::Is(_) | Pattern::Number | Pattern::Var(_) => {
                        shared.get_or_insert_with(|| (value.ty.clone(), value.span))
                    }
                };
                if wanted.0.unit() != value.ty.unit() {
                    let (left, right) = (TyAt(&wanted.0, wanted.1), TyAt(&value.ty, value.span));
                    let verb = format!("apply `{}` to", signature.name);
                    self.findings.push(errors::unit_mismatch(&verb, "and", &left, &right, value.span));
                    return None;
                }
            }
        }
        let shared_unit = shared.as_ref().map_or(Unit::PLAIN, |(ty, _)| ty.unit());
        for param in signature.params.iter().filter(|param| param.pattern == Pattern::Number) {
            let Some(constant) = bound.constants.get(&param.name) else { continue };
            let Some((unit, span)) = bound.units.get(&param.name) else { continue };
            let zero = constant.number() == Some(0.0) && unit.is_plain();
            if *unit != shared_unit && !zero {
                let what = format!("`{}` of `{}`", param.name, signature.name);
                let point = constant.number().map_or(Interval::ALL, Interval::point);
                let found = Ty::new(TyKind::Float).in_range(point).with_unit(unit.clone());
                self.findings.push(errors::unit_argument(&what, &shared_unit, &found, *span));
                return None;
            }
        }
        Some(shared_unit)
    }

    /// `convert(x, km)`: the value in another unit.
    pub(super) fn converted(&mut self, bound: Bound, from: &Unit, span: Span) -> TExpr {
        let value = bound.values.into_values().flatten().next();
        let (Some(value), Some((to, at))) = (value, bound.units.into_values().next()) else {
            return TExpr::error(span);
        };
        match from.conversion(&to) {
            Some(conversion) => scaled(value, conversion, span, to),
            None => {
                self.findings.push(errors::no_conversion(&TyAt(&value.ty, value.span), &to, at));
                TExpr::error(span)
            }
        }
    }
}

/// The value by a conversion: `x * factor`, `x / divisor`, `+ offset`, each where it changes anything.
fn scaled(value: TExpr, by: Conversion, span: Span, unit: Unit) -> TExpr {
    let null = value.ty.nullable;
    let steps = [(BinaryOp::Mul, by.factor, 1.0), (BinaryOp::Div, by.divisor, 1.0), (BinaryOp::Add, by.offset, 0.0)];
    let plain = TExpr { ty: value.ty.clone().with_unit(Unit::PLAIN), ..value };
    let scaled = steps.into_iter().filter(|(_, number, neutral)| number != neutral).fold(plain, |left, step| {
        let (op, number, _) = step;
        let right = super::literal_expr(Const::Float(number), span);
        let range = match op {
            BinaryOp::Mul => left.ty.range.times(right.ty.range),
            BinaryOp::Div => left.ty.range.divided_by(right.ty.range),
            _ => left.ty.range.plus(right.ty.range),
        };
        let ty = Ty::new(TyKind::Float).in_range(range).with_null(null);
        let kind = TKind::Binary { op, left: Box::new(left), right: Box::new(right), finite: false };
        TExpr { kind, ty, span }
    });
    TExpr { ty: scaled.ty.clone().with_unit(unit), ..scaled }
}

/// Whether an operator only gives or takes a unit: `x * 1.0[mi]`, where nothing is to be computed.
pub(super) fn only_measures(op: BinaryOp, left: &TExpr, right: &TExpr, result: &Ty) -> bool {
    matches!(op, BinaryOp::Mul | BinaryOp::Div)
        && matches!(right.kind, TKind::Literal(_))
        && right.ty.range == Interval::point(1.0)
        && !right.ty.unit().is_plain()
        && result.kind == left.ty.kind
}

/// Whether two numbers can be compared as far as units go: they have the same, or one of them is a zero.
pub(super) fn same_unit(left: &TExpr, right: &TExpr) -> bool {
    let zero = |side: &TExpr| {
        matches!(side.kind, TKind::Literal(_)) && side.ty.range == Interval::point(0.0) && side.ty.unit().is_plain()
    };
    left.ty.unit() == right.ty.unit() || zero(left) || zero(right)
}
