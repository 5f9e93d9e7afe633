//! Apache Airflow: one DAG file per entry point, one task per step, each of which starts the launcher.

mod dag;
mod runner;

use super::{Ability, Backend, FOLDER, SERVER, Setting, Support, Target, definition_name};
use crate::FileTree;
use crate::environments;
use crate::error::EmitError;
use crate::layout::Layout;
use mlpc_plan::Plan;
use runner::Runner;

/// Airflow.
pub struct Airflow;

const SETTINGS: &[Setting] = &[
    Setting {
        name: "runner",
        default: Some("venv"),
        words: &["venv", "docker", "kubernetes"],
        doc: "where steps run: virtual environments of the worker, containers, or pods",
    },
    Setting {
        name: "store",
        default: None,
        words: &[],
        doc: "the address of artifacts; without it, Airflow's variable `mlp_store` holds it",
    },
    Setting {
        name: "image",
        default: None,
        words: &[],
        doc: "the image of containers and pods, by digest; of several environments `name=image name=image`",
    },
    Setting { name: "namespace", default: Some("default"), words: &[], doc: "the namespace of pods" },
    Setting { name: "service_account", default: None, words: &[], doc: "the service account of pods" },
    Setting { name: "connection", default: None, words: &[], doc: "the connection to Docker or Kubernetes" },
    Setting { name: "pool", default: None, words: &[], doc: "the pool of all tasks; each takes a slot per thread" },
    Setting {
        name: "start_date",
        default: Some("2026-01-01"),
        words: &[],
        doc: "the day from which a schedule counts, as 2026-01-31",
    },
    SERVER,
    FOLDER,
];

impl Backend for Airflow {
    fn name(&self) -> &'static str {
        "airflow"
    }

    fn doc(&self) -> &'static str {
        "Apache Airflow: a DAG per entry point, a task per step"
    }

    fn versions(&self) -> &'static [&'static str] {
        &["3.3", "2.11"]
    }

    fn support(&self, version: &str, ability: Ability) -> Support {
        match ability {
            Ability::Backoff if version == "2.11" => Support::Partly("each wait is twice the one before"),
            Ability::Retry => Support::Partly("a failed check of data is tried again too"),
            Ability::Memory => Support::Partly("enforced for containers and pods, told to virtual environments"),
            Ability::ProjectFiles => Support::Partly("pushed into the store before the first run"),
            Ability::Backoff
            | Ability::Timeout
            | Ability::Gate
            | Ability::Parallel
            | Ability::Cache
            | Ability::Cpu
            | Ability::Shell
            | Ability::EntryPoints => Support::Full,
        }
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn deployed(&self, plan: &Plan, entry: &str) -> Option<String> {
        Some(definition_name(plan, entry))
    }

    fn emit(&self, target: &Target<'_>, tree: &mut FileTree) -> Result<(), EmitError> {
        let layout = Layout::new()?;
        let runner = Runner::new(target)?;
        for (entry, plan) in target.plans() {
            let (path, text) = dag::file(&layout, target.choice, &runner, entry, plan)?;
            tree.insert(path, text);
        }
        environments::requirements(target.plans().map(|(_, plan)| plan), tree);
        tree.insert(".airflowignore".to_owned(), IGNORED.to_owned());
        Ok(())
    }
}

/// The folders in which Airflow finds no DAGs.
const IGNORED: &str = "code/\nfeatures/\nmlp_runtime/\nsteps/\n";
