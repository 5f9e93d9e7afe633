//! IR of Kubeflow Pipelines: tasks of the root's graph, each with a component and a container that runs.

use crate::names::braced;
use crate::{ImportError, Outline, Run, Step};
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// Task settings that are read here.
const KNOWN: [&str; 7] =
    ["taskInfo", "componentRef", "dependentTasks", "cachingOptions", "retryPolicy", "inputs", "triggerPolicy"];

pub fn read(document: &Value) -> Result<Outline, ImportError> {
    let tasks = document.pointer("/root/dag/tasks").and_then(Value::as_object);
    let tasks = tasks.ok_or_else(|| ImportError::Shape("it has no tasks at `root.dag`".to_owned()))?;
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let mut outline = Outline {
        name: text("/pipelineInfo/name").unwrap_or_else(|| "pipeline".to_owned()),
        doc: text("/pipelineInfo/description"),
        ..Outline::default()
    };
    if let Some(parameters) = document.pointer("/root/inputDefinitions/parameters").and_then(Value::as_object) {
        let names: Vec<&str> = parameters.keys().map(String::as_str).collect();
        outline.notes.push(format!("the pipeline's parameters {}", names.join(", ")));
    }
    let mut rest: Vec<(&String, &Value)> = tasks.iter().collect();
    while !rest.is_empty() {
        let is_done = |name: &String| outline.steps.iter().any(|step| step.name == *name);
        let at = rest.iter().position(|(_, task)| needs(task).iter().all(is_done)).unwrap_or_default();
        let (name, task) = rest.remove(at);
        let step = step(document, name, task);
        outline.steps.push(step);
    }
    Ok(outline)
}

/// Tasks that come first, by name.
fn needs(task: &Value) -> Vec<String> {
    let named = task.get("dependentTasks").and_then(Value::as_array).into_iter().flatten();
    named.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn step(document: &Value, name: &str, task: &Value) -> Step {
    let mut step = Step { name: name.to_owned(), after: needs(task), ..Step::default() };
    for key in task.as_object().into_iter().flat_map(Map::keys).filter(|key| !KNOWN.contains(&key.as_str())) {
        step.notes.push(format!("`{key}` of the task"));
    }
    if let Some(condition) = task.pointer("/triggerPolicy/condition").and_then(Value::as_str) {
        step.notes.push(format!("it runs only if {condition}"));
    }
    retries(task, &mut step);
    let reference = task.pointer("/componentRef/name").and_then(Value::as_str).unwrap_or_default();
    let component = document.get("components").and_then(|components| components.get(reference));
    let Some(component) = component else {
        step.notes.push(format!("its component `{reference}` is not in the file"));
        return step;
    };
    step.outputs = artifacts(component, "outputDefinitions").map(|name| (name.clone(), name.clone())).collect();
    for name in keys(component.pointer("/outputDefinitions/parameters")) {
        step.outputs.insert(name.clone(), name.clone());
    }
    let values = inputs(task, &mut step);
    let label = component.get("executorLabel").and_then(Value::as_str).unwrap_or_default();
    let executor = document.pointer("/deploymentSpec/executors").and_then(|executors| executors.get(label));
    match executor.and_then(|executor| executor.get("container")) {
        Some(container) => run(container, &values, &mut step),
        None if component.get("dag").is_some() => step.notes.push("it is a graph of its own".to_owned()),
        None => step.notes.push("it runs no container".to_owned()),
    }
    step
}

fn retries(task: &Value, step: &mut Step) {
    let number = |name: &str| task.pointer(&format!("/retryPolicy/{name}")).and_then(Value::as_u64);
    step.attempts = number("maxRetryCount").and_then(|count| u32::try_from(count + 1).ok());
    let wait = task.pointer("/retryPolicy/backoffDuration").and_then(Value::as_str);
    step.wait_seconds = wait.and_then(|text| text.strip_suffix('s')?.parse().ok());
}

/// Artifacts become inputs; what parameters are is told.
fn inputs(task: &Value, step: &mut Step) -> IndexMap<String, String> {
    let mut values = IndexMap::new();
    for (name, from) in task.pointer("/inputs/artifacts").and_then(Value::as_object).into_iter().flatten() {
        let of = |key: &str| from.pointer(&format!("/taskOutputArtifact/{key}")).and_then(Value::as_str);
        match (of("producerTask"), of("outputArtifactKey")) {
            (Some(task), Some(output)) => {
                step.inputs.insert(name.clone(), (task.to_owned(), output.to_owned()));
            }
            _ => step.notes.push(format!("where its input `{name}` comes from")),
        }
    }
    for (name, from) in task.pointer("/inputs/parameters").and_then(Value::as_object).into_iter().flatten() {
        let constant = from.pointer("/runtimeValue/constant");
        let of = |key: &str| from.pointer(&format!("/taskOutputParameter/{key}")).and_then(Value::as_str);
        match (constant, of("producerTask"), of("outputParameterKey")) {
            (Some(Value::String(text)), ..) => {
                values.insert(name.clone(), text.clone());
            }
            (Some(constant), ..) => {
                values.insert(name.clone(), constant.to_string());
            }
            (None, Some(task), Some(output)) => {
                step.inputs.insert(name.clone(), (task.to_owned(), output.to_owned()));
                step.notes.push(format!("`{name}` was a value and is the file that holds it now"));
            }
            _ => step.notes.push(format!("its parameter `{name}`")),
        }
    }
    values
}

/// The command of a container as one of a shell, with names in place of what the engine fills in.
fn run(container: &Value, values: &IndexMap<String, String>, step: &mut Step) {
    if let Some(image) = container.get("image").and_then(Value::as_str) {
        step.notes.push(format!("its image `{image}`: set it as `image` of an `environment`"));
    }
    let texts =
        |key: &str| container.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = texts("command").chain(texts("args")).collect();
    if words.iter().any(|word| word.contains("kfp.dsl.executor_main")) {
        step.notes.push(
            "its code is written into the file: make it a function of a module, `run = python(\"…\")`".to_owned(),
        );
        return;
    }
    let words: Vec<String> = words.iter().map(|word| filled(word, values, step)).collect();
    step.run = Run::Shell(words.join(" "));
}

/// One word of the command, quoted where it holds what a shell would read.
fn filled(word: &str, values: &IndexMap<String, String>, step: &mut Step) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("{{$.") {
        parts.push(literal(before));
        let Some((placeholder, after)) = after.split_once("}}") else {
            rest = after;
            continue;
        };
        let name = placeholder.split('\'').nth(1).unwrap_or_default();
        let known = step.inputs.contains_key(name) || step.outputs.contains_key(name);
        if let Some(value) = values.get(name).filter(|_| placeholder.starts_with("inputs.parameters")) {
            parts.push(literal(value));
        } else if known {
            parts.push(format!("{{{name}}}"));
        } else {
            step.notes.push(format!("`{{{{$.{placeholder}}}}}` in its command"));
        }
        rest = after;
    }
    parts.push(literal(rest));
    let text = parts.concat();
    if text.is_empty() { "''".to_owned() } else { text }
}

/// Text for a shell, in which no brace means anything.
fn literal(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => braced(&format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

fn artifacts<'a>(component: &'a Value, of: &str) -> impl Iterator<Item = &'a String> {
    keys(component.pointer(&format!("/{of}/artifacts")))
}

fn keys(map: Option<&Value>) -> impl Iterator<Item = &String> {
    map.and_then(Value::as_object).into_iter().flat_map(Map::keys)
}
