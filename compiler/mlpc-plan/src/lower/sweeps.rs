//! Sweeps: one step per point that is known already and one that chooses, or one step that searches.

use super::Lowering;
use super::expr::value;
use super::steps::{from, output};
use crate::Plan;
use crate::drawing::{Point, drawn, grid};
use crate::plan::{self, ArtifactKind, InputRef, MetricCall, Param, Search, Step, StepSpec, Train};
use indexmap::IndexMap;
use mlpc_db::Block;
use mlpc_hir::blocks::sweep::sweep;
use mlpc_hir::blocks::train::train;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::{self, Candidate, Strategy};
use mlpc_hir::{all_blocks, block_named};
use serde_json::{Map, Value};

/// The type of a record of hyperparameters.
const RECORD: &str = "dict[str, Any]";

impl Lowering<'_> {
    /// The sweeps of a program by name.
    pub(super) fn sweeps(&self, plan: &Plan) -> IndexMap<String, plan::Sweep> {
        let all = all_blocks(self.db, self.project, "sweep").into_iter();
        all.filter_map(|block| Some((qualified(self.db, block), self.shared(plan, block)?))).collect()
    }

    fn shared(&self, plan: &Plan, block: Block<'_>) -> Option<plan::Sweep> {
        let checked = &sweep(self.db, block).value;
        let jobs = checked.candidates.iter().map(|candidate| {
            let job = block_named(self.db, self.project, "train", &candidate.train)?;
            Some((candidate.train.clone(), self.train_spec(plan, job)?))
        });
        let candidates: IndexMap<String, Train> = jobs.collect::<Option<_>>()?;
        let first = self.first_job(checked)?;
        let objectives = checked
            .objectives
            .iter()
            .map(|objective| Some((objective.name.clone(), self.metric_call(block, &objective.metric)?)));
        Some(plan::Sweep {
            features: first.features.clone(),
            out_of_fold: candidates.values().find_map(|job| job.out_of_fold.clone()),
            candidates,
            objectives: objectives.collect::<Option<IndexMap<String, MetricCall>>>()?,
            folds: self.fold_count(&first.split),
            refit: checked.refit,
        })
    }

    /// The first model of a sweep, whose rows are those of all.
    fn first_job(&self, checked: &typed::Sweep) -> Option<&typed::Train> {
        let block = block_named(self.db, self.project, "train", &checked.candidates.first()?.train)?;
        Some(&train(self.db, block).value)
    }

    pub(super) fn sweep_steps(&self, plan: &Plan, steps: &mut Vec<Step>) {
        for block in all_blocks(self.db, self.project, "sweep") {
            let name = qualified(self.db, block);
            let checked = &sweep(self.db, block).value;
            let (Some(strategy), Some(first)) = (checked.strategy, self.first_job(checked)) else { continue };
            if !plan.sweeps.contains_key(&name) {
                continue;
            }
            let spec = StepSpec::Sweep { sweep: name.clone(), search: None };
            let mut choose = self.step("sweep", &name, block, &checked.operations, spec);
            choose.outputs.insert("model".to_owned(), output(ArtifactKind::Model, "model"));
            choose.outputs.insert("trials".to_owned(), output(ArtifactKind::File, "trials.json"));
            let seed = self.derived(&choose.id);
            give_rows(first, &mut choose);
            let points = match strategy {
                Strategy::Grid => grid(&checked.candidates),
                Strategy::Drawn(drawing, trials) => drawn(drawing, &checked.candidates, trials, seed),
                Strategy::Searched { sampler, trials, parallel } => {
                    let search = Search {
                        sampler: self::sampler(sampler),
                        trials,
                        parallel,
                        spaces: checked.candidates.iter().map(space).collect(),
                        prune: checked.prune.as_ref().map(prune),
                    };
                    choose.spec = StepSpec::Sweep { sweep: name.clone(), search: Some(search) };
                    choose.seed = Some(seed);
                    let fixed = checked.candidates.iter().map(|one| (one.train.clone(), self.fixed_of(one)));
                    choose.params.insert("fixed".to_owned(), record(Value::Object(fixed.collect())));
                    Vec::new()
                }
            };
            for (at, point) in points.iter().enumerate() {
                let trial = self.trial(block, &name, at + 1, point);
                choose.inputs.insert(format!("trial_{}", at + 1), from(&trial.id, "trial"));
                steps.push(trial);
            }
            steps.push(choose);
        }
    }

    /// A step that fits one point and says how good it is.
    fn trial(&self, block: Block<'_>, sweep_name: &str, number: usize, point: &Point) -> Step {
        let checked = &sweep(self.db, block).value;
        let spec = StepSpec::Trial { sweep: sweep_name.to_owned() };
        let mut trial = self.step("trial", &format!("{sweep_name}.{number}"), block, &checked.operations, spec);
        trial.title = format!("trial {number} of {sweep_name}");
        trial.outputs.insert("trial".to_owned(), output(ArtifactKind::File, "trial.json"));
        if let Some(first) = self.first_job(checked) {
            give_rows(first, &mut trial);
        }
        if let Some(candidate) = checked.candidates.get(point.candidate) {
            let mut values = self.fixed_of(candidate);
            if let Value::Object(values) = &mut values {
                let drawn = point.values.iter().map(|(name, constant)| (name.clone(), value(constant)));
                values.extend(drawn);
            }
            let name = Param {
                python_type: "str".to_owned(),
                value: Value::from(candidate.train.as_str()),
                default: false,
                derived: None,
            };
            trial.params.insert("candidate".to_owned(), name);
            trial.params.insert("hyperparameters".to_owned(), record(values));
        }
        trial.seed = Some(self.derived(&trial.id));
        trial
    }

    /// The hyperparameters of a model that are not searched.
    fn fixed_of(&self, candidate: &Candidate) -> Value {
        let job = block_named(self.db, self.project, "train", &candidate.train);
        let given = job.map(|job| train(self.db, job).value.hyperparameters.as_slice()).unwrap_or_default();
        let searched = |name: &str| candidate.dimensions.iter().any(|dimension| dimension.name == name);
        let fixed = given.iter().filter(|parameter| !searched(&parameter.name));
        Value::Object(fixed.map(|parameter| (parameter.name.clone(), value(&parameter.value))).collect::<Map<_, _>>())
    }

    /// The model that a name of a program stands for: of a train block, or the winner of a sweep.
    pub(super) fn model_of(&self, train: &str, sweep: Option<&String>) -> InputRef {
        match sweep {
            Some(sweep) => from(format!("sweep.{sweep}"), "model"),
            None => from(format!("train.{train}"), "model"),
        }
    }
}

/// Rows and parts; fitted columns are fitted by the step itself, once for each fold.
fn give_rows(job: &typed::Train, step: &mut Step) {
    step.inputs.insert("rows".to_owned(), from(format!("features.{}", job.features), "rows"));
    step.inputs.insert("parts".to_owned(), from(format!("split.{}", job.split), "parts"));
}

fn record(value: Value) -> Param {
    Param { python_type: RECORD.to_owned(), value, default: false, derived: None }
}

fn space(candidate: &Candidate) -> (String, IndexMap<String, plan::Dimension>) {
    let dimension = |one: &typed::Dimension| {
        let dimension = plan::Dimension { domain: domain(&one.domain), when: one.when.as_ref().map(when) };
        (one.name.clone(), dimension)
    };
    (candidate.train.clone(), candidate.dimensions.iter().map(dimension).collect())
}

fn domain(domain: &typed::Domain) -> plan::Domain {
    match domain {
        typed::Domain::Choice(values) => plan::Domain::Choice(values.iter().map(value).collect()),
        typed::Domain::Int { low, high, log } => plan::Domain::Int { low: *low, high: *high, log: *log },
        typed::Domain::Float { low, high, log } => plan::Domain::Float { low: *low, high: *high, log: *log },
    }
}

fn when(condition: &typed::When) -> plan::When {
    let boxed = |inner: &typed::When| Box::new(when(inner));
    match condition {
        typed::When::Is(dimension, values) => {
            plan::When::Is { dimension: dimension.clone(), values: values.iter().map(value).collect() }
        }
        typed::When::Compares(dimension, op, bound) => {
            plan::When::Compares { dimension: dimension.clone(), op: op.symbol().to_owned(), bound: *bound }
        }
        typed::When::Not(inner) => plan::When::Not(boxed(inner)),
        typed::When::And(left, right) => plan::When::And(boxed(left), boxed(right)),
        typed::When::Or(left, right) => plan::When::Or(boxed(left), boxed(right)),
    }
}

fn sampler(sampler: typed::Sampler) -> plan::Sampler {
    match sampler {
        typed::Sampler::Tpe => plan::Sampler::Tpe,
        typed::Sampler::CmaEs => plan::Sampler::CmaEs,
        typed::Sampler::Gp => plan::Sampler::Gp,
        typed::Sampler::Nsga2 => plan::Sampler::Nsga2,
    }
}

fn prune(given: &typed::Prune) -> plan::Prune {
    plan::Prune {
        pruner: match given.pruner {
            typed::Pruner::Asha => plan::Pruner::Asha,
            typed::Pruner::Hyperband => plan::Pruner::Hyperband,
            typed::Pruner::Median => plan::Pruner::Median,
        },
        resource: given.resource.clone(),
        least: given.least,
        factor: given.factor,
        most: given.most,
    }
}
