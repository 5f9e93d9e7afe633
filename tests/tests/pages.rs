//! The page of every code: its failing example gives exactly that code, on the marked line; the mended one gives nothing.

use mlpc_db::System;
use mlpc_diagnostics::{Code, Diagnostic, Severity, codes, rule};
use mlpc_hir::parameters::fixed_parameters;
use mlpc_native::data::{Tools, ask};
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::{Declared, Seen, check_lock, declared, lock, mismatches, wanted};
use mlpc_tests::expected::{disagreements, expected_codes};
use mlpc_tests::markdown::{Case, cases};
use mlpc_tests::program::{Checked, check_files, system};
use mlpc_tests::python::{python, repository};
use std::fs;

#[test]
fn every_page_shows_one_mistake_and_its_remedy() {
    let wrong: Vec<String> = codes().iter().flat_map(|code| judge(code)).collect();
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_page_has_its_parts() {
    for code in codes() {
        let title = format!("# {} `{}`\n", code.id, code.name);
        assert!(code.page.starts_with(&title), "{}: the title is {title:?}", code.id);
        for part in ["## Example\n", "## Instead\n"] {
            assert!(code.page.contains(part), "{}: no {part:?}", code.id);
        }
        let silence = code.page.contains("## Silence it\n");
        assert_eq!(silence, code.can_be_allowed(), "{}: silence", code.id);
        assert!(code.page.lines().all(|line| line.chars().count() <= 120), "{}: a long line", code.id);
    }
}

fn judge(code: &Code) -> Vec<String> {
    let cases = cases(code.page);
    let [failing, mended, rest @ ..] = cases.as_slice() else {
        return vec![format!("{}: a failing example and a mended one are needed", code.id)];
    };
    let mut wrong = complaints(code, failing, true);
    wrong.extend(complaints(code, mended, false));
    wrong.extend(rest.iter().flat_map(|silenced| complaints(code, silenced, false)));
    wrong
}

fn complaints(code: &Code, case: &Case, failing: bool) -> Vec<String> {
    let files = case.files();
    let mut checked = check_files(&files);
    if let Some(lock) = &case.lock {
        checked.findings.extend(lock_findings(&checked, &lock.text, &files));
    }
    if code == rule::fixed_parameter {
        checked.findings.extend(fixed_parameters(&checked.db, checked.project));
    }
    if [rule::schema_mismatch, rule::unreadable_source].contains(&code) {
        checked.findings.extend(data_findings(&checked, &files));
    }
    let texts: String =
        files.iter().map(|(_, text)| *text).chain(case.lock.iter().map(|lock| lock.text.as_str())).collect();
    let expected = expected_codes(&texts);
    let mut wrong: Vec<String> = Vec::new();
    if failing && (expected.is_empty() || expected.iter().any(|name| name != code.name)) {
        wrong.push(format!("expects {expected:?}"));
    }
    if !failing && !expected.is_empty() {
        wrong.push("a mended example expects findings".to_owned());
    }
    let unreadable = checked.findings.iter().any(|finding| finding.code == rule::bad_lock);
    if unreadable {
        // A lock has no comments: the block's mark says it.
        let marked = case.lock.as_ref().is_some_and(|lock| lock.has("error"));
        if marked && failing && code == rule::bad_lock && checked.findings.len() == 1 {
            wrong.clear();
        }
    } else {
        wrong.extend(disagreements(&checked, &files, |_| false));
    }
    wrong.into_iter().map(|wrong| format!("{} {}: {wrong}", code.id, case.name())).collect()
}

/// What a look at the data finds, by the runtime's own eyes.
fn data_findings(checked: &Checked, files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let declared = declared(&checked.db, checked.project);
    let request = |declared: &Declared| {
        let path = folder.path().join(&declared.data.path);
        serde_json::json!({ "ingest": declared.ingest, "path": path, "server": null })
    };
    let question: Vec<serde_json::Value> = declared.iter().map(request).collect();
    let runtime = repository().join("stdlib").join("runtime");
    let tools = Tools { python: python(), runtime: &runtime };
    let answer = ask(tools, "mlp_runtime.peek", &serde_json::to_string(&question).unwrap()).unwrap();
    let seen: Vec<Seen> = serde_json::from_str(&answer).unwrap();
    let pairs = declared.iter().zip(&seen);
    pairs.flat_map(|(declared, seen)| mismatches(&checked.db, checked.project, declared, seen)).collect()
}

/// What a lock lacks. `sha256:…` in it stands for the right digest.
fn lock_findings(checked: &Checked, text: &str, files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let system = system(files);
    let wanted = wanted(&checked.db, checked.project);
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let name = line.split(' ').nth(1).unwrap_or_default();
            let path = wanted.data.iter().find(|data| data.name == name).map_or(name, |data| &data.path);
            let environment = wanted.environments.iter().find(|environment| environment.name == name);
            let digest = match (line.split(' ').next(), environment) {
                (Some("stdlib"), _) => mlpc_stdlib::digest(),
                (Some("environment"), Some(environment)) => environment.digest(),
                _ => system.read(path).map(|bytes| sha256_hex(&bytes)).unwrap_or_default(),
            };
            line.replace('…', &digest)
        })
        .collect();
    match lock::parse(&(lines.join("\n") + "\n")) {
        Ok(lock) => check_lock(&checked.db, checked.project, Some(&lock), &system),
        Err(error) => vec![Diagnostic {
            severity: Severity::Error,
            ..Diagnostic::new(rule::bad_lock, error.message, start(checked))
        }],
    }
}

fn start(checked: &Checked) -> mlpc_diagnostics::FileSpan {
    let file = checked.files()[0].id(&checked.db);
    mlpc_diagnostics::FileSpan { file, span: mlpc_diagnostics::Span::default() }
}
