//! The standard library as text: the declarations, written in the language, and the Python package that generated
//! code calls. In: nothing. Out: [`SourceText`]s, which the compiler reads as it reads a user's files.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// A file of the standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Where it stands, with `/`: `std/math.mlp`, `mlp_runtime/metrics.py`.
    pub path: &'static str,
    /// What it holds.
    pub text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The declarations: functions, metrics, expectations and trainers. Sorted by folder, then by name.
#[must_use]
pub fn declarations() -> &'static [SourceText] {
    DECLARATIONS
}

/// The modules of the Python package `mlp_runtime`, sorted by path.
#[must_use]
pub fn runtime() -> &'static [SourceText] {
    RUNTIME
}

/// The environment in which data is looked at before there is a program to run, in the form of a program's lock. Its
/// only environment is called `tools`.
#[must_use]
pub fn tools() -> &'static str {
    include_str!("../tools.lock")
}

/// The version of the standard library, which is the compiler's.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// SHA-256 over the paths and texts of all files, in hexadecimal digits: what a lock file records.
#[must_use]
pub fn digest() -> String {
    let mut hash = Sha256::new();
    for file in declarations().iter().chain(runtime()) {
        // Lengths first, so that no two sets of files give the same bytes.
        for part in [file.path, file.text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
