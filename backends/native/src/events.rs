//! What a run tells the world. One JSON object a line: `"event"` says which, times are RFC 3339 in UTC, and the last
//! line of every run is `finished`.

use crate::result::StepResult;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// What a run tells the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// First.
    RunStarted {
        /// The run's name: `20261123-101500-3f2a`.
        run: String,
        /// The pipeline.
        pipeline: String,
        /// The profile, if one was selected.
        profile: Option<String>,
        /// When.
        at: String,
        /// Steps of this run, in the plan's order.
        steps: Vec<StepName>,
        /// Steps at once.
        jobs: usize,
    },
    /// A virtual environment is made from the lock; only the first time.
    EnvironmentPreparing {
        /// Its name in the plan.
        environment: String,
        /// What is being done: `installing 12 packages`.
        message: String,
    },
    /// It is there.
    EnvironmentReady {
        /// Its name in the plan.
        environment: String,
        /// The interpreter.
        python: PathBuf,
        /// How long it took.
        seconds: f64,
    },
    /// Another run on this project is doing this very step; this one waits for its result.
    StepWaiting {
        /// The step.
        step: String,
    },
    /// A step's program starts.
    StepStarted {
        /// The step.
        step: String,
        /// Its title for people.
        title: String,
        /// Its identity in this run.
        identity: String,
        /// From 1.
        attempt: u32,
        /// Where what it prints is written.
        log: PathBuf,
    },
    /// A line that a step printed.
    StepOutput {
        /// The step.
        step: String,
        /// Without the line's end.
        line: String,
    },
    /// A try failed; there will be another.
    StepRetrying {
        /// The step.
        step: String,
        /// The try that failed, from 1.
        attempt: u32,
        /// Seconds until the next.
        wait: f64,
        /// Why it failed.
        message: String,
    },
    /// A step is over, one way or another. Every step of the run has exactly one such event.
    StepFinished(Box<StepFinished>),
    /// A model version entered the registry, or its alias moved.
    Registered {
        /// The step.
        step: String,
        /// The model.
        model: String,
        /// `3` for `v3`.
        version: u32,
        /// The alias that names it now.
        alias: String,
        /// Whether the version is new.
        new: bool,
        /// The version's folder.
        path: PathBuf,
    },
    /// Something that did not stop the run.
    Warning {
        /// What.
        message: String,
    },
    /// Last.
    Finished(Box<Finished>),
}

/// A step of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepName {
    /// `train.species_model`.
    pub step: String,
    /// `train species_model`.
    pub title: String,
}

/// A step is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFinished {
    /// The step.
    pub step: String,
    /// Its title for people.
    pub title: String,
    /// How it ended.
    pub state: StepState,
    /// Its identity in this run.
    pub identity: String,
    /// From its first start, with retries; 0 for a cached one.
    pub seconds: f64,
    /// Tries made; 0 for a cached one.
    pub attempts: u32,
    /// `344 rows read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Why it failed, was refused or skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The program's exit code, if it ended by itself and not with 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Numbers by name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub metrics: serde_json::Map<String, Value>,
    /// Row counts by name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub rows: serde_json::Map<String, Value>,
    /// What libraries warned about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Where its outputs are, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, PathBuf>,
    /// Where what it printed is written; absent for a cached or skipped one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// The last lines of its log, if it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<String>,
}

impl StepFinished {
    /// Takes over what the step's result says.
    pub(crate) fn fill(&mut self, result: &StepResult) {
        self.summary.clone_from(&result.summary);
        self.metrics.clone_from(&result.metrics);
        self.rows.clone_from(&result.rows);
        self.warnings.clone_from(&result.warnings);
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It ran.
    Succeeded,
    /// Its result was in the store.
    Cached,
    /// A gate said no, now or when its result was stored.
    Refused,
    /// It failed, or ran out of time.
    Failed,
    /// Something it needs did not succeed, or its condition does not hold.
    Skipped,
    /// The run was stopped first.
    Cancelled,
}

impl StepState {
    /// Whether steps that need it can run.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Succeeded | Self::Cached)
    }

    /// As in events and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Cached => "cached",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps did what they should.
    Succeeded,
    /// A gate said no and nothing failed.
    Refused,
    /// A step failed.
    Failed,
    /// It was stopped.
    Interrupted,
}

impl Outcome {
    /// As in events and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A run is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The run.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// From the start.
    pub seconds: f64,
    /// How many steps ended how.
    pub counts: IndexMap<String, usize>,
    /// What the run was for, under stable paths.
    pub artifacts: Vec<Artifact>,
    /// Metrics by step.
    pub metrics: IndexMap<String, serde_json::Map<String, Value>>,
    /// What the gates said.
    pub verdicts: Vec<Verdict>,
}

/// A final artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// What it is called: `species_model`.
    pub name: String,
    /// File or folder.
    pub path: PathBuf,
    /// Of the file, or over the folder's files.
    pub sha256: String,
}

/// What a gate said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The gate's step.
    pub step: String,
    /// Whether all requirements hold.
    pub passed: bool,
    /// The requirements as the step wrote them: text, measured values, whether each holds.
    pub requirements: Value,
}
