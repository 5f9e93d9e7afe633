//! Emitted Python is what a careful person would have written: formatted, free of findings, fully typed.

use mlpc_tests::python;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

/// Every check that the build's own `pyproject.toml` sets up, run in the build.
pub fn check(build: &Path) {
    for args in [&["ruff", "check", "--quiet", "."][..], &["ruff", "format", "--check", "--diff", "--quiet", "."]] {
        passes(build, args);
    }
    // One cache for all builds, one after another: most of the time goes into reading the libraries' types.
    static CACHE: OnceLock<(tempfile::TempDir, Mutex<()>)> = OnceLock::new();
    let (cache, turn) = CACHE.get_or_init(|| (tempfile::tempdir().unwrap(), Mutex::new(())));
    let _turn = turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let cache = cache.path().to_str().unwrap();
    passes(build, &["mypy", "--strict", "--cache-dir", cache, "steps", "features", "mlp_runtime"]);
}

fn passes(build: &Path, args: &[&str]) {
    let output = python::command().arg("-m").args(args).current_dir(build).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{args:?}:\n{}{}", text(&output.stdout), text(&output.stderr));
}
