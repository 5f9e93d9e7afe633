//! Why a step must run: what of it is not as in the plan of the run before.

use mlpc_plan::Plan;
use mlpc_plan::plan::{InputRef, Step};
use serde_json::Value;

/// Reasons that lie in the step itself, in words; what comes from earlier steps is not among them.
#[must_use]
pub fn reasons(plan: &Plan, before: Option<&Plan>, step: &Step) -> Vec<String> {
    let Some(before) = before else { return vec!["nothing has run yet".to_owned()] };
    let Some(old) = before.steps.iter().find(|old| old.id == step.id) else {
        return vec!["the step is new".to_owned()];
    };
    let mut reasons = Vec::new();
    let environment =
        |plan: &Plan, step: &Step| plan.environments.get(&step.environment).map(|found| found.digest.clone());
    reasons.extend(data(plan, before, step));
    reasons.extend(params(old, step));
    if old.program.sha256 != step.program.sha256 {
        reasons.push("its program changed".to_owned());
    }
    if environment(before, old) != environment(plan, step) {
        reasons.push(format!("environment {} changed", step.environment));
    }
    if old.seed != step.seed {
        reasons.push("its seed changed".to_owned());
    }
    if old.resources.cpu != step.resources.cpu {
        reasons.push(format!("cpu {} → {}", old.resources.cpu, step.resources.cpu));
    }
    if old.inputs.keys().ne(step.inputs.keys()) || old.outputs != step.outputs {
        reasons.push("its inputs or outputs changed".to_owned());
    }
    reasons
}

/// Data files that are not what they were.
fn data(plan: &Plan, before: &Plan, step: &Step) -> Vec<String> {
    let digest = |plan: &Plan, name: &str| {
        plan.sources.iter().find(|source| source.name == name).map(|source| source.sha256.clone())
    };
    let sources = step.inputs.values().filter_map(|input| match input {
        InputRef::Source { name } => Some(name),
        InputRef::Step { .. } | InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. } => {
            None
        }
    });
    sources
        .filter(|name| digest(plan, name) != digest(before, name))
        .map(|name| format!("data {name} changed"))
        .collect()
}

/// Parameters that are not what they were: `C 2.0 → 1.0`.
fn params(old: &Step, step: &Step) -> Vec<String> {
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let mut names: Vec<&String> = old.params.keys().chain(step.params.keys()).collect();
    names.sort();
    names.dedup();
    let value = |step: &Step, name: &String| step.params.get(name).map(|param| param.value.clone());
    names
        .into_iter()
        .map(|name| (name, value(old, name), value(step, name)))
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| format!("{name} {} → {}", shown(old.as_ref()), shown(new.as_ref())))
        .collect()
}
