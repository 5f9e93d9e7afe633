//! How a plan is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a plan is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The project's root: sources and user code are relative to it.
    pub root: PathBuf,
    /// The build folder that holds the step programs.
    pub build: PathBuf,
    /// Where state is kept: `.mlp` in the root.
    pub state: PathBuf,
    /// Interpreters by environment. One that is missing is built from the plan when a step first needs it.
    pub pythons: BTreeMap<String, PathBuf>,
    /// Steps at once; at least 1.
    pub jobs: usize,
    /// Only this step and what it needs.
    pub until: Option<String>,
    /// Steps that run although the store has their results.
    pub force: Force,
    /// Whether cached results are hashed again instead of compared by size and time.
    pub verify: bool,
    /// Between asking a step to stop and killing it.
    pub grace: Duration,
    /// Whether [`crate::RunEvent::StepOutput`] is sent for each line that a step prints.
    pub stream_output: bool,
    /// Whether SIGINT and SIGTERM stop the run. Off, only [`crate::Canceller`] does.
    pub handle_signals: bool,
    /// Whether the pipeline's storage is looked into before a step and given what the step made.
    pub remote: bool,
    /// Variables of the environment given to every step beside the fixed ones.
    pub variables: BTreeMap<String, String>,
}

/// Steps that run although the store has their results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// These.
    Steps(BTreeSet<String>),
}

impl Force {
    /// Whether `step` must run.
    #[must_use]
    pub fn holds(&self, step: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Steps(steps) => steps.contains(step),
        }
    }
}

impl Options {
    /// The usual way to run the build in `build` for the project at `root`.
    #[must_use]
    pub fn new(root: &Path, build: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            build: build.to_path_buf(),
            state: root.join(".mlp"),
            pythons: BTreeMap::new(),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            until: None,
            force: Force::None,
            verify: false,
            grace: Duration::from_secs(10),
            stream_output: false,
            handle_signals: true,
            remote: true,
            variables: BTreeMap::new(),
        }
    }
}
