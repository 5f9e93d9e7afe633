//! Entry points that score rows: the data that the model's features read, and one step.

use super::steps::output;
use super::{Lowering, entry, ordered};
use crate::Plan;
use crate::plan::{ArtifactKind, InputRef, Predict, PredictFormat, PredictRows, Step, StepSpec};
use mlpc_db::Block;
use mlpc_hir::block_named;
use mlpc_hir::blocks::predict::predict;
use mlpc_hir::blocks::release::register;
use mlpc_hir::names::qualified;
use mlpc_hir::typed;
use std::collections::BTreeSet;

impl Lowering<'_> {
    /// The plan that scores: what is no part of it is left out.
    pub(super) fn predict_plan(&self, mut plan: Plan, block: Block<'_>) -> Option<Plan> {
        let checked = &predict(self.db, block).value;
        plan.schedule = checked.schedule.as_ref().map(entry::schedule);
        if !checked.notify.is_empty() {
            plan.notify = entry::notify(&checked.notify);
        }
        plan.features = self.feature_sets();
        plan.features.retain(|name, _| *name == checked.features);
        let mut steps = Vec::new();
        self.user_steps(&mut steps);
        self.datasets(&self.datasets_used(), &mut steps);
        self.feature_steps(&plan, &mut steps);
        let rows = steps.iter().find(|step| step.id == format!("features.{}", checked.features))?;
        let score = self.predict_step(checked, block, rows);
        let id = score.id.clone();
        steps.push(score);
        plan.steps = reaching(ordered(steps), &id);
        let read: BTreeSet<String> =
            plan.steps.iter().flat_map(|step| step.inputs.values()).filter_map(source).collect();
        plan.sources.retain(|source| read.contains(&source.name));
        self.set_parameters(&mut plan);
        plan.finals = self.finals(&plan);
        Some(plan)
    }

    /// The step that scores: it reads the datasets that `rows`, which makes the same features to learn from, reads.
    fn predict_step(&self, checked: &typed::Predict, block: Block<'_>, rows: &Step) -> Step {
        let name = qualified(self.db, block);
        let which = match checked.rows {
            typed::PredictRows::All => PredictRows::All,
            typed::PredictRows::New => PredictRows::New,
            typed::PredictRows::Unlabelled => PredictRows::Unlabelled,
        };
        let spec = StepSpec::Predict(Predict {
            name: name.clone(),
            model: checked.register.clone(),
            alias: checked.alias.clone(),
            features: checked.features.clone(),
            rows: which,
            output: checked.output.clone(),
        });
        let mut score = self.step("predict", &name, block, &checked.operations, spec);
        let registered = block_named(self.db, self.project, "register", &checked.register);
        let champion = InputRef::Champion {
            model: checked.register.clone(),
            alias: checked.alias.clone(),
            registry: registered.and_then(|block| register(self.db, block).value.registry.clone()),
        };
        score.inputs.insert("champion".to_owned(), champion);
        score.inputs.extend(rows.inputs.clone());
        score.after.clone_from(&rows.after);
        if which == PredictRows::New {
            score.inputs.insert("previous".to_owned(), InputRef::Delivered { path: checked.output.clone() });
        }
        let made = match PredictFormat::of(&checked.output) {
            PredictFormat::Parquet => output(ArtifactKind::Table, "predictions.parquet"),
            PredictFormat::Csv => output(ArtifactKind::File, "predictions.csv"),
        };
        score.outputs.insert("predictions".to_owned(), made);
        score
    }
}

/// The steps that lead to one, it included.
fn reaching(steps: Vec<Step>, last: &str) -> Vec<Step> {
    let wanted: BTreeSet<String> =
        Step::leading_to(&steps, |step| step.id == last).into_iter().map(str::to_owned).collect();
    steps.into_iter().filter(|step| wanted.contains(&step.id)).collect()
}

fn source(input: &InputRef) -> Option<String> {
    match input {
        InputRef::Source { name } => Some(name.clone()),
        _ => None,
    }
}
