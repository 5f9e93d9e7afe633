//! Typed expressions and types, as the plan writes them.

use crate::plan::{DType, Expr, Range};
use indexmap::IndexMap;
use mlpc_hir::typed::{Const, FnBody, TExpr, TKind};
use mlpc_hir::types::{Interval, TyKind};
use mlpc_syntax::ast::UnaryOp;
use serde_json::Value;

/// A type.
pub fn dtype(kind: &TyKind) -> DType {
    match kind {
        TyKind::Bool => DType::Bool,
        TyKind::Int => DType::Int,
        TyKind::Float => DType::Float,
        TyKind::Category(levels) => DType::Category { levels: levels.clone() },
        TyKind::Date => DType::Date,
        TyKind::Timestamp => DType::Timestamp,
        TyKind::Duration => DType::Duration,
        TyKind::Bytes => DType::Bytes,
        TyKind::Image => DType::Image,
        TyKind::Vector(size) => DType::Vector { size: *size },
        TyKind::List(item) => DType::List { item: Box::new(dtype(&item.kind)), nullable: item.nullable },
        TyKind::Decimal(digits, scale) => DType::Decimal { digits: *digits, scale: *scale },
        TyKind::String | TyKind::Null | TyKind::Unknown => DType::String,
    }
}

/// A range, if it bounds anything.
pub fn range(range: Interval) -> Option<Range> {
    (range != Interval::ALL).then(|| Range {
        low: range.low.is_finite().then_some(range.low),
        low_closed: range.low_closed,
        high: range.high.is_finite().then_some(range.high),
        high_closed: range.high_closed,
    })
}

/// A constant as JSON. Durations are milliseconds, sizes bytes, dates ISO 8601.
pub fn value(value: &Const) -> Value {
    match value {
        Const::Null => Value::Null,
        Const::Bool(value) => Value::from(*value),
        Const::Int(value) => Value::from(*value),
        Const::Float(value) => Value::from(*value),
        Const::Str(value) => Value::from(value.as_str()),
        Const::Duration(ms) => Value::from(*ms),
        Const::Size(bytes) => Value::from(*bytes),
        Const::Date(_) | Const::Instant(_) => Value::from(iso(value)),
        Const::List(items) => items.iter().map(self::value).collect(),
    }
}

/// Days since 1970-01-01 as `2013-01-01`.
pub fn iso_date(days: i32) -> String {
    jiff::civil::date(1970, 1, 1)
        .checked_add(jiff::Span::new().days(days))
        .map_or_else(|_| "1970-01-01".to_owned(), |date| date.to_string())
}

/// A day or an instant, ISO 8601: `2013-01-01`, `2013-01-01T06:00:00Z`.
pub fn iso(moment: &Const) -> String {
    match moment {
        Const::Date(days) => iso_date(*days),
        Const::Instant(micros) => jiff::Timestamp::from_microsecond(*micros).unwrap_or_default().to_string(),
        other => other.describe(),
    }
}

/// An expression. Fitted calls and windows must have been taken out.
pub fn expr(typed: &TExpr) -> Expr {
    match &typed.kind {
        TKind::Column(name) => Expr::Column { name: name.clone() },
        TKind::Literal(constant) => literal(constant),
        TKind::Call { function, body, args, constants, finite } => {
            let args: IndexMap<String, Vec<Expr>> =
                args.iter().map(|(name, values)| (name.clone(), values.iter().map(expr).collect())).collect();
            match body {
                FnBody::Polars(polars) => Expr::Call {
                    function: function.clone(),
                    polars: polars.clone(),
                    args,
                    constants: constants.iter().map(|(name, constant)| (name.clone(), value(constant))).collect(),
                    finite: *finite,
                },
                // Written out where it was called.
                FnBody::Value(_) => Expr::Literal { value: Value::Null },
                FnBody::Python { reference, vectorized } => Expr::UserCall {
                    python: reference.clone(),
                    args: args.into_values().flatten().collect(),
                    dtype: dtype(&typed.ty.kind),
                    vectorized: *vectorized,
                },
            }
        }
        TKind::Unary(op, operand) => Expr::Unary {
            operator: match op {
                UnaryOp::Neg => "-".to_owned(),
                UnaryOp::Not => "not".to_owned(),
            },
            operand: Box::new(expr(operand)),
        },
        TKind::Binary { op, left, right, finite } => Expr::Binary {
            operator: op.symbol().to_owned(),
            left: Box::new(expr(left)),
            right: Box::new(expr(right)),
            finite: *finite,
        },
        TKind::If(condition, then, otherwise) => Expr::If {
            condition: Box::new(expr(condition)),
            then: Box::new(expr(then)),
            otherwise: Box::new(expr(otherwise)),
        },
        TKind::InList { item, values, negated } => {
            Expr::InList { item: Box::new(expr(item)), values: values.iter().map(value).collect(), negated: *negated }
        }
        TKind::InRange { item, low, high, negated } => {
            let bound = |side: &Option<(Box<TExpr>, bool)>| {
                side.as_ref().map(|(bound, closed)| (Box::new(expr(bound)), *closed))
            };
            Expr::InRange { item: Box::new(expr(item)), low: bound(low), high: bound(high), negated: *negated }
        }
        TKind::Error | TKind::Fitted(_) | TKind::Window(_) => Expr::Literal { value: Value::Null },
    }
}

fn literal(constant: &Const) -> Expr {
    match constant {
        Const::Date(days) => Expr::Date { iso: iso_date(*days) },
        Const::Instant(_) => Expr::Call {
            function: "timestamp".to_owned(),
            polars: "pl.lit({text}).str.to_datetime(time_unit=\"us\", time_zone=\"UTC\")".to_owned(),
            args: IndexMap::new(),
            constants: IndexMap::from([("text".to_owned(), Value::from(iso(constant)))]),
            finite: false,
        },
        Const::Duration(ms) => Expr::Duration { ms: *ms },
        Const::List(items) => Expr::List { items: items.iter().map(literal).collect() },
        other => Expr::Literal { value: value(other) },
    }
}
