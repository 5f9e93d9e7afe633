//! Types as written, to types.

use crate::consts::literal;
use crate::errors;
use crate::typed::Finding;
use crate::types::{Exponent, Ty, TyKind, Unit};
use mlpc_syntax::ast::{BinaryOp, Expr, ExprKind, TypeExpr, TypeKind};
use std::sync::Arc;

/// Types without arguments, by name.
pub const SIMPLE: [(&str, TyKind); 8] = [
    ("bool", TyKind::Bool),
    ("int", TyKind::Int),
    ("float", TyKind::Float),
    ("string", TyKind::String),
    ("date", TyKind::Date),
    ("timestamp", TyKind::Timestamp),
    ("duration", TyKind::Duration),
    ("text", TyKind::String),
];

/// Types that a schema cannot hold yet.
const LATER: [&str; 2] = ["image", "bytes"];

/// Types that need arguments, and how they are written.
const BUILT: [(&str, &str); 2] = [
    ("list", "`list[float]`: the type of its items"),
    ("decimal", "`decimal(10, 2)`: digits, up to 38, and those after the point"),
];

/// The kind with this name and arguments, if there is one.
#[must_use]
pub fn simple_kind(name: &str, args: &[Expr]) -> Option<TyKind> {
    match name {
        "category" if args.is_empty() => Some(TyKind::Category(None)),
        "category" => levels(args).map(|levels| TyKind::Category(Some(levels))),
        "vector" => Some(TyKind::Vector(size(args))),
        "list" => match args {
            [item] => item_type(item).map(|item| TyKind::List(Arc::new(item))),
            _ => None,
        },
        "decimal" => decimal(args),
        _ => SIMPLE.into_iter().find(|(simple, _)| *simple == name).map(|(_, kind)| kind),
    }
}

/// The type that an annotation means.
pub fn column_type(ty: &TypeExpr, findings: &mut Vec<Finding>) -> Ty {
    let TypeKind::Named { path, args } = &ty.kind else {
        findings.push(errors::union_column(ty.span));
        return Ty::unknown();
    };
    let name = path.text();
    if let Some(kind) = simple_kind(&name, args) {
        if let TyKind::Category(Some(levels)) = &kind
            && let Some(twice) =
                levels.iter().enumerate().find(|(at, level)| levels.iter().take(*at).any(|l| l == *level))
        {
            findings.push(errors::duplicate_level(twice.1, ty.span));
        }
        let ty = Ty::new(kind).with_null(ty.nullable);
        return if matches!(ty.kind, TyKind::Int | TyKind::Float) {
            ty.with_unit(measured_in(args, findings))
        } else {
            ty
        };
    }
    if let Some((name, form)) = BUILT.iter().find(|(built, _)| *built == name) {
        findings.push(errors::bad_type(name, form, ty.span));
    } else if name == "category" {
        findings.push(errors::bad_levels(ty.span));
    } else if LATER.contains(&name.as_str()) {
        findings.push(errors::not_supported(&format!("a column of type `{name}`"), ty.span));
    } else {
        let known = SIMPLE.iter().map(|(name, _)| *name).chain(["category", "vector", "list", "decimal"]).chain(LATER);
        findings.push(errors::unknown_type(&name, known, path.span));
    }
    Ty::unknown()
}

/// The type of a list's items: `int`, `int?`, `float[mi]`, `decimal(10, 2)`, `list[int]`.
fn item_type(item: &Expr) -> Option<Ty> {
    match &item.kind {
        ExprKind::Optional(item) => item_type(item).map(|ty| ty.with_null(true)),
        ExprKind::Name(name) => simple_kind(name, &[]).map(Ty::new),
        ExprKind::Index(base, argument) => {
            let ExprKind::Name(name) = &base.kind else { return None };
            let ty = Ty::new(simple_kind(name, std::slice::from_ref(argument))?);
            if ty.is_number() { Some(ty.with_unit(unit(argument)?)) } else { Some(ty) }
        }
        ExprKind::Call(base, arguments) => {
            let ExprKind::Name(name) = &base.kind else { return None };
            let values: Vec<Expr> = arguments.iter().map(|argument| argument.value.clone()).collect();
            simple_kind(name, &values).map(Ty::new)
        }
        _ => None,
    }
}

fn decimal(args: &[Expr]) -> Option<TyKind> {
    let [digits, scale] = args else { return None };
    let number = |expr: &Expr| match expr.kind {
        ExprKind::Int(value) => u8::try_from(value).ok(),
        _ => None,
    };
    let (digits, scale) = (number(digits)?, number(scale)?);
    ((1..=38).contains(&digits) && scale <= digits).then_some(TyKind::Decimal(digits, scale))
}

/// The unit that stands in the brackets of a number's type.
fn measured_in(args: &[Expr], findings: &mut Vec<Finding>) -> Unit {
    match args {
        [] => Unit::PLAIN,
        [only] => unit(only).unwrap_or_else(|| {
            findings.push(errors::bad_unit(only.span));
            Unit::PLAIN
        }),
        [_, second, ..] => {
            findings.push(errors::bad_unit(second.span));
            Unit::PLAIN
        }
    }
}

/// The unit that an expression spells: `mi`, `mi / h`, `kg * m / s ** 2`, `1 / s`.
#[must_use]
pub fn unit(expr: &Expr) -> Option<Unit> {
    match &expr.kind {
        ExprKind::Name(symbol) => Some(Unit::symbol(symbol)),
        ExprKind::Int(1) => Some(Unit::PLAIN),
        ExprKind::Binary(BinaryOp::Mul, left, right) => unit(left)?.times(&unit(right)?),
        ExprKind::Binary(BinaryOp::Div, left, right) => unit(left)?.per(&unit(right)?),
        ExprKind::Binary(BinaryOp::Pow, base, exponent) => {
            unit(base)?.power(Exponent::of(literal(exponent)?.number()?)?)
        }
        _ => None,
    }
}

fn levels(args: &[Expr]) -> Option<Vec<String>> {
    args.iter()
        .map(|arg| match &arg.kind {
            ExprKind::Str(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

fn size(args: &[Expr]) -> Option<u32> {
    match args.first().map(|arg| &arg.kind) {
        Some(ExprKind::Int(size)) => u32::try_from(*size).ok(),
        _ => None,
    }
}
