//! Pipelines of other tools as skeletons of programs: steps with what they run, read and write.
//!
//! In: the text of a `dvc.yaml`, of an IR file of Kubeflow Pipelines, or what [`Outline`] says of an Airflow DAG. Out: the
//! text of a program, in which a comment stands for whatever has no translation. Nothing that is read is run.

mod dvc;
mod kubeflow;
mod names;
mod print;

use indexmap::IndexMap;
use serde::Deserialize;

/// What keeps a text from being read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no YAML.
    #[error("{0}")]
    Yaml(#[from] Box<serde_saphyr::Error>),
    /// It is YAML of something else.
    #[error("{0}")]
    Shape(String),
}

/// What a pipeline of another tool does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// What it is called there.
    pub name: String,
    /// Its documentation.
    #[serde(default)]
    pub doc: Option<String>,
    /// Five fields of cron, with a time zone.
    #[serde(default)]
    pub schedule: Option<(String, String)>,
    /// In an order in which each comes after all it needs.
    pub steps: Vec<Step>,
    /// What has no translation.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A step of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called there.
    pub name: String,
    /// Its documentation.
    #[serde(default)]
    pub doc: Option<String>,
    /// What it runs.
    #[serde(default)]
    pub run: Run,
    /// What it reads of others, by name: a step and the name of its output.
    #[serde(default)]
    pub inputs: IndexMap<String, (String, String)>,
    /// The file of each output, by name.
    #[serde(default)]
    pub outputs: IndexMap<String, String>,
    /// Steps that come first although nothing of theirs is read.
    #[serde(default)]
    pub after: Vec<String>,
    /// Tries in all.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// Seconds before the second try.
    #[serde(default)]
    pub wait_seconds: Option<u64>,
    /// Seconds after which it is stopped.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// What has no translation.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What a step runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Run {
    /// Something that has no translation.
    #[default]
    Unknown,
    /// A command, in which `{name}` is an input or output and `{{` a brace.
    Shell(String),
    /// `file.py:function`.
    Python(String),
}

/// The outline of a `dvc.yaml`.
///
/// # Errors
///
/// If the text is no YAML, or holds no stages.
pub fn dvc(text: &str) -> Result<Outline, ImportError> {
    dvc::read(&yaml(text)?)
}

/// The outline of an IR file of Kubeflow Pipelines, of which the first document counts.
///
/// # Errors
///
/// If the text is no YAML, or no IR.
pub fn kubeflow(text: &str) -> Result<Outline, ImportError> {
    let first = text.split("\n---").next().unwrap_or(text);
    kubeflow::read(&yaml(first)?)
}

/// The program that an outline stands for, and what a person must look at, one line each.
#[must_use]
pub fn program(outline: &Outline, source: &str) -> (String, Vec<String>) {
    print::program(outline, source)
}

fn yaml(text: &str) -> Result<serde_json::Value, ImportError> {
    serde_saphyr::from_str(text).map_err(|error| ImportError::Yaml(Box::new(error)))
}
