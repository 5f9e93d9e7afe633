//! Champions enter as versions: a step that reads one is another step once the champion changes.

use crate::RunError;
use crate::layout::Layout;
use crate::registry;
use mlpc_plan::Plan;
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::plan::InputRef;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Model folders by model and alias, as they are when the run starts.
pub(crate) type Champions = BTreeMap<(String, String), Champion>;

/// The version that holds an alias.
pub(crate) struct Champion {
    pub folder: PathBuf,
    pub digest: String,
}

/// Looks up every champion that the plan reads; one that does not exist yet is absent.
pub(crate) fn resolve(plan: &Plan, layout: &Layout) -> Result<Champions, RunError> {
    let mut champions = Champions::new();
    for input in plan.steps.iter().flat_map(|step| step.inputs.values()) {
        if let InputRef::Champion { model, alias } = input
            && let Some(version) = registry::champion(layout, model, alias)?
        {
            let champion = Champion { folder: version.folder, digest: version.digest };
            champions.insert((model.clone(), alias.clone()), champion);
        }
    }
    Ok(champions)
}

/// The identity of each step in this run, in the plan's order: the plan's own unless the step reads a champion or comes
/// after one that does.
pub(crate) fn identities(plan: &Plan, champions: &Champions) -> Vec<String> {
    let mut changed: BTreeMap<&str, String> = BTreeMap::new();
    plan.steps
        .iter()
        .map(|step| {
            let parts: Vec<String> = step
                .inputs
                .iter()
                .filter_map(|(name, input)| match input {
                    InputRef::Source { .. } => None,
                    InputRef::Step { step, .. } => {
                        changed.get(step.as_str()).map(|identity| format!("{name}={identity}"))
                    }
                    InputRef::Champion { model, alias } => {
                        let champion = champions.get(&(model.clone(), alias.clone()));
                        champion.map(|champion| format!("{name}={}", champion.digest))
                    }
                })
                .collect();
            if parts.is_empty() {
                return step.identity.clone();
            }
            let identity =
                sha256_hex(format!("mlp-run-identity/v1\n{}\n{}", step.identity, parts.join("\n")).as_bytes());
            changed.insert(&step.id, identity.clone());
            identity
        })
        .collect()
}
