//! Inputs that are settled when a run starts: the model that holds an alias, what the last run that succeeded made, and
//! what one delivered into the project. A step that reads one is another step once that changes.

use crate::RunError;
use crate::digest::file_digest;
use crate::error::FileContext;
use crate::history::History;
use crate::layout::Layout;
use crate::options::Options;
use crate::registry;
use crate::registry_service::Service;
use crate::result::StepResult;
use crate::store;
use mlpc_plan::Plan;
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::plan::{InputRef, Step};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What inputs are in this run; those that do not exist yet are absent.
#[derive(Default)]
pub(crate) struct Settled {
    /// By model and alias.
    champions: BTreeMap<(String, String), Found>,
    /// By step and output.
    previous: BTreeMap<(String, String), Found>,
    /// By path in the project.
    delivered: BTreeMap<String, Found>,
}

/// A file or folder, and what it holds.
struct Found {
    path: PathBuf,
    digest: String,
}

/// Looks up every input of the plan that is settled now.
pub(crate) fn settle(plan: &Plan, layout: &Layout, options: &Options) -> Result<Settled, RunError> {
    let mut settled = Settled::default();
    for step in &plan.steps {
        for input in step.inputs.values() {
            match input {
                InputRef::Champion { model, alias, registry } => {
                    let held = match registry {
                        None => registry::champion(layout, model, alias)?,
                        Some(address) => {
                            let service = Service { address, plan, options, environment: &step.environment };
                            service.champion(layout, model, alias)?
                        }
                    };
                    if let Some(version) = held {
                        let found = Found { path: version.folder, digest: version.digest };
                        settled.champions.insert((model.clone(), alias.clone()), found);
                    }
                }
                InputRef::Previous { step: maker, output } => {
                    if let Some(found) = previous(plan, layout, step, maker, output)? {
                        settled.previous.insert((maker.clone(), output.clone()), found);
                    }
                }
                InputRef::Delivered { path: name } => {
                    let path = options.root.join(name);
                    if path.is_file() {
                        let digest = file_digest(&path).file("read", &path)?;
                        settled.delivered.insert(name.clone(), Found { path, digest });
                    }
                }
                InputRef::Source { .. } | InputRef::Step { .. } => {}
            }
        }
    }
    Ok(settled)
}

/// What `maker` made in the last run of this pipeline that succeeded and did `reader` as well.
fn previous(plan: &Plan, layout: &Layout, reader: &Step, maker: &str, output: &str) -> Result<Option<Found>, RunError> {
    let identity = History::open(layout)?.last_identity(&plan.pipeline.name, maker, &reader.id)?;
    let Some(identity) = identity else { return Ok(None) };
    let folder = store::place(&layout.store(), &identity);
    let declared = plan.steps.iter().find(|step| step.id == maker).and_then(|step| step.outputs.get(output));
    // What was made may have been cleared away since: then there is nothing to compare with.
    let made = StepResult::read(&folder).ok().and_then(|result| Some(result.outputs.get(output)?.sha256.clone()));
    let (Some(declared), Some(digest)) = (declared, made) else { return Ok(None) };
    let path = folder.join(&declared.path);
    Ok(path.exists().then_some(Found { path, digest }))
}

impl Settled {
    /// Where an input is, if it exists.
    pub fn path(&self, input: &InputRef) -> Option<PathBuf> {
        self.found(input).map(|found| found.path.clone())
    }

    fn found(&self, input: &InputRef) -> Option<&Found> {
        match input {
            InputRef::Champion { model, alias, .. } => self.champions.get(&(model.clone(), alias.clone())),
            InputRef::Previous { step, output } => self.previous.get(&(step.clone(), output.clone())),
            InputRef::Delivered { path } => self.delivered.get(path),
            InputRef::Source { .. } | InputRef::Step { .. } => None,
        }
    }
}

/// The identity of each step in this run, in the plan's order: the plan's own unless the step reads something that is
/// settled now or comes after one that does.
pub(crate) fn identities(plan: &Plan, settled: &Settled) -> Vec<String> {
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
                    InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. } => {
                        settled.found(input).map(|found| format!("{name}={}", found.digest))
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
