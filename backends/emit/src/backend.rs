//! What runs plans: one entry of [`BACKENDS`] each, with what every version of it can do.
//!
//! A backend prints a plan and holds no analysis. What a version cannot express is found by [`unmet`] before anything is
//! printed; what it expresses only in part is told in `mlpc targets`.

use crate::FileTree;
use crate::error::EmitError;
use indexmap::IndexMap;
use mlpc_plan::Plan;
use mlpc_plan::plan::{InputRef, Origin, StepSpec};
use std::collections::{BTreeMap, HashSet};

mod airflow;
mod forms;
mod kubeflow;
mod native;
mod prefect;

/// The target that is this machine, where nothing runs in containers.
pub const NATIVE: &str = "native";

/// Every target, in the order in which it is listed.
pub const BACKENDS: &[&dyn Backend] = &[&native::Native, &airflow::Airflow, &kubeflow::Kubeflow, &prefect::Prefect];

/// The backend of this name.
#[must_use]
pub fn backend(name: &str) -> Option<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|backend| backend.name() == name)
}

/// The entry point that trains; the others are called `predict.NAME`.
pub const TRAIN: &str = "train";

/// The file of a build that holds the plan of an entry point.
#[must_use]
pub fn plan_file(entry: &str) -> String {
    if entry == TRAIN { "plan.json".to_owned() } else { format!("plans/{entry}.json") }
}

/// What the definition of an entry point is called on a server that has those of other pipelines too.
fn definition_name(plan: &Plan, entry: &str) -> String {
    let pipeline = &plan.pipeline.name;
    if entry == TRAIN { pipeline.clone() } else { format!("{pipeline}.{entry}") }
}

/// Steps whose identity is known only when a run starts: they read what is settled then, or follow such a step.
fn unsettled(plan: &Plan) -> HashSet<&str> {
    let mut found = HashSet::new();
    for step in &plan.steps {
        let late = step.inputs.values().any(|input| match input {
            InputRef::Source { .. } => false,
            InputRef::Step { step, .. } => found.contains(step.as_str()),
            InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. } => true,
        });
        if late {
            found.insert(step.id.as_str());
        }
    }
    found
}

/// Something that runs plans.
pub trait Backend: Sync {
    /// What it is called: `airflow`.
    fn name(&self) -> &'static str;

    /// What it is, in one line.
    fn doc(&self) -> &'static str;

    /// The versions that it prints for, the default first; none where there is only one.
    fn versions(&self) -> &'static [&'static str] {
        &[]
    }

    /// How well a version does something that a plan may ask for.
    fn support(&self, version: &str, ability: Ability) -> Support;

    /// What `[target.NAME]` of `mlp.toml` may say.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// Whether a setting may have this value, where that is more than one of its words; if not, what it should be.
    ///
    /// # Errors
    ///
    /// If it may not.
    fn check(&self, _setting: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }

    /// What its server calls the definition of an entry point; `None` where there is no server that starts runs.
    fn deployed(&self, _plan: &Plan, _entry: &str) -> Option<String> {
        None
    }

    /// What its server is told of each run beside the store, by name.
    fn submission(&self, _choice: &Choice) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Adds what this target reads to a build that holds plan, programs and runtime.
    ///
    /// # Errors
    ///
    /// If the plan holds what cannot be printed.
    fn emit(&self, target: &Target<'_>, tree: &mut FileTree) -> Result<(), EmitError>;
}

/// Settings of every target with a server.
pub const SERVER: Setting =
    Setting::text("server", "the address of the server on which `mlpc run --target` starts runs");
/// See [`SERVER`].
pub const FOLDER: Setting =
    Setting::text("folder", "a folder that the server reads, into which `mlpc run --target` writes the build");

/// A setting of a target.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Its value where nothing is said; `None`: it has none.
    pub default: Option<&'static str>,
    /// The only values that it takes; empty: any text.
    pub words: &'static [&'static str],
    /// What it is for, in one line.
    pub doc: &'static str,
}

impl Setting {
    /// One that takes any text and has no default.
    #[must_use]
    pub const fn text(name: &'static str, doc: &'static str) -> Self {
        Self { name, default: None, words: &[], doc }
    }
}

/// Of targets that give runs no values of their own.
const SAME: &str = "every run has the values of the build: `mlpc build --param`";

/// The setting of backends that says where artifacts are kept.
const STORE: &str = "store";

/// A backend, its version, and what is said of it.
#[derive(Clone)]
pub struct Choice {
    /// The backend.
    pub backend: &'static dyn Backend,
    /// One of its versions; empty where there is only one.
    pub version: String,
    /// What `mlp.toml` says, by the name of the setting.
    pub settings: BTreeMap<String, String>,
}

impl Choice {
    /// A backend in its default version.
    #[must_use]
    pub fn of(backend: &'static dyn Backend) -> Self {
        let version = backend.versions().first().copied().unwrap_or_default().to_owned();
        Self { backend, version, settings: BTreeMap::new() }
    }

    /// With the pipeline's storage for `store`, unless `mlp.toml` names another. A folder of the project is left out: other
    /// machines do not see it.
    #[must_use]
    pub fn with_storage_of(&self, plan: &Plan) -> Self {
        let mut choice = self.clone();
        let takes = self.backend.settings().iter().any(|setting| setting.name == STORE);
        let shared = plan.pipeline.storage.as_ref().filter(|storage| storage.uri.contains("//"));
        if let Some(storage) = shared.filter(|_| takes) {
            choice.settings.entry(STORE.to_owned()).or_insert_with(|| storage.address());
        }
        choice
    }

    /// A setting's value: what `mlp.toml` says, else its default.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let default = || self.backend.settings().iter().find(|setting| setting.name == name)?.default;
        self.settings.get(name).map(String::as_str).or_else(default)
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self::of(&native::Native)
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.backend.name())?;
        if self.version.is_empty() { Ok(()) } else { write!(f, " {}", self.version) }
    }
}

/// What a backend prints.
pub struct Target<'a> {
    /// What it is for.
    pub choice: &'a Choice,
    /// The plan that trains.
    pub plan: &'a Plan,
    /// The plans of what runs apart from it, by the name of its entry point.
    pub entries: &'a IndexMap<String, Plan>,
}

impl Target<'_> {
    /// Every plan with the name of its entry point, that of the training first.
    pub fn plans(&self) -> impl Iterator<Item = (&str, &Plan)> {
        std::iter::once((TRAIN, self.plan)).chain(self.entries.iter().map(|(name, plan)| (name.as_str(), plan)))
    }
}

/// What a plan may ask of what runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ability {
    /// A failed step is tried again.
    Retry,
    /// Each wait before another try is longer than the last.
    Backoff,
    /// A step that takes too long is stopped.
    Timeout,
    /// Steps behind a gate that refused are left out, and that shows as such.
    Gate,
    /// Steps with nothing to wait for run side by side.
    Parallel,
    /// A step that was done before, by its identity, is not done again.
    Cache,
    /// A step is given so many threads.
    Cpu,
    /// A step is given so much memory.
    Memory,
    /// Commands of a shell as steps.
    Shell,
    /// Entry points of their own: batch scoring.
    EntryPoints,
    /// Files of the project as sources.
    ProjectFiles,
    /// A run is given other values of parameters.
    Parameters,
    /// Runs start by themselves.
    Schedule,
    /// The day for which a run is scheduled reaches its steps.
    ScheduledDate,
    /// Scheduled runs that were missed are made up for.
    CatchUp,
    /// Steps in several environments.
    Environments,
}

impl Ability {
    /// All of them, in the order in which they are listed.
    pub const ALL: &[Self] = &[
        Self::Parallel,
        Self::Gate,
        Self::Retry,
        Self::Backoff,
        Self::Timeout,
        Self::Cache,
        Self::Cpu,
        Self::Memory,
        Self::Shell,
        Self::EntryPoints,
        Self::ProjectFiles,
        Self::Environments,
        Self::Parameters,
        Self::Schedule,
        Self::ScheduledDate,
        Self::CatchUp,
    ];

    /// What it is called in lists and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retries",
            Self::Backoff => "growing waits",
            Self::Timeout => "time limits",
            Self::Gate => "gates",
            Self::Parallel => "steps side by side",
            Self::Cache => "caching by identity",
            Self::Cpu => "threads",
            Self::Memory => "memory limits",
            Self::Shell => "shell steps",
            Self::EntryPoints => "entry points",
            Self::ProjectFiles => "files of the project",
            Self::Parameters => "parameters of runs",
            Self::Schedule => "schedules",
            Self::ScheduledDate => "scheduled dates",
            Self::CatchUp => "catch-up",
            Self::Environments => "environments",
        }
    }
}

/// How well something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As the language says.
    Full,
    /// With a difference, which is told.
    Partly(&'static str),
    /// Not at all, and why.
    None(&'static str),
}

/// What a plan asks for, and which declaration does.
fn asked(plan: &Plan) -> Vec<(Ability, &Origin)> {
    let mut found = Vec::new();
    for step in &plan.steps {
        let mut add = |asks: bool, ability| {
            if asks {
                found.push((ability, &step.origin));
            }
        };
        add(step.retry.attempts > 1, Ability::Retry);
        add(step.retry.attempts > 1 && step.retry.factor > 1.0, Ability::Backoff);
        add(step.timeout_seconds.is_some(), Ability::Timeout);
        add(step.when.is_some(), Ability::Gate);
        add(step.resources.memory.is_some(), Ability::Memory);
        add(step.resources.cpu > 1, Ability::Cpu);
        add(matches!(step.spec, StepSpec::Shell(_)), Ability::Shell);
    }
    found
}

/// Something that a plan asks for and a target does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What.
    pub ability: Ability,
    /// Why not.
    pub reason: &'static str,
    /// The declaration that asks for it.
    pub origin: Origin,
}

/// What a version of a backend cannot express of a plan, each ability once, where it is asked for first.
#[must_use]
pub fn unmet(backend: &dyn Backend, version: &str, plan: &Plan) -> Vec<Unmet> {
    let mut found: Vec<Unmet> = Vec::new();
    for (ability, origin) in asked(plan) {
        if let Support::None(reason) = backend.support(version, ability)
            && !found.iter().any(|known| known.ability == ability)
        {
            found.push(Unmet { ability, reason, origin: origin.clone() });
        }
    }
    found
}
