//! `features`: joins, filters, columns, the label. Definitions are unordered; they are inferred in an order in which
//! each comes after what it names. Windows see the rows before any filter.

mod dead;
mod drafts;
mod facts;
mod filters;
mod joins;
pub mod leakage;
mod sample;
pub mod scope;

use super::{Context, context};
use crate::entries::has_errors;
use crate::errors;
use crate::infer::over::Table;
use crate::infer::{Columns, Infer, Lookup, Position};
use crate::library::body;
use crate::typed::{Checked, Column, Definition, Facts, Features, FeaturesShape, Role, TExpr};
use crate::types::{Ty, TyKind};
use drafts::Draft;
use facts::Knowledge;
pub use facts::shape_of;
use mlpc_db::{Block, Db};
use mlpc_diagnostics::Severity;
use mlpc_syntax::ast::{Expr, ExprKind};
use scope::FeatureScope;
use std::collections::BTreeMap;

/// A features block, checked.
#[salsa::tracked(cycle_result = features_of_circle)]
pub fn features<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Features> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Features::default()) };
    let Some(base) = context.connected(&["dataset", "features"]) else {
        return context.done(Features { partial: true, ..Features::default() });
    };
    let mut value = if base.keyword(db) == "features" { taken_over(db, base) } else { from_dataset(&context, base) };
    value.partial |= has_errors(decl);
    let mut scope = std::mem::take(&mut value.scope);
    sample::sample(&mut context, decl, &mut scope, &mut value);
    joins::joins(&mut context, decl, &mut scope, &mut value);
    let drafts = drafts::drafts(&mut context, decl, &scope);
    let dropped = drafts::dropped(decl);
    value.inputs.retain(|input| !dropped.iter().any(|name| name.text == input.name));
    let labels = drafts.iter().filter(|draft| draft.role == Role::Label).map(|draft| &draft.name);
    let taken = value.label.iter().map(|label| &label.name);
    scope.labels = (!value.partial).then(|| taken.chain(labels).cloned().collect());
    let refined = filters::filters(&mut context, decl, &scope, &drafts, &mut value);
    definitions(&mut context, drafts, &mut scope, refined, &mut value);
    dead::check(&mut context, &value);
    leakage::check(&mut context, decl, &scope, &mut value);
    finish(&context, &scope, &mut value);
    value.scope = scope;
    context.done(value)
}

/// Features that are made from themselves; the circle is reported for the program as a whole.
fn features_of_circle(_: &dyn Db, _: salsa::Id, _: Block<'_>) -> Checked<Features> {
    Checked { value: Features { partial: true, ..Features::default() }, findings: Vec::new() }
}

fn from_dataset(context: &Context<'_>, base: Block<'_>) -> Features {
    let db = context.db;
    let shape = super::dataset::dataset_shape(db, base);
    let name = context.qualified(base);
    Features {
        base: name.clone(),
        key: shape.key.clone(),
        timestamp: shape.timestamp.clone(),
        partial: shape.partial,
        scope: FeatureScope::new(base.name(db), name, base.reference(db), shape),
        ..Features::default()
    }
}

/// Everything of other features, to go on from.
fn taken_over<'db>(db: &'db dyn Db, base: Block<'db>) -> Features {
    let Checked { value, findings } = features(db, base);
    let mut value = value.clone();
    // What is wrong there is reported there.
    value.partial |= findings.iter().any(|finding| finding.severity == Severity::Error);
    value.scope.partial |= value.partial;
    for definition in &mut value.definitions {
        definition.owner.get_or_insert_with(|| base.reference(db));
    }
    value.scope.taken = value.definitions.iter().map(|taken| (taken.name.clone(), taken.place())).collect();
    value
}

/// What other blocks may know of features; stays equal when only expressions change that keep their types.
#[salsa::tracked]
pub fn features_shape<'db>(db: &'db dyn Db, block: Block<'db>) -> FeaturesShape {
    let Checked { value, findings } = features(db, block);
    let mut carried: Vec<Column> = value
        .definitions
        .iter()
        .filter(|definition| definition.role != Role::Weight)
        .map(|definition| Column {
            tags: definition.facts.tags.clone(),
            ..Column::new(&definition.name, definition.expr.ty.clone())
        })
        .collect();
    let base = value.scope.base.iter().filter(|column| value.scope.steady(column));
    let others: Vec<Column> =
        base.filter(|column| !carried.iter().any(|known| known.name == column.name)).cloned().collect();
    carried.extend(others);
    let (required_gap_ms, gap_reason) = leakage::required_gap(value);
    FeaturesShape {
        base: value.base.clone(),
        inputs: value.inputs.clone(),
        label: value.label.clone(),
        weight: value.weight.clone(),
        carried,
        required_gap_ms,
        gap_reason,
        temporal: leakage::temporal(value),
        grouped_by: leakage::grouped_by(value),
        key: value.key.clone(),
        timestamp: value.timestamp.clone(),
        broken: value.partial || findings.iter().any(|finding| finding.severity == Severity::Error),
        partial: value.partial,
    }
}

// --- definitions -----------------------------------------------------------------------------------------------------

/// The columns that windows see: those of the sources, and definitions as what they stand for.
struct Unfiltered<'a> {
    context: (&'a dyn Db, mlpc_db::SourceFile),
    scope: &'a FeatureScope,
    drafts: &'a [Draft<'a>],
    known_ms: &'a dyn Fn(&TExpr) -> i64,
}

impl Unfiltered<'_> {
    fn table(&self, ahead: bool) -> Table<'_> {
        Table {
            columns: self,
            tables: self.scope.tables(),
            name: &self.scope.base_name,
            time: self.scope.time.as_deref(),
            known_ms: self.known_ms,
            sampled: self.scope.sampled(),
            ahead,
        }
    }
}

impl Columns for Unfiltered<'_> {
    fn lookup(&self, name: &str) -> Lookup {
        let draft = self.drafts.iter().find(|draft| draft.name == name);
        let Some(expr) = draft.and_then(|draft| draft.expr) else { return self.scope.lookup(name) };
        let mut findings = Vec::new();
        let table = self.table(false);
        let mut infer = Infer {
            db: self.context.0,
            file: self.context.1,
            columns: self,
            position: Position::Row("a window"),
            findings: &mut findings,
            refined: BTreeMap::new(),
            table: Some(&table),
        };
        let typed = infer.expr(expr);
        let fitted = findings.iter().any(|finding| finding.code == mlpc_diagnostics::rule::fitted_before_split);
        match typed.ty.is_unknown() {
            true if fitted => Lookup::FittedHere(name.to_owned()),
            // What is wrong with it is reported where it is defined.
            true => Lookup::Broken,
            false => Lookup::Stands(Box::new(typed)),
        }
    }

    fn describe(&self) -> String {
        self.scope.describe()
    }
}

fn definitions(
    context: &mut Context<'_>,
    drafts: Vec<Draft<'_>>,
    scope: &mut FeatureScope,
    refined: filters::Refined,
    value: &mut Features,
) {
    let text_order: Vec<String> = drafts.iter().map(|draft| draft.name.clone()).collect();
    let (drafts, broken) = drafts::ordered(context, drafts);
    for draft in &drafts {
        if broken.contains(&draft.name) {
            scope.define(&draft.name, Ty::unknown());
        }
    }
    for at in 0..drafts.len() {
        let Some(draft) = drafts.get(at).filter(|draft| !broken.contains(&draft.name)) else { continue };
        let mut expr = define(context, draft, scope, &drafts, &refined);
        let is_known = !expr.ty.nullable && !expr.ty.is_unknown();
        if draft.role == Role::Label {
            // A null label drops its row.
            expr.ty.nullable = false;
        }
        scope.define(&draft.name, expr.ty.clone());
        match draft.role {
            Role::Label if value.label.as_ref().is_some_and(|label| scope.taken_over(&label.name).is_none()) => {
                context.findings.push(errors::not_supported("a second label", draft.span));
            }
            Role::Label => {
                // A label of its own takes the place of the one that was taken over.
                let old = value.definitions.iter_mut().filter(|other| other.role == Role::Label);
                old.for_each(|other| other.role = Role::Let);
                value.label = Some(Column::new(&draft.name, expr.ty.clone()));
                value.label_is_known = is_known;
            }
            Role::Weight => value.weight = Some(draft.name.clone()),
            Role::Feature | Role::Let => {}
        }
        value.definitions.push(Definition {
            name: draft.name.clone(),
            doc: draft.doc.clone(),
            role: draft.role,
            expr,
            span: draft.span,
            owner: None,
            facts: Facts::default(),
        });
    }
    facts_of(context, scope, value);
    // The model reads its inputs in the order of the text.
    for name in text_order {
        let feature = value.definitions.iter().find(|d| d.name == name && d.role == Role::Feature);
        if let Some(feature) = feature {
            let column = Column { tags: feature.facts.tags.clone(), ..Column::new(name, feature.expr.ty.clone()) };
            value.inputs.push(column);
        }
    }
}

fn define(
    context: &mut Context<'_>,
    draft: &Draft<'_>,
    scope: &FeatureScope,
    drafts: &[Draft<'_>],
    refined: &filters::Refined,
) -> TExpr {
    let position = match draft.role {
        Role::Feature | Role::Let => Position::Column,
        Role::Label => Position::Row("the label"),
        Role::Weight => Position::Row("the weight"),
    };
    // A label filter holds for rows to learn from only.
    let shown = match draft.role {
        Role::Feature | Role::Let => &refined.population,
        Role::Label | Role::Weight => &refined.learning,
    };
    let own = Expr { kind: ExprKind::Name(draft.name.clone()), span: draft.span };
    let ahead = draft.role == Role::Label;
    let expr =
        infer(context, scope, drafts, position, shown.clone(), ahead, |infer| infer.expr(draft.expr.unwrap_or(&own)));
    if draft.role == Role::Weight && !expr.ty.is_number() && !expr.ty.is_unknown() {
        context.findings.push(errors::mismatch("a weight", "a number", &expr.ty, expr.span));
    }
    expr
}

/// Infers with windows over the unfiltered rows.
fn infer<T>(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    drafts: &[Draft<'_>],
    position: Position,
    refined: BTreeMap<String, Ty>,
    ahead: bool,
    run: impl FnOnce(&mut Infer<'_>) -> T,
) -> T {
    let knowledge = Knowledge { db: context.db, file: context.file, scope, defined: BTreeMap::new() };
    let known_ms = |expr: &TExpr| knowledge.of(expr).known_ms;
    let unfiltered = Unfiltered { context: (context.db, context.file), scope, drafts, known_ms: &known_ms };
    let table = unfiltered.table(ahead);
    let mut infer = Infer {
        db: context.db,
        file: context.file,
        columns: scope,
        position,
        findings: &mut context.findings,
        refined,
        table: Some(&table),
    };
    run(&mut infer)
}

/// Gives each definition its facts, each after those that it names.
fn facts_of(context: &Context<'_>, scope: &FeatureScope, value: &mut Features) {
    let mut knowledge = Knowledge { db: context.db, file: context.file, scope, defined: BTreeMap::new() };
    for definition in &mut value.definitions {
        definition.facts = knowledge.of(&definition.expr);
        // `column x` is the column itself.
        knowledge.defined.insert(definition.name.clone(), definition.facts.clone());
    }
}

// --- what is read ----------------------------------------------------------------------------------------------------

/// Which columns of the base and of joins are read at all, and how late those of a join are known.
fn finish(context: &Context<'_>, scope: &FeatureScope, value: &mut Features) {
    let read = columns_read(value);
    let time = value.spine.as_ref().and_then(|spine| spine.from.clone()).or_else(|| scope.base_time.clone());
    value.base_columns = scope
        .base
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| {
            let valid = value.spine.as_ref().and_then(|spine| spine.valid.as_ref());
            let of_version = valid.is_some_and(|(from, until)| from == name || until == name);
            read.contains(name) || scope.key.contains(name) || time.as_ref() == Some(name) || of_version
        })
        .collect();
    for (join, joined) in value.joins.iter_mut().zip(&scope.joined) {
        join.columns = joined
            .columns
            .iter()
            .map(|column| (column.name.clone(), scope.table_name(joined, &column.name)))
            .filter(|(_, here)| read.contains(here))
            .collect();
        if let (Some(known), Some(shape)) = (&mut join.known, shape_of(context.db, &joined.block)) {
            let taken = join.columns.iter().map(|(there, _)| there).chain([&known.there]);
            known.available_ms = taken.map(|column| shape.known_ms(column)).max().unwrap_or_default();
        }
    }
}

fn columns_read(value: &Features) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    let exprs = value.definitions.iter().map(|d| &d.expr).chain(&value.filters).chain(&value.label_filters);
    let exprs = exprs.chain(value.joins.iter().flat_map(|join| join.on.iter().map(|(expr, _)| expr)));
    for expr in exprs {
        let learned_from = expr.fits().into_iter().flat_map(|call| call.learned_from.values());
        for name in std::iter::once(expr).chain(learned_from).flat_map(TExpr::columns) {
            if !read.contains(&name) {
                read.push(name);
            }
        }
    }
    read
}

/// Whether values of this kind can be put into a model at all.
#[must_use]
pub fn is_model_input(kind: &TyKind) -> bool {
    matches!(
        kind,
        TyKind::Bool
            | TyKind::Int
            | TyKind::Float
            | TyKind::Decimal(..)
            | TyKind::Category(_)
            | TyKind::Vector(_)
            | TyKind::Unknown
    )
}
