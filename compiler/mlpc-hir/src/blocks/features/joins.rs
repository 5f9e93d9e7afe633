//! Joins: by the key of another dataset, or the latest row that is known. Never more or fewer rows than before.

use super::scope::{FeatureScope, Joined};
use crate::blocks::Context;
use crate::blocks::dataset::{TableScope, dataset_shape};
use crate::consts::constant;
use crate::errors;
use crate::infer::{Infer, Position, keys};
use crate::typed::{Const, DatasetShape, Features, Join, Known, TExpr};
use mlpc_db::{Block, Place};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BlockDecl, Entry, Name, Statement, StatementKind, path_expr};
use std::collections::BTreeMap;

/// Checks the joins of a block and adds what they bring to the scope.
pub fn joins(context: &mut Context<'_>, decl: &BlockDecl, scope: &mut FeatureScope, value: &mut Features) {
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        let StatementKind::Join(join) = &statement.kind else { continue };
        let Some(block) = context.block(&["dataset"], &join.dataset.text(), join.dataset.span) else {
            scope.partial = true;
            continue;
        };
        add(context, scope, statement, join, block, value);
    }
}

fn add(
    context: &mut Context<'_>,
    scope: &mut FeatureScope,
    statement: &Statement,
    join: &mlpc_syntax::ast::Join,
    block: Block<'_>,
    value: &mut Features,
) {
    let shape = dataset_shape(context.db, block);
    let alias = join.alias.as_ref().map_or_else(|| block.name(context.db).to_owned(), |name| name.text.clone());
    let so_far = context.findings.len();
    let on = pairs(context, scope, join, &alias, shape, statement.span);
    let known = known(context, scope, join, block.name(context.db), shape, statement.span);
    scope.partial |= shape.partial;
    let place = join.alias.as_ref().map_or(join.dataset.span, |name| name.span);
    if let Some(first) = scope.place_of(&alias) {
        let help = format!("name this one: `join {} as …`", join.dataset.text());
        context.findings.push(errors::duplicate(&alias, place, first).help(help));
    }
    let same = join.by.iter().filter(|(left, right)| right.as_ref().is_none_or(|name| name.text == left.text()));
    let mut shared: Vec<String> =
        same.filter_map(|(left, _)| left.segments.last().map(|name| name.text.clone())).collect();
    // As of its own time, a row there tells its time; this row's is what a plain name means.
    shared.extend(known.iter().filter(|known| known.there == known.here).map(|known| known.there.clone()));
    shared.extend(join.asof.iter().filter_map(|(_, name)| name.as_ref()).map(|name| name.text.clone()));
    if context.findings.len() > so_far {
        // By what it should be joined is not known, so no name of its is reported as ambiguous.
        shared.extend(shape.columns.iter().map(|column| column.name.clone()));
    }
    scope.joined.push(Joined {
        dataset: context.qualified(block),
        block: block.reference(context.db),
        role: shape.role.clone(),
        in_time: known.is_some(),
        alias,
        columns: shape.columns.clone(),
        keys: shape.key.clone(),
        shared,
        place: Place::Here(place),
    });
    value.joins.push(Join { dataset: context.qualified(block), on, columns: Vec::new(), known });
}

/// Which rows of the other side match in time.
fn known(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    join: &mlpc_syntax::ast::Join,
    name: &str,
    shape: &DatasetShape,
    span: Span,
) -> Option<Known> {
    if let Some((at, here)) = &join.asof {
        let there = shape.valid.as_ref().map(|(from, _)| from.clone()).or_else(|| shape.timestamp.clone());
        let Some(there) = there else {
            if !shape.partial {
                context.findings.push(errors::missing_timestamp("an `asof` join", name, join.dataset.span));
            }
            return None;
        };
        let Some(time) = scope.time.clone() else {
            if !scope.partial {
                context.findings.push(errors::missing_timestamp("an `asof` join", &scope.base_name, *at));
            }
            return None;
        };
        // A time that is no column is reported where the dataset names it.
        let sound = scope.sampled() || scope.base.iter().any(|column| column.name == time);
        if let Some(here) = here.as_ref().filter(|here| here.text != time && sound) {
            context.findings.push(errors::asof_another_time(&here.text, &time, here.span));
            return None;
        }
        let within_ms = within(context, join);
        if join.within.is_none() && shape.valid.is_none() {
            context.findings.push(errors::asof_without_within(name, span));
        }
        let until = shape.valid.as_ref().map(|(_, until)| until.clone());
        return Some(Known { here: time, there, available_ms: 0, latest: true, within_ms, until });
    }
    if let Some(expr) = &join.within {
        context.findings.push(errors::within_without_asof(expr.span));
        return None;
    }
    let here = scope.time.clone()?;
    if let Some((from, until)) = &shape.valid {
        let until = Some(until.clone());
        return Some(Known { here, there: from.clone(), available_ms: 0, latest: true, within_ms: None, until });
    }
    let there = shape.timestamp.clone()?;
    Some(Known { here, there, available_ms: 0, latest: false, within_ms: None, until: None })
}

fn within(context: &mut Context<'_>, join: &mlpc_syntax::ast::Join) -> Option<i64> {
    let expr = join.within.as_ref()?;
    match constant(context.db, context.file, expr) {
        Some(Const::Duration(ms)) if ms > 0 => Some(ms),
        _ => {
            context.findings.push(errors::wrong_form("within", "a duration, as `2h`", expr.span));
            None
        }
    }
}

fn pairs(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    join: &mlpc_syntax::ast::Join,
    alias: &str,
    shape: &DatasetShape,
    span: Span,
) -> Vec<(TExpr, String)> {
    let mut pairs = Vec::new();
    let mut used = Vec::new();
    let mut broken = false;
    for (left, right) in &join.by {
        let right = right.clone().unwrap_or_else(|| Name {
            text: left.segments.last().map_or_else(String::new, |name| name.text.clone()),
            span: left.span,
        });
        let Some(column) = shape.column(&right.text) else {
            let table = TableScope::new(format!("`{alias}`"), shape.columns.clone(), shape.partial);
            context.findings.extend(table.unknown(&right.text, right.span));
            broken = true;
            continue;
        };
        let mut infer = Infer {
            db: context.db,
            file: context.file,
            columns: scope,
            position: Position::Row("a join"),
            findings: &mut context.findings,
            refined: BTreeMap::new(),
            table: None,
        };
        let typed = infer.expr(&path_expr(left));
        if typed.ty.is_unknown() {
            broken = true;
            continue;
        }
        used.push(right.text.clone());
        let have = typed.ty.clone();
        let comparable = have.join(&column.ty).is_some();
        if let Some(typed) = keys::matched(typed, &column.ty).filter(|_| comparable) {
            pairs.push((typed, right.text));
            continue;
        }
        let sides = (errors::TyAt(&have, left.span), errors::TyAt(&column.ty, right.span));
        let help = comparable.then(|| format!("declare `{}` and `{}` with one type", left.text(), right.text));
        context.findings.push(errors::incompatible("match", "with", &sides.0, &sides.1, span).help_opt(help));
        broken = true;
    }
    // The time of an as-of join, and a version's, stand for the rest of the key.
    let any_rows = join.asof.is_some();
    let mut key = shape.key.clone();
    key.sort();
    used.sort();
    if !broken && !any_rows && (key.is_empty() || key != used) {
        context.findings.push(errors::join_needs_key(alias, &shape.key, join.dataset.span));
    }
    pairs
}
