//! Gates: what they read, which is only what their requirements name.

use super::Lowering;
use super::steps::{from, output};
use crate::Plan;
use crate::plan::{ArtifactKind, Gate, InputRef, Quantity, Requirement, Step, StepSpec};
use mlpc_db::Block;
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::gate::gate;
use mlpc_hir::blocks::release::{evaluate, register};
use mlpc_hir::blocks::train::train;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::{self, Operations};
use mlpc_hir::{all_blocks, block_named};

impl Lowering<'_> {
    pub(super) fn gate_step(&self, plan: &Plan, block: Block<'_>) -> Step {
        let name = qualified(self.db, block);
        let checked = &gate(self.db, block).value;
        let requirements = checked
            .requirements
            .iter()
            .map(|requirement| Requirement {
                text: requirement.text.clone(),
                origin: self.origin(block, requirement.span),
                left: self.quantity(&requirement.left),
                compare: requirement.compare.symbol().to_owned(),
                right: self.quantity(&requirement.right),
                confidence: requirement.confidence,
            })
            .collect();
        let spec = Gate { name: name.clone(), requirements, min_rows: checked.min_rows };
        let mut decide = self.step("gate", &name, block, &Operations::default(), StepSpec::Gate(spec.clone()));
        let report = format!("evaluate.{}", checked.evaluate);
        decide.inputs.insert("metrics".to_owned(), from(&report, "metrics"));
        decide.outputs.insert("verdict".to_owned(), output(ArtifactKind::Verdict, "verdict.json"));
        let quantities = spec.quantities();
        if quantities.iter().any(|quantity| matches!(quantity, Quantity::Champion(_))) {
            self.champion_inputs(plan, &name, &checked.evaluate, &mut decide);
        }
        let measures_time = quantities.iter().any(|quantity| matches!(quantity, Quantity::Latency(_)));
        let measures_size = quantities.iter().any(|quantity| matches!(quantity, Quantity::ModelSize));
        if let Some(judged) = self.judged(&checked.evaluate) {
            let trained = &train(self.db, judged).value;
            if measures_time || measures_size || spec.resamples() {
                decide.inputs.extend(self.judged_model(&checked.evaluate).map(|model| ("model".to_owned(), model)));
            }
            if measures_time {
                decide.inputs.insert("rows".to_owned(), from(format!("features.{}", trained.features), "rows"));
                decide.inputs.insert("parts".to_owned(), from(format!("split.{}", trained.split), "parts"));
            }
        }
        if spec.resamples() {
            decide.inputs.insert("predictions".to_owned(), from(&report, "predictions"));
            decide.seed = Some(self.derived(&decide.id));
        }
        for quantity in quantities {
            if let Quantity::Freshness { dataset, .. } = quantity {
                decide.inputs.insert(dataset.clone(), from(format!("ingest.{dataset}"), "rows"));
                decide.params.extend(self.as_of_param().map(|as_of| ("as_of".to_owned(), as_of)));
            }
        }
        decide
    }

    /// The train block whose model a report judges.
    fn judged(&self, report: &str) -> Option<Block<'_>> {
        let block = block_named(self.db, self.project, "evaluate", report)?;
        block_named(self.db, self.project, "train", &evaluate(self.db, block).value.train)
    }

    /// The model that a report judges.
    fn judged_model(&self, report: &str) -> Option<InputRef> {
        let value = &evaluate(self.db, block_named(self.db, self.project, "evaluate", report)?).value;
        Some(self.model_of(&value.train, value.sweep.as_ref()))
    }

    /// What a gate needs to judge the champion again on this run's rows, with the champion's own features.
    fn champion_inputs(&self, plan: &Plan, gate_name: &str, report: &str, decide: &mut Step) {
        let registered = all_blocks(self.db, self.project, "register")
            .into_iter()
            .map(|block| (qualified(self.db, block), &register(self.db, block).value))
            .find(|(_, value)| value.gate.as_deref() == Some(gate_name));
        let (Some((model, value)), Some(judged)) = (registered, self.judged(report)) else { return };
        let trained = &train(self.db, judged).value;
        decide.inputs.insert(
            "champion".to_owned(),
            InputRef::Champion { model, alias: value.alias.clone(), registry: value.registry.clone() },
        );
        decide.inputs.insert("parts".to_owned(), from(format!("split.{}", trained.split), "parts"));
        if let Some(set) = plan.features.get(&trained.features) {
            for dataset in set.datasets() {
                decide.inputs.insert(dataset.to_owned(), from(format!("ingest.{dataset}"), "rows"));
            }
        }
    }

    fn quantity(&self, quantity: &typed::Quantity) -> Quantity {
        match quantity {
            typed::Quantity::Number(number) => Quantity::Number(*number),
            typed::Quantity::Metric(metric) => Quantity::Metric(metric.clone()),
            typed::Quantity::MetricBy(metric, slice) => {
                Quantity::MetricBy { metric: metric.clone(), slice: slice.clone() }
            }
            typed::Quantity::Gap(metric, slice) => Quantity::Gap { metric: metric.clone(), slice: slice.clone() },
            typed::Quantity::Champion(metric) => Quantity::Champion(metric.clone()),
            typed::Quantity::Duration(ms) => Quantity::Duration(*ms),
            typed::Quantity::Size(bytes) => Quantity::Size(*bytes),
            typed::Quantity::Latency(share) => Quantity::Latency(*share),
            typed::Quantity::ModelSize => Quantity::ModelSize,
            typed::Quantity::Freshness(name) => {
                let block = block_named(self.db, self.project, "dataset", name);
                let checked = block.map(|block| &dataset(self.db, block).value);
                Quantity::Freshness {
                    dataset: name.clone(),
                    timestamp: checked.and_then(|checked| checked.timestamp.clone()).unwrap_or_default(),
                    timezone: checked.and_then(|checked| checked.timezone.clone()),
                }
            }
            typed::Quantity::Binary(op, left, right) => Quantity::Binary {
                op: op.symbol().to_owned(),
                left: Box::new(self.quantity(left)),
                right: Box::new(self.quantity(right)),
            },
        }
    }
}
