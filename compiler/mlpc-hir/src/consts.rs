//! Values known when the program is compiled.

use crate::blocks::operations::parameter;
use crate::names::{Space, resolve};
use crate::parameters::can_be_given;
use crate::typed::{Const, Formula};
use crate::types::Interval;
use mlpc_db::{Block, Db, SourceFile, parse_block};
use mlpc_syntax::ast::{Arg, BinaryOp, Decl, Expr, ExprKind, UnaryOp};

/// The value of an expression that holds only literals. Words (bare names) are their own text.
#[must_use]
pub fn literal(expr: &Expr) -> Option<Const> {
    fold(expr, &|name| Some(Const::Str(name.to_owned())))
}

/// The value of an expression of literals and of names of `const` and `param` declarations seen from `file`.
pub fn constant(db: &dyn Db, file: SourceFile, expr: &Expr) -> Option<Const> {
    fold(expr, &|name| {
        let block = resolve(db, file, Space::Block, name)?;
        match &parse_block(db, block).decl {
            Decl::Value(_) => parameter(db, block).value.value.clone(),
            _ => None,
        }
    })
}

/// How the value of such an expression follows from parameters; `None` where it is the same in every run.
#[must_use]
pub fn formula(db: &dyn Db, file: SourceFile, expr: &Expr) -> Option<Formula> {
    // What has no value has none for other values of parameters either.
    constant(db, file, expr)?;
    let formula = formula_of(db, file, expr)?;
    names_parameter(&formula).then_some(formula)
}

fn formula_of(db: &dyn Db, file: SourceFile, expr: &Expr) -> Option<Formula> {
    let boxed = |expr| formula_of(db, file, expr).map(Box::new);
    match &expr.kind {
        ExprKind::Name(name) => {
            let block = resolve(db, file, Space::Block, name)?;
            if block.keyword(db) == "param" {
                return can_be_given(&parameter(db, block).value.ty)
                    .then(|| Formula::Parameter(block.name(db).to_owned()));
            }
            constant(db, file, expr).map(Formula::Value)
        }
        ExprKind::Unary(UnaryOp::Neg, operand) => boxed(operand).map(Formula::Negative),
        ExprKind::Binary(op, left, right) => Some(Formula::Binary(*op, boxed(left)?, boxed(right)?)),
        ExprKind::List(items) => {
            items.iter().map(|item| formula_of(db, file, item)).collect::<Option<_>>().map(Formula::List)
        }
        _ => constant(db, file, expr).map(Formula::Value),
    }
}

fn names_parameter(formula: &Formula) -> bool {
    match formula {
        Formula::Parameter(_) => true,
        Formula::Value(_) => false,
        Formula::Negative(operand) => names_parameter(operand),
        Formula::Binary(_, left, right) => names_parameter(left) || names_parameter(right),
        Formula::List(items) => items.iter().any(names_parameter),
    }
}

/// The value that a text spells, as on a command line: what is no literal is a text.
#[must_use]
pub fn spelled(text: &str) -> Const {
    let parsed = mlpc_syntax::parse(&format!("const value = {text}\n"));
    let value = match &parsed.decl {
        Decl::Value(decl) if parsed.errors.is_empty() => decl.value.as_ref().and_then(literal),
        _ => None,
    };
    value.unwrap_or_else(|| Const::Str(text.to_owned()))
}

/// The day that a text names: `2025-01-31`.
#[must_use]
pub fn day(text: &str) -> Option<Const> {
    let day: jiff::civil::Date = text.parse().ok()?;
    day.since(jiff::civil::date(1970, 1, 1)).ok().map(|span| Const::Date(span.get_days()))
}

/// The instant that a text with an offset names.
#[must_use]
pub fn instant(text: &str) -> Option<Const> {
    text.parse::<jiff::Timestamp>().ok().map(|instant| Const::Instant(instant.as_microsecond()))
}

/// A day or an instant; a parameter's value may also be its text.
#[must_use]
pub fn moment(db: &dyn Db, file: SourceFile, expr: &Expr) -> Option<Const> {
    match constant(db, file, expr)? {
        Const::Str(text) => day(&text).or_else(|| instant(&text)),
        moment @ (Const::Date(_) | Const::Instant(_)) => Some(moment),
        _ => None,
    }
}

/// What is set where a schedule says the day: `param as_of: date = scheduled_date`.
pub const SCHEDULED_DATE: &str = "scheduled_date";

/// Whether a name is that of a parameter whose day is not known before there is a lock.
#[must_use]
pub fn awaits_the_day(db: &dyn Db, file: SourceFile, expr: &Expr) -> bool {
    let block = dotted(expr).and_then(|name| resolve(db, file, Space::Block, &name));
    block.is_some_and(|block| parameter(db, block).value.value.is_none() && asks_for_the_day(db, block))
}

fn asks_for_the_day(db: &dyn Db, block: Block<'_>) -> bool {
    let Decl::Value(decl) = &parse_block(db, block).decl else { return false };
    decl.value.as_ref().is_some_and(|value| dotted(value).as_deref() == Some(SCHEDULED_DATE))
}

#[expect(clippy::cast_precision_loss, reason = "arithmetic of mixed literals is in floating point")]
fn fold(expr: &Expr, name: &dyn Fn(&str) -> Option<Const>) -> Option<Const> {
    match &expr.kind {
        ExprKind::Null => Some(Const::Null),
        ExprKind::Bool(value) => Some(Const::Bool(*value)),
        ExprKind::Int(value) => Some(Const::Int(*value)),
        ExprKind::Float(value) | ExprKind::Percent(value) => Some(Const::Float(*value)),
        ExprKind::Str(value) => Some(Const::Str(value.clone())),
        ExprKind::Duration(ms) => Some(Const::Duration(*ms)),
        ExprKind::Size(bytes) => Some(Const::Size(*bytes)),
        ExprKind::Date(days) => Some(Const::Date(*days)),
        ExprKind::Name(text) => name(text),
        // `timestamp("2025-01-01T06:00:00Z")`.
        ExprKind::Call(callee, args) => match (dotted(callee)?.as_str(), args.as_slice()) {
            ("timestamp", [Arg { name: None, value }]) => match &value.kind {
                ExprKind::Str(text) => instant(text),
                _ => None,
            },
            _ => None,
        },
        ExprKind::List(items) => items.iter().map(|item| fold(item, name)).collect::<Option<_>>().map(Const::List),
        ExprKind::Unary(UnaryOp::Neg, operand) => match fold(operand, name)? {
            Const::Int(value) => value.checked_neg().map(Const::Int),
            Const::Float(value) => Some(Const::Float(-value)),
            Const::Duration(ms) => Some(Const::Duration(-ms)),
            _ => None,
        },
        ExprKind::Binary(op, left, right) => match (fold(left, name)?, fold(right, name)?) {
            (Const::Int(left), Const::Int(right)) => match op {
                BinaryOp::Add => left.checked_add(right).map(Const::Int),
                BinaryOp::Sub => left.checked_sub(right).map(Const::Int),
                BinaryOp::Mul => left.checked_mul(right).map(Const::Int),
                BinaryOp::Div if right != 0 => Some(Const::Float(left as f64 / right as f64)),
                _ => None,
            },
            (left, right) => {
                let (left, right) = (left.number()?, right.number()?);
                match op {
                    BinaryOp::Add => Some(Const::Float(left + right)),
                    BinaryOp::Sub => Some(Const::Float(left - right)),
                    BinaryOp::Mul => Some(Const::Float(left * right)),
                    BinaryOp::Div if right != 0.0 => Some(Const::Float(left / right)),
                    _ => None,
                }
            }
        },
        _ => None,
    }
}

/// A range of literal numbers.
#[must_use]
pub fn interval(expr: &Expr) -> Option<Interval> {
    let ExprKind::Range(range) = &expr.kind else { return None };
    let bound = |side: &Option<(Box<Expr>, bool)>| match side {
        None => Some(None),
        Some((bound, closed)) => literal(bound).and_then(|value| value.number()).map(|value| Some((value, *closed))),
    };
    let (low, low_closed) = bound(&range.low)?.unwrap_or((f64::NEG_INFINITY, false));
    let (high, high_closed) = bound(&range.high)?.unwrap_or((f64::INFINITY, false));
    Some(Interval { low, low_closed, high, high_closed })
}

/// The dotted name that an expression spells, if it is one: `parts.train`.
#[must_use]
pub fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Member(base, member) => dotted(base).map(|base| format!("{base}.{}", member.text)),
        _ => None,
    }
}
