//! Filters: those known when a prediction is asked for define the population; the others drop rows to learn from.

use super::drafts::Draft;
use super::facts::Knowledge;
use super::scope::FeatureScope;
use crate::blocks::Context;
use crate::errors;
use crate::infer::{Columns, Lookup, Position};
use crate::references::names_in;
use crate::typed::Features;
use crate::types::Ty;
use mlpc_syntax::ast::{BlockDecl, Entry, Expr, StatementKind};
use std::collections::BTreeMap;

/// What filters show of columns.
#[derive(Default)]
pub struct Refined {
    /// Of every row.
    pub population: BTreeMap<String, Ty>,
    /// Of rows to learn from.
    pub learning: BTreeMap<String, Ty>,
}

/// Checks the filters and gives what they show of columns.
pub fn filters(
    context: &mut Context<'_>,
    decl: &BlockDecl,
    scope: &FeatureScope,
    drafts: &[Draft<'_>],
    value: &mut Features,
) -> Refined {
    let mut refined = Refined::default();
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        let StatementKind::Filter(expr) = &statement.kind else { continue };
        let names = names_in(expr);
        let defined = drafts.iter().find(|draft| draft.expr.is_some() && names.contains(&draft.name));
        if let Some(draft) = defined {
            context.findings.push(errors::filter_on_definition(&draft.name, expr.span, draft.span));
            refined.assume_known(scope, expr);
            continue;
        }
        filter(context, scope, drafts, expr, &mut refined, value);
    }
    refined
}

fn filter(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    drafts: &[Draft<'_>],
    expr: &Expr,
    refined: &mut Refined,
    value: &mut Features,
) {
    let before = refined.learning.clone();
    let position = Position::Row("a filter");
    let (condition, shown) = super::infer(context, scope, drafts, position, before, false, |infer| {
        let condition = infer.condition(expr, "`filter`");
        if !condition.ty.is_unknown() {
            infer.refine(&condition, true);
        }
        (condition, std::mem::take(&mut infer.refined))
    });
    if condition.ty.is_unknown() {
        // Whatever it was meant to show of the columns that it names, nothing should follow from their nulls.
        refined.assume_known(scope, expr);
        return;
    }
    let knowledge = Knowledge { db: context.db, file: context.file, scope, defined: BTreeMap::new() };
    if knowledge.of(&condition).known_ms > 0 {
        refined.learning = shown;
        value.label_filters.push(condition);
    } else {
        let changed = |(name, ty): &(&String, &Ty)| refined.learning.get(*name) != Some(*ty);
        let new: Vec<(String, Ty)> =
            shown.iter().filter(changed).map(|(name, ty)| (name.clone(), ty.clone())).collect();
        refined.population.extend(new);
        refined.learning = shown;
        value.filters.push(condition);
    }
}

impl Refined {
    fn assume_known(&mut self, scope: &FeatureScope, filter: &Expr) {
        for name in names_in(filter) {
            if let Lookup::Found(column, ty) = scope.lookup(&name) {
                for known in [&mut self.population, &mut self.learning] {
                    known.entry(column.clone()).or_insert_with(|| ty.clone()).nullable = false;
                }
            }
        }
    }
}
