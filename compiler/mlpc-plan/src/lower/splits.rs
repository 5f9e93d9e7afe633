//! Splits, and what is done once for each of their folds.

use super::Lowering;
use super::expr::iso_date;
use super::steps::{from, output};
use crate::Plan;
use crate::plan::{ArtifactKind, Days, FeatureSet, Folds, InputRef, Split, SplitBy, Step, StepSpec, Task};
use mlpc_db::Block;
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::split::split;
use mlpc_hir::blocks::sweep::only_swept;
use mlpc_hir::blocks::train::train;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::{self, Extent, Operations};
use mlpc_hir::{all_blocks, block_named};

/// The step that does for one fold what `id` does for the whole training part.
pub(super) fn fold_id(id: &str, fold: u32) -> String {
    format!("{id}.fold_{fold}")
}

impl Lowering<'_> {
    /// Splits, and the fits of their features: one for each fold, and one for the whole training part.
    pub(super) fn split_steps(&self, plan: &Plan, steps: &mut Vec<Step>) {
        for block in all_blocks(self.db, self.project, "split") {
            let name = qualified(self.db, block);
            let checked = &split(self.db, block).value;
            let Some(set) = plan.features.get(&checked.features) else { continue };
            let spec = StepSpec::Split(self.split_spec(name.clone(), checked, set));
            let mut parts = self.step("split", &name, block, &Operations::default(), spec);
            parts.inputs.insert("rows".to_owned(), from(format!("features.{}", checked.features), "rows"));
            parts.outputs.insert("parts".to_owned(), output(ArtifactKind::Table, "parts.parquet"));
            parts.seed = Some(self.derived(&parts.id));
            steps.push(parts);
            if !set.fitted.is_empty() && self.is_trained_on(&name) {
                let fit = self.fit_step(&name, checked, set, block);
                steps.extend((1..=self.fold_count(&name)).map(|fold| on_fold(&fit, fold)));
                steps.push(fit);
            }
        }
    }

    /// Whether a training job of its own learns from a split: sweeps fit the fitted columns themselves.
    fn is_trained_on(&self, split: &str) -> bool {
        let only_swept = only_swept(self.db, self.project);
        let jobs = all_blocks(self.db, self.project, "train").into_iter();
        let mut trained = jobs.clone().filter(|job| !only_swept.contains(job));
        // A split that nothing learns from is fitted for its own sake.
        jobs.filter(|job| train(self.db, *job).value.split == split).count() == 0
            || trained.any(|job| train(self.db, job).value.split == split)
    }

    fn split_spec(&self, name: String, checked: &typed::Split, set: &FeatureSet) -> Split {
        let shares = checked.parts.iter().filter_map(|(part, extent)| match extent {
            Extent::Share(share) => Some((part.clone(), *share)),
            Extent::Days { .. } => None,
        });
        let days = checked.parts.iter().filter_map(|(part, extent)| match extent {
            Extent::Days { from, until } => {
                Some((part.clone(), Days { from: from.map(iso_date), until: until.map(iso_date) }))
            }
            Extent::Share(_) => None,
        });
        Split {
            name,
            by: self.split_by(&checked.by, set),
            key: set.key.clone(),
            shares: shares.collect(),
            days: days.collect(),
            folds: checked.folds.map(folds),
            // Only classes can be asked for in every part.
            label: set.label.as_ref().filter(|label| label.task != Task::Regression).map(|label| label.name.clone()),
        }
    }

    pub(super) fn split_by(&self, by: &typed::SplitBy, set: &FeatureSet) -> SplitBy {
        match by {
            typed::SplitBy::Random => SplitBy::Random,
            typed::SplitBy::Stratified(column) => SplitBy::Stratified(column.clone()),
            typed::SplitBy::Group(column) => SplitBy::Group(column.clone()),
            typed::SplitBy::Time { gap_ms, group } => SplitBy::Time {
                timestamp: set.timestamp.clone().unwrap_or_default(),
                gap_ms: *gap_ms,
                group: group.clone(),
                timezone: block_named(self.db, self.project, "dataset", &set.base)
                    .and_then(|base| dataset(self.db, base).value.timezone.clone()),
            },
        }
    }

    /// How the rows of a training job are split, if its features hold columns that are fitted out of fold.
    pub(super) fn out_of_fold(&self, plan: &Plan, checked: &typed::Train) -> Option<SplitBy> {
        let set = plan.features.get(&checked.features).filter(|set| set.is_out_of_fold())?;
        let block = block_named(self.db, self.project, "split", &checked.split)?;
        Some(self.split_by(&split(self.db, block).value.by, set))
    }

    fn fit_step(&self, name: &str, checked: &typed::Split, set: &FeatureSet, block: Block<'_>) -> Step {
        let features = block_named(self.db, self.project, "features", &checked.features).unwrap_or(block);
        let out_of_fold = set.is_out_of_fold().then(|| self.split_by(&checked.by, set));
        let spec = StepSpec::Fit { features: checked.features.clone(), out_of_fold };
        let mut fit = self.step("fit", name, features, &Operations::default(), spec);
        fit.title = format!("fit {} on {name}.train", checked.features);
        fit.inputs.insert("rows".to_owned(), from(format!("features.{}", checked.features), "rows"));
        fit.inputs.insert("parts".to_owned(), from(format!("split.{name}"), "parts"));
        fit.outputs.insert("transform".to_owned(), output(ArtifactKind::Transform, "transform.json"));
        fit
    }

    /// What a training job does once for each fold of its split: the same on the fold's own training part, with
    /// predictions for the rows that it leaves out.
    pub(super) fn fold_steps(&self, block: Block<'_>, job: &Step) -> Vec<Step> {
        let folds = self.fold_count(&train(self.db, block).value.split);
        let one = |fold| {
            let mut step = on_fold(job, fold);
            step.outputs.insert("predictions".to_owned(), output(ArtifactKind::Table, "predictions.parquet"));
            step.seed = Some(self.derived(&step.id));
            step
        };
        (1..=folds).map(one).collect()
    }

    /// How many folds a split has; 0 if it is not folded.
    pub(super) fn fold_count(&self, name: &str) -> u32 {
        let folds =
            block_named(self.db, self.project, "split", name).and_then(|block| split(self.db, block).value.folds);
        folds.map_or(0, typed::Folds::count)
    }
}

/// A step of the whole training part as the step of one fold: fitted columns are those of the fold.
fn on_fold(whole: &Step, fold: u32) -> Step {
    let mut step = whole.clone();
    step.id = fold_id(&whole.id, fold);
    step.title = format!("{}, fold {fold}", whole.title);
    step.fold = Some(fold);
    if let Some(InputRef::Step { step: fit, .. }) = step.inputs.get_mut("transform") {
        *fit = fold_id(fit, fold);
    }
    step
}

fn folds(folds: typed::Folds) -> Folds {
    match folds {
        typed::Folds::KFold(count) => Folds::Hashed { count, times: 1, inner: 0 },
        typed::Folds::Repeated { folds, times } => Folds::Hashed { count: folds, times, inner: 0 },
        typed::Folds::Nested { outer, inner } => Folds::Hashed { count: outer, times: 1, inner },
        typed::Folds::WalkForward { folds, test_ms, window_ms } => {
            Folds::WalkForward { count: folds, test_ms, window_ms }
        }
    }
}
