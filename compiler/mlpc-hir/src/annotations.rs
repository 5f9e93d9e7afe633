//! Types as written, to types.

use crate::blocks::{Context, context};
use crate::consts::{interval, literal};
use crate::errors;
use crate::names::{Space, resolve, visible};
use crate::typed::{Checked, Finding};
use crate::types::{Exponent, Ty, TyKind, Unit};
use mlpc_db::{Block, Db, parse_block};
use mlpc_syntax::ast::{BinaryOp, Decl, Expr, ExprKind, TypeExpr, TypeKind};
use std::sync::Arc;

/// Types without arguments, by name.
pub const SIMPLE: [(&str, TyKind); 10] = [
    ("bool", TyKind::Bool),
    ("int", TyKind::Int),
    ("float", TyKind::Float),
    ("string", TyKind::String),
    ("date", TyKind::Date),
    ("timestamp", TyKind::Timestamp),
    ("duration", TyKind::Duration),
    ("text", TyKind::String),
    ("bytes", TyKind::Bytes),
    ("image", TyKind::Image),
];

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
pub fn column_type(context: &mut Context<'_>, ty: &TypeExpr) -> Ty {
    if let TypeKind::Named { path, args } = &ty.kind
        && args.is_empty()
        && let Some(block) = resolve(context.db, context.file, Space::Block, &path.text())
        && block.keyword(context.db) == ALIAS
    {
        let meant = alias(context.db, block).value.clone();
        let null = meant.nullable || ty.nullable;
        return meant.with_null(null);
    }
    written_type(context, ty)
}

/// A column's type in the range that its declaration gives, which may narrow that of a named type, not widen it.
pub fn ranged(context: &mut Context<'_>, ty: Ty, domain: &Expr) -> Ty {
    match interval(domain) {
        Some(range) if range.is_empty() => {
            context.findings.push(errors::bad_value("this range holds no number", "empty", domain.span));
        }
        Some(range) if ty.is_number() && !range.within(ty.range) => {
            context.findings.push(errors::wider_range(&ty, range, domain.span));
        }
        Some(range) if ty.is_number() => return ty.in_range(range),
        Some(_) if ty.is_unknown() => {}
        Some(_) => context.findings.push(errors::mismatch("a range", "a number", &ty, domain.span)),
        None => context.findings.push(errors::wrong_form("in", "a range of numbers", domain.span)),
    }
    ty
}

/// The keyword of named types.
pub const ALIAS: &str = "type";

/// What a named type stands for: `type Money = decimal(10, 2) in 0..`.
#[salsa::tracked(cycle_result = alias_of_itself)]
pub fn alias<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Ty> {
    let mut context = context(db, block);
    let Decl::Value(decl) = &parse_block(db, block).decl else { return context.done(Ty::unknown()) };
    let mut ty = decl.ty.as_ref().map_or_else(Ty::unknown, |ty| column_type(&mut context, ty));
    if let Some(domain) = &decl.domain {
        ty = ranged(&mut context, ty, domain);
    }
    context.done(ty)
}

/// A type that stands for itself, by way of others or not.
fn alias_of_itself(db: &dyn Db, _: salsa::Id, block: Block<'_>) -> Checked<Ty> {
    let mut context = context(db, block);
    if let Decl::Value(decl) = &parse_block(db, block).decl {
        let names = [block.name(db).to_owned(), block.name(db).to_owned()];
        context.findings.push(errors::cycle("these types", &names, decl.name.span, Vec::new()));
    }
    context.done(Ty::unknown())
}

fn written_type(context: &mut Context<'_>, ty: &TypeExpr) -> Ty {
    let findings = &mut context.findings;
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
    } else {
        let known = SIMPLE.iter().map(|(name, _)| *name).chain(["category", "vector", "list", "decimal"]);
        let named = visible(context.db, context.file, Space::Block, &[ALIAS]);
        let known: Vec<&str> = known.chain(named.iter().map(String::as_str)).collect();
        findings.push(errors::unknown_type(&name, known.into_iter(), path.span));
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
