//! Tests: their rows and expectations, and the features that they look at.

use super::expr::{dtype, value};
use super::features::column_schema;
use super::{Lowering, lowering};
use crate::identity::derive_seed;
use crate::lock::Lock;
use crate::plan::{ExpectedColumn, FeatureSet, FittedStage, Format, Ingest, Property, Refusal, TestCase, TestPlan};
use indexmap::IndexMap;
use mlpc_db::{Block, Db, Project};
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::features::features;
use mlpc_hir::blocks::test::needs::{closure, datasets};
use mlpc_hir::blocks::test::test;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::test::{GivenRows, Subject, Test};
use mlpc_hir::typed::{Column, Const, DatasetColumn, Definition, Facts, Features, Role};
use mlpc_hir::{all_blocks, block_named};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The column that numbers rows.
const ROW: &str = "__row__";

/// The tests of a program for which `wanted` holds, with what they run on.
#[must_use]
pub fn lower_tests(db: &dyn Db, project: Project, lock: &Lock, wanted: &dyn Fn(&Test) -> bool) -> TestPlan {
    let lowering = lowering(db, project);
    let mut tests = begin(db, project, lock);
    for block in all_blocks(db, project, "test") {
        let checked = &test(db, block).value;
        if !checked.broken && wanted(checked) {
            lowering.test(block, checked, &mut tests);
        }
    }
    tests
}

/// No tests yet of a program.
pub(super) fn begin(db: &dyn Db, project: Project, lock: &Lock) -> TestPlan {
    let plan = super::lower(db, project, lock);
    let name = lowering(db, project).environment;
    TestPlan {
        environment: plan.environments.get(&name).cloned(),
        environment_name: name,
        plan,
        datasets: IndexMap::new(),
        features: IndexMap::new(),
        cases: Vec::new(),
    }
}

impl Lowering<'_> {
    /// Adds a test.
    pub(super) fn test(&self, block: Block<'_>, checked: &Test, tests: &mut TestPlan) {
        let Some(subject) = &checked.subject else { return };
        let (name, home, mut under) = match subject {
            Subject::Features(name) => {
                let Some(home) = block_named(self.db, self.project, "features", name) else { return };
                (name.clone(), home, features(self.db, home).value.clone())
            }
            Subject::Function { name, call, .. } => (name.clone(), block, (**call).clone()),
        };
        let properties = self.properties(block, checked, &mut under);
        let observed: Vec<String> = checked
            .expected
            .iter()
            .map(|expected| expected.name.clone())
            .chain(
                properties
                    .iter()
                    .flat_map(|property| std::iter::once(&property.column).chain(&property.names).cloned()),
            )
            .collect();
        let set = pruned(self.feature_set_of(&name, home, &under), &under, observed, subject);
        let reads = match subject {
            Subject::Features(_) => datasets(&under).iter().filter_map(|name| self.reading(name)).collect(),
            Subject::Function { name, columns, .. } => vec![of_arguments(name, columns)],
        };
        let module = module_for(tests, set, reads);
        tests.cases.push(TestCase {
            title: checked.title.clone(),
            subject: name,
            origin: self.header(block),
            module,
            labelled: checked.labelled,
            function: matches!(subject, Subject::Function { .. }),
            given: checked.given.iter().map(|(name, given)| (name.clone(), rows(given))).collect(),
            fitted: checked.fitted.iter().map(|(name, state)| (name.clone(), record(state))).collect(),
            expected: checked
                .expected
                .iter()
                .map(|expected| ExpectedColumn {
                    name: expected.name.clone(),
                    dtype: dtype(&expected.ty.kind),
                    values: expected.values.iter().map(literal).collect(),
                    text: expected.text.clone(),
                    origin: self.origin(block, expected.span),
                })
                .collect(),
            refused: checked.refused.map(|(code, span)| Refusal {
                code: code.id.to_owned(),
                name: code.name.to_owned(),
                origin: self.origin(block, span),
            }),
            properties,
        });
    }

    /// The conditions of a test, added to what it looks at as definitions of their own.
    fn properties(&self, block: Block<'_>, checked: &Test, under: &mut Features) -> Vec<Property> {
        let mut properties = Vec::new();
        for (index, property) in checked.properties.iter().enumerate() {
            let column = format!("__property_{index}__");
            let path = format!("test.{}.{index}", checked.title);
            properties.push(Property {
                column: column.clone(),
                names: property.condition.columns(),
                text: property.text.clone(),
                origin: self.origin(block, property.span),
                seed: derive_seed(&self.pipeline, &path, self.seed),
            });
            under.definitions.push(Definition {
                name: column,
                doc: None,
                role: Role::Let,
                expr: property.condition.clone(),
                span: property.span,
                owner: None,
                facts: Facts::default(),
            });
        }
        properties
    }

    /// How rows of a dataset are read, as a run would.
    fn reading(&self, name: &str) -> Option<Ingest> {
        let block = block_named(self.db, self.project, "dataset", name)?;
        let checked = &dataset(self.db, block).value;
        Some(Ingest {
            dataset: qualified(self.db, block),
            format: Format::Ndjson,
            // Given rows hold values, not what the source would spell them as.
            schema: checked
                .columns
                .iter()
                .map(column_schema)
                .map(|column| crate::plan::ColumnSchema { source_name: column.name.clone(), parse: None, ..column })
                .collect(),
            key: checked.key.clone(),
            timestamp: checked.timestamp.clone(),
            timezone: checked.timezone.clone(),
            cut: None,
        })
    }
}

/// The arguments of a function as a dataset.
fn of_arguments(name: &str, columns: &[Column]) -> Ingest {
    let column = |column: &Column| {
        column_schema(&DatasetColumn {
            column: column.clone(),
            source_name: column.name.clone(),
            matches: None,
            unique: false,
            parse: None,
        })
    };
    let schema = columns.iter().map(column).collect();
    Ingest {
        dataset: name.to_owned(),
        format: Format::Ndjson,
        schema,
        key: Vec::new(),
        timestamp: None,
        timezone: None,
        cut: None,
    }
}

/// The features with no fitted columns but those that are looked at: the others would need what they have learned.
fn pruned(mut set: FeatureSet, under: &Features, observed: Vec<String>, subject: &Subject) -> FeatureSet {
    let mut needed: BTreeSet<String> = closure(under, &observed);
    let mut kept: Vec<FittedStage> = Vec::new();
    let mut gone: Vec<String> = Vec::new();
    for stage in set.fitted.drain(..).rev() {
        let (name, reads) = match &stage {
            FittedStage::Fit(fitted) => {
                let fitted_on = fitted.args.values().flatten().chain(fitted.learned_from.values());
                (&fitted.name, fitted_on.flat_map(crate::plan::Expr::columns).collect())
            }
            FittedStage::Value(value) => (&value.name, value.expr.columns()),
        };
        if needed.contains(name) {
            needed.extend::<Vec<String>>(reads);
            kept.push(stage);
        } else {
            gone.push(name.clone());
        }
    }
    kept.reverse();
    set.fitted = kept;
    set.inputs.retain(|input| !gone.contains(&input.name));
    set.observed = observed;
    // Values are told in the order of the given rows.
    if matches!(subject, Subject::Function { .. }) || set.spine.is_none() {
        set.observed.push(ROW.to_owned());
    }
    set.observed.sort();
    set.observed.dedup();
    set
}

/// The module that holds these features; equal ones share theirs.
fn module_for(tests: &mut TestPlan, mut set: FeatureSet, reads: Vec<Ingest>) -> String {
    let base = set.name.replace('.', "_");
    for count in 1.. {
        let module = if count == 1 { base.clone() } else { format!("{base}_{count}") };
        set.name.clone_from(&module);
        match tests.features.get(&module) {
            Some(other) if *other == set && tests.datasets.get(&module) == Some(&reads) => return module,
            Some(_) => {}
            None => {
                tests.features.insert(module.clone(), set);
                tests.datasets.insert(module.clone(), reads);
                return module;
            }
        }
    }
    base
}

fn rows(given: &GivenRows) -> Vec<Map<String, Value>> {
    given.rows.iter().map(record).collect()
}

fn record(fields: &IndexMap<String, Const>) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), literal(value))).collect()
}

/// A value as a test program reads it: durations with their unit.
fn literal(constant: &Const) -> Value {
    match constant {
        Const::Duration(ms) => Value::from(format!("{ms}ms")),
        Const::List(items) => items.iter().map(literal).collect(),
        other => value(other),
    }
}
