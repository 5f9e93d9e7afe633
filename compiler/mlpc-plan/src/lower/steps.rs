//! Steps of each kind.

use super::Lowering;
use super::expr::{expr, value};
use super::features::{column_schema, task};
use super::splits::fold_id;
use crate::Plan;
use crate::plan::{
    Against, ArtifactKind, CategoryStyle, Check, ColumnSchema, Curve, Evaluate, Expectation, Explanation, Format,
    Ingest, InputRef, MetricCall, MetricNeeds, Output, Program, Register, Resources, Retry, Rows, Step, StepSpec,
    Train, UserPython, UserShell, Validate,
};
use crate::wanted::reference_name;
use indexmap::IndexMap;
use mlpc_db::Block;
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::features::features;
use mlpc_hir::blocks::gate::gate;
use mlpc_hir::blocks::release::{evaluate, register};
use mlpc_hir::blocks::step::step;
use mlpc_hir::blocks::sweep::{is_swept, only_swept};
use mlpc_hir::blocks::train::train;
use mlpc_hir::library::{metric_signature, trainer_signature};
use mlpc_hir::names::{Space, join_path, qualified, resolve};
use mlpc_hir::typed::{self, Operations, SourceFormat, SourceRef, StepInput, StepRun, TExpr, TKind};
use mlpc_hir::{all_blocks, block_named};

/// A reference to an output of a step.
pub(super) fn from(step: impl Into<String>, output: &str) -> InputRef {
    InputRef::Step { step: step.into(), output: output.to_owned() }
}

pub(super) fn output(kind: ArtifactKind, path: &str) -> Output {
    Output { kind, path: path.to_owned() }
}

impl Lowering<'_> {
    /// A step with everything that every step has.
    pub(super) fn step(&self, kind: &str, name: &str, block: Block<'_>, own: &Operations, spec: StepSpec) -> Step {
        let mut step = Step {
            id: format!("{kind}.{name}"),
            title: format!("{kind} {name}"),
            doc: self.doc(block),
            origin: self.header(block),
            inputs: IndexMap::new(),
            outputs: IndexMap::new(),
            params: IndexMap::new(),
            seed: None,
            fold: None,
            environment: String::new(),
            resources: Resources { cpu: 1, memory: None },
            retry: Retry::default(),
            timeout_seconds: None,
            after: Vec::new(),
            when: None,
            program: Program::default(),
            spec,
            identity: String::new(),
        };
        self.operate(own, &mut step);
        step
    }

    pub(crate) fn user_steps(&self, steps: &mut Vec<Step>) {
        for block in all_blocks(self.db, self.project, "step") {
            let checked = &step(self.db, block).value;
            let spec = match &checked.run {
                Some(StepRun::Python(file, function)) => {
                    StepSpec::Python(UserPython { file: file.clone(), function: function.clone() })
                }
                Some(StepRun::Shell(template)) => StepSpec::Shell(UserShell { template: template.clone() }),
                None => continue,
            };
            let mut added = self.step("step", &qualified(self.db, block), block, &checked.operations, spec);
            for (name, input) in &checked.inputs {
                let input = match input {
                    StepInput::Step(step, output) => from(format!("step.{step}"), output),
                    StepInput::Dataset(dataset) => from(format!("ingest.{dataset}"), "rows"),
                    StepInput::Model(model) => from(format!("train.{model}"), "model"),
                };
                added.inputs.insert(name.clone(), input);
            }
            for (name, file) in &checked.outputs {
                let file = file.clone().unwrap_or_else(|| format!("{name}.json"));
                added.outputs.insert(name.clone(), output(ArtifactKind::File, &file));
            }
            added.after = checked.after.iter().filter_map(|name| self.step_of(name)).collect();
            steps.push(added);
        }
    }

    /// The step that a block's name stands for in `after`.
    fn step_of(&self, name: &str) -> Option<String> {
        [("step", "step"), ("dataset", "validate"), ("train", "train"), ("evaluate", "evaluate")]
            .into_iter()
            .find(|(keyword, _)| block_named(self.db, self.project, keyword, name).is_some())
            .map(|(_, kind)| format!("{kind}.{name}"))
    }

    /// Names of the datasets that features or steps read.
    pub(crate) fn datasets_used(&self) -> Vec<String> {
        let mut used: Vec<String> = Vec::new();
        for block in all_blocks(self.db, self.project, "features") {
            let value = &features(self.db, block).value;
            used.push(value.base.clone());
            used.extend(value.joins.iter().map(|join| join.dataset.clone()));
            let windows = value.definitions.iter().map(|definition| &definition.expr);
            let windows = windows.chain(&value.filters).chain(&value.label_filters).flat_map(TExpr::windows);
            used.extend(windows.filter_map(|call| call.source.as_ref()).map(|source| source.dataset.clone()));
        }
        for block in all_blocks(self.db, self.project, "step") {
            let inputs = step(self.db, block).value.inputs.values();
            used.extend(inputs.filter_map(|input| match input {
                StepInput::Dataset(name) => Some(name.clone()),
                _ => None,
            }));
        }
        for block in all_blocks(self.db, self.project, "gate") {
            let sides = gate(self.db, block).value.requirements.iter().flat_map(|one| [&one.left, &one.right]);
            used.extend(sides.filter_map(|side| match side {
                typed::Quantity::Freshness(dataset) => Some(dataset.clone()),
                _ => None,
            }));
        }
        used
    }

    pub(crate) fn datasets(&self, used: &[String], steps: &mut Vec<Step>) {
        for block in all_blocks(self.db, self.project, "dataset") {
            let name = qualified(self.db, block);
            let checked = &dataset(self.db, block).value;
            let Some((source, format)) = checked.source.as_ref().filter(|_| used.contains(&name)) else { continue };
            let schema: Vec<_> = checked.columns.iter().map(column_schema).collect();
            let ingest = Ingest { cut: self.cut(&name), ..ingest(&name, checked, format) };
            let as_of = self.as_of_param().filter(|_| ingest.cut.is_some());
            let mut read = self.step("ingest", &name, block, &Operations::default(), StepSpec::Ingest(ingest));
            read.params.extend(as_of.map(|as_of| ("as_of".to_owned(), as_of)));
            let source = match source {
                SourceRef::File(_) | SourceRef::Package { .. } | SourceRef::Server { .. } => {
                    InputRef::Source { name: name.clone() }
                }
                SourceRef::Step(step, output) => from(format!("step.{step}"), output),
            };
            read.inputs.insert("source".to_owned(), source);
            read.outputs.insert("rows".to_owned(), output(ArtifactKind::Table, "rows.parquet"));
            read.outputs.insert("profile".to_owned(), output(ArtifactKind::Profile, "profile.json"));
            read.outputs.insert("checks".to_owned(), output(ArtifactKind::Checks, "checks.json"));
            let check = self.validate_step(&name, block, schema, &read.id);
            steps.push(read);
            steps.push(check);
        }
    }

    fn validate_step(&self, name: &str, block: Block<'_>, schema: Vec<ColumnSchema>, read: &str) -> Step {
        let checked = &dataset(self.db, block).value;
        let validate = StepSpec::Validate(Validate {
            dataset: name.to_owned(),
            schema,
            key: checked.key.clone(),
            timestamp: checked.timestamp.clone(),
            expectations: checked
                .expectations
                .iter()
                .map(|one| self.expectation(block, one, &checked.columns))
                .collect(),
        });
        let mut check = self.step("validate", name, block, &Operations::default(), validate);
        check.inputs.insert("rows".to_owned(), from(read, "rows"));
        check.inputs.insert("profile".to_owned(), from(read, "profile"));
        let compares = |with| checked.expectations.iter().flat_map(|one| &one.distance).any(|one| one.against == with);
        if compares(typed::Against::Reference) {
            let source = InputRef::Source { name: reference_name(name) };
            check.inputs.insert(Against::Reference.input().to_owned(), source);
        }
        if compares(typed::Against::Previous) {
            let before = InputRef::Previous { step: read.to_owned(), output: "profile".to_owned() };
            check.inputs.insert(Against::Previous.input().to_owned(), before);
        }
        check.outputs.insert("checks".to_owned(), output(ArtifactKind::Checks, "checks.json"));
        check.outputs.insert("data_docs".to_owned(), output(ArtifactKind::Report, "data_docs.html"));
        check
    }

    fn expectation(
        &self,
        block: Block<'_>,
        expected: &typed::Expectation,
        columns: &[typed::DatasetColumn],
    ) -> Expectation {
        let read = expected.condition.columns();
        let tagged = columns.iter().any(|one| !one.column.tags.is_empty() && read.contains(&one.column.name));
        let check = if let Some(distance) = &expected.distance {
            Check::Distance {
                measure: distance.measure.clone(),
                column: distance.column.clone(),
                against: match distance.against {
                    typed::Against::Reference => Against::Reference,
                    typed::Against::Previous => Against::Previous,
                },
                arguments: distance.arguments.iter().map(|(name, constant)| (name.clone(), value(constant))).collect(),
                bound: expr(&bound(&expected.condition)),
            }
        } else if expected.table {
            Check::Table {
                condition: expr(&expected.condition),
                measured: measured(&expected.condition).filter(|_| expected.counts || !tagged).map(expr),
                offending: expected.offending.as_ref().map(expr),
            }
        } else {
            Check::Rows { condition: expr(&expected.condition) }
        };
        Expectation {
            text: expected.text.clone(),
            origin: self.origin(block, expected.span),
            fails: expected.fails,
            check,
            columns: expected.condition.columns(),
        }
    }

    pub(crate) fn feature_steps(&self, plan: &Plan, steps: &mut Vec<Step>) {
        let none = Operations::default();
        for (name, set) in &plan.features {
            let Some(block) = block_named(self.db, self.project, "features", name) else { continue };
            let spec = StepSpec::Features { features: name.clone() };
            let mut rows = self.step("features", name, block, &none, spec);
            for dataset in set.datasets() {
                rows.inputs.insert(dataset.to_owned(), from(format!("ingest.{dataset}"), "rows"));
                rows.after.push(format!("validate.{dataset}"));
            }
            rows.after.dedup();
            rows.outputs.insert("rows".to_owned(), output(ArtifactKind::Table, "rows.parquet"));
            steps.push(rows);
        }
        self.split_steps(plan, steps);
    }

    pub(crate) fn model_steps(&self, plan: &Plan, steps: &mut Vec<Step>) {
        let only_swept = only_swept(self.db, self.project);
        for block in all_blocks(self.db, self.project, "train") {
            if only_swept.contains(&block) {
                continue;
            }
            let Some(job) = self.train_step(plan, block) else { continue };
            steps.extend(self.fold_steps(block, &job));
            steps.push(job);
        }
        self.sweep_steps(plan, steps);
        for block in all_blocks(self.db, self.project, "evaluate") {
            steps.extend(self.evaluate_step(block));
        }
        for block in all_blocks(self.db, self.project, "gate") {
            steps.push(self.gate_step(plan, block));
        }
        for block in all_blocks(self.db, self.project, "register") {
            steps.extend(self.register_step(block));
        }
    }

    /// How a train block's model is made.
    pub(super) fn train_spec(&self, plan: &Plan, block: Block<'_>) -> Option<Train> {
        let checked = &train(self.db, block).value;
        let trainer = resolve(self.db, block.file(self.db), Space::Trainer, &checked.trainer)?;
        let signature = trainer_signature(self.db, trainer).as_ref()?;
        Some(Train {
            features: checked.features.clone(),
            trainer: signature.name.clone(),
            trainer_doc: signature.doc.clone(),
            python: user_path(&signature.python, trainer.file(self.db).path(self.db)),
            task: task(checked.task?),
            hyperparameters: checked.hyperparameters.iter().map(|parameter| parameter.name.clone()).collect(),
            fixed: signature.fixed.iter().map(|(name, constant)| (name.clone(), value(constant))).collect(),
            seed_argument: signature.seed.clone(),
            threads_argument: signature.threads.clone(),
            categories: signature.categories.as_deref().and_then(category_style),
            accepts_nulls: signature.accepts.iter().any(|accepted| accepted == "nulls"),
            out_of_fold: self.out_of_fold(plan, checked),
        })
    }

    fn train_step(&self, plan: &Plan, block: Block<'_>) -> Option<Step> {
        let name = qualified(self.db, block);
        let checked = &train(self.db, block).value;
        let spec = StepSpec::Train(self.train_spec(plan, block)?);
        let mut job = self.step("train", &name, block, &checked.operations, spec);
        job.inputs.insert("rows".to_owned(), from(format!("features.{}", checked.features), "rows"));
        job.inputs.insert("parts".to_owned(), from(format!("split.{}", checked.split), "parts"));
        if plan.features.get(&checked.features).is_some_and(|set| !set.fitted.is_empty()) {
            job.inputs.insert("transform".to_owned(), from(format!("fit.{}", checked.split), "transform"));
        }
        job.outputs.insert("model".to_owned(), output(ArtifactKind::Model, "model"));
        let swept = is_swept(self.db, self.project, block);
        for parameter in &checked.hyperparameters {
            let mut given = self.hyperparameter(parameter);
            // The points of a sweep keep their values, so its model does.
            given.derived = given.derived.filter(|_| !swept);
            job.params.insert(parameter.name.clone(), given);
        }
        job.seed = Some(self.derived(&job.id));
        Some(job)
    }

    /// A metric that a block names, with its arguments.
    pub(super) fn metric_call(&self, block: Block<'_>, used: &typed::MetricUse) -> Option<MetricCall> {
        let metric = resolve(self.db, block.file(self.db), Space::Metric, &used.metric)?;
        let signature = metric_signature(self.db, metric).as_ref()?;
        Some(MetricCall {
            metric: used.metric.clone(),
            doc: signature.doc.clone(),
            python: user_path(&signature.python, metric.file(self.db).path(self.db)),
            needs: needs(&signature.needs),
            higher_is_better: signature.higher_is_better,
            arguments: used.arguments.iter().map(|(name, constant)| (name.clone(), value(constant))).collect(),
        })
    }

    fn evaluate_step(&self, block: Block<'_>) -> Option<Step> {
        let name = qualified(self.db, block);
        let checked = &evaluate(self.db, block).value;
        let model = block_named(self.db, self.project, "train", &checked.train)?;
        let trained = &train(self.db, model).value;
        let metrics = checked
            .metrics
            .iter()
            .filter_map(|(reported, used)| Some((reported.clone(), self.metric_call(block, used)?)))
            .collect();
        let spec = Evaluate {
            name: name.clone(),
            features: trained.features.clone(),
            part: checked.part.clone(),
            task: task(trained.task?),
            metrics,
            slices: checked.slices.clone(),
            min_rows: checked.min_rows,
            confidence: checked.confidence,
            curves: checked.curves.as_ref().map(|curves| curves.iter().copied().map(curve).collect()),
            explain: checked.explain.iter().copied().map(explanation).collect(),
        };
        let own = Operations { environment: trained.operations.environment.clone(), ..Operations::default() };
        let draws = spec.draws();
        let mut judge = self.step("evaluate", &name, block, &own, StepSpec::Evaluate(spec));
        judge.seed = draws.then(|| self.derived(&judge.id));
        judge.inputs.insert("rows".to_owned(), from(format!("features.{}", trained.features), "rows"));
        let folds = if checked.part == "validation" { self.fold_count(&trained.split) } else { 0 };
        if folds == 0 {
            judge.inputs.insert("parts".to_owned(), from(format!("split.{}", trained.split), "parts"));
        }
        judge.inputs.insert("model".to_owned(), self.model_of(&checked.train, checked.sweep.as_ref()));
        for fold in 1..=folds {
            let trained = fold_id(&format!("train.{}", checked.train), fold);
            judge.inputs.insert(format!("fold_{fold}"), from(trained, "predictions"));
        }
        judge.outputs.insert("metrics".to_owned(), output(ArtifactKind::Metrics, "metrics.json"));
        judge.outputs.insert("report".to_owned(), output(ArtifactKind::Report, "report.html"));
        judge.outputs.insert("predictions".to_owned(), output(ArtifactKind::Table, "predictions.parquet"));
        Some(judge)
    }

    fn register_step(&self, block: Block<'_>) -> Option<Step> {
        let name = qualified(self.db, block);
        let checked = &register(self.db, block).value;
        let gate_name = checked.gate.clone()?;
        let judged = block_named(self.db, self.project, "gate", &gate_name).map(|gate_| &gate(self.db, gate_).value)?;
        let spec = StepSpec::Register(Register {
            model: name.clone(),
            alias: checked.alias.clone(),
            gate: Some(gate_name.clone()),
            registry: checked.registry.clone(),
        });
        let verdict = from(format!("gate.{gate_name}"), "verdict");
        let mut keep = self.step("register", &name, block, &Operations::default(), spec);
        keep.inputs.insert("model".to_owned(), self.model_of(&checked.train, checked.sweep.as_ref()));
        keep.inputs.insert("metrics".to_owned(), from(format!("evaluate.{}", judged.evaluate), "metrics"));
        keep.inputs.insert("verdict".to_owned(), verdict.clone());
        keep.outputs.insert("registration".to_owned(), output(ArtifactKind::Registration, "registration.json"));
        keep.when = Some(verdict);
        Some(keep)
    }
}

/// The measured side of a condition: the one that is no literal.
fn measured(condition: &TExpr) -> Option<&TExpr> {
    match &condition.kind {
        TKind::Binary { op, left, right, .. } if op.is_comparison() => {
            let is_literal = |side: &TExpr| matches!(side.kind, TKind::Literal(_));
            if is_literal(left) { Some(right) } else { Some(left) }
        }
        TKind::InRange { item, .. } | TKind::InList { item, .. } => Some(item),
        _ => None,
    }
}

/// The column that stands for the distance in its bound.
const MEASURED: &str = "measured";

/// A condition with a column in the place of what it measures.
fn bound(condition: &TExpr) -> TExpr {
    let mut bound = condition.clone();
    let place = match &mut bound.kind {
        TKind::Binary { left, right, .. } if matches!(left.kind, TKind::Literal(_)) => right,
        TKind::Binary { left, .. } => left,
        TKind::InRange { item, .. } => item,
        _ => return bound,
    };
    place.kind = TKind::Column(MEASURED.to_owned());
    bound
}

/// A user's `file.py:function` relative to the project's root; `module:name` as it is.
fn user_path(reference: &str, declared_in: &str) -> String {
    match reference.rsplit_once(':') {
        Some((file, function)) if file.ends_with(".py") => format!("{}:{function}", join_path(declared_in, file)),
        _ => reference.to_owned(),
    }
}

/// How a dataset is read, as the plan says it.
pub(crate) fn ingest(name: &str, checked: &typed::Dataset, format: &SourceFormat) -> Ingest {
    Ingest {
        dataset: name.to_owned(),
        format: source_format(format),
        schema: checked.columns.iter().map(column_schema).collect(),
        key: checked.key.clone(),
        timestamp: checked.timestamp.clone(),
        timezone: checked.timezone.clone(),
        cut: None,
    }
}

fn source_format(format: &SourceFormat) -> Format {
    match format {
        SourceFormat::Csv { null, delimiter, header, member } => {
            Format::Csv { null: null.clone(), delimiter: delimiter.clone(), header: *header, member: member.clone() }
        }
        // What a server held when it was locked is kept as Parquet.
        SourceFormat::Parquet | SourceFormat::Postgres(_) => Format::Parquet,
        SourceFormat::Ndjson => Format::Ndjson,
        SourceFormat::Arrow => Format::Arrow,
        SourceFormat::Sqlite(rows) => Format::Sqlite { rows: database_rows(rows) },
        SourceFormat::Duckdb(rows) => Format::Duckdb { rows: database_rows(rows) },
    }
}

/// Which rows of a database, as the plan says it.
pub(crate) fn database_rows(rows: &typed::Rows) -> Rows {
    match rows {
        typed::Rows::Table(table) => Rows::Table(table.clone()),
        typed::Rows::Query(query) => Rows::Query(query.clone()),
    }
}

fn category_style(word: &str) -> Option<CategoryStyle> {
    match word {
        "mask" => Some(CategoryStyle::Mask),
        "feature_types" => Some(CategoryStyle::FeatureTypes),
        "indices" => Some(CategoryStyle::Indices),
        _ => None,
    }
}

fn needs(word: &str) -> MetricNeeds {
    match word {
        "probability" => MetricNeeds::Probability,
        "value" => MetricNeeds::Value,
        _ => MetricNeeds::Label,
    }
}

fn curve(curve: typed::Curve) -> Curve {
    match curve {
        typed::Curve::Roc => Curve::Roc,
        typed::Curve::Pr => Curve::Pr,
        typed::Curve::Calibration => Curve::Calibration,
        typed::Curve::Confusion => Curve::Confusion,
        typed::Curve::Residuals => Curve::Residuals,
    }
}

fn explanation(explanation: typed::Explanation) -> Explanation {
    match explanation {
        typed::Explanation::Permutation(repeats) => Explanation::Permutation { repeats },
        typed::Explanation::Shap(rows) => Explanation::Shap { rows },
    }
}
