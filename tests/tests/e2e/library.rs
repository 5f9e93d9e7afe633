//! The standard library against the packages it speaks of, and against its own examples.

use mlpc_tests::python::{self, repository};
use mlpc_tests::stdlib::declarations;
use std::path::PathBuf;
use std::process::Command;

/// Runs a command in the repository; what it said, if it did not succeed.
fn must_pass(command: &mut Command) {
    let output = command.current_dir(repository()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// The declarations as JSON in a file that lives as long as the folder.
fn exported() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("declarations.json");
    std::fs::write(&path, serde_json::to_string_pretty(&declarations()).unwrap()).unwrap();
    (folder, path)
}

#[test]
fn the_locks_of_the_test_environments_are_current() {
    for name in python::ENVIRONMENTS {
        if std::env::var_os("BLESS").is_some() && !python::is_current(name) {
            python::refresh(name);
        }
        assert!(python::is_current(name), "BLESS=1 resolves the requirements of {name} anew");
    }
}

#[test]
fn every_declaration_is_exported() {
    let exported = declarations();
    let count = |kind: &str| exported.as_array().unwrap().iter().filter(|item| item["kind"] == kind).count();
    for (kind, keyword) in [("fn", "fn "), ("fitted", "fitted fn "), ("metric", "metric "), ("trainer", "trainer ")] {
        let lines = mlpc_stdlib::declarations().iter().flat_map(|file| file.text.lines());
        assert_eq!(count(kind), lines.filter(|line| line.starts_with(keyword)).count(), "{kind}");
    }
    assert!(count("expectation") > 20);
}

#[test]
fn trainers_and_metrics_are_what_the_installed_packages_say() {
    let (_folder, path) = exported();
    must_pass(python::command().arg("stdlib/tests/check_signatures.py").arg(path));
}

#[test]
fn examples_hold_and_functions_keep_their_types() {
    let (_folder, path) = exported();
    must_pass(python::command().arg("stdlib/tests/check_examples.py").arg(path));
}

#[test]
fn the_runtime_passes_its_own_tests() {
    must_pass(python::command().args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "stdlib/runtime/tests"]));
}

#[test]
fn python_of_the_library_is_clean() {
    let folders = ["stdlib/runtime", "stdlib/tests"];
    must_pass(python::command().args(["-m", "ruff", "check", "--quiet"]).args(folders));
    must_pass(python::command().args(["-m", "ruff", "format", "--check", "--quiet"]).args(folders));
}

#[test]
fn python_of_the_library_is_typed() {
    let cache = tempfile::tempdir().unwrap();
    let mypy = |folder: &str| {
        let mut command = python::command();
        command.args(["-m", "mypy", "--strict", "--config-file", "stdlib/runtime/pyproject.toml", "--cache-dir"]);
        command.arg(cache.path()).env("MYPYPATH", "stdlib/runtime").arg(folder);
        command
    };
    must_pass(&mut mypy("stdlib/runtime/mlp_runtime"));
    must_pass(&mut mypy("stdlib/tests"));
}
