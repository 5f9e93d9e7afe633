//! Types of row-wise expressions. In: syntax and a scope of columns. Out: typed expressions; an expression that is wrong
//! is reported once, has unknown type, and causes no further findings.

pub mod aggregates;
mod call;
pub mod causes;
pub mod groups;
pub mod inline;
pub mod keys;
mod operators;
pub mod over;
mod places;
mod quantity;
pub mod ranges;
pub mod refine;
mod time;

use crate::consts::{constant, dotted, literal};
use crate::errors;
use crate::names::{Space, resolve};
use crate::typed::{Const, Finding, TExpr, TKind};
use crate::types::{Interval, Ty, TyKind};
use mlpc_db::{Db, SourceFile};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BinaryOp, Expr, ExprKind, Range, UnaryOp};
use std::collections::BTreeMap;

/// What a name means among columns.
pub enum Lookup {
    /// A column, by its name in the table.
    Found(String, Ty),
    /// Several sources have it; how each would be written.
    Ambiguous(Vec<String>),
    /// No source has it; what they have.
    Missing(Vec<String>),
    /// It is wrong, and that was reported.
    Broken,
    /// What it stands for, already typed: a definition, where only source columns are seen.
    Stands(Box<TExpr>),
    /// A definition that is fitted, where nothing fitted is seen.
    FittedHere(String),
    /// A column that holds today's value, where rows are earlier moments.
    NotSteady(String),
    /// A column of another table than the one that is asked.
    Outside(String),
}

/// Columns that an expression may name.
pub trait Columns {
    /// What `name`, which may be dotted, means.
    fn lookup(&self, name: &str) -> Lookup;
    /// Who has no such column, for messages: "`flights`".
    fn describe(&self) -> String;
    /// The labels of the block; `None` if a part of it cannot be read, so that there may be others.
    fn labels(&self) -> Option<Vec<String>> {
        Some(Vec::new())
    }
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// A column or let: fitted functions are allowed.
    Column,
    /// Before the split; for messages: "a filter".
    Row(&'static str),
    /// An expectation: functions over the whole table are allowed.
    Expectation,
}

/// Infers expressions of one block.
pub struct Infer<'a> {
    /// The database.
    pub db: &'a dyn Db,
    /// The file whose names are seen.
    pub file: SourceFile,
    /// Columns in scope.
    pub columns: &'a dyn Columns,
    /// Where the expression stands.
    pub position: Position,
    /// What was found.
    pub findings: &'a mut Vec<Finding>,
    /// What conditions have shown of columns.
    pub refined: BTreeMap<String, Ty>,
    /// The table whose rows windows see; without one there are no windows.
    pub table: Option<&'a over::Table<'a>>,
}

impl Infer<'_> {
    /// The typed form of an expression.
    pub fn expr(&mut self, expr: &Expr) -> TExpr {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Null => self.typed(TKind::Literal(Const::Null), Ty::new(TyKind::Null).with_null(true), span),
            ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Percent(_)
            | ExprKind::Str(_)
            | ExprKind::Duration(_)
            | ExprKind::Size(_)
            | ExprKind::Date(_) => literal(expr).map_or_else(|| TExpr::error(span), |value| literal_expr(value, span)),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Member(..) => match dotted(expr) {
                Some(name) => self.name(&name, span),
                None => self.reject(expr, "a member of a value"),
            },
            ExprKind::Call(callee, args) => self.call(callee, args, span),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, span),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, span),
            ExprKind::In { item, set, negated } => self.membership(item, set, *negated, span),
            ExprKind::If(condition, then, otherwise) => self.conditional(condition, then, otherwise, span),
            ExprKind::Over(call, args) => self.over(call, args, span),
            ExprKind::Index(base, index) => self.index(base, index, span),
            ExprKind::Interpolated(_) => self.later("an interpolated text over columns", span),
            ExprKind::By(..) => self.reject(expr, "`by`"),
            ExprKind::Pair(here, there) => {
                self.findings.push(errors::pair_outside_by(&here.text(), &there.text(), span));
                TExpr::error(span)
            }
            ExprKind::Range(_) => self.reject(expr, "a range without `in`"),
            ExprKind::List(items) => self.list(items, span),
            ExprKind::Record(_) => self.reject(expr, "a record"),
            ExprKind::Optional(_) => self.reject(expr, "a type"),
            ExprKind::ForAll(..) => self.reject(expr, "`for all`"),
            ExprKind::Error => TExpr::error(span),
        }
    }

    /// A condition: boolean, null allowed.
    pub fn condition(&mut self, expr: &Expr, what: &str) -> TExpr {
        let typed = self.expr(expr);
        if !typed.ty.fits(&TyKind::Bool) {
            self.findings.push(errors::mismatch(what, "a condition", &typed.ty, expr.span));
            return TExpr::error(expr.span);
        }
        typed
    }

    fn typed(&self, kind: TKind, ty: Ty, span: Span) -> TExpr {
        TExpr { kind, ty, span }
    }

    fn reject(&mut self, expr: &Expr, what: &str) -> TExpr {
        self.findings.push(errors::bad_value(format!("{what} is no value of a row"), "not a value", expr.span));
        TExpr::error(expr.span)
    }

    fn later(&mut self, what: &str, span: Span) -> TExpr {
        self.findings.push(errors::not_supported(what, span));
        TExpr::error(span)
    }

    fn name(&mut self, name: &str, span: Span) -> TExpr {
        match self.columns.lookup(name) {
            Lookup::Found(column, ty) => {
                let ty = self.refined.get(&column).cloned().unwrap_or(ty);
                self.typed(TKind::Column(column), ty, span)
            }
            Lookup::Broken => TExpr::error(span),
            Lookup::Stands(expr) => TExpr { span, ..*expr },
            Lookup::FittedHere(definition) => {
                self.findings.push(errors::fitted_before_split(&definition, "a window", span));
                TExpr::error(span)
            }
            Lookup::NotSteady(column) => {
                self.findings.push(errors::not_constant(&column, &self.columns.describe(), span));
                TExpr::error(span)
            }
            Lookup::Outside(table) => {
                self.findings.push(errors::outside_source(name, &table, span));
                TExpr::error(span)
            }
            Lookup::Ambiguous(options) => {
                self.findings.push(errors::ambiguous_column(name, &options, span));
                TExpr::error(span)
            }
            Lookup::Missing(known) => {
                let declared = resolve(self.db, self.file, Space::Block, name);
                if declared.is_some_and(|block| matches!(block.keyword(self.db), "const" | "param")) {
                    let expr = Expr { kind: ExprKind::Name(name.to_owned()), span };
                    return match constant(self.db, self.file, &expr) {
                        Some(value) => literal_expr(value, span),
                        None => TExpr::error(span),
                    };
                }
                self.findings.push(errors::unknown_column(name, &self.columns.describe(), &known, span));
                TExpr::error(span)
            }
        }
    }

    fn index(&mut self, base: &Expr, index: &Expr, span: Span) -> TExpr {
        let base = self.expr(base);
        if matches!(base.kind, TKind::Literal(_)) && base.ty.is_number() {
            return self.quantity(base, index, span);
        }
        self.element(base, index, span)
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> TExpr {
        let value = self.expr(operand);
        if value.ty.is_unknown() {
            return TExpr::error(span);
        }
        let ty = match op {
            UnaryOp::Neg if value.ty.is_number() => {
                let range = value.ty.range.negated();
                value.ty.clone().in_range(range)
            }
            UnaryOp::Neg if value.ty.kind == TyKind::Duration => value.ty.clone(),
            UnaryOp::Not if value.ty.fits(&TyKind::Bool) => value.ty.clone(),
            UnaryOp::Neg => {
                self.findings.push(errors::mismatch("`-`", "a number", &value.ty, operand.span));
                return TExpr::error(span);
            }
            UnaryOp::Not => {
                self.findings.push(errors::mismatch("`not`", "a condition", &value.ty, operand.span));
                return TExpr::error(span);
            }
        };
        self.typed(TKind::Unary(op, Box::new(value)), ty, span)
    }

    fn conditional(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr, span: Span) -> TExpr {
        let condition = self.condition(condition, "`if`");
        let before = self.refined.clone();
        self.refine(&condition, true);
        let then = self.expr(then);
        self.refined.clone_from(&before);
        self.refine(&condition, false);
        let otherwise = self.expr(otherwise);
        self.refined = before;
        let ty = if matches!(then.kind, TKind::Literal(_)) {
            joined(&otherwise.ty, &then)
        } else {
            joined(&then.ty, &otherwise)
        };
        let Some(ty) = ty else {
            let (left, right) = (errors::TyAt(&then.ty, then.span), errors::TyAt(&otherwise.ty, otherwise.span));
            self.findings.push(errors::incompatible("choose between", "and", &left, &right, span));
            return TExpr::error(span);
        };
        if ty.is_unknown() {
            return TExpr::error(span);
        }
        let (then, otherwise) = time::alike(then, otherwise, &ty.kind);
        self.typed(TKind::If(Box::new(condition), Box::new(then), Box::new(otherwise)), ty, span)
    }

    fn membership(&mut self, item: &Expr, set: &Expr, negated: bool, span: Span) -> TExpr {
        let item = self.expr(item);
        let kind = match &set.kind {
            ExprKind::Range(range) => self.in_range(item, range, negated),
            ExprKind::List(items) => self.in_list(item, items, negated),
            _ => {
                self.findings.push(errors::wrong_form("in", "a range or a list", set.span));
                return TExpr::error(span);
            }
        };
        match kind {
            Some((kind, nullable)) => {
                let condition = self.typed(kind, Ty::new(TyKind::Bool).with_null(nullable), span);
                self.decided(&condition);
                condition
            }
            None => TExpr::error(span),
        }
    }

    fn in_range(&mut self, item: TExpr, range: &Range, negated: bool) -> Option<(TKind, bool)> {
        let orderly = item.ty.is_number() || item.ty.is_time() || item.ty.kind == TyKind::Duration;
        if !orderly && !item.ty.is_unknown() {
            self.findings.push(errors::mismatch("a range", "a number or a time", &item.ty, item.span));
            return None;
        }
        let low = self.bound(&item, range.low.as_ref());
        let high = self.bound(&item, range.high.as_ref());
        if item.ty.is_unknown() {
            return None;
        }
        let (mut low, mut high) = (low?, high?);
        let nullable = item.ty.nullable || [&low, &high].into_iter().flatten().any(|(bound, _)| bound.ty.nullable);
        let item = instants(item, [&mut low, &mut high]);
        Some((TKind::InRange { item: Box::new(item), low, high, negated }, nullable))
    }

    #[expect(clippy::option_option, reason = "the outer level is an error that was reported, the inner an open bound")]
    fn bound(&mut self, item: &TExpr, bound: Option<&(Box<Expr>, bool)>) -> Option<Option<(Box<TExpr>, bool)>> {
        let Some((expr, closed)) = bound else { return Some(None) };
        let typed = self.expr(expr);
        if typed.ty.is_unknown() || item.ty.is_unknown() {
            return None;
        }
        if !operators::comparable(&item.ty, &typed.ty) || !quantity::same_unit(item, &typed) {
            let (left, right) = (errors::TyAt(&item.ty, item.span), errors::TyAt(&typed.ty, typed.span));
            self.findings.push(errors::incompatible("compare", "with", &left, &right, expr.span));
            return None;
        }
        Some(Some((Box::new(typed), *closed)))
    }

    fn in_list(&mut self, item: TExpr, items: &[Expr], negated: bool) -> Option<(TKind, bool)> {
        let mut values = Vec::new();
        let mut broken = item.ty.is_unknown();
        for member in items {
            let typed = self.expr(member);
            let unknown = typed.ty.is_unknown() || item.ty.is_unknown();
            if unknown || !self.check_comparable(&item, &typed, member.span) {
                broken = true;
            } else if let TKind::Literal(value) = &typed.kind {
                self.never_among(&item, &typed);
                values.push(value.clone());
            } else {
                self.findings.push(errors::wrong_form("in", "a list of literals", member.span));
                broken = true;
            }
        }
        if broken {
            return None;
        }
        if let TyKind::Category(Some(levels)) = &item.ty.kind
            && levels.iter().all(|level| values.iter().any(|value| *value == Const::Str(level.clone())))
            && !item.ty.nullable
        {
            self.findings.push(errors::constant_condition(!negated, &item.ty, item.span));
        }
        let nullable = item.ty.nullable;
        if item.ty.is_time() || matches!(item.ty.kind, TyKind::Duration | TyKind::Decimal(..)) {
            return Some((one_of(&item, values, negated), nullable));
        }
        Some((TKind::InList { item: Box::new(item), values, negated }, nullable))
    }
}

/// Item and bounds as instants, where one of them is.
fn instants(item: TExpr, bounds: [&mut Option<(Box<TExpr>, bool)>; 2]) -> TExpr {
    let all = || std::iter::once(&item.ty).chain(bounds.iter().filter_map(|side| side.as_ref().map(|side| &side.0.ty)));
    if !all().any(|ty| ty.kind == TyKind::Timestamp) {
        return item;
    }
    let zone = all().find_map(Ty::zone);
    for (bound, _) in bounds.into_iter().flatten() {
        let taken = std::mem::replace(&mut **bound, TExpr::error(item.span));
        **bound = time::instant(taken, zone.clone());
    }
    time::instant(item, zone)
}

/// `item == a or item == b`, for values that are no plain literals in the program that runs.
fn one_of(item: &TExpr, values: Vec<Const>, negated: bool) -> TKind {
    let ty = Ty::new(TyKind::Bool).with_null(item.ty.nullable);
    let typed = |kind| TExpr { kind, ty: ty.clone(), span: item.span };
    let binary = |op, left, right| TKind::Binary { op, left: Box::new(left), right: Box::new(right), finite: false };
    let equal = values.into_iter().map(|value| {
        let (left, right) = time::alike(item.clone(), literal_expr(value, item.span), &TyKind::Bool);
        typed(binary(BinaryOp::Eq, left, right))
    });
    let any = equal.reduce(|left, right| typed(binary(BinaryOp::Or, left, right)));
    match any {
        None => TKind::Literal(Const::Bool(negated)),
        Some(any) if negated => TKind::Unary(UnaryOp::Not, Box::new(any)),
        Some(any) => any.kind,
    }
}

/// The narrowest type that holds both. A text that is written out is a level of the category beside it.
fn joined(left: &Ty, right: &TExpr) -> Option<Ty> {
    match (&left.kind, &right.kind) {
        (TyKind::Category(levels), TKind::Literal(Const::Str(text))) => {
            let levels = levels.clone().map(|mut levels| {
                if !levels.contains(text) {
                    levels.push(text.clone());
                }
                levels
            });
            Some(Ty::new(TyKind::Category(levels)).with_null(left.nullable))
        }
        _ => left.join(&right.ty),
    }
}

/// A literal with its type.
#[must_use]
pub fn literal_expr(value: Const, span: Span) -> TExpr {
    let ty = match &value {
        Const::Null => Ty::new(TyKind::Null).with_null(true),
        Const::Bool(_) => Ty::new(TyKind::Bool),
        Const::Int(_) | Const::Size(_) => Ty::new(TyKind::Int),
        Const::Float(_) => Ty::new(TyKind::Float),
        Const::Str(_) => Ty::new(TyKind::String),
        Const::Duration(_) => Ty::new(TyKind::Duration),
        Const::Date(_) => Ty::new(TyKind::Date),
        Const::Instant(_) => Ty::new(TyKind::Timestamp),
        Const::List(_) => Ty::unknown(),
    };
    let range = value.number().map_or(Interval::ALL, Interval::point);
    TExpr { kind: TKind::Literal(value), ty: ty.in_range(range), span }
}
