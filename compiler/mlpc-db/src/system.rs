//! The only way to files: a trait, real or in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("cannot read `{path}`: {reason}")]
pub struct SystemError {
    /// As it was asked for.
    pub path: String,
    /// In the system's words.
    pub reason: String,
}

/// Reads the files of a project. Paths are relative to its root, with `/`.
pub trait System: Send + Sync {
    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, SystemError>;

    /// Names in a folder, sorted; folders end in `/`.
    fn list(&self, folder: &str) -> Result<Vec<String>, SystemError>;

    /// The text of a file, which must be UTF-8.
    fn read_text(&self, path: &str) -> Result<String, SystemError> {
        let bytes = self.read(path)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| SystemError { path: path.to_owned(), reason: format!("not UTF-8: {error}") })?;
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }
}

/// The disk, below a folder.
#[derive(Clone, Debug)]
pub struct RealSystem {
    root: PathBuf,
}

impl RealSystem {
    /// Files below `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn error(path: &str, error: &std::io::Error) -> SystemError {
        SystemError { path: path.to_owned(), reason: error.to_string() }
    }
}

impl System for RealSystem {
    fn read(&self, path: &str) -> Result<Vec<u8>, SystemError> {
        std::fs::read(self.root.join(path)).map_err(|error| Self::error(path, &error))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(folder)).map_err(|error| Self::error(folder, &error))? {
            let entry = entry.map_err(|error| Self::error(folder, &error))?;
            let mut name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                name.push('/');
            }
            names.push(name);
        }
        names.sort();
        Ok(names)
    }
}

/// Files in memory, for tests and editors.
#[derive(Clone, Debug, Default)]
pub struct MemorySystem {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemorySystem {
    /// Adds or replaces a file.
    #[must_use]
    pub fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }
}

impl System for MemorySystem {
    fn read(&self, path: &str) -> Result<Vec<u8>, SystemError> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| SystemError { path: path.to_owned(), reason: "no such file".to_owned() })
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let prefix = if folder.is_empty() || folder == "." { String::new() } else { format!("{folder}/") };
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            })
            .collect();
        names.dedup();
        Ok(names)
    }
}
