//! An outline as the text of a program.

use crate::names::{commented, identifier, stem};
use crate::{Outline, Run, Step};
use mlpc_syntax::quoted;
use std::collections::{BTreeMap, BTreeSet};

/// What each step and each of its outputs is called in the program.
struct Names {
    steps: BTreeMap<String, String>,
    outputs: BTreeMap<(String, String), String>,
}

impl Names {
    fn of(outline: &Outline) -> Self {
        let mut taken = BTreeSet::new();
        let mut names = Self { steps: BTreeMap::new(), outputs: BTreeMap::new() };
        for step in &outline.steps {
            names.steps.insert(step.name.clone(), identifier(&step.name, &mut taken));
            let mut own = BTreeSet::new();
            for output in step.outputs.keys() {
                names.outputs.insert((step.name.clone(), output.clone()), identifier(output, &mut own));
            }
        }
        names
    }

    fn reference(&self, (step, output): &(String, String)) -> Option<String> {
        Some(format!("{}.{}", self.steps.get(step)?, self.outputs.get(&(step.clone(), output.clone()))?))
    }
}

pub fn program(outline: &Outline, source: &str) -> (String, Vec<String>) {
    let names = Names::of(outline);
    let mut open: Vec<String> = outline.notes.clone();
    let doc = outline.doc.clone().unwrap_or_else(|| format!("Imported from {source}."));
    let mut text = format!("/// {}\n", commented(&doc));
    let mut settings = vec!["  seed = 1".to_owned()];
    if let Some((cron, zone)) = &outline.schedule {
        settings.push(format!("  schedule = cron({}, timezone: {})", quoted(cron), quoted(zone)));
    }
    let name = identifier(stem(&outline.name), &mut BTreeSet::new());
    text.push_str(&format!("pipeline {name} {{\n{}{}\n}}\n", comments(&outline.notes), settings.join("\n")));
    for step in &outline.steps {
        text.push('\n');
        text.push_str(&block(step, &names));
        open.extend(step.notes.iter().map(|note| format!("{}: {note}", step.name)));
    }
    (text, open.iter().map(|note| commented(note)).collect())
}

fn block(step: &Step, names: &Names) -> String {
    let doc = step.doc.clone().unwrap_or_else(|| format!("What `{}` did.", step.name));
    let name = names.steps.get(&step.name).map_or("", |name| name);
    let mut text = format!("/// {}\nstep {name} {{\n{}", commented(&doc), comments(&step.notes));
    let mut own: BTreeSet<String> = step
        .outputs
        .keys()
        .filter_map(|output| names.outputs.get(&(step.name.clone(), output.clone())).cloned())
        .collect();
    let mut called: BTreeMap<&str, String> = BTreeMap::new();
    let mut inputs = Vec::new();
    for (input, from) in &step.inputs {
        let Some(reference) = names.reference(from) else { continue };
        let name = identifier(input, &mut own);
        inputs.push(format!("    {name} = {reference}\n"));
        called.insert(input, name);
    }
    if !inputs.is_empty() {
        text.push_str(&format!("  inputs {{\n{}  }}\n", inputs.concat()));
    }
    let mut outputs = Vec::new();
    for (output, path) in &step.outputs {
        let Some(name) = names.outputs.get(&(step.name.clone(), output.clone())) else { continue };
        let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        outputs.push(format!("    {name}: file({})\n", quoted(file)));
        called.insert(output, name.clone());
    }
    if !outputs.is_empty() {
        text.push_str(&format!("  outputs {{\n{}  }}\n", outputs.concat()));
    }
    let read: BTreeSet<&String> = step.inputs.values().map(|(owner, _)| owner).collect();
    let after = step.after.iter().filter(|name| !read.contains(name)).filter_map(|name| names.steps.get(name));
    let after: Vec<&str> = after.map(String::as_str).collect();
    if !after.is_empty() {
        text.push_str(&format!("  after = [{}]\n", after.join(", ")));
    }
    if let Some(attempts) = step.attempts.filter(|attempts| *attempts > 1) {
        let backoff = step.wait_seconds.map(|wait| format!(", backoff: exponential({wait}s)")).unwrap_or_default();
        text.push_str(&format!("  retry = retry(attempts: {attempts}{backoff})\n"));
    }
    if let Some(seconds) = step.timeout_seconds {
        text.push_str(&format!("  timeout = {seconds}s\n"));
    }
    text.push_str(&match &step.run {
        Run::Shell(template) => format!("  run = shell({})\n", quoted(&renamed(template, &called))),
        Run::Python(reference) => format!("  run = python({})\n", quoted(reference)),
        Run::Unknown => "  run = shell(\"false\")  // not translated\n".to_owned(),
    });
    text + "}\n"
}

/// A template whose names are those of the program.
fn renamed(template: &str, called: &BTreeMap<&str, String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let name = after.split_once('}').filter(|_| !after.starts_with('{')).map(|(name, _)| name);
        match name.and_then(|name| Some((name, called.get(name)?))) {
            Some((name, new)) => {
                text.push_str(&format!("{{{new}}}"));
                rest = after.get(name.len() + 1..).unwrap_or_default();
            }
            None => {
                text.push_str(if after.starts_with('{') { "{{" } else { "{" });
                rest = after.strip_prefix('{').unwrap_or(after);
            }
        }
    }
    text + rest
}

fn comments(notes: &[String]) -> String {
    notes.iter().map(|note| format!("  // not translated: {}\n", commented(note))).collect()
}
