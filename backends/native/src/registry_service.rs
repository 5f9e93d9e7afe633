//! Registries that are services, such as an MLflow server: the runtime's Python asks them (`mlp_runtime/registries.py`).
//!
//! It sees the whole environment, unlike steps: that is where addresses and credentials are.

use crate::RunError;
use crate::layout::{Layout, file_name};
use crate::options::Options;
use crate::registry::{Located, Registered, Registration};
use crate::{environment, tool};
use mlpc_plan::Plan;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A registry, and what reaches it.
pub(crate) struct Service<'a> {
    /// `mlflow:http://host:5000`, `mlflow:$VARIABLE`.
    pub address: &'a str,
    pub plan: &'a Plan,
    pub options: &'a Options,
    /// The environment whose Python asks.
    pub environment: &'a str,
}

/// A version as it is told.
#[derive(Deserialize)]
struct Version {
    version: u32,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    new: bool,
}

impl Service<'_> {
    /// The version that holds `alias`, fetched if this machine does not have it.
    pub fn champion(&self, layout: &Layout, model: &str, alias: &str) -> Result<Option<Located>, RunError> {
        let held = self.ask(&["champion", model, "--alias", alias], None)?;
        let Some(Version { version, digest, .. }) = told(held)? else { return Ok(None) };
        let place = layout.fetched(&digest);
        let folder = place.join(format!("v{version}"));
        if !folder.is_dir() {
            let fresh = layout.fetched(&format!("{digest}.{}", file_name(&std::process::id().to_string())));
            let fetched =
                self.ask(&["fetch", model, "--digest", &digest, "--folder", &fresh.to_string_lossy()], None)?;
            let fetched: Option<PathBuf> = told(fetched)?;
            let fetched = fetched.ok_or_else(|| RunError::UnknownVersion {
                model: model.to_owned(),
                wanted: format!("version {version}"),
            })?;
            settle(&fetched, &folder)?;
        }
        Ok(Some(Located { version, digest, folder }))
    }

    /// Adds a version and moves the alias to it; nothing if this very step was the last one applied for the alias.
    pub fn register(&self, registration: &Registration<'_>) -> Result<Option<Registered>, RunError> {
        let source = registration.source.to_string_lossy();
        let asked = ["register", registration.model, "--alias", registration.alias, "--folder", &source];
        let found: Option<Version> = told(self.ask(&asked, Some(&registration.provenance))?)?;
        let folder = registration.source.to_path_buf();
        Ok(found.map(|Version { version, new, .. }| Registered { version, new, folder }))
    }

    fn ask(&self, arguments: &[&str], input: Option<&Value>) -> Result<Value, RunError> {
        let python = self.python()?;
        let mut command = Command::new(python);
        command.args(["-m", "mlp_runtime.registries", self.address]).args(arguments).current_dir(&self.options.root);
        command.env("PYTHONPATH", &self.options.build).env("PYTHONUTF8", "1").env_remove("PYTHONHOME");
        let input = input.map(Value::to_string).unwrap_or_default();
        let answer = tool::run("the registry", &mut command, &input)
            .map_err(|error| RunError::RegistryService(error.to_string()))?;
        serde_json::from_str(&answer).map_err(|error| RunError::RegistryService(format!("the registry: {error}")))
    }

    fn python(&self) -> Result<PathBuf, RunError> {
        if let Some(python) = self.options.pythons.get(self.environment) {
            return Ok(python.clone());
        }
        let unknown = || RunError::Plan(format!("it has no environment `{}`", self.environment));
        let locked = self.plan.environments.get(self.environment).ok_or_else(unknown)?;
        environment::ensure(locked, &mut |_| {}).map_err(|error| RunError::RegistryService(error.to_string()))
    }
}

fn told<T: serde::de::DeserializeOwned>(answer: Value) -> Result<Option<T>, RunError> {
    serde_json::from_value(answer).map_err(|error| RunError::RegistryService(format!("the registry: {error}")))
}

/// Puts what was fetched in its place, whole; another run may have been faster.
fn settle(fetched: &Path, folder: &Path) -> Result<(), RunError> {
    use crate::error::FileContext;
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).file("create", parent)?;
    }
    if let Err(error) = std::fs::rename(fetched, folder)
        && !folder.is_dir()
    {
        return Err(error).file("create", folder);
    }
    if let Some(left) = fetched.parent() {
        // What is left of it harms nobody.
        let _ = std::fs::remove_dir_all(left);
    }
    Ok(())
}
