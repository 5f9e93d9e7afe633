//! What `[target.kubeflow]` of `mlp.toml` says, read from its texts.

use super::ir::{Accelerator, Variable};
use super::platform::{Constant, ImagePullSecret, KeyToEnv, KubernetesExecutor, NodeSelector, PvcMount, SecretAsEnv};
use crate::backend::{Choice, Setting};
use indexmap::IndexMap;
use mlpc_plan::plan::{Plan, Step};

/// The names that `mlp.toml` may use.
pub const SETTINGS: &[Setting] = &[
    text(
        "image",
        "the image that steps run in, best by its digest; else one that is named by pipeline and environment",
    ),
    text("images", "images of single environments, `ENVIRONMENT=IMAGE, …`"),
    text("store", "the address that a run's parameter `store` has where it says nothing: `s3://bucket/prefix`"),
    text("pipeline_root", "where Kubeflow puts artifacts unless a run says otherwise"),
    text("env", "variables of every step's environment, `NAME=VALUE, …`"),
    text("secrets", "variables that come from secrets of Kubernetes, `NAME=SECRET/KEY, …`"),
    text("volumes", "claims of volumes and where steps see them, `CLAIM=/PATH, …`"),
    text("node_selector", "labels of the nodes that steps run on, `LABEL=VALUE, …`"),
    text("accelerators", "devices of single steps, `STEP=TYPE:COUNT, …`"),
    Setting { words: &["Always", "IfNotPresent", "Never"], ..text("image_pull_policy", "when images are pulled") },
    text("image_pull_secret", "the secret of Kubernetes with which images are pulled"),
];

const fn text(name: &'static str, doc: &'static str) -> Setting {
    Setting { name, default: None, words: &[], doc }
}

/// Why a value of a setting cannot be used: what it should look like.
pub fn check(name: &str, value: &str) -> Result<(), String> {
    let form = match name {
        "images" => "`ENVIRONMENT=IMAGE, …`",
        "env" => "`NAME=VALUE, …`",
        "secrets" => "`NAME=SECRET/KEY, …`",
        "volumes" => "`CLAIM=/PATH, …`",
        "node_selector" => "`LABEL=VALUE, …`",
        "accelerators" => "`STEP=TYPE:COUNT, …`",
        _ => return Ok(()),
    };
    let fits = |(_, value): &(&str, &str)| match name {
        "secrets" => value.split_once('/').is_some_and(|(secret, key)| !secret.is_empty() && !key.is_empty()),
        "volumes" => value.starts_with('/'),
        "accelerators" => device(value).is_some(),
        _ => true,
    };
    let pairs = pairs(value);
    let fine = pairs.as_ref().is_some_and(|pairs| pairs.iter().all(fits));
    if fine { Ok(()) } else { Err(format!("`{name}` of kubeflow is {form}")) }
}

/// `A=x, B=y`.
fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| item.split_once('=').filter(|(name, _)| !name.is_empty())).collect()
}

/// `nvidia.com/gpu:1`.
fn device(text: &str) -> Option<Accelerator> {
    let (kind, count) = text.rsplit_once(':')?;
    let is_count = count.parse::<u32>().is_ok_and(|count| count > 0);
    (is_count && !kind.is_empty())
        .then(|| Accelerator { resource_type: kind.to_owned(), resource_count: count.to_owned() })
}

/// The settings, read.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    choice: &'a Choice,
}

impl<'a> Settings<'a> {
    /// Those of a choice.
    pub fn of(choice: &'a Choice) -> Self {
        Self { choice }
    }

    /// The value of a setting that is one text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.choice.setting(name)
    }

    fn pairs(&self, name: &str) -> Vec<(&'a str, &'a str)> {
        self.choice.setting(name).and_then(pairs).unwrap_or_default()
    }

    fn pair(&self, name: &str, key: &str) -> Option<&'a str> {
        self.pairs(name).into_iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The image of an environment; without settings it is named by what it holds.
    pub fn image(&self, plan: &Plan, environment: &str) -> String {
        if let Some(image) = self.pair("images", environment).or_else(|| self.text("image")) {
            return image.to_owned();
        }
        let digest = plan.environments.get(environment).map_or("", |environment| environment.digest.as_str());
        let tag = digest.get(..12).unwrap_or("latest");
        format!("{}-{}:{tag}", super::names::slug(&plan.pipeline.name), super::names::slug(environment))
    }

    /// Variables of every step.
    pub fn variables(&self) -> Vec<Variable> {
        let pairs = self.pairs("env").into_iter();
        pairs.map(|(name, value)| Variable { name: name.to_owned(), value: value.to_owned() }).collect()
    }

    /// The devices of a step.
    pub fn accelerator(&self, step: &Step) -> Option<Accelerator> {
        self.pair("accelerators", &step.id).and_then(device)
    }

    /// What Kubernetes is told of every executor.
    pub fn executor(&self) -> KubernetesExecutor {
        let mut secrets: IndexMap<&str, Vec<KeyToEnv>> = IndexMap::new();
        for (variable, place) in self.pairs("secrets") {
            if let Some((secret, key)) = place.split_once('/') {
                let known = secrets.entry(secret).or_default();
                known.push(KeyToEnv { secret_key: key.to_owned(), env_var: variable.to_owned() });
            }
        }
        let secret_as_env = secrets
            .into_iter()
            .map(|(secret, key_to_env)| SecretAsEnv { secret_name_parameter: Constant::of(secret), key_to_env });
        let volumes = self
            .pairs("volumes")
            .into_iter()
            .map(|(claim, path)| PvcMount { pvc_name_parameter: Constant::of(claim), mount_path: path.to_owned() });
        let labels: IndexMap<String, String> = self
            .pairs("node_selector")
            .into_iter()
            .map(|(label, value)| (label.to_owned(), value.to_owned()))
            .collect();
        let pull = self
            .text("image_pull_secret")
            .map(|secret| ImagePullSecret { secret_name_parameter: Constant::of(secret) });
        KubernetesExecutor {
            secret_as_env: secret_as_env.collect(),
            pvc_mount: volumes.collect(),
            node_selector: (!labels.is_empty()).then_some(NodeSelector { labels }),
            image_pull_secret: pull.into_iter().collect(),
            image_pull_policy: self.text("image_pull_policy").map(str::to_owned),
            ..KubernetesExecutor::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_checked() {
        let fine = [
            ("images", "default=a@sha256:b, gpu=c"),
            ("secrets", "KEY=store/access,"),
            ("volumes", "data=/mnt/data"),
            ("accelerators", "train.m=nvidia.com/gpu:2"),
            ("image", "anything"),
        ];
        for (name, value) in fine {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
        let wrong = [
            ("images", "a"),
            ("secrets", "KEY=store"),
            ("volumes", "data=mnt"),
            ("accelerators", "train.m=nvidia.com/gpu"),
            ("accelerators", "train.m=nvidia.com/gpu:0"),
            ("env", "=x"),
        ];
        for (name, value) in wrong {
            assert!(check(name, value).is_err_and(|told| told.contains("…")), "{name} {value}");
        }
    }
}
