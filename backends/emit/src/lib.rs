//! Plan to files: step programs, features modules, the runtime, and what goes with them.
//!
//! In: a [`Plan`] and the users' files that it calls. Out: a [`FileTree`]; the plan gets the hash of each program and
//! the identity of each step. Nothing is read from disk and nothing written: the caller does that.

pub mod backend;
mod containers;
mod environments;
pub mod error;
mod exprs;
pub mod fans;
mod features;
pub mod graph;
mod imports;
mod layout;
mod names;
pub mod py;
mod readme;
mod steps;
mod tests;
mod text;
pub mod yaml;

pub use backend::Choice;
pub use error::EmitError;
pub use tests::{addresses, tests};

use backend::{TRAIN, Target, plan_file};
use indexmap::IndexMap;
use layout::Layout;
use mlpc_plan::Plan;
use mlpc_plan::identity::{identify, sha256_hex};
use mlpc_plan::plan::{Program, Step, StepSpec};
use names::module_name;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The text of each file of a build by its path, with `/`.
pub type FileTree = BTreeMap<String, String>;

/// One expression of a plan as a Polars expression, on one line.
///
/// # Errors
///
/// If a template of it is no Python, or an operator is unknown.
pub fn expression(expression: &mlpc_plan::plan::Expr) -> Result<String, EmitError> {
    Ok(py::flat(&exprs::Printer::default().expression(expression)?))
}

/// Prints a plan, and sets the program and identity of each step.
///
/// `user_files` holds the users' files that steps call, by their path in the project.
///
/// # Errors
///
/// If the plan holds what can't be printed: an unknown operator, a template that is no Python, a missing input.
pub fn build(plan: &mut Plan, user_files: &BTreeMap<String, String>) -> Result<FileTree, EmitError> {
    build_with(plan, &mut IndexMap::new(), user_files)
}

/// The same with the plans of further entry points, by name: `predict.NAME`. They share programs and features; their
/// plans are in `plans`.
///
/// # Errors
///
/// As of [`build`].
pub fn build_with(
    plan: &mut Plan,
    entries: &mut IndexMap<String, Plan>,
    user_files: &BTreeMap<String, String>,
) -> Result<FileTree, EmitError> {
    build_for(&Choice::default(), plan, entries, user_files)
}

/// The same for a target other than this machine: its definitions are beside plan and programs.
///
/// # Errors
///
/// As of [`build`].
pub fn build_for(
    choice: &Choice,
    plan: &mut Plan,
    entries: &mut IndexMap<String, Plan>,
    user_files: &BTreeMap<String, String>,
) -> Result<FileTree, EmitError> {
    let layout = Layout::new()?;
    let mut tree = shared(user_files);
    for plan in std::iter::once(&*plan).chain(entries.values()) {
        print(&layout, plan, user_files, &mut tree)?;
    }
    for plan in std::iter::once(&mut *plan).chain(entries.values_mut()) {
        for step in &mut plan.steps {
            let path = steps::path(step);
            step.program = Program { sha256: program_digest(&tree, &path), path };
        }
        identify(plan);
    }
    tree.insert(plan_file(TRAIN), json(plan)?);
    for (name, plan) in &*entries {
        tree.insert(plan_file(name), json(plan)?);
    }
    tree.insert("pyproject.toml".to_owned(), layout.text("pyproject.toml", &())?);
    tree.insert("README.md".to_owned(), readme::page(&layout, plan)?);
    let choice = &choice.with_storage_of(plan);
    let target = Target { choice, plan, entries };
    choice.backend.emit(&target, &mut tree)?;
    if choice.backend.name() != backend::NATIVE {
        containers::print(&layout, &target, &mut tree)?;
    }
    let plans: Vec<&Plan> = std::iter::once(&*plan).chain(entries.values()).collect();
    let manifest = json(&manifest(choice, &tree, &plans))?;
    tree.insert("manifest.json".to_owned(), manifest);
    Ok(tree)
}

/// Puts the features modules and programs of a plan into the tree.
fn print(
    layout: &Layout,
    plan: &Plan,
    user_files: &BTreeMap<String, String>,
    tree: &mut FileTree,
) -> Result<(), EmitError> {
    for (name, set) in &plan.features {
        let module = module_name(name);
        if !py::is_identifier(&module) {
            return Err(EmitError::Name(name.clone()));
        }
        tree.insert(format!("features/{module}.py"), features::module(layout, plan, set)?);
    }
    for step in &plan.steps {
        require_user_files(step, user_files)?;
        tree.insert(steps::path(step), steps::program(layout, plan, step)?);
    }
    Ok(())
}

/// What every build holds: the runtime, the users' files, the folder of features.
fn shared(user_files: &BTreeMap<String, String>) -> FileTree {
    let mut tree = FileTree::new();
    for file in mlpc_stdlib::runtime() {
        tree.insert(file.path.to_owned(), file.text.to_owned());
    }
    for (path, text) in user_files {
        tree.insert(format!("code/{path}"), text.clone());
    }
    tree.insert(
        "features/__init__.py".to_owned(),
        "\"\"\"What rows hold: one module per features block.\"\"\"\n".to_owned(),
    );
    tree
}

fn json(value: &impl Serialize) -> Result<String, EmitError> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The users' files that a step names must be there; what these import travels with them.
fn require_user_files(step: &Step, user_files: &BTreeMap<String, String>) -> Result<(), EmitError> {
    let named: Vec<&str> = match &step.spec {
        StepSpec::Python(python) => vec![&python.file],
        StepSpec::Train(train) => file_of(&train.python).into_iter().collect(),
        StepSpec::Evaluate(evaluate) => evaluate.metrics.values().filter_map(|call| file_of(&call.python)).collect(),
        _ => Vec::new(),
    };
    match named.into_iter().find(|file| !user_files.contains_key(*file)) {
        Some(file) => Err(EmitError::UserFile(file.to_owned())),
        None => Ok(()),
    }
}

fn file_of(python: &str) -> Option<&str> {
    python.rsplit_once(':').map(|(file, _)| file).filter(|file| file.ends_with(".py"))
}

/// SHA-256 over a program and every file of the build that it imports, by path and hash.
fn program_digest(tree: &FileTree, program: &str) -> String {
    let mut needed = BTreeSet::new();
    collect_imports(tree, program, &mut needed);
    let lines: Vec<String> = needed
        .iter()
        .filter_map(|path| tree.get(path).map(|text| format!("{path}\0{}\n", sha256_hex(text.as_bytes()))))
        .collect();
    sha256_hex(lines.concat().as_bytes())
}

fn collect_imports(tree: &FileTree, path: &str, needed: &mut BTreeSet<String>) {
    let Some(text) = tree.get(path) else { return };
    if !needed.insert(path.to_owned()) {
        return;
    }
    for imported in imported_files(tree, text) {
        collect_imports(tree, &imported, needed);
    }
    // Which of the users' files one of them imports is not known here, so all belong to it.
    if text.contains("user.function(__file__") {
        needed.extend(tree.keys().filter(|path| path.starts_with("code/")).cloned());
    }
}

/// The files of the build that the import lines of `text` name.
fn imported_files(tree: &FileTree, text: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("from ") {
        let at_line_start =
            rest.get(..at).is_some_and(|before| before.trim_end_matches(' ').ends_with('\n') || at == 0);
        rest = rest.get(at + "from ".len()..).unwrap_or_default();
        let Some((module, names)) =
            rest.split_once(" import ").filter(|(module, _)| at_line_start && !module.contains('\n'))
        else {
            continue;
        };
        let end = if names.starts_with('(') { names.find(')') } else { names.find('\n') };
        let names = names.get(..end.unwrap_or(names.len())).unwrap_or_default().trim_start_matches('(');
        let folder = module.replace('.', "/");
        files.push(format!("{folder}.py"));
        files.push(format!("{folder}/__init__.py"));
        files.extend(names.split(',').map(|name| format!("{folder}/{}.py", name.trim())));
    }
    files.retain(|file| tree.contains_key(file));
    files
}

#[derive(Serialize)]
struct Manifest<'a> {
    format: &'static str,
    generator: String,
    target: String,
    files: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a str,
    sha256: String,
    origin: String,
}

/// Every file with its hash and where it comes from.
fn manifest<'a>(choice: &Choice, tree: &'a FileTree, plans: &[&Plan]) -> Manifest<'a> {
    let files = tree
        .iter()
        .map(|(path, text)| Entry { path, sha256: sha256_hex(text.as_bytes()), origin: origin(path, plans) })
        .collect();
    let compiler = plans.first().map_or("", |plan| plan.compiler.as_str());
    Manifest { format: "mlp-manifest/v1", generator: format!("mlpc {compiler}"), target: choice.to_string(), files }
}

fn origin(path: &str, plans: &[&Plan]) -> String {
    if path.starts_with("mlp_runtime/") {
        return "runtime".to_owned();
    }
    if let Some(file) = path.strip_prefix("code/") {
        return file.to_owned();
    }
    let of = |origin: &mlpc_plan::plan::Origin| format!("{}:{}", origin.file, origin.line);
    let mut steps = plans.iter().flat_map(|plan| &plan.steps);
    let step = steps.find(|step| step.program.path == path).map(|step| of(&step.origin));
    let mut sets = plans.iter().flat_map(|plan| &plan.features);
    let set = sets.find(|(name, _)| format!("features/{}.py", module_name(name)) == path);
    let pipeline = || plans.first().map_or_else(String::new, |plan| format!("pipeline {}", plan.pipeline.name));
    step.or_else(|| set.map(|(_, set)| of(&set.origin))).unwrap_or_else(pipeline)
}
