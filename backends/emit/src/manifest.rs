//! The manifest of a build: each file with its hash and where it comes from.

use crate::FileTree;
use crate::backend::Choice;
use crate::names::module_name;
use crate::parallel;
use mlpc_plan::Plan;
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::plan::Origin;
use serde::Serialize;
use std::collections::HashMap;

#[derive(Serialize)]
pub(crate) struct Manifest<'a> {
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

impl<'a> Manifest<'a> {
    /// Every file of a build for a target, made from these plans.
    pub(crate) fn of(choice: &Choice, tree: &'a FileTree, plans: &[&Plan]) -> Self {
        let origins = Origins::of(plans);
        let files: Vec<(&'a String, &'a String)> = tree.iter().collect();
        let files = parallel::map(&files, |(path, text)| Entry {
            path,
            sha256: sha256_hex(text.as_bytes()),
            origin: origins.find(path),
        });
        let compiler = plans.first().map_or("", |plan| plan.compiler.as_str());
        Self { format: "mlp-manifest/v1", generator: format!("mlpc {compiler}"), target: choice.to_string(), files }
    }
}

/// The declarations that files are made from, by path.
struct Origins<'a> {
    declared: HashMap<String, &'a Origin>,
    /// What else there is.
    pipeline: String,
}

impl<'a> Origins<'a> {
    fn of(plans: &[&'a Plan]) -> Self {
        let mut declared = HashMap::new();
        for plan in plans {
            let steps = plan.steps.iter().map(|step| (step.program.path.clone(), &step.origin));
            let sets =
                plan.features.iter().map(|(name, set)| (format!("features/{}.py", module_name(name)), &set.origin));
            for (path, origin) in steps.chain(sets) {
                declared.entry(path).or_insert(origin);
            }
        }
        let pipeline = plans.first().map_or_else(String::new, |plan| format!("pipeline {}", plan.pipeline.name));
        Self { declared, pipeline }
    }

    fn find(&self, path: &str) -> String {
        if path.starts_with("mlp_runtime/") {
            return "runtime".to_owned();
        }
        if let Some(file) = path.strip_prefix("code/") {
            return file.to_owned();
        }
        let of = |origin: &&Origin| format!("{}:{}", origin.file, origin.line);
        self.declared.get(path).map_or_else(|| self.pipeline.clone(), of)
    }
}
