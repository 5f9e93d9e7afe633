//! What `[target.kubeflow]` of `mlp.toml` says, read from its texts.

use super::ir::{Accelerator, Variable};
use super::platform::{
    Constant, ImagePullSecret, KeyToEnv, KubernetesExecutor, NodeSelector, PvcMount, SecretAsEnv, SecretAsVolume,
    Toleration,
};
use crate::backend::forms::{device, is_label_key, is_label_value, is_object, is_variable, is_word, items, pairs};
use crate::backend::{Choice, FOLDER, SERVER, Setting, Target};
use crate::error::EmitError;
use indexmap::IndexMap;
use mlpc_plan::plan::{Plan, Step};
use std::collections::BTreeSet;

/// The names that `mlp.toml` may use.
pub const SETTINGS: &[Setting] = &[
    Setting::text(
        "image",
        "the image that steps run in, best by its digest; else one that is named by pipeline and environment",
    ),
    Setting::text("images", "images of single environments, `ENVIRONMENT=IMAGE, …`"),
    Setting::text(
        "store",
        "the address that a run's parameter `store` has where it says nothing: `s3://bucket/prefix`",
    ),
    Setting::text("pipeline_root", "where Kubeflow puts artifacts unless a run says otherwise"),
    Setting::text("env", "variables of every step's environment, `NAME=VALUE, …`"),
    Setting::text("secrets", "variables that come from secrets of Kubernetes, `NAME=SECRET/KEY, …`"),
    Setting::text("secret_files", "secrets of Kubernetes as folders with a file for each key, `SECRET=/PATH, …`"),
    Setting::text("volumes", "claims of volumes and where steps see them, `CLAIM=/PATH, …`"),
    Setting::text("node_selector", "labels of the nodes that steps run on, `LABEL=VALUE, …`"),
    Setting::text("tolerations", "taints of nodes that do not keep steps away, `KEY=VALUE:EFFECT, KEY:EFFECT, …`"),
    Setting::text("accelerators", "devices of single steps, `STEP=TYPE:COUNT, …`"),
    Setting {
        words: &["Always", "IfNotPresent", "Never"],
        ..Setting::text("image_pull_policy", "when images are pulled")
    },
    Setting::text("image_pull_secret", "the secret of Kubernetes with which images are pulled"),
    SERVER,
    FOLDER,
    Setting::text(
        "experiment",
        "the experiment that runs of `mlpc run --target` belong to; else one that is named as the pipeline",
    ),
    Setting::text("namespace", "the namespace of runs, where the server has one for each team"),
    Setting::text("service_account", "the service account of Kubernetes that runs of `mlpc run --target` have"),
];

/// Those that a server is told of each run.
pub const OF_RUNS: &[&str] = &["experiment", "namespace", "service_account"];

/// What Kubernetes may do with a pod for a taint.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Why a value of a setting cannot be used: what it should look like.
pub fn check(name: &str, value: &str) -> Result<(), String> {
    let form = match name {
        "images" => "`ENVIRONMENT=IMAGE, …`",
        "env" => "`NAME=VALUE, …`, with values that hold no double braces",
        "secrets" => "`NAME=SECRET/KEY, …`",
        "secret_files" => "`SECRET=/PATH, …`",
        "volumes" => "`CLAIM=/PATH, …`",
        "node_selector" => "`LABEL=VALUE, …`",
        "tolerations" => {
            "`KEY=VALUE:EFFECT, KEY:EFFECT, …`, where an effect is NoSchedule, PreferNoSchedule or NoExecute"
        }
        "accelerators" => "`STEP=TYPE:COUNT, …`",
        "image_pull_secret" | "namespace" | "service_account" => "the name of an object of Kubernetes, as `team-a`",
        _ => return Ok(()),
    };
    let fine = match name {
        "tolerations" => items(value).map(toleration).all(|found| found.is_some()),
        "image_pull_secret" | "namespace" | "service_account" => is_object(value),
        _ => pairs(value).is_some_and(|pairs| pairs.iter().all(|pair| fits(name, *pair))),
    };
    if fine { Ok(()) } else { Err(format!("`{name}` of kubeflow is {form}")) }
}

/// Whether an item of a list may be this one.
fn fits(setting: &str, (name, value): (&str, &str)) -> bool {
    match setting {
        "env" => is_variable(name) && !value.contains("{{"),
        "images" => !value.is_empty(),
        "secrets" => {
            let place = value.split_once('/');
            is_variable(name) && place.is_some_and(|(secret, key)| is_object(secret) && is_key(key))
        }
        "secret_files" | "volumes" => is_object(name) && is_path(value),
        "node_selector" => is_label_key(name) && (value.is_empty() || is_label_value(value)),
        "accelerators" => device(value).is_some(),
        _ => true,
    }
}

/// A key of a secret.
fn is_key(text: &str) -> bool {
    text.len() <= 253 && is_word(text, "-_.")
}

/// A place in a container that is no other than it looks.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(':') && !text.split('/').any(|part| part == "..")
}

/// `KEY=VALUE:EFFECT`, `KEY:EFFECT`, or without the effect.
fn toleration(text: &str) -> Option<Toleration> {
    let (taint, effect) = text.split_once(':').map_or((text, None), |(taint, effect)| (taint, Some(effect)));
    let (key, value) = taint.split_once('=').map_or((taint, None), |(key, value)| (key, Some(value)));
    let is_fine = is_label_key(key)
        && value.is_none_or(|value| value.is_empty() || is_label_value(value))
        && effect.is_none_or(|effect| EFFECTS.contains(&effect));
    is_fine.then(|| Toleration {
        key: key.to_owned(),
        operator: if value.is_some() { "Equal" } else { "Exists" },
        value: value.map(str::to_owned),
        effect: effect.map(str::to_owned),
    })
}

/// `nvidia.com/gpu:1`.
fn accelerator(text: &str) -> Option<Accelerator> {
    let (kind, count) = device(text)?;
    Some(Accelerator { resource_type: kind.to_owned(), resource_count: count.to_owned() })
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

    /// Whether steps and environments that settings name are there; a wrong name would do nothing, without a word.
    pub fn fit(&self, target: &Target<'_>) -> Result<(), EmitError> {
        let plans = || target.plans().map(|(_, plan)| plan);
        let steps: BTreeSet<&str> = plans().flat_map(|plan| &plan.steps).map(|step| step.id.as_str()).collect();
        let environments: BTreeSet<&str> =
            plans().flat_map(|plan| plan.environments.keys()).map(String::as_str).collect();
        for (setting, what, known) in [("accelerators", "step", steps), ("images", "environment", environments)] {
            for (name, _) in self.pairs(setting) {
                if !known.contains(name) {
                    let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                    return Err(EmitError::Setting(format!(
                        "`{setting}` of kubeflow names the {what} `{name}`, which is not there; there is {known}"
                    )));
                }
            }
        }
        Ok(())
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
        self.pair("accelerators", &step.id).and_then(accelerator)
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
        let folders = self.pairs("secret_files").into_iter().map(|(secret, path)| SecretAsVolume {
            secret_name_parameter: Constant::of(secret),
            mount_path: path.to_owned(),
        });
        let taints = self.text("tolerations").unwrap_or_default();
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
            secret_as_volume: folders.collect(),
            pvc_mount: volumes.collect(),
            tolerations: items(taints).filter_map(toleration).collect(),
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
            ("secret_files", "gcp-key=/secrets/gcp"),
            ("node_selector", "cloud.example.com/pool=training, spot="),
            ("tolerations", "nvidia.com/gpu:NoSchedule, team=ml:NoExecute, spot"),
            ("namespace", "team-a"),
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
            ("accelerators", "train.m=gpu s:1"),
            ("env", "=x"),
            ("env", "1A=x"),
            ("env", "A=x, A=y"),
            ("env", "A={{workflow.uid}}"),
            ("secrets", "KEY=Store/access"),
            ("secret_files", "key=/secrets/../etc"),
            ("volumes", "-data=/mnt"),
            ("node_selector", "pool=a b"),
            ("tolerations", "gpu:Never"),
            ("namespace", "Team A"),
        ];
        for (name, value) in wrong {
            assert!(check(name, value).is_err_and(|told| told.contains(name)), "{name} {value}");
        }
    }
}
