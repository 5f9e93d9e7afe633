//! Prefect 3: a flow per entry point, with a task per step, and the deployments that start them.
//!
//! A task starts the launcher of the runtime in a process of its own, so that a limit on its time can be kept. Fields
//! that Prefect reads as templates (`prefect.yaml`, automations) hold no text of users; docs are literals of the flows.

mod deployments;
mod flow;
mod telling;

use super::{Ability, Backend, FOLDER, SAME, SERVER, Setting, Support, Target, definition_name};
use crate::FileTree;
use crate::environments;
use crate::error::EmitError;
use crate::layout::Layout;
use crate::names::module_name;
use mlpc_plan::Plan;

const LAUNCHING: &str = include_str!("../../templates/prefect/launching.py");

/// Prefect.
pub struct Prefect;

const SETTINGS: &[Setting] = &[
    Setting::text("store", "where artifacts are kept; else the variable `MLP_STORE` of whoever runs the flow says it"),
    Setting { default: Some("mlp"), ..Setting::text("work_pool", "the work pool of the deployments") },
    Setting {
        default: Some("process"),
        words: &["process", "docker", "kubernetes"],
        ..Setting::text("work_pool_type", "what its workers start")
    },
    Setting::text("image", "the image, by its digest, in which docker and kubernetes run a flow"),
    Setting::text("results", "the block of the storage where Prefect keeps what is cached: `s3-bucket/mlp-results`"),
    Setting::text(
        "secrets",
        "variables that steps get from secret blocks, with commas: `AWS_SECRET_ACCESS_KEY` is in `aws-secret-access-key`",
    ),
    Setting { default: Some("4"), ..Setting::text("parallel", "how many steps of a run may run at once") },
    SERVER,
    FOLDER,
];

impl Backend for Prefect {
    fn name(&self) -> &'static str {
        "prefect"
    }

    fn doc(&self) -> &'static str {
        "Prefect: a flow per entry point, with its deployment"
    }

    fn versions(&self) -> &'static [&'static str] {
        &["3"]
    }

    fn support(&self, _version: &str, ability: Ability) -> Support {
        match ability {
            Ability::Memory => Support::Partly("told to the step; the limit is that of the work pool's job"),
            Ability::Cpu => Support::Partly("threads of each step; the job of the work pool holds all steps of a run"),
            Ability::ProjectFiles => Support::Partly("once `mlp_runtime.launch push` has put them into the store"),
            Ability::Parameters => Support::None(SAME),
            Ability::ScheduledDate => Support::None("the date in the lock, or that of the build"),
            Ability::CatchUp => Support::None("missed runs are not made up for"),
            Ability::Schedule
            | Ability::Environments
            | Ability::Retry
            | Ability::Backoff
            | Ability::Timeout
            | Ability::Gate
            | Ability::Parallel
            | Ability::Cache
            | Ability::Shell
            | Ability::EntryPoints => Support::Full,
        }
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn check(&self, setting: &str, value: &str) -> Result<(), String> {
        let (fits, form) = match setting {
            "image" => (is_pinned(value), "an image by its digest: `NAME@sha256:…`"),
            "results" => (value.split('/').filter(|part| !part.is_empty()).count() == 2, "a block: `TYPE/NAME`"),
            "secrets" => (variables(value).iter().all(|name| is_variable(name)), "names of variables: `NAME, NAME, …`"),
            "parallel" => (value.parse().is_ok_and(|count: u32| count > 0), "a whole number from 1 on"),
            _ => return Ok(()),
        };
        if fits { Ok(()) } else { Err(format!("`{setting}` of `target.prefect` is {form}")) }
    }

    fn deployed(&self, plan: &Plan, entry: &str) -> Option<String> {
        Some(format!("{}/{entry}", definition_name(plan, entry)))
    }

    fn emit(&self, target: &Target<'_>, tree: &mut FileTree) -> Result<(), EmitError> {
        let settings = Settings::of(target)?;
        let layout = Layout::new()?;
        tree.insert("flows/__init__.py".to_owned(), "\"\"\"Flows: one per entry point.\"\"\"\n".to_owned());
        tree.insert("flows/launching.py".to_owned(), LAUNCHING.to_owned());
        environments::requirements(target.plans().map(|(_, plan)| plan), tree);
        let entries: Vec<Entry<'_>> = target.plans().map(|(name, plan)| Entry::of(name, plan)).collect();
        for entry in &entries {
            tree.insert(entry.file(), flow::print(&layout, entry, &settings)?);
        }
        tree.insert("prefect.yaml".to_owned(), deployments::print(&entries, &settings)?);
        telling::add(&layout, &entries, tree)
    }
}

/// An entry point.
struct Entry<'a> {
    name: &'a str,
    plan: &'a Plan,
}

impl<'a> Entry<'a> {
    fn of(name: &'a str, plan: &'a Plan) -> Self {
        Self { name, plan }
    }

    /// The flow's name on the server.
    fn flow(&self) -> String {
        definition_name(self.plan, self.name)
    }

    /// The flow's file in the build.
    fn file(&self) -> String {
        format!("flows/{}.py", module_name(self.name))
    }
}

/// What `[target.prefect]` says.
struct Settings<'a> {
    store: Option<&'a str>,
    work_pool: &'a str,
    /// The image in which a flow runs; `None` where it runs as a process.
    image: Option<&'a str>,
    results: Option<&'a str>,
    secrets: Vec<&'a str>,
    parallel: u32,
}

impl<'a> Settings<'a> {
    fn of(target: &Target<'a>) -> Result<Self, EmitError> {
        let choice = target.choice;
        let in_containers = choice.setting("work_pool_type") != Some("process");
        let image = choice.setting("image").filter(|_| in_containers);
        if in_containers && image.is_none() {
            let told = "`image` of `[target.prefect]`: a flow that runs in a container needs one by its digest";
            return Err(EmitError::Setting(told.to_owned()));
        }
        Ok(Self {
            store: choice.setting("store"),
            work_pool: choice.setting("work_pool").unwrap_or_default(),
            image,
            results: choice.setting("results"),
            secrets: choice.setting("secrets").map(variables).unwrap_or_default(),
            parallel: choice.setting("parallel").and_then(|text| text.parse().ok()).unwrap_or(1),
        })
    }
}

/// Names with commas between them.
fn variables(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

/// Whether a variable of an environment may be called so.
fn is_variable(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_uppercase() || letter == '_')
        && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// Whether an image is named by its digest.
fn is_pinned(image: &str) -> bool {
    let digest = image.split_once("@sha256:").map(|(_, digest)| digest);
    digest.is_some_and(|digest| digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit()))
}
