//! What a condition shows of the columns in it: after `filter is_not_null(x)`, `x` is not null.

use super::Infer;
use crate::library::{NullPolicy, fn_signature};
use crate::names::{Space, resolve};
use crate::typed::{TExpr, TKind};
use crate::types::{Interval, Ty};
use mlpc_syntax::ast::{BinaryOp, UnaryOp};
use std::collections::BTreeMap;

/// What is taken of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    /// It is true.
    True,
    /// It is false.
    False,
    /// It is false or null: the `else` of an `if`, the right side of an `or`.
    NotTrue,
}

impl Infer<'_> {
    /// Takes it that `condition` is true, or not true.
    pub fn refine(&mut self, condition: &TExpr, truth: bool) {
        let propagates = |name: &str| {
            // What the compiler itself puts around a value hands nulls on.
            matches!(name, "midnight" | "in_zone" | "cast")
                || resolve(self.db, self.file, Space::Function, name)
                    .and_then(|block| fn_signature(self.db, block).as_ref())
                    .is_some_and(|signature| signature.nulls == NullPolicy::Propagate)
        };
        let truth = if truth { Truth::True } else { Truth::NotTrue };
        Refinement { known: &mut self.refined, propagates: &propagates }.take(condition, truth);
    }
}

struct Refinement<'a> {
    known: &'a mut BTreeMap<String, Ty>,
    /// Whether a function's result is null where an argument is.
    propagates: &'a dyn Fn(&str) -> bool,
}

impl Refinement<'_> {
    fn take(&mut self, condition: &TExpr, truth: Truth) {
        match &condition.kind {
            TKind::Unary(UnaryOp::Not, operand) => match truth {
                Truth::True => self.take(operand, Truth::False),
                Truth::False => self.take(operand, Truth::True),
                Truth::NotTrue if !operand.ty.nullable => self.take(operand, Truth::True),
                Truth::NotTrue => {}
            },
            TKind::Binary { op: BinaryOp::And, left, right, .. } if truth == Truth::True => {
                self.take(left, truth);
                self.take(right, truth);
            }
            TKind::Binary { op: BinaryOp::Or, left, right, .. } if truth != Truth::True => {
                self.take(left, truth);
                self.take(right, truth);
            }
            TKind::Binary { op, left, right, .. } if op.is_comparison() => self.comparison(*op, left, right, truth),
            TKind::InList { item, .. } if truth != Truth::NotTrue => self.not_null(item),
            TKind::InRange { item, low, high, negated } => {
                self.range(item, low.as_ref(), high.as_ref(), *negated, truth);
            }
            TKind::Call { function, args, .. } => {
                let Some(argument) = args.values().next().and_then(|values| values.first()) else { return };
                match (function.as_str(), truth) {
                    // Neither is ever null.
                    ("is_not_null", Truth::True) | ("is_null", Truth::False | Truth::NotTrue) => {
                        self.not_null(argument)
                    }
                    ("is_true", Truth::True) => self.take(argument, Truth::True),
                    ("is_true", _) => self.take(argument, Truth::NotTrue),
                    _ => {}
                }
            }
            TKind::Column(_) if truth != Truth::NotTrue => self.not_null(condition),
            _ => {}
        }
    }

    fn comparison(&mut self, op: BinaryOp, left: &TExpr, right: &TExpr, truth: Truth) {
        if truth != Truth::NotTrue {
            self.not_null(left);
            self.not_null(right);
        }
        let shown = if truth == Truth::True { Some(op) } else { negated(op) };
        let Some(op) = shown else { return };
        // Where the other side is null nothing is shown of this one.
        if truth != Truth::NotTrue || !right.ty.nullable {
            self.bound(left, op, right);
        }
        if truth != Truth::NotTrue || !left.ty.nullable {
            self.bound(right, mirrored(op), left);
        }
    }

    fn range(
        &mut self,
        item: &TExpr,
        low: Option<&(Box<TExpr>, bool)>,
        high: Option<&(Box<TExpr>, bool)>,
        negated: bool,
        truth: Truth,
    ) {
        if truth != Truth::NotTrue {
            self.not_null(item);
        }
        let above = |closed: bool| if closed { BinaryOp::Ge } else { BinaryOp::Gt };
        let below = |closed: bool| if closed { BinaryOp::Le } else { BinaryOp::Lt };
        if (truth == Truth::True) != negated {
            let strict = truth != Truth::NotTrue;
            for (bound, op) in low.map(|(b, c)| (b, above(*c))).into_iter().chain(high.map(|(b, c)| (b, below(*c)))) {
                if strict || !bound.ty.nullable {
                    self.bound(item, op, bound);
                }
            }
            return;
        }
        // Outside of a range with one end is a range as well.
        let only = match (low, high) {
            (Some((bound, closed)), None) => Some((bound, below(!closed))),
            (None, Some((bound, closed))) => Some((bound, above(!closed))),
            _ => None,
        };
        if let Some((bound, op)) = only.filter(|(bound, _)| !bound.ty.nullable) {
            self.bound(item, op, bound);
        }
    }

    /// The value is not null, so neither is what makes it null.
    fn not_null(&mut self, expr: &TExpr) {
        match &expr.kind {
            TKind::Column(name) => {
                let ty = self.known.get(name).cloned().unwrap_or_else(|| expr.ty.clone());
                self.known.insert(name.clone(), ty.with_null(false));
            }
            TKind::Unary(_, operand) => self.not_null(operand),
            TKind::Binary { op, left, right, .. } if !matches!(op, BinaryOp::And | BinaryOp::Or) => {
                self.not_null(left);
                self.not_null(right);
            }
            TKind::Call { function, args, .. } if (self.propagates)(function) => {
                args.values().flatten().for_each(|argument| self.not_null(argument));
            }
            TKind::InList { item, .. } => self.not_null(item),
            _ => {}
        }
    }

    fn narrow(&mut self, expr: &TExpr, range: Interval) {
        if let TKind::Column(name) = &expr.kind
            && expr.ty.is_number()
        {
            let ty = self.known.get(name).cloned().unwrap_or_else(|| expr.ty.clone());
            let range = ty.range.meet(range);
            // A condition that nothing meets is reported as such; nothing should follow from it.
            if !range.is_empty() {
                self.known.insert(name.clone(), ty.in_range(range));
            }
        }
    }

    fn bound(&mut self, expr: &TExpr, op: BinaryOp, other: &TExpr) {
        let range = other.ty.range;
        let below =
            Interval { low: f64::NEG_INFINITY, low_closed: false, high: range.high, high_closed: range.high_closed };
        let above = Interval { low: range.low, low_closed: range.low_closed, high: f64::INFINITY, high_closed: false };
        match op {
            BinaryOp::Lt => self.narrow(expr, Interval { high_closed: false, ..below }),
            BinaryOp::Le => self.narrow(expr, below),
            BinaryOp::Gt => self.narrow(expr, Interval { low_closed: false, ..above }),
            BinaryOp::Ge => self.narrow(expr, above),
            BinaryOp::Eq => self.narrow(expr, range),
            // A value that is no end of a range is not worth a note; one that is takes the end off.
            BinaryOp::Ne if range.low == range.high => self.without(expr, range.low),
            _ => {}
        }
    }

    /// The value is not `point`: an end of its range that is this point falls away.
    fn without(&mut self, expr: &TExpr, point: f64) {
        let TKind::Column(name) = &expr.kind else { return };
        let have = self.known.get(name).map_or(expr.ty.range, |ty| ty.range);
        let mut range = have;
        range.low_closed &= have.low != point;
        range.high_closed &= have.high != point;
        self.narrow(expr, range);
    }
}

/// The comparison that holds where this one does not, of values that are not null.
fn negated(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Lt => BinaryOp::Ge,
        BinaryOp::Le => BinaryOp::Gt,
        BinaryOp::Gt => BinaryOp::Le,
        BinaryOp::Ge => BinaryOp::Lt,
        BinaryOp::Eq => BinaryOp::Ne,
        BinaryOp::Ne => BinaryOp::Eq,
        _ => return None,
    })
}

/// The comparison with its sides exchanged.
pub(crate) fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}
