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
            if !lone_groups(context, shape, column, span)
                && let Some(entity) = apart(shape, column)
            {
                context.findings.push(errors::group_overlap(column, &entity, block, span));
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

/// What several rows are about that a split by `column` does not keep together: the parts of the key by which features
/// are grouped. Groups of which the column is one part lie within those of the split.
fn apart<'a>(shape: &'a FeaturesShape, column: &str) -> Option<Vec<&'a str>> {
    let outside = shape.grouped_by.iter().filter(|group| !group.iter().any(|name| name == column));
    let of_key = |group: &'a Vec<String>| {
        group.iter().filter(|name| shape.key.contains(name)).map(String::as_str).collect::<Vec<_>>()
    };
    outside.map(of_key).find(|parts| shape.key.len() > 1 && !parts.is_empty())
}
