//! `split`: which rows train, tune and judge.

use super::features::features_shape;
use super::{Context, context};
use crate::consts::literal;
use crate::entries::{call_of, is_missing};
use crate::errors;
use crate::library::{body, setting};
use crate::typed::{Checked, Column, Const, FeaturesShape, Split, SplitBy};
use crate::types::TyKind;
use mlpc_db::{Block, Db};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{BlockDecl, Expr};

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
    value.shares = shares(&mut context, decl);
    if let Some(expr) = setting(decl, "folds") {
        context.findings.push(errors::not_supported("`folds`", expr.span));
    }
    if let Some(expr) = setting(decl, "group") {
        context.findings.push(errors::not_supported("`group` of a time split", expr.span));
    }
    if let Some(expr) = setting(decl, "by") {
        by(&mut context, decl, shape, expr, &mut value);
    }
    context.done(value)
}

fn shares(context: &mut Context<'_>, decl: &BlockDecl) -> Vec<(String, f64)> {
    let mut shares = Vec::new();
    let mut sum = 0.0;
    let mut broken = false;
    let mut last = decl.header;
    for part in PARTS {
        let Some(expr) = setting(decl, part) else { continue };
        last = expr.span;
        match literal(expr).and_then(|value| value.number()) {
            Some(share) if share > 0.0 && share < 1.0 => {
                sum += share;
                shares.push((part.to_owned(), share));
            }
            Some(_) => {
                broken = true;
                context.findings.push(errors::bad_value("a share is between 0% and 100%", "no share", expr.span));
            }
            None => {
                broken = true;
                context.findings.push(errors::not_supported("a part that is not a share", expr.span));
            }
        }
    }
    if is_missing(decl, "train") && is_missing(decl, "folds") {
        context.findings.push(errors::missing_setting("split", "train", "the training part's share", decl.header));
        broken = true;
    }
    // A part that is misspelt, or that folds make, would be missing from the sum.
    let all = PARTS.iter().all(|part| setting(decl, part).is_some() || is_missing(decl, part));
    let whole = all && setting(decl, "train").is_some() && setting(decl, "test").is_some();
    if !broken && whole && (sum - 1.0f64).abs() > 1e-9 {
        let message = format!("the shares sum to {}%, not to 100%", (sum * 1e8).round() / 1e6);
        context.findings.push(errors::bad_value(message, "the last of them", last));
    }
    shares
}

fn by(context: &mut Context<'_>, decl: &BlockDecl, shape: &FeaturesShape, expr: &Expr, value: &mut Split) {
    const WAYS: [&str; 4] = ["random", "stratified", "group", "time"];
    let Some((kind, args, span)) = call_of(expr) else {
        context.findings.push(errors::wrong_form(
            "by",
            "`random`, `stratified(column)`, `group(column)` or `time`",
            expr.span,
        ));
        return;
    };
    let column = args.first().and_then(|arg| crate::consts::dotted(&arg.value).map(|name| (name, arg.value.span)));
    match (kind.as_str(), column) {
        ("random", _) => value.by = SplitBy::Random,
        ("stratified" | "group", Some((name, at))) => {
            let Some(column) = carried(context, shape, &name, at) else { return };
            if kind == "stratified" && !is_discrete(&column.ty.kind) {
                context.findings.push(errors::mismatch("a stratified split", "a category or a flag", &column.ty, at));
                return;
            }
            value.column = Some(name.clone());
            value.by = if kind == "group" { SplitBy::Group(name) } else { SplitBy::Stratified(name) };
        }
        ("stratified" | "group", None) => {
            context.findings.push(errors::wrong_form("by", &format!("a column: `{kind}(column)`"), span));
        }
        ("time", _) => {
            if shape.timestamp.is_none() {
                context.findings.push(errors::missing_timestamp("a split by time", &shape.base, span));
                return;
            }
            let gap = match setting(decl, "gap").and_then(literal) {
                Some(Const::Duration(ms)) => ms,
                _ => 0,
            };
            value.by = SplitBy::Time { gap_ms: gap };
        }
        _ => {
            let near = did_you_mean(&kind, WAYS).map(str::to_owned);
            context.findings.push(errors::unknown_component("way to split called", &kind, near, span));
        }
    }
}

fn is_discrete(kind: &TyKind) -> bool {
    matches!(kind, TyKind::Category(_) | TyKind::Bool | TyKind::String | TyKind::Int | TyKind::Unknown)
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
