//! Features blocks: windows and row-wise values first, then fitted stages in order.

use super::Lowering;
use super::expr::{dtype, expr, range, value};
use super::windows::{self, Windows};
use crate::plan::{
    ColumnSchema, DType, FeatureSet, Fitted, FittedStage, Join, Known, Label, ModelInput, NamedValue, Parse, Task,
    Wide, Zones,
};
use indexmap::IndexMap;
use mlpc_db::Block;
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::features::features;
use mlpc_hir::blocks::release::evaluate;
use mlpc_hir::blocks::split::split;
use mlpc_hir::blocks::train::{task_of, train};
use mlpc_hir::names::qualified;
use mlpc_hir::typed::{self, DatasetColumn, Definition, FittedCall, ParseAs, Role, TExpr, TKind};
use mlpc_hir::types::{Detail, TyKind};
use mlpc_hir::{all_blocks, block_named};

impl Lowering<'_> {
    /// Every features block that a split uses.
    pub(crate) fn feature_sets(&self) -> IndexMap<String, FeatureSet> {
        let used: Vec<String> = all_blocks(self.db, self.project, "split")
            .into_iter()
            .map(|block| split(self.db, block).value.features.clone())
            .collect();
        all_blocks(self.db, self.project, "features")
            .into_iter()
            .map(|block| (qualified(self.db, block), block))
            .filter(|(name, _)| used.contains(name))
            .map(|(name, block)| {
                let set = self.feature_set(&name, block);
                (name, set)
            })
            .collect()
    }

    fn feature_set(&self, name: &str, block: Block<'_>) -> FeatureSet {
        self.feature_set_of(name, block, &features(self.db, block).value)
    }

    /// The features `checked`, declared by `block`.
    pub(crate) fn feature_set_of(&self, name: &str, block: Block<'_>, checked: &typed::Features) -> FeatureSet {
        let mut windows = Windows::new(self, &checked.base);
        let mut stages = Stages { values: Vec::new(), fitted: Vec::new(), late: Vec::new() };
        for definition in &checked.definitions {
            let mut definition = definition.clone();
            let itself = windows.take_out(&definition.name, definition.doc.as_deref(), &mut definition.expr);
            if !itself {
                stages.add(&definition);
            }
        }
        let mut condition = |filter: &TExpr| {
            let mut filter = filter.clone();
            windows.take_out("filter", None, &mut filter);
            expr(&filter)
        };
        let filters = checked.filters.iter().map(&mut condition).collect();
        let label_filters = checked.label_filters.iter().map(&mut condition).collect();
        let of_base =
            block_named(self.db, self.project, "dataset", &checked.base).map(|base| &dataset(self.db, base).value);
        let base_columns = of_base
            .into_iter()
            .flat_map(|base| &base.columns)
            .filter(|column| checked.base_columns.contains(&column.column.name))
            .map(column_schema)
            .collect();
        let label = checked.label.as_ref().and_then(|label| {
            Some(Label {
                name: label.name.clone(),
                dtype: dtype(&label.ty.kind),
                nullable: !checked.label_is_known,
                task: task(task_of(&label.ty.kind)?),
            })
        });
        FeatureSet {
            name: name.to_owned(),
            doc: self.doc(block),
            origin: self.header(block),
            base: checked.base.clone(),
            base_columns,
            key: checked.key.clone(),
            timestamp: checked.timestamp.clone(),
            spine: checked.spine.as_ref().map(|spine| windows::spine(spine, self.zone(&checked.base))),
            joins: checked.joins.iter().map(|join| self.join(&checked.base, join)).collect(),
            windows: windows.found,
            filters,
            label_filters,
            values: stages.values,
            fitted: stages.fitted,
            inputs: self.inputs(name, checked),
            label,
            weight: checked.weight.clone(),
            carried: self.carried(name, checked),
            observed: Vec::new(),
        }
    }

    fn inputs(&self, name: &str, checked: &typed::Features) -> Vec<ModelInput> {
        checked
            .inputs
            .iter()
            .map(|column| ModelInput {
                name: column.name.clone(),
                dtype: model_input(&column.ty.kind),
                nullable: column.ty.nullable,
                sources: self.lineage.sources(name, &column.name),
            })
            .collect()
    }

    /// A join of rows of `base`.
    fn join(&self, base: &str, join: &typed::Join) -> Join {
        let known = |known: &typed::Known| Known {
            here: known.here.clone(),
            there: known.there.clone(),
            zones: Zones {
                here: self.zone_of_days(base, &known.here),
                there: self.zone_of_days(&join.dataset, &known.there),
                until: known.until.as_ref().and_then(|until| self.zone_of_days(&join.dataset, until)),
            },
            available_ms: known.available_ms,
            latest: known.latest,
            within_ms: known.within_ms,
            until: known.until.clone(),
        };
        Join {
            dataset: join.dataset.clone(),
            on: join.on.iter().map(|(left, right)| (expr(left), right.clone())).collect(),
            columns: join.columns.clone(),
            known: join.known.as_ref().map(known),
        }
    }

    /// Columns that splits and evaluations name, and those that identify and order rows.
    fn carried(&self, name: &str, checked: &typed::Features) -> Vec<String> {
        let mut carried: Vec<String> = checked.key.iter().chain(&checked.timestamp).cloned().collect();
        for block in all_blocks(self.db, self.project, "split") {
            let value = &split(self.db, block).value;
            if value.features == name {
                carried.extend(value.column.clone());
            }
        }
        for block in all_blocks(self.db, self.project, "evaluate") {
            let value = &evaluate(self.db, block).value;
            let model = block_named(self.db, self.project, "train", &value.train);
            if model.is_some_and(|model| train(self.db, model).value.features == name) {
                carried.extend(value.slices.iter().cloned());
            }
        }
        let mut once: Vec<String> = Vec::new();
        carried.into_iter().for_each(|column| {
            if !once.contains(&column) {
                once.push(column);
            }
        });
        once
    }
}

/// A column of a dataset, as the plan writes it.
pub(crate) fn column_schema(column: &DatasetColumn) -> ColumnSchema {
    let wide = match &column.column.ty.detail {
        Detail::Wide(wide) => Some(wide),
        _ => None,
    };
    let last = |first: i64| match column.column.ty.kind {
        TyKind::Vector(Some(size)) => first + i64::from(size) - 1,
        _ => first,
    };
    ColumnSchema {
        name: column.column.name.clone(),
        source_name: column.source_name.clone(),
        dtype: dtype(&column.column.ty.kind),
        nullable: column.column.ty.nullable,
        range: range(wide.map_or(column.column.ty.range, |wide| wide.item.range)),
        matches: column.matches.clone(),
        unique: column.unique,
        parse: column.parse.as_ref().map(|parse| match parse {
            ParseAs::Format(format) => Parse::Format(format.clone()),
            ParseAs::Epoch(unit) => Parse::Epoch(unit.clone()),
            ParseAs::Flag(texts) => Parse::Flag(texts.iter().map(value).collect()),
        }),
        tags: column.column.tags.clone(),
        wide: wide.map(|wide| Wide { first: wide.first, last: last(wide.first), item: dtype(&wide.item.kind) }),
    }
}

/// What a model reads: a decimal as the float nearest to it.
fn model_input(kind: &TyKind) -> DType {
    match kind {
        TyKind::Decimal(..) => DType::Float,
        other => dtype(other),
    }
}

/// The plan's word for a task.
pub(crate) fn task(task: typed::Task) -> Task {
    match task {
        typed::Task::Binary => Task::Binary,
        typed::Task::Multiclass => Task::Multiclass,
        typed::Task::Regression => Task::Regression,
    }
}

/// Sorts definitions into those that need no fitting and those that do.
struct Stages {
    values: Vec<NamedValue>,
    fitted: Vec<FittedStage>,
    /// Names of what is known only after fitting.
    late: Vec<String>,
}

impl Stages {
    fn add(&mut self, definition: &Definition) {
        let named = |expr_: &TExpr| NamedValue {
            name: definition.name.clone(),
            doc: definition.doc.clone(),
            dtype: dtype(&definition.expr.ty.kind),
            expr: expr(expr_),
        };
        // `column x` alone is the source column itself, unless it must become a category.
        let bare = matches!(&definition.expr.kind, TKind::Column(name) if *name == definition.name);
        let depends = definition.expr.columns().iter().any(|name| self.late.contains(name));
        if !definition.expr.is_fitted() && !depends {
            if !bare || definition.role == Role::Label {
                self.values.push(named(&definition.expr));
            }
            return;
        }
        self.late.push(definition.name.clone());
        if let TKind::Fitted(call) = &definition.expr.kind {
            let fitted = self.fit(&definition.name, definition.doc.clone(), &definition.expr, call);
            self.fitted.push(FittedStage::Fit(fitted));
            return;
        }
        let mut inner = definition.expr.clone();
        self.hoist(&definition.name, &mut inner);
        self.fitted.push(FittedStage::Value(named(&inner)));
    }

    fn fit(&mut self, name: &str, doc: Option<String>, whole: &TExpr, call: &FittedCall) -> Fitted {
        let mut learned_from = IndexMap::new();
        for (param, value) in &call.learned_from {
            let mut value = value.clone();
            self.hoist(name, &mut value);
            learned_from.insert(param.clone(), expr(&value));
        }
        let mut args = IndexMap::new();
        for (param, values) in &call.args {
            let mut values = values.clone();
            values.iter_mut().for_each(|value| self.hoist(name, value));
            args.insert(param.clone(), values.iter().map(expr).collect());
        }
        Fitted {
            name: name.to_owned(),
            doc,
            dtype: dtype(&whole.ty.kind),
            function: call.function.clone(),
            fit: call.fit.clone(),
            args,
            learned_from,
            out_of_fold: call.out_of_fold.clone(),
            constants: call.constants.iter().map(|(name, constant)| (name.clone(), value(constant))).collect(),
            state: call.state.clone(),
            polars: call.polars.clone(),
            finite: call.finite,
        }
    }

    /// Gives each fitted call within an expression a stage and a name of its own.
    fn hoist(&mut self, owner: &str, typed: &mut TExpr) {
        if let TKind::Fitted(call) = &typed.kind {
            let call = call.clone();
            let base = format!("{owner}__{}", call.function);
            let taken = self.late.iter().filter(|name| **name == base || name.starts_with(&format!("{base}_"))).count();
            let name = if taken == 0 { base } else { format!("{base}_{}", taken + 1) };
            let fitted = self.fit(&name, None, typed, &call);
            self.late.push(name.clone());
            self.fitted.push(FittedStage::Fit(fitted));
            typed.kind = TKind::Column(name);
            return;
        }
        typed.children_mut().into_iter().for_each(|child| self.hoist(owner, child));
    }
}
