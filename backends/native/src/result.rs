//! `result.json`: what a step says about itself, written last.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io;
use std::path::Path;

/// The format of `result.json`.
pub const FORMAT: &str = "mlp-result/v1";
/// Its name in a step's folder.
pub const FILE: &str = "result.json";

/// What a step says about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// `mlp-result/v1`.
    pub format: String,
    /// Outputs by name.
    pub outputs: IndexMap<String, OutputRecord>,
    /// Numbers by name.
    #[serde(default)]
    pub metrics: Map<String, Value>,
    /// Row counts by name.
    #[serde(default)]
    pub rows: Map<String, Value>,
    /// `344 rows read`.
    #[serde(default)]
    pub summary: Option<String>,
    /// What libraries warned about.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// As the step was given it; the store moves it afterwards, so only its end means something later.
    pub path: String,
    /// See [`crate::digest`].
    pub sha256: String,
}

impl StepResult {
    /// Reads `result.json` in `folder`.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let result: Self = serde_json::from_slice(&std::fs::read(folder.join(FILE))?)?;
        if result.format == FORMAT {
            Ok(result)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("its format is `{}`, not `{FORMAT}`", result.format),
            ))
        }
    }

    /// Writes `result.json` into `folder`.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::write(folder.join(FILE), serde_json::to_vec(self)?)
    }
}
