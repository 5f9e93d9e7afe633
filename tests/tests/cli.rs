//! The `mlpc` command from outside: each folder of `tests/cli` is a case with `args`, `inputs/` and what must come of it.
//!
//! `args` holds one command a line; lines that start with `@` change files between them. `stdout`, `stderr` and
//! `exit_code` are what the commands print and end with, after times, hashes and names of runs are blanked out; an
//! absent file means nothing and 0. Files below `outputs/` must be there afterwards. `offline_lock` asks for a lock without
//! packages, for programs whose steps need no Python, `python_lock` for one with the packages of the tests' own
//! environment. `BLESS=1` writes what came; `CASE=name` runs one case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may panic")]

mod cli {
    pub mod case;
    pub mod command;
    pub mod normal;
}

use cli::case::{Case, cases};
use cli::command::{mlpc, run};
use std::collections::BTreeMap;
use std::sync::Mutex;

#[test]
fn every_case_prints_and_ends_as_it_should() {
    let mut open = cases();
    let wanted = std::env::var("CASE").ok();
    open.retain(|case| wanted.as_ref().is_none_or(|wanted| case.name() == *wanted));
    assert!(!open.is_empty());
    let open = Mutex::new(open);
    let failures = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = next(&open) {
                    if let Some(difference) = case.check() {
                        failures.lock().unwrap().insert(case.name(), difference);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let text: String = failures.iter().map(|(name, difference)| format!("\n== {name}\n{difference}")).collect();
    assert!(failures.is_empty(), "{} of the cases differ (BLESS=1 accepts){text}", failures.len());
}

fn next(open: &Mutex<Vec<Case>>) -> Option<Case> {
    open.lock().unwrap().pop()
}

#[test]
fn the_reference_is_the_help() {
    let mut text = "# Command line reference\n\nWritten by `BLESS=1 cargo test -p mlpc-tests --test cli`.\n".to_owned();
    let help = |args: &[&str]| run(args).stdout;
    let top = help(&["--help"]);
    text.push_str(&format!("\n## `mlpc`\n\n```text\n{}```\n", top));
    let commands = top.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().map(|line| line.split_whitespace().next().unwrap());
    for name in names.filter(|name| *name != "help") {
        text.push_str(&format!("\n## `mlpc {name}`\n\n```text\n{}```\n", help(&[name, "--help"])));
    }
    let path = cli::case::folder().join("reference.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "BLESS=1 writes it anew");
}

#[test]
fn every_code_is_listed_and_explained() {
    let list = run(&["explain", "--list"]).stdout;
    let json: serde_json::Value =
        serde_json::from_str(&run(&["explain", "--list", "--format", "json"]).stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), mlpc_diagnostics::codes().len());
    for code in mlpc_diagnostics::codes() {
        assert!(list.contains(&format!("{}  ", code.id)) && list.contains(code.summary), "{}", code.id);
    }
    let first = mlpc_diagnostics::codes()[0];
    for name in [first.id, first.name, &first.id[3..], &first.id.to_lowercase()] {
        assert_eq!(run(&["explain", name]).stdout, first.page, "{name}");
    }
    let page: serde_json::Value =
        serde_json::from_str(&run(&["explain", first.id, "--format", "json"]).stdout).unwrap();
    assert_eq!(page["page"], first.page);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = run(&["completions", shell]);
        assert_eq!(ended.code, 0, "{shell}");
        assert!(ended.stdout.contains("explain") && ended.stdout.contains("profile"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let mut child = mlpc().args(["explain", "--list"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = mlpc().args(["explain", "--list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the output"));
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.mlp"), "pipeline p {}\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let coloured = |args: &[&str]| run(args).stdout.contains('\u{1b}');
    assert!(coloured(&["check", "--color", "always", path]));
    assert!(!coloured(&["check", "--color", "never", path]));
    assert!(!coloured(&["check", path]));
}
