//! `dvc.yaml`: stages with a command, files that it reads, files that it writes.

use crate::names::{braced, identifier, stem};
use crate::{ImportError, Outline, Run, Step};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Lists of a stage whose files it writes.
const WRITTEN: [&str; 3] = ["outs", "metrics", "plots"];
/// What of a stage is read here.
const KNOWN: [&str; 7] = ["cmd", "deps", "outs", "metrics", "plots", "desc", "params"];

pub fn read(document: &Value) -> Result<Outline, ImportError> {
    let stages = document.get("stages").and_then(Value::as_object);
    let stages = stages.ok_or_else(|| ImportError::Shape("it has no `stages`".to_owned()))?;
    let mut outline = Outline { name: "dvc".to_owned(), ..Outline::default() };
    for key in document.as_object().into_iter().flat_map(Map::keys).filter(|key| *key != "stages") {
        outline.notes.push(format!("`{key}` of the file"));
    }
    let mut owners: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut steps = Vec::new();
    for (name, stage) in stages {
        let outputs = outputs(stage);
        for (output, path) in &outputs {
            owners.insert(path.clone(), (name.clone(), output.clone()));
        }
        steps.push((name, stage, outputs));
    }
    outline.steps = steps.into_iter().map(|(name, stage, outputs)| step(name, stage, outputs, &owners)).collect();
    outline.steps = ordered(outline.steps);
    Ok(outline)
}

fn step(
    name: &str,
    stage: &Value,
    outputs: IndexMap<String, String>,
    owners: &BTreeMap<String, (String, String)>,
) -> Step {
    let mut step = Step { name: name.to_owned(), outputs, ..Step::default() };
    step.doc = stage.get("desc").and_then(Value::as_str).map(str::to_owned);
    let mut taken: BTreeSet<String> = step.outputs.keys().cloned().collect();
    let mut places: Vec<(String, String)> =
        step.outputs.iter().map(|(name, path)| (path.clone(), name.clone())).collect();
    for path in paths(stage.get("deps")) {
        match owners.iter().find(|(made, _)| path == **made || path.starts_with(&format!("{made}/"))) {
            // A file inside a folder that is written: the folder is read.
            Some((made, owner)) if !step.inputs.values().any(|known| known == owner) => {
                let name = identifier(stem(made), &mut taken);
                step.inputs.insert(name.clone(), owner.clone());
                places.push((made.clone(), name));
            }
            Some(_) => {}
            None => step.notes.push(format!("it reads `{path}` of the project")),
        }
    }
    for key in stage.as_object().into_iter().flat_map(Map::keys).filter(|key| !KNOWN.contains(&key.as_str())) {
        step.notes.push(format!("`{key}`"));
    }
    if let Some(params) = stage.get("params") {
        step.notes.push(format!("its parameters {}", compact(params)));
    }
    step.run = command(stage.get("cmd"), &places);
    step
}

/// The command with names in place of paths; a longer path is put in place before one that it begins with.
fn command(cmd: Option<&Value>, places: &[(String, String)]) -> Run {
    let text = match cmd {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" && "),
        _ => return Run::Unknown,
    };
    let mut places: Vec<&(String, String)> = places.iter().collect();
    places.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let mut found = String::new();
    let mut rest = text.as_str();
    while let Some(letter) = rest.chars().next() {
        let starts = found.chars().next_back().is_none_or(|before| !is_part(before));
        let ends = |path: &str| {
            rest.get(path.len()..)
                .is_some_and(|after| !after.chars().next().is_some_and(|next| next != '/' && is_part(next)))
        };
        let place = places.iter().find(|(path, _)| starts && rest.starts_with(path.as_str()) && ends(path));
        match place {
            Some((path, name)) => {
                found.push_str(&format!("{{{name}}}"));
                rest = rest.get(path.len()..).unwrap_or_default();
            }
            None => {
                found.push_str(&braced(&letter.to_string()));
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            }
        }
    }
    Run::Shell(found)
}

/// Whether a letter may go on a path.
fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/')
}

fn outputs(stage: &Value) -> IndexMap<String, String> {
    let mut taken = BTreeSet::new();
    WRITTEN
        .iter()
        .flat_map(|list| paths(stage.get(*list)))
        .map(|path| (identifier(stem(&path), &mut taken), path))
        .collect()
}

/// `[a.csv, b.csv: {cache: false}]`, or one of them alone.
fn paths(list: Option<&Value>) -> Vec<String> {
    let of = |item: &Value| match item {
        Value::String(path) => vec![path.clone()],
        Value::Object(paths) => paths.keys().cloned().collect(),
        _ => Vec::new(),
    };
    match list {
        Some(Value::Array(items)) => items.iter().flat_map(of).collect(),
        Some(one) => of(one),
        None => Vec::new(),
    }
}

/// Each step after all that it reads of; those in a circle stay where they are.
fn ordered(steps: Vec<Step>) -> Vec<Step> {
    let mut rest = steps;
    let mut found: Vec<Step> = Vec::new();
    while !rest.is_empty() {
        let is_ready =
            |step: &Step| step.inputs.values().all(|(owner, _)| found.iter().any(|done| done.name == *owner));
        let at = rest.iter().position(is_ready).unwrap_or_default();
        found.push(rest.remove(at));
    }
    found
}

fn compact(value: &Value) -> String {
    value.to_string().replace(['"', '[', ']'], "")
}
