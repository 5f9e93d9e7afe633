//! Container images: a Dockerfile per environment, what a build may send to it, and the script that builds them all.
//!
//! An image holds the locked packages at the place where `mlp_runtime.environment` looks for them, and the whole build.

use crate::backend::{Target, plan_file};
use crate::error::EmitError;
use crate::layout::Layout;
use crate::{FileTree, environments};
use indexmap::IndexMap;
use mlpc_plan::Plan;
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::plan::Environment;
use serde::Serialize;
use std::collections::BTreeSet;

/// The image of each Python on which nothing else is said, by its digest.
const BASES: [(&str, &str); 2] = [
    ("3.11", "python:3.11-slim-trixie@sha256:9534e5a8e315485d4061ed659af0fd78a284c015f9b73661b41d6bab25604534"),
    ("3.13", "python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285"),
];

/// Letters of documentation in a label: lines of a Dockerfile have a limit.
const LONGEST_LABEL: usize = 300;

#[derive(Serialize)]
struct Image<'a> {
    environment: &'a str,
    pipeline: &'a str,
    compiler: &'a str,
    image: &'a str,
    folder: String,
    digest: &'a str,
    labels: Vec<Label>,
}

#[derive(Serialize)]
struct Label {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Script<'a> {
    compiler: &'a str,
    environments: Vec<&'a str>,
    repository: String,
    tag: String,
    /// The template that tells an image's digest: braces that are not ours.
    inspect: &'static str,
}

/// Adds the files of all images.
pub(crate) fn print(layout: &Layout, target: &Target<'_>, tree: &mut FileTree) -> Result<(), EmitError> {
    environments::requirements(target.plans().map(|(_, plan)| plan), tree);
    let all: IndexMap<&str, &Environment> =
        target.plans().flat_map(|(_, plan)| &plan.environments).map(|(name, found)| (name.as_str(), found)).collect();
    let plan = target.plan;
    let version = version(target, tree);
    for (name, environment) in &all {
        let text = layout.text("containers/Dockerfile", &image(plan, name, environment, &version)?)?;
        tree.insert(format!("containers/{name}/Dockerfile"), text);
    }
    let script = Script {
        compiler: &plan.compiler,
        environments: all.keys().copied().collect(),
        repository: plan.pipeline.name.to_lowercase().replace('_', "-"),
        tag: version.get(..12).unwrap_or_default().to_owned(),
        inspect: "{{.Id}}",
    };
    tree.insert("containers/build.sh".to_owned(), layout.text("containers/build.sh", &script)?);
    tree.insert(".dockerignore".to_owned(), ignored(tree));
    Ok(())
}

/// A digest over the files of all plans.
fn version(target: &Target<'_>, tree: &FileTree) -> String {
    let texts = target.plans().filter_map(|(entry, _)| tree.get(&plan_file(entry)));
    sha256_hex(texts.map(String::as_str).collect::<String>().as_bytes())
}

fn image<'a>(
    plan: &'a Plan,
    name: &'a str,
    environment: &'a Environment,
    version: &str,
) -> Result<Image<'a>, EmitError> {
    let digest = environment.digest.as_str();
    let default = || BASES.iter().find(|(python, _)| *python == environment.python).map(|(_, image)| *image);
    let image = environment.image.as_deref().or_else(default).ok_or_else(|| {
        let python = &environment.python;
        EmitError::Setting(format!("the environment `{name}` needs an image: none is known for Python {python}"))
    })?;
    let pipeline = &plan.pipeline;
    let mut labels = vec![Label { name: "org.opencontainers.image.title", value: label(&pipeline.name) }];
    let mut add = |name, text: Option<&String>| {
        let shown = text.map(|text| summary(text)).filter(|text| !text.is_empty());
        labels.extend(shown.map(|text| Label { name, value: label(&text) }));
    };
    add("org.opencontainers.image.description", pipeline.doc.as_ref());
    add("org.opencontainers.image.authors", pipeline.owner.as_ref());
    labels.push(Label { name: "dev.mlpc.environment", value: label(name) });
    labels.push(Label { name: "dev.mlpc.environment.digest", value: label(digest) });
    labels.push(Label { name: "dev.mlpc.plan.digest", value: label(version) });
    labels.push(Label { name: "dev.mlpc.version", value: label(&plan.compiler) });
    let folder = format!("/opt/mlpc/envs/{}", digest.get(..16).unwrap_or(digest));
    Ok(Image { environment: name, pipeline: &pipeline.name, compiler: &plan.compiler, image, folder, digest, labels })
}

/// The first paragraph of a text on one line, of letters that are seen, and not too long. Builders and linters do not agree
/// on backslashes, so there are none.
fn summary(text: &str) -> String {
    let first = text.trim().split("\n\n").next().unwrap_or_default();
    let words: Vec<String> = first
        .split_whitespace()
        .map(|word| {
            word.chars()
                .filter(|letter| *letter != '\\' && (letter.is_ascii_graphic() || letter.is_alphanumeric()))
                .collect()
        })
        .collect();
    let line = words.into_iter().filter(|word: &String| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_LABEL) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// A value as a Dockerfile reads it: in quotes, with nothing that stands for something else.
fn label(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// What an image does not need: all but the folders and files of the build that steps and flows read.
fn ignored(tree: &FileTree) -> String {
    let tops: BTreeSet<&str> = tree.keys().filter_map(|path| path.split('/').next()).collect();
    let needed = tops.into_iter().filter(|top| !matches!(*top, "containers" | "README.md" | "pyproject.toml"));
    let mut text =
        "# What is sent to the builder of images: what is named here, and nothing beside it.\n*\n".to_owned();
    for top in needed {
        text += &format!("!{top}\n");
    }
    text + "**/__pycache__\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_what_is_seen() {
        assert_eq!(label(&summary("a \"b\" $(c)\\\nd\u{202e}e\n\nf")), "\"a \\\"b\\\" \\$(c) de\"");
        assert_eq!(summary(&"x".repeat(1000)).chars().count(), LONGEST_LABEL + 1);
        assert_eq!(summary("\u{200b}\n\n"), "");
    }

    #[test]
    fn only_what_is_needed_is_sent() {
        let paths = ["steps/a.py", "steps/b.py", "plan.json", "containers/default/Dockerfile", "README.md"];
        let tree: FileTree = paths.iter().map(|path| ((*path).to_owned(), String::new())).collect();
        assert!(ignored(&tree).ends_with("\n*\n!plan.json\n!steps\n**/__pycache__\n"), "{}", ignored(&tree));
    }
}
