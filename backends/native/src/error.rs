//! What can stop a run before its first step, or break it in the middle.

use std::io;
use std::path::{Path, PathBuf};

/// Why a run could not start or go on. A step that fails is no such error: it is an event.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file could not be read or written.
    #[error("cannot {action} `{path}`: {cause}")]
    File {
        /// `read`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The run history or the file cache could not be used.
    #[error("cannot use `{path}`: {cause}")]
    Database {
        /// `.mlp/mlp.db`.
        path: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// `.mlp` was written by a newer version.
    #[error("`{path}` has format {found}, this version knows up to {known}")]
    NewerDatabase {
        /// `.mlp/mlp.db`.
        path: PathBuf,
        /// The format found.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// A pinned file is missing.
    #[error("`{path}`, which {user} reads, does not exist")]
    MissingFile {
        /// Relative to the project's root.
        path: String,
        /// `dataset penguins`, `the code of the steps`.
        user: String,
    },
    /// A pinned file is not what the plan was made for.
    #[error(
        "`{path}`, which {user} reads, is not the file that mlp.lock names (its SHA-256 is {found}, locked is {locked})"
    )]
    ChangedFile {
        /// Relative to the project's root.
        path: String,
        /// `dataset penguins`, `the code of the steps`.
        user: String,
        /// SHA-256 now.
        found: String,
        /// SHA-256 in the plan.
        locked: String,
    },
    /// The plan contradicts itself, so it was not made by this compiler.
    #[error("the plan is not usable: {0}")]
    Plan(String),
    /// There is no such step.
    #[error("there is no step `{0}`")]
    UnknownStep(String),
    /// The registry's index is not readable.
    #[error("`{path}` is damaged: {cause}")]
    Registry {
        /// `registry.json`.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// A registry that is a service did not do what it was asked.
    #[error("{0}")]
    RegistryService(String),
    /// There is no such version or alias in the registry.
    #[error("model `{model}` has no {wanted}")]
    UnknownVersion {
        /// The model.
        model: String,
        /// `version 3`, `alias champion`, `version before 1`.
        wanted: String,
    },
    /// The run's thread ended without a last event.
    #[error("the run ended without an outcome")]
    Lost,
}

impl RunError {
    /// A way out, where there is one.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::ChangedFile { .. } => Some("if the change is meant, run `mlpc lock` and review the difference"),
            Self::MissingFile { .. } => {
                Some("put the file back, or change its path in the program and run `mlpc lock`")
            }
            Self::NewerDatabase { .. } => Some("use the newer mlpc, or move `.mlp` away to start afresh"),
            Self::Plan(_) => Some("build it again with `mlpc build`"),
            _ => None,
        }
    }
}

/// Adds action and path to an [`io::Error`].
pub(crate) trait FileContext<T> {
    /// `action` is a verb: `read`, `create`.
    fn file(self, action: &'static str, path: &Path) -> Result<T, RunError>;
}

impl<T> FileContext<T> for io::Result<T> {
    fn file(self, action: &'static str, path: &Path) -> Result<T, RunError> {
        self.map_err(|cause| RunError::File { action, path: path.to_path_buf(), cause })
    }
}
