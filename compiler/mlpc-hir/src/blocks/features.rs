//! `features`: joins, filters, columns, the label. Definitions are unordered; they are inferred in an order in which
//! each comes after what it names.

mod leakage;
mod scope;

use super::{Context, context};
use crate::entries::has_errors;
use crate::errors;
use crate::infer::refine::verdict;
use crate::infer::{Columns, Infer, Lookup, Position};
use crate::library::body;
use crate::references::names_in;
use crate::typed::{Checked, Column, Definition, Features, FeaturesShape, Finding, Join, Role, TExpr, TKind};
use crate::types::{Ty, TyKind};
use mlpc_db::{Block, Db, Place};
use mlpc_diagnostics::{Severity, Span};
use mlpc_syntax::ast::{BlockDecl, ColumnItem, Entry, Expr, ExprKind, Name, StatementKind};
use scope::{FeatureScope, Joined};
use std::collections::BTreeMap;

/// A features block, checked.
#[salsa::tracked]
pub fn features<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Features> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Features::default()) };
    let Some(base) = base(&mut context, decl) else {
        return context.done(Features { partial: true, ..Features::default() });
    };
    let shape = super::dataset::dataset_shape(db, base);
    let mut scope = FeatureScope::new(base.name(db), shape.columns.clone(), shape.partial);
    let mut value = Features {
        base: context.qualified(base),
        key: shape.key.clone(),
        timestamp: shape.timestamp.clone(),
        partial: shape.partial || has_errors(decl),
        ..Features::default()
    };
    joins(&mut context, decl, &mut scope, &mut value);
    let drafts = drafts(&mut context, decl, &scope, shape);
    let refined = filters(&mut context, decl, &scope, &drafts, &mut value);
    definitions(&mut context, drafts, &mut scope, refined, &mut value);
    leakage::check(&mut context, &mut value);
    finish(&scope, shape.columns.iter(), &mut value);
    context.done(value)
}

/// What other blocks may know of features; stays equal when only expressions change that keep their types.
#[salsa::tracked]
pub fn features_shape<'db>(db: &'db dyn Db, block: Block<'db>) -> FeaturesShape {
    let Checked { value, findings } = features(db, block);
    let mut carried: Vec<Column> = value
        .definitions
        .iter()
        .filter(|definition| definition.role != Role::Weight)
        .map(|definition| Column { name: definition.name.clone(), ty: definition.expr.ty.clone(), tags: Vec::new() })
        .collect();
    if let Some(base) = context(db, block).quiet().connected(&["dataset"]) {
        let others = super::dataset::dataset_shape(db, base).columns.iter();
        let new: Vec<Column> =
            others.filter(|column| !carried.iter().any(|c| c.name == column.name)).cloned().collect();
        carried.extend(new);
    }
    FeaturesShape {
        base: value.base.clone(),
        inputs: value.inputs.clone(),
        label: value.label.clone(),
        weight: value.weight.clone(),
        carried,
        key: value.key.clone(),
        timestamp: value.timestamp.clone(),
        broken: value.partial || findings.iter().any(|finding| finding.severity == Severity::Error),
        partial: value.partial,
    }
}

fn base<'db>(context: &mut Context<'db>, decl: &BlockDecl) -> Option<Block<'db>> {
    let block = context.connected(&["dataset", "features"])?;
    if block.keyword(context.db) == "features" {
        let span = decl.connector.as_ref().map_or(decl.header, |connector| connector.span);
        context.findings.push(errors::not_supported("`features … from` other features", span));
        return None;
    }
    Some(block)
}

// --- joins -----------------------------------------------------------------------------------------------------------

fn joins(context: &mut Context<'_>, decl: &BlockDecl, scope: &mut FeatureScope, value: &mut Features) {
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        match &statement.kind {
            StatementKind::Join(join) => {
                if let Some((span, _)) = &join.asof {
                    context.findings.push(errors::not_supported("an `asof` join", *span));
                    scope.partial = true;
                    continue;
                }
                let Some(block) = context.block(&["dataset"], &join.dataset.text(), join.dataset.span) else {
                    scope.partial = true;
                    continue;
                };
                let shape = super::dataset::dataset_shape(context.db, block);
                let alias =
                    join.alias.as_ref().map_or_else(|| block.name(context.db).to_owned(), |name| name.text.clone());
                let so_far = context.findings.len();
                let on = join_pairs(context, scope, join, &alias, shape, statement.span);
                scope.partial |= shape.partial;
                let place = join.alias.as_ref().map_or(join.dataset.span, |name| name.span);
                if let Some(first) = scope.place_of(&alias) {
                    let help = format!("name this one: `join {} as …`", join.dataset.text());
                    context.findings.push(errors::duplicate(&alias, place, Place::Here(first)).help(help));
                }
                let same =
                    join.by.iter().filter(|(left, right)| right.as_ref().is_none_or(|name| name.text == left.text()));
                let mut shared: Vec<String> =
                    same.filter_map(|(left, _)| left.segments.last().map(|name| name.text.clone())).collect();
                if context.findings.len() > so_far {
                    // By what it should be joined is not known, so no name of its is reported as ambiguous.
                    shared.extend(shape.columns.iter().map(|column| column.name.clone()));
                }
                let (columns, keys) = (shape.columns.clone(), shape.key.clone());
                scope.joined.push(Joined { alias, columns, keys, shared, place });
                value.joins.push(Join { dataset: context.qualified(block), on, columns: Vec::new() });
            }
            StatementKind::Sample { .. } => {
                context.findings.push(errors::not_supported("`sample`", statement.span));
            }
            _ => {}
        }
    }
}

fn join_pairs(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    join: &mlpc_syntax::ast::Join,
    alias: &str,
    shape: &crate::typed::DatasetShape,
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
        let Some(column) = shape.columns.iter().find(|column| column.name == right.text) else {
            let table = super::dataset::TableScope::new(format!("`{alias}`"), shape.columns.clone(), shape.partial);
            context.findings.extend(table.unknown(&right.text, right.span));
            broken = true;
            continue;
        };
        let expr = path_expr(left);
        let typed = infer(context, scope, Position::Row("a join"), BTreeMap::new()).expr(&expr);
        if typed.ty.is_unknown() {
            broken = true;
            continue;
        }
        if typed.ty.join(&column.ty).is_none() {
            let (left, right) = (errors::TyAt(&typed.ty, left.span), errors::TyAt(&column.ty, right.span));
            context.findings.push(errors::incompatible("match", "with", &left, &right, span));
            broken = true;
        }
        used.push(right.text.clone());
        pairs.push((typed, right.text));
    }
    let mut key = shape.key.clone();
    key.sort();
    used.sort();
    if !broken && (key.is_empty() || key != used) {
        context.findings.push(errors::join_needs_key(alias, &shape.key, join.dataset.span));
    }
    pairs
}

fn path_expr(path: &mlpc_syntax::ast::Path) -> Expr {
    let mut segments = path.segments.iter();
    let first = segments.next();
    let base = Expr { kind: ExprKind::Name(first.map_or_else(String::new, |name| name.text.clone())), span: path.span };
    segments.fold(base, |base, name| Expr { kind: ExprKind::Member(Box::new(base), name.clone()), span: path.span })
}

// --- definitions -----------------------------------------------------------------------------------------------------

/// A definition before it is inferred. Without an expression it takes the column of its name.
struct Draft<'a> {
    name: String,
    doc: Option<String>,
    role: Role,
    expr: Option<&'a Expr>,
    span: Span,
}

fn drafts<'a>(
    context: &mut Context<'_>,
    decl: &'a BlockDecl,
    scope: &FeatureScope,
    shape: &crate::typed::DatasetShape,
) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    let mut dropped: Vec<&Name> = Vec::new();
    let mut all: Vec<(Span, &'a [Name])> = Vec::new();
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        let mut add = |name: &'a Name, role, expr| {
            let draft = Draft { name: name.text.clone(), doc: statement.doc.clone(), role, expr, span: name.span };
            add_draft(context, scope, draft, &mut drafts);
        };
        match &statement.kind {
            StatementKind::Column(items) => {
                for item in items {
                    match item {
                        ColumnItem::One { name, value } => add(name, Role::Feature, value.as_ref()),
                        ColumnItem::All { span, except } => all.push((*span, except)),
                    }
                }
            }
            StatementKind::Let { name, value } => add(name, Role::Let, Some(value)),
            StatementKind::Label { name, value } => add(name, Role::Label, value.as_ref()),
            StatementKind::Weight { name, value } => add(name, Role::Weight, value.as_ref()),
            StatementKind::Drop(names) => dropped.extend(names),
            _ => {}
        }
    }
    for (span, except) in all {
        expand_all(context, scope, shape, span, except, &dropped, &mut drafts);
    }
    drafts
}

fn add_draft<'a>(context: &mut Context<'_>, scope: &FeatureScope, draft: Draft<'a>, drafts: &mut Vec<Draft<'a>>) {
    if let Some(first) = drafts.iter().find(|other| other.name == draft.name) {
        // A feature that repeats the label is a leak, which says more than a name used twice.
        let roles = [first.role, draft.role];
        if roles.contains(&Role::Label) && roles.contains(&Role::Feature) && draft.expr.is_none() {
            let (feature, label) =
                if first.role == Role::Label { (draft.span, first.span) } else { (first.span, draft.span) };
            let path = [draft.name.clone(), draft.name.clone()];
            context.findings.push(errors::label_leakage(&draft.name, &draft.name, feature, label, &path));
        } else {
            context.findings.push(errors::duplicate(&draft.name, draft.span, Place::Here(first.span)));
        }
        return;
    }
    if draft.expr.is_some() && scope.has_source(&draft.name) {
        context.findings.push(errors::hides_column(&draft.name, draft.span));
        return;
    }
    drafts.push(draft);
}

/// `column * except (…)`: every untagged column of the base that no definition names, key and time left out.
fn expand_all<'a>(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    shape: &crate::typed::DatasetShape,
    span: Span,
    except: &[Name],
    dropped: &[&Name],
    drafts: &mut Vec<Draft<'a>>,
) {
    for name in except.iter().chain(dropped.iter().copied()) {
        if !scope.base.iter().any(|column| column.name == name.text) {
            context.findings.extend(scope.unknown(&name.text, name.span));
        }
    }
    // The column that a label is made of alone is the label.
    let labels: Vec<String> = drafts
        .iter()
        .filter(|draft| draft.role == Role::Label)
        .filter_map(|draft| draft.expr)
        .filter_map(|expr| <[String; 1]>::try_from(names_in(expr)).ok())
        .flatten()
        .collect();
    let left_out = |name: &String| {
        except.iter().chain(dropped.iter().copied()).any(|other| other.text == *name)
            || shape.key.contains(name)
            || shape.timestamp.as_ref() == Some(name)
            || labels.contains(name)
    };
    for column in &scope.base {
        let defined = drafts.iter().any(|draft| draft.name == column.name);
        if column.tags.is_empty() && !left_out(&column.name) && !defined {
            drafts.push(Draft { name: column.name.clone(), doc: None, role: Role::Feature, expr: None, span });
        }
    }
}

/// An order in which each draft comes after those that it names; reports circles and leaves their members last.
fn ordered<'a>(context: &mut Context<'_>, drafts: Vec<Draft<'a>>) -> (Vec<Draft<'a>>, Vec<String>) {
    let needs: Vec<Vec<usize>> = drafts
        .iter()
        .map(|draft| {
            let names = draft.expr.map(names_in).unwrap_or_default();
            names.iter().filter_map(|name| drafts.iter().position(|other| other.name == *name)).collect()
        })
        .collect();
    let mut graph = petgraph::graph::DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..drafts.len()).map(|at| graph.add_node(at)).collect();
    for (at, needed) in needs.iter().enumerate() {
        for need in needed {
            if let (Some(from), Some(to)) = (nodes.get(at), nodes.get(*need)) {
                graph.add_edge(*from, *to, ());
            }
        }
    }
    let mut broken = Vec::new();
    let mut order = Vec::new();
    // Tarjan gives components in reverse topological order of the edges: what is needed comes first.
    for component in petgraph::algo::tarjan_scc(&graph) {
        let mut members: Vec<usize> = component.iter().filter_map(|node| graph.node_weight(*node).copied()).collect();
        members.sort_unstable();
        let first = members.first().copied().unwrap_or_default();
        let loops = members.len() > 1 || needs.get(first).is_some_and(|needed| needed.contains(&first));
        if loops {
            report_cycle(context, &drafts, &members);
            broken.extend(members.iter().filter_map(|at| drafts.get(*at)).map(|draft| draft.name.clone()));
        }
        order.extend(members);
    }
    // Among those that are free, the order of the text is kept as far as the circles allow.
    let mut ranked: Vec<(usize, Draft<'a>)> = Vec::new();
    for (at, draft) in drafts.into_iter().enumerate() {
        let rank = order.iter().position(|other| *other == at).unwrap_or(at);
        ranked.push((rank, draft));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    (ranked.into_iter().map(|(_, draft)| draft).collect(), broken)
}

fn report_cycle(context: &mut Context<'_>, drafts: &[Draft<'_>], members: &[usize]) {
    let circle: Vec<&Draft<'_>> = members.iter().filter_map(|at| drafts.get(*at)).collect();
    let Some(first) = circle.first() else { return };
    let mut names: Vec<String> = circle.iter().map(|draft| draft.name.clone()).collect();
    names.push(first.name.clone());
    let others = circle.iter().skip(1).map(|draft| (draft.span, format!("`{}` is part of it", draft.name))).collect();
    context.findings.push(errors::cycle("these definitions", &names, first.span, others));
}

fn definitions(
    context: &mut Context<'_>,
    drafts: Vec<Draft<'_>>,
    scope: &mut FeatureScope,
    refined: BTreeMap<String, Ty>,
    value: &mut Features,
) {
    let text_order: Vec<String> = drafts.iter().map(|draft| draft.name.clone()).collect();
    let (drafts, broken) = ordered(context, drafts);
    for draft in &drafts {
        if broken.contains(&draft.name) {
            scope.define(&draft.name, Ty::unknown());
        }
    }
    for draft in drafts {
        if broken.contains(&draft.name) {
            continue;
        }
        let position = match draft.role {
            Role::Feature | Role::Let => Position::Column,
            Role::Label => Position::Row("the label"),
            Role::Weight => Position::Row("the weight"),
        };
        let own = Expr { kind: ExprKind::Name(draft.name.clone()), span: draft.span };
        let mut infer = infer(context, scope, position, refined.clone());
        let mut expr = infer.expr(draft.expr.unwrap_or(&own));
        if draft.role == Role::Label {
            // A null label drops its row.
            expr.ty.nullable = false;
        }
        if draft.role == Role::Weight && !expr.ty.is_number() && !expr.ty.is_unknown() {
            context.findings.push(errors::mismatch("a weight", "a number", &expr.ty, expr.span));
        }
        scope.define(&draft.name, expr.ty.clone());
        match draft.role {
            Role::Label if value.label.is_some() => {
                context.findings.push(errors::not_supported("a second label", draft.span));
            }
            Role::Label => {
                value.label = Some(Column { name: draft.name.clone(), ty: expr.ty.clone(), tags: Vec::new() });
            }
            Role::Weight => value.weight = Some(draft.name.clone()),
            Role::Feature | Role::Let => {}
        }
        value.definitions.push(Definition {
            name: draft.name,
            doc: draft.doc,
            role: draft.role,
            expr,
            span: draft.span,
        });
    }
    // The model reads its inputs in the order of the text.
    for name in text_order {
        let feature = value.definitions.iter().find(|d| d.name == name && d.role == Role::Feature);
        if let Some(feature) = feature {
            let tags = scope.tags(&feature.expr);
            value.inputs.push(Column { name, ty: feature.expr.ty.clone(), tags });
        }
    }
}

fn infer<'a>(
    context: &'a mut Context<'_>,
    scope: &'a FeatureScope,
    position: Position,
    refined: BTreeMap<String, Ty>,
) -> Infer<'a> {
    Infer { db: context.db, file: context.file, columns: scope, position, findings: &mut context.findings, refined }
}

// --- filters ---------------------------------------------------------------------------------------------------------

/// Checks the filters and gives what they show of columns.
fn filters(
    context: &mut Context<'_>,
    decl: &BlockDecl,
    scope: &FeatureScope,
    drafts: &[Draft<'_>],
    value: &mut Features,
) -> BTreeMap<String, Ty> {
    let mut refined = BTreeMap::new();
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        let StatementKind::Filter(expr) = &statement.kind else { continue };
        let names = names_in(expr);
        let defined = drafts.iter().find(|draft| draft.expr.is_some() && names.contains(&draft.name));
        if let Some(draft) = defined {
            context.findings.push(errors::filter_on_definition(&draft.name, expr.span, draft.span));
            assume_known(scope, expr, &mut refined);
            continue;
        }
        let mut infer = infer(context, scope, Position::Row("a filter"), refined.clone());
        let condition = infer.condition(expr, "`filter`");
        if condition.ty.is_unknown() {
            // Whatever it was meant to show of the columns that it names, nothing should follow from their nulls.
            assume_known(scope, expr, &mut refined);
            continue;
        }
        infer.refine(&condition, true);
        refined = std::mem::take(&mut infer.refined);
        if let Some((always, operand)) = verdict(&condition) {
            let finding: Finding = errors::constant_condition(always, &operand.ty, expr.span);
            context.findings.push(finding);
        }
        value.filters.push(condition);
    }
    refined
}

fn assume_known(scope: &FeatureScope, filter: &Expr, refined: &mut BTreeMap<String, Ty>) {
    for name in names_in(filter) {
        if let Lookup::Found(column, ty) = scope.lookup(&name) {
            refined.entry(column).or_insert(ty).nullable = false;
        }
    }
}

/// Which columns of the base and of joins are read at all.
fn finish<'a>(scope: &FeatureScope, base: impl Iterator<Item = &'a Column>, value: &mut Features) {
    let mut read: Vec<String> = Vec::new();
    let exprs = value.definitions.iter().map(|d| &d.expr).chain(&value.filters);
    let exprs = exprs.chain(value.joins.iter().flat_map(|join| join.on.iter().map(|(expr, _)| expr)));
    exprs.for_each(|expr| {
        expr.walk(&mut |part| {
            if let TKind::Column(name) = &part.kind
                && !read.contains(name)
            {
                read.push(name.clone());
            }
        });
    });
    value.base_columns = base
        .map(|column| column.name.clone())
        .filter(|name| read.contains(name) || value.key.contains(name) || value.timestamp.as_ref() == Some(name))
        .collect();
    for (join, joined) in value.joins.iter_mut().zip(&scope.joined) {
        join.columns = joined
            .columns
            .iter()
            .map(|column| (column.name.clone(), scope.table_name(joined, &column.name)))
            .filter(|(_, here)| read.contains(here))
            .collect();
    }
}

/// Whether values of this kind can be put into a model at all.
#[must_use]
pub fn is_model_input(kind: &TyKind) -> bool {
    matches!(
        kind,
        TyKind::Bool | TyKind::Int | TyKind::Float | TyKind::Category(_) | TyKind::Vector(_) | TyKind::Unknown
    )
}
