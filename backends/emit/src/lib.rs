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
mod manifest;
mod names;
mod parallel;
mod programs;
pub mod py;
mod readme;
mod steps;
mod sweeps;
mod tests;
mod text;
pub mod yaml;

pub use backend::Choice;
pub use error::EmitError;
pub use tests::{addresses, tests};

use backend::{Target, plan_file};
use indexmap::IndexMap;
use layout::Layout;
use manifest::Manifest;
use mlpc_plan::Plan;
use mlpc_plan::identity::identify;
use mlpc_plan::plan::{Program, Step, StepSpec};
use names::module_name;
use programs::Programs;
use serde::Serialize;
use std::collections::BTreeMap;

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
    let programs = Programs::of(&tree);
    for plan in std::iter::once(&mut *plan).chain(entries.values_mut()) {
        for step in &mut plan.steps {
            let path = steps::path(step);
            step.program = Program { sha256: programs.digest(&path), path };
        }
        identify(plan);
    }
    let choice = &choice.with_storage_of(plan);
    let target = Target { choice, plan, entries };
    let definitions = || {
        let mut tree = FileTree::new();
        choice.backend.emit(&target, &mut tree).map(|()| tree)
    };
    let (definitions, described) = parallel::both(definitions, || described(&layout, &target));
    tree.extend(described?);
    tree.extend(definitions?);
    if choice.backend.name() != backend::NATIVE {
        containers::print(&layout, &target, &mut tree)?;
    }
    let plans: Vec<&Plan> = std::iter::once(&*plan).chain(entries.values()).collect();
    let manifest = json(&Manifest::of(choice, &tree, &plans))?;
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
    if !plan.sweeps.is_empty() {
        let doc = "\"\"\"Models among which a choice is made: one module per sweep.\"\"\"\n";
        tree.insert("sweeps/__init__.py".to_owned(), doc.to_owned());
    }
    for (name, sweep) in &plan.sweeps {
        tree.insert(format!("sweeps/{}.py", module_name(name)), sweeps::module(layout, plan, name, sweep)?);
    }
    for step in &plan.steps {
        require_user_files(step, user_files)?;
    }
    tree.extend(steps::programs(layout, plan)?);
    Ok(())
}

/// What tells of a build: its plans, for programs and for people.
fn described(layout: &Layout, target: &Target<'_>) -> Result<FileTree, EmitError> {
    let mut tree = FileTree::new();
    for (entry, plan) in target.plans() {
        tree.insert(plan_file(entry), json(plan)?);
    }
    tree.insert("pyproject.toml".to_owned(), layout.text("pyproject.toml", &())?);
    tree.insert("README.md".to_owned(), readme::page(layout, target.plan)?);
    Ok(tree)
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
