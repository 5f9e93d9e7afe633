//! `split`: which rows train, tune and judge.

mod folds;
mod leaks;
mod parts;

use super::features::features_shape;
use super::{Context, context};
use crate::consts::{constant, dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::{body, setting};
use crate::names::{Space, resolve};
use crate::references::names_in;
use crate::typed::{Checked, Column, Const, FeaturesShape, Split, SplitBy};
use crate::types::TyKind;
use mlpc_db::{Block, Db};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{Arg, BlockDecl, Expr};

/// The parts, in order of time.
pub const PARTS: [&str; 3] = ["train", "validation", "test"];

/// A split, checked.
#[salsa::tracked]
pub fn split<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Split> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Split::default()) };
    let Some(features) = context.connected(&["features"]) else { return context.done(Split::default()) };
    let shape = features_shape(db, features);
    let mut value = Split { features: context.qualified(features), ..Split::default() };
    let known = setting(decl, "by").is_some_and(|expr| by(&mut context, decl, shape, expr, &mut value));
    if known {
        value.folds = folds::folds(&mut context, decl, &value.by);
        value.parts = parts::parts(&mut context, decl, &value.by);
        leaks::check(&mut context, decl, features, shape, &value);
    }
    context.done(value)
}

/// How rows are divided; gives whether that is known.
fn by(context: &mut Context<'_>, decl: &BlockDecl, shape: &FeaturesShape, expr: &Expr, value: &mut Split) -> bool {
    const WAYS: [&str; 4] = ["random", "stratified", "group", "time"];
    let Some((kind, args, span)) = call_of(expr) else {
        let wanted = "`random`, `stratified(column)`, `group(column)` or `time`";
        context.findings.push(errors::wrong_form("by", wanted, expr.span));
        return false;
    };
    let found = match kind.as_str() {
        "random" => Some(SplitBy::Random),
        "stratified" | "group" => by_column(context, shape, &kind, args, span),
        "time" => by_time(context, decl, shape, span),
        _ => {
            let near = did_you_mean(&kind, WAYS).map(str::to_owned);
            context.findings.push(errors::unknown_component("way to split called", &kind, near, span));
            None
        }
    };
    let Some(found) = found else { return false };
    value.column = match &found {
        SplitBy::Stratified(column) | SplitBy::Group(column) => Some(column.clone()),
        SplitBy::Time { group, .. } => group.clone(),
        SplitBy::Random => None,
    };
    if !matches!(found, SplitBy::Time { .. }) {
        for name in ["gap", "group"] {
            if let Some(expr) = setting(decl, name) {
                context.findings.push(errors::needs_time(name, found.way(), expr.span));
            }
        }
    }
    value.by = found;
    true
}

fn by_column(
    context: &mut Context<'_>,
    shape: &FeaturesShape,
    kind: &str,
    args: &[Arg],
    span: Span,
) -> Option<SplitBy> {
    let Some((name, at)) = args.first().and_then(|arg| Some((dotted(&arg.value)?, arg.value.span))) else {
        context.findings.push(errors::wrong_form("by", &format!("a column: `{kind}(column)`"), span));
        return None;
    };
    let column = carried(context, shape, &name, at)?;
    if kind == "group" {
        return Some(SplitBy::Group(name));
    }
    if !is_discrete(&column.ty.kind) {
        context.findings.push(errors::mismatch("a stratified split", "a category or a flag", &column.ty, at));
        return None;
    }
    Some(SplitBy::Stratified(name))
}

fn by_time(context: &mut Context<'_>, decl: &BlockDecl, shape: &FeaturesShape, span: Span) -> Option<SplitBy> {
    if shape.timestamp.is_none() {
        context.findings.push(errors::missing_timestamp("a split by time", &shape.base, span));
        return None;
    }
    let gap_ms = match setting(decl, "gap").and_then(literal) {
        Some(Const::Duration(ms)) => ms,
        // The default: no training row knows of a later part.
        _ => shape.required_gap_ms,
    };
    let group = match setting(decl, "group").and_then(|expr| Some((dotted(expr)?, expr.span))) {
        Some((name, at)) => Some(carried(context, shape, &name, at)?.name.clone()),
        None => None,
    };
    Some(SplitBy::Time { gap_ms, group })
}

impl SplitBy {
    /// What it goes by, for messages.
    #[must_use]
    pub fn way(&self) -> &'static str {
        match self {
            Self::Random => "chance",
            Self::Stratified(_) => "strata",
            Self::Group(_) => "groups",
            Self::Time { .. } => "time",
        }
    }
}

fn is_discrete(kind: &TyKind) -> bool {
    matches!(kind, TyKind::Category(_) | TyKind::Bool | TyKind::String | TyKind::Int | TyKind::Unknown)
}

/// The value of an expression that no run may change: of literals and `const` names.
fn fixed(context: &Context<'_>, expr: &Expr) -> Option<Const> {
    let is_param = |name: &String| {
        resolve(context.db, context.file, Space::Block, name).is_some_and(|block| block.keyword(context.db) == "param")
    };
    constant(context.db, context.file, expr).filter(|_| !names_in(expr).iter().any(is_param))
}

/// A column that splits and slices may name.
pub fn carried<'a>(context: &mut Context<'_>, shape: &'a FeaturesShape, name: &str, span: Span) -> Option<&'a Column> {
    let found = shape.carried.iter().find(|column| column.name == name);
    if found.is_none() && !shape.partial {
        let known: Vec<String> = shape.carried.iter().map(|column| column.name.clone()).collect();
        context.findings.push(errors::unknown_column(name, &format!("`{}`", shape.base), &known, span));
    }
    found
}
