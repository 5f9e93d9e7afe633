//! What `[target.airflow]` of `mlp.toml` says, read from its texts, and what is wrong with it.

use crate::backend::forms::{self, is_label_key, is_label_value, is_object, is_variable, is_word, pairs};
use crate::backend::{Choice, FOLDER, SERVER, Setting, Target};
use crate::error::EmitError;
use crate::fans::{Fan, Task};
use mlpc_plan::plan::Step;

/// The names that `mlp.toml` may use.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        default: Some("venv"),
        words: &[VENV, DOCKER, KUBERNETES],
        ..Setting::text("runner", "where steps run: virtual environments of the worker, containers, or pods")
    },
    Setting::text("store", "the address of artifacts; without it, Airflow's variable `mlp_store` holds it"),
    Setting::text(
        "image",
        "the image of containers and pods, by digest; of several environments `name=image name=image`",
    ),
    Setting { default: Some("default"), ..Setting::text("namespace", "the namespace of pods") },
    Setting::text("service_account", "the service account of pods"),
    Setting::text("connection", "the connection to Docker or Kubernetes"),
    Setting::text("pool", "the pool of all tasks; each takes a slot per thread"),
    Setting {
        default: Some("2026-01-01"),
        ..Setting::text("start_date", "the day from which a schedule counts, as 2026-01-31")
    },
    Setting::text("env", "variables of every step's environment, `NAME=VALUE, …`"),
    Setting::text(
        "secrets",
        "variables that are kept elsewhere: in secrets of Kubernetes for pods, `NAME=SECRET/KEY, …`; else in Airflow's \
         variables and connections, `NAME=variable/KEY, NAME=connection/ID, …`",
    ),
    Setting::text("volumes", "claims of volumes and where pods see them, `CLAIM=/PATH, …`"),
    Setting::text("accelerators", "devices of single steps in containers and pods, `STEP=TYPE:COUNT, …`"),
    Setting::text("node_selector", "labels of the nodes that pods run on, `LABEL=VALUE, …`"),
    Setting {
        words: &["Always", "IfNotPresent", "Never"],
        ..Setting::text("image_pull_policy", "when images of pods are pulled")
    },
    Setting::text("image_pull_secret", "the secret of Kubernetes with which images of pods are pulled"),
    SERVER,
    FOLDER,
];

pub(super) const VENV: &str = "venv";
pub(super) const DOCKER: &str = "docker";
pub(super) const KUBERNETES: &str = "kubernetes";

/// Settings that mean something only where steps run in containers, or only where they run in pods.
const OF_CONTAINERS: &[&str] = &["image", "connection", "accelerators"];
const OF_PODS: &[&str] =
    &["namespace", "service_account", "volumes", "node_selector", "image_pull_policy", "image_pull_secret"];
/// Variables that steps are given anyway.
const OWN: &[&str] = &["MLP_STEP", "MLP_STORE", "MLP_PARAMS", "MLP_SCHEDULED"];
/// What names of variables hold whose values are credentials.
const CREDENTIALS: &[&str] = &["PASSWORD", "SECRET", "TOKEN", "API_KEY", "ACCOUNT_KEY"];

/// Why a value of a setting cannot be used: what it should look like.
pub(super) fn check(name: &str, value: &str) -> Result<(), String> {
    let (fits, form) = match name {
        "store" => return address(value),
        "env" => return variables(value),
        "image" => (
            !images(value).is_empty() && images(value).iter().all(is_image),
            "an image by its digest, or `ENVIRONMENT=IMAGE ENVIRONMENT=IMAGE`",
        ),
        "namespace" => (is_label(value), "a name of Kubernetes: lower-case letters, digits and `-`"),
        "service_account" | "image_pull_secret" => {
            (is_subdomain(value), "a name of Kubernetes: lower-case letters, digits, `-` and `.`")
        }
        "connection" => (is_word(value, "_-."), "the identifier of a connection: letters, digits, `_`, `-` and `.`"),
        "pool" => (!value.trim().is_empty() && value.len() <= 256, "the name of a pool"),
        "start_date" => (day(value).is_some(), "a day as 2026-01-31"),
        "secrets" => (
            all(value, |(name, place)| {
                is_name(name) && place.split_once('/').is_some_and(|(at, key)| !at.is_empty() && !key.is_empty())
            }),
            "`NAME=SECRET/KEY, …` for pods, else `NAME=variable/KEY, NAME=connection/ID, …`",
        ),
        "volumes" => (all(value, |(claim, path)| is_label(claim) && path.starts_with('/')), "`CLAIM=/PATH, …`"),
        "accelerators" => (all(value, |(_, value)| device(value).is_some()), "`STEP=TYPE:COUNT, …`"),
        "node_selector" => (
            all(value, |(label, value)| {
                is_label_key(label) && has_short_parts(label) && (value.is_empty() || is_label_value(value))
            }),
            "`LABEL=VALUE, …`",
        ),
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(format!("`{name}` of airflow is {form}")) }
}

fn address(value: &str) -> Result<(), String> {
    let known = ["file", "s3", "gs", "az"];
    match value.split_once("://") {
        Some((_, rest)) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            Err("`store` of airflow says where artifacts are, and holds no credentials".to_owned())
        }
        Some((scheme, rest)) if known.contains(&scheme) && !rest.is_empty() => Ok(()),
        _ => Err("`store` of airflow is an address: `file:///…`, `s3://…`, `gs://…` or `az://…`".to_owned()),
    }
}

fn variables(value: &str) -> Result<(), String> {
    let pairs = pairs(value).filter(|pairs| pairs.iter().all(|(name, _)| is_name(name)));
    for (name, value) in pairs.ok_or("`env` of airflow is `NAME=VALUE, …`")? {
        if ["{{", "{%", "{#"].iter().any(|mark| value.contains(mark)) {
            return Err(format!(
                "`{name}` in `env` of airflow holds a template: what is kept elsewhere is for `secrets`"
            ));
        }
        if CREDENTIALS.iter().any(|word| name.ends_with(word)) {
            return Err(format!("`{name}` in `env` of airflow is a credential: `secrets` says where it is kept"));
        }
    }
    Ok(())
}

fn all(text: &str, fits: impl Fn(&(&str, &str)) -> bool) -> bool {
    pairs(text).is_some_and(|pairs| pairs.iter().all(fits))
}

/// `image`, or `name=image name=image`; the digest of an image holds no `=`.
fn images(text: &str) -> Vec<(&str, &str)> {
    text.split_whitespace().map(|word| word.split_once('=').unwrap_or(("", word))).collect()
}

fn is_image((_, image): &(&str, &str)) -> bool {
    is_word(image, "_-./:@")
}

/// The name of a variable of an environment that steps are not given anyway.
fn is_name(text: &str) -> bool {
    is_variable(text) && !OWN.contains(&text)
}

/// As Kubernetes calls namespaces.
fn is_label(text: &str) -> bool {
    is_subdomain(text) && !text.contains('.')
}

/// As Kubernetes calls most things.
fn is_subdomain(text: &str) -> bool {
    is_object(text) && has_short_parts(text)
}

/// `nvidia.com/gpu:1`.
fn device(text: &str) -> Option<(&str, u32)> {
    let (kind, count) = forms::device(text).filter(|(kind, _)| has_short_parts(kind))?;
    count.parse().ok().map(|count| (kind, count))
}

/// Parts of names of hosts hold no more letters.
fn has_short_parts(text: &str) -> bool {
    text.split(['.', '/']).all(|part| part.len() <= 63)
}

/// Year, month and day.
pub(super) fn day(text: &str) -> Option<[i64; 3]> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let number = |text: &str, digits: usize, last: i64| {
        let number: i64 = text.parse().ok().filter(|_| text.len() == digits)?;
        (1..=last).contains(&number).then_some(number)
    };
    let (year, month, day) = (number(year, 4, 9999)?, number(month, 2, 12)?, number(day, 2, 31)?);
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (day <= last).then_some([year, month, day])
}

/// A variable of a step's environment whose value is kept elsewhere.
pub(super) struct Secret<'a> {
    /// The variable.
    pub name: &'a str,
    /// The secret of Kubernetes; `variable` or `connection` of Airflow.
    pub place: &'a str,
    /// What it is called there.
    pub key: &'a str,
}

/// The settings, read.
#[derive(Clone, Copy)]
pub(super) struct Settings<'a> {
    choice: &'a Choice,
}

impl<'a> Settings<'a> {
    /// Those of a target.
    ///
    /// # Errors
    ///
    /// If one does not go with the others, or with the plans, of which `mapped` are the mapped tasks.
    pub(super) fn of(target: &Target<'a>, mapped: &[&Task<'_>]) -> Result<Self, EmitError> {
        let settings = Self { choice: target.choice };
        settings.go_together()?;
        settings.go_with(target, mapped)?;
        Ok(settings)
    }

    fn go_together(&self) -> Result<(), EmitError> {
        let runner = self.runner();
        for (names, of, is_so) in
            [(OF_CONTAINERS, "containers and pods", runner != VENV), (OF_PODS, "pods", runner == KUBERNETES)]
        {
            if let Some(name) = names.iter().find(|name| !is_so && self.choice.settings.contains_key(**name)) {
                return Err(at(name, format!("`{name}` of airflow is for {of}, and `runner` is `{runner}`")));
            }
        }
        for Secret { name, place, key } in self.secrets() {
            if self.env().iter().any(|(known, _)| *known == name) {
                return Err(at("secrets", format!("`{name}` is in `env` and in `secrets` of airflow")));
            }
            let (fits, form) = match runner {
                KUBERNETES => (is_subdomain(place) && is_word(key, "_-."), "`NAME=SECRET/KEY`, a secret of Kubernetes"),
                _ => (
                    ["variable", "connection"].contains(&place) && is_name(key),
                    "`NAME=variable/KEY` or `NAME=connection/ID`, of Airflow",
                ),
            };
            if !fits {
                return Err(at("secrets", format!("`{name}` in `secrets` is {form}, where `runner` is `{runner}`")));
            }
        }
        Ok(())
    }

    fn go_with(&self, target: &Target<'_>, mapped: &[&Task<'_>]) -> Result<(), EmitError> {
        let steps = || target.plans().flat_map(|(_, plan)| &plan.steps);
        if self.runner() != VENV {
            if let Some(step) = steps().find(|step| self.image(&step.environment).is_none()) {
                let wrong = format!("names none for the environment `{}`", step.environment);
                return Err(at(
                    "image",
                    format!("airflow runs steps in images, and `image` of `target.airflow` {wrong}"),
                ));
            }
            let unknown = |name: &&str| !name.is_empty() && !steps().any(|step| step.environment == **name);
            if let Some(name) =
                images(self.text("image").unwrap_or_default()).iter().map(|(name, _)| *name).find(|name| unknown(name))
            {
                return Err(at(
                    "image",
                    format!("no step runs in an environment `{name}`, which `image` of airflow names"),
                ));
            }
        }
        for (name, value) in self.pairs("accelerators") {
            let wrong = |wrong: String| Err(at("accelerators", wrong));
            let task = mapped.iter().find(|task| task.steps.iter().any(|step| step.id == name));
            if let Some(task) = task {
                return wrong(format!("`{name}` is an instance of the task `{}`: devices are those of all", task.name));
            }
            let is_task = mapped.iter().any(|task| task.name == name);
            if !is_task && !steps().any(|step| step.id == name) {
                return wrong(format!("there is no step `{name}`, which `accelerators` of airflow names"));
            }
            if self.runner() == DOCKER && device(value).is_none_or(|(kind, _)| kind != NVIDIA) {
                return wrong(format!("Docker gives steps devices of the type `{NVIDIA}`, not `{value}`"));
            }
        }
        Ok(())
    }

    /// The value of a setting that is one text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.choice.setting(name)
    }

    /// Where steps run.
    pub(super) fn runner(&self) -> &'a str {
        self.text("runner").unwrap_or(VENV)
    }

    fn pairs(&self, name: &str) -> Vec<(&'a str, &'a str)> {
        self.text(name).and_then(pairs).unwrap_or_default()
    }

    /// Variables of every step.
    pub(super) fn env(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs("env")
    }

    /// Variables of every step that are kept elsewhere.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret<'a>> + use<'a> {
        let pairs = self.pairs("secrets").into_iter();
        pairs.filter_map(|(name, value)| value.split_once('/').map(|(place, key)| Secret { name, place, key }))
    }

    /// Labels of the nodes that pods run on.
    pub(super) fn nodes(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs("node_selector")
    }

    /// Claims of volumes, and where pods see them.
    pub(super) fn volumes(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs("volumes")
    }

    /// The image of an environment.
    pub(super) fn image(&self, environment: &str) -> Option<&'a str> {
        let images = images(self.text("image").unwrap_or_default());
        let of = |wanted: &str| images.iter().find(|(name, _)| *name == wanted).map(|(_, image)| *image);
        of(environment).or_else(|| of(""))
    }

    /// Whether a step has devices.
    pub(super) fn has_devices(&self) -> bool {
        !self.pairs("accelerators").is_empty()
    }

    /// The devices of a step: type and count. Those of a fan's steps are said of its task.
    pub(super) fn devices(&self, step: &Step, fans: &[Fan<'_>]) -> Option<(&'a str, u32)> {
        let task = fans.iter().flat_map(|fan| &fan.tasks).find(|task| task.steps.iter().any(|own| own.id == step.id));
        let name = task.map_or(step.id.as_str(), |task| task.name.as_str());
        self.pairs("accelerators").into_iter().find(|(known, _)| *known == name).and_then(|(_, value)| device(value))
    }
}

/// The only devices that Docker is asked for by type.
const NVIDIA: &str = "nvidia.com/gpu";

fn at(setting: &str, wrong: String) -> EmitError {
    EmitError::SettingOf { target: "airflow", setting: setting.to_owned(), wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_checked() {
        let fine = [
            ("store", "file:///srv/store"),
            ("store", "s3://bucket/prefix?region=eu-central-1"),
            ("image", "registry.example:5000/a/b@sha256:aa"),
            ("image", "default=a@sha256:aa gpu=b"),
            ("namespace", "ml-1"),
            ("service_account", "trainer.eu"),
            ("connection", "in_cluster"),
            ("pool", "large machines"),
            ("start_date", "2024-02-29"),
            ("env", "REGION=eu, AWS_WEB_IDENTITY_TOKEN_FILE=/var/token,"),
            ("secrets", "KEY=store/access, DATABASE=connection/warehouse"),
            ("accelerators", "train.m=nvidia.com/gpu:2"),
            ("node_selector", "pool=training, example.com/zone=a"),
            ("image_pull_secret", "registry"),
            ("volumes", "data=/mnt/data, models=/mnt/models"),
        ];
        for (name, value) in fine {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
        let wrong = [
            ("store", "s3:bucket"),
            ("store", "s3://key:word@bucket"),
            ("image", ""),
            ("image", "a b=$(id)"),
            ("namespace", "ML"),
            ("service_account", "-a"),
            ("connection", "a b"),
            ("pool", " "),
            ("start_date", "2026-02-29"),
            ("env", "A"),
            ("env", "A=1, A=2"),
            ("env", "MLP_STORE=1"),
            ("env", "2A=1"),
            ("env", "A={{ var.value.a }}"),
            ("env", "AWS_SECRET=a"),
            ("secrets", "KEY=store"),
            ("accelerators", "train.m=nvidia.com/gpu"),
            ("accelerators", "train.m=nvidia.com/gpu:0"),
            ("node_selector", "pool"),
            ("image_pull_secret", "a_b"),
            ("volumes", "data=mnt"),
        ];
        for (name, value) in wrong {
            assert!(check(name, value).is_err_and(|told| told.contains("of airflow")), "{name} {value}");
        }
    }
}
