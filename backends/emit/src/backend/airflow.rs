//! Apache Airflow: one DAG file per entry point, one task per step, each of which starts the launcher.

mod dag;
mod runner;
mod settings;
mod telling;

use super::{Ability, Backend, Setting, Support, Target, definition_name};
use crate::FileTree;
use crate::environments;
use crate::error::EmitError;
use crate::fans::{Fan, Task, fans};
use crate::layout::Layout;
use mlpc_plan::Plan;
use runner::Runner;
use settings::Settings;

/// Airflow.
pub struct Airflow;

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
            Ability::Parameters
            | Ability::Schedule
            | Ability::ScheduledDate
            | Ability::CatchUp
            | Ability::Environments
            | Ability::Backoff
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
        settings::SETTINGS
    }

    fn check(&self, setting: &str, value: &str) -> Result<(), String> {
        settings::check(setting, value)
    }

    fn deployed(&self, plan: &Plan, entry: &str) -> Option<String> {
        Some(definition_name(plan, entry))
    }

    fn emit(&self, target: &Target<'_>, tree: &mut FileTree) -> Result<(), EmitError> {
        let layout = Layout::new()?;
        let entries: Vec<(&str, &Plan, Vec<Fan<'_>>)> =
            target.plans().map(|(entry, plan)| (entry, plan, fans(&plan.steps))).collect();
        let mapped: Vec<&Task<'_>> = entries.iter().flat_map(|(_, _, fans)| fans).flat_map(|fan| &fan.tasks).collect();
        let runner = Runner::new(Settings::of(target, &mapped)?);
        for (entry, plan, fans) in &entries {
            let (path, text) = dag::file(&layout, target.choice, &runner, entry, plan, fans)?;
            tree.insert(path, text);
        }
        environments::requirements(target.plans().map(|(_, plan)| plan), tree);
        tree.insert(".airflowignore".to_owned(), IGNORED.to_owned());
        Ok(())
    }
}

/// The folders in which Airflow finds no DAGs.
const IGNORED: &str = "code/\nfeatures/\nmlp_runtime/\nsteps/\nsweeps/\n";
