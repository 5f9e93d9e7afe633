//! The specifications in `spec/`: programs whose comments say what is found in them.

use mlpc_diagnostics::{Diagnostic, codes, rule};
use mlpc_tests::expected::{disagreements, expected_codes, expects_findings};
use mlpc_tests::markdown::{cases, with_fence};
use mlpc_tests::program::check_files;
use mlpc_tests::snapshot::render;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_specification_holds() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in specs() {
        let mut text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(folder()).unwrap().display().to_string();
        // Later cases first, so that a new snapshot moves nothing that is still to come.
        for case in cases(&text).into_iter().rev() {
            let files = case.files();
            let checked = check_files(&files);
            // Most programs are too short for documentation, and the `loose` ones use what they define nowhere.
            let notes = files.iter().any(|(_, text)| text.contains("// note: ["));
            let loose = case.main.has("loose");
            let ignore = |finding: &Diagnostic| {
                (!notes && finding.code == rule::undocumented) || (loose && finding.code == rule::unused_name)
            };
            let complaints = disagreements(&checked, &files, ignore);
            wrong.extend(complaints.into_iter().map(|wrong| format!("{name}: {}: {wrong}", case.name())));
            let Some(snapshot) = &case.snapshot else { continue };
            let shown = render(&checked, ignore);
            if shown != snapshot.text && bless {
                text = with_fence(&text, snapshot.line, &shown);
            } else if shown != snapshot.text {
                wrong.push(format!("{name}: {}: shown otherwise (BLESS=1 takes it):\n{shown}", case.name()));
            }
        }
        if bless {
            fs::write(&path, text).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_code_is_specified_twice() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in specs() {
        for case in cases(&fs::read_to_string(&path).unwrap()) {
            for code in case.files().iter().flat_map(|(_, text)| expected_codes(text)) {
                *counts.entry(code).or_default() += 1;
            }
        }
    }
    let rare: Vec<&str> = codes()
        .iter()
        // What concerns the lock, the data or a target needs them, which a page can show: `pages.rs`.
        .filter(|code| !["MLP0407", "MLP0408", "MLP0901", "MLP0902", "MLP0903", "MLP1202"].contains(&code.id))
        .map(|code| code.name)
        .filter(|name| counts.get(*name).copied().unwrap_or_default() < 2)
        .collect();
    assert!(rare.is_empty(), "expected fewer than two times: {rare:?}");
    let unknown: Vec<&String> = counts.keys().filter(|name| mlpc_diagnostics::code(name).is_none()).collect();
    assert!(unknown.is_empty(), "no such code: {unknown:?}");
}

#[test]
fn there_are_programs_with_and_without_findings() {
    let all: Vec<bool> = specs()
        .iter()
        .flat_map(|path| cases(&fs::read_to_string(path).unwrap()))
        .map(|case| case.files().iter().any(|(_, text)| expects_findings(text)))
        .collect();
    assert!(all.iter().filter(|expects| **expects).count() >= 40, "too few that expect findings");
    assert!(all.iter().filter(|expects| !**expects).count() >= 10, "too few without findings");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("spec")
}

fn specs() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The files of every program of the specification.
pub fn programs() -> impl Iterator<Item = Vec<(String, String)>> {
    specs().into_iter().flat_map(|path| cases(&fs::read_to_string(path).unwrap())).map(|case| {
        let owned = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        case.files().into_iter().map(owned).collect()
    })
}
