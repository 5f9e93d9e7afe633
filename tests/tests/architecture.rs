//! The arrows between crates, read from their manifests, and what a crate must never know.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Crate, folder, and the crates of ours that it may know. Each knows only what stands above it.
const ARROWS: &[(&str, &str, &[&str])] = &[
    ("mlpc-stdlib", "stdlib", &[]),
    ("mlpc-diagnostics", "compiler/mlpc-diagnostics", &[]),
    ("mlpc-syntax", "compiler/mlpc-syntax", &["mlpc-diagnostics"]),
    ("mlpc-db", "compiler/mlpc-db", &["mlpc-diagnostics", "mlpc-syntax"]),
    ("mlpc-hir", "compiler/mlpc-hir", &["mlpc-stdlib", "mlpc-diagnostics", "mlpc-syntax", "mlpc-db"]),
    ("mlpc-lineage", "compiler/mlpc-lineage", &["mlpc-diagnostics", "mlpc-db", "mlpc-hir"]),
    (
        "mlpc-plan",
        "compiler/mlpc-plan",
        &["mlpc-stdlib", "mlpc-diagnostics", "mlpc-syntax", "mlpc-db", "mlpc-hir", "mlpc-lineage"],
    ),
    // It reads other tools' files and writes text.
    ("mlpc-import", "compiler/mlpc-import", &["mlpc-diagnostics", "mlpc-syntax"]),
    // A backend sees plans: no syntax, no types, no database.
    ("mlpc-emit", "backends/emit", &["mlpc-stdlib", "mlpc-diagnostics", "mlpc-plan"]),
    ("mlpc-native", "backends/native", &["mlpc-diagnostics", "mlpc-plan"]),
    ("mlpc-dev", "compiler/mlpc-dev", &EVERYTHING),
    ("mlpc-cli", "compiler/mlpc-cli", &EVERYTHING),
];

const EVERYTHING: [&str; 10] = [
    "mlpc-stdlib",
    "mlpc-diagnostics",
    "mlpc-syntax",
    "mlpc-db",
    "mlpc-hir",
    "mlpc-lineage",
    "mlpc-plan",
    "mlpc-import",
    "mlpc-emit",
    "mlpc-native",
];

/// Crates that a new version of them could break in one place only.
const KEPT_TO: [(&str, &[&str]); 4] = [
    ("salsa", &["mlpc-db", "mlpc-hir"]),
    ("pest", &["mlpc-syntax"]),
    ("clap", &["mlpc-cli"]),
    ("miette", &["mlpc-cli"]),
];

/// Files that may reach outside, of crates that otherwise compute only.
const DOORS: [&str; 1] = ["compiler/mlpc-db/src/system.rs"];

/// Crates that compute only.
const PURE: [&str; 9] = [
    "mlpc-import",
    "mlpc-stdlib",
    "mlpc-diagnostics",
    "mlpc-syntax",
    "mlpc-db",
    "mlpc-hir",
    "mlpc-lineage",
    "mlpc-plan",
    "mlpc-emit",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of what a crate is built with; what its tests need is another matter.
fn dependencies(folder: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let listed = |table: &toml::Value| table.as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut found = manifest.get("dependencies").map(listed).unwrap_or_default();
    for target in manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values) {
        found.extend(target.get("dependencies").map(listed).unwrap_or_default());
    }
    found
}

#[test]
fn a_crate_knows_only_crates_above_it() {
    for (at, (name, folder, allowed)) in ARROWS.iter().enumerate() {
        for known in dependencies(folder).iter().filter(|known| known.starts_with("mlpc-")) {
            assert!(allowed.contains(&known.as_str()), "{name} must not know {known}");
        }
        for known in *allowed {
            let above = ARROWS[..at].iter().any(|(other, ..)| other == known);
            assert!(above, "{name} stands above {known}, so it may not know it");
        }
    }
}

#[test]
fn every_crate_has_its_place() {
    let mut folders = vec!["stdlib".to_owned()];
    for parent in ["compiler", "backends"] {
        for entry in fs::read_dir(root().join(parent)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("Cargo.toml").exists() {
                folders.push(format!("{parent}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    for folder in folders {
        assert!(ARROWS.iter().any(|(_, known, _)| *known == folder), "{folder} is in no row of the table");
    }
}

#[test]
fn some_libraries_stay_behind_one_crate() {
    for (library, allowed) in KEPT_TO {
        for (name, folder, _) in ARROWS {
            let knows = dependencies(folder).iter().any(|known| known == library);
            assert!(!knows || allowed.contains(name), "{name} must not know {library}");
        }
    }
}

#[test]
fn what_computes_reaches_nothing_outside() {
    let mut wrong = Vec::new();
    let mut read = 0;
    for (name, folder, _) in ARROWS.iter().filter(|(name, ..)| PURE.contains(name)) {
        for (path, text) in sources(&root().join(folder).join("src")) {
            read += 1;
            if DOORS.iter().any(|door| path.ends_with(door)) {
                continue;
            }
            // Tests at the end of a file may do what they like.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for banned in ["std::fs", "std::env", "std::process", "std::net", "Instant::now", "SystemTime::now"] {
                if code.contains(banned) {
                    wrong.push(format!("{name}: {} names {banned}", path.display()));
                }
            }
        }
    }
    assert!(read > 60, "only {read} files were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_door_is_there() {
    for door in DOORS {
        assert!(fs::read_to_string(root().join(door)).unwrap().contains("std::fs"), "{door} needs no exception");
    }
}

/// Rust files below a folder with their texts.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path, text);
        }
    }
    found
}
