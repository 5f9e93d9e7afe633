//! What a split must keep apart: times that know of each other, and rows of one group.

use crate::blocks::Context;
use crate::consts::literal;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, FeaturesShape, Split, SplitBy};
use mlpc_db::{Block, Place};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::BlockDecl;

/// Reports what of the features the split lets through from one part to another.
pub(super) fn check(
    context: &mut Context<'_>,
    decl: &BlockDecl,
    features: Block<'_>,
    shape: &FeaturesShape,
    value: &Split,
) {
    let Some(span) = setting(decl, "by").map(|expr| expr.span) else { return };
    let place = |name: &str| Place::There(features.reference(context.db), name.to_owned());
    match &value.by {
        SplitBy::Time { group, .. } => {
            let label = shape.label.as_ref().map(|label| place(&label.name));
            gap(context, decl, shape, label);
            if let (Some(column), Some(expr)) = (group, setting(decl, "group")) {
                lone_groups(context, shape, column, expr.span);
            }
        }
        SplitBy::Group(column) => {
            let block = place("");
            let apart = entity(shape).filter(|entity| *entity != column);
            if !lone_groups(context, shape, column, span)
                && let Some(entity) = apart
            {
                context.findings.push(errors::group_overlap(column, entity, block, span));
            }
        }
        SplitBy::Random | SplitBy::Stratified(_) => {
            let way = if value.by == SplitBy::Random { "random" } else { "stratified" };
            let found = match (&shape.timestamp, &shape.temporal) {
                (Some(_), Some((what, name))) => Some(errors::random_split_in_time(way, what, name, place(name), span)),
                (Some(timestamp), None) => Some(errors::random_split_with_time(way, timestamp, place(""), span)),
                _ => None,
            };
            context.findings.extend(found);
        }
    }
}

/// A gap must cover what training rows hold of later times.
fn gap(context: &mut Context<'_>, decl: &BlockDecl, shape: &FeaturesShape, label: Option<Place>) {
    let Some(expr) = setting(decl, "gap") else { return };
    let Some(Const::Duration(ms)) = literal(expr) else { return };
    if ms < shape.required_gap_ms {
        let finding = errors::gap_too_small(ms, shape.required_gap_ms, &shape.gap_reason, label, expr.span);
        context.findings.push(finding);
    }
}

/// Whether each group is a single row because the column is the key by itself, which is reported.
fn lone_groups(context: &mut Context<'_>, shape: &FeaturesShape, column: &str, span: Span) -> bool {
    let lone = shape.key.iter().eq([column]);
    if lone {
        context.findings.push(errors::group_is_key(column, &shape.base, span));
    }
    lone
}

/// What several rows are about: a part of the key by which features are grouped.
fn entity(shape: &FeaturesShape) -> Option<&String> {
    shape.grouped_by.iter().find(|name| shape.key.len() > 1 && shape.key.contains(name))
}
