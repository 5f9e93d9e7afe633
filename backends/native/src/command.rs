//! The command line and environment of a step.

use crate::options::Options;
use crate::shell;
use mlpc_plan::plan::{Step, StepSpec};
use mlpc_plan::variables::{FIXED, THREADS};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Variables that a step inherits: where programs are, who it runs as, and how the network is reached.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
];

/// Holds [`crate::Layout`]'s marker in the environment of all processes of a step, by which strays are found.
pub(crate) const MARKER: &str = "MLP_STEP";

/// Names the folder in which a step keeps what it has done, for the case that it is killed.
const PROGRESS: &str = "MLP_PROGRESS";

/// What every step of a run is given.
pub(crate) struct Setting {
    variables: Vec<(OsString, OsString)>,
    path: OsString,
    build: PathBuf,
}

/// What one step is given.
pub(crate) struct Call<'a> {
    pub step: &'a Step,
    /// Paths of inputs by name; an absent champion is left out.
    pub inputs: BTreeMap<&'a str, PathBuf>,
    /// Where outputs go.
    pub folder: &'a Path,
    /// Its current folder.
    pub current: &'a Path,
    /// Its name in the environment.
    pub marker: &'a str,
    /// Where it keeps what it has done, if it does so.
    pub progress: Option<&'a Path>,
}

impl Setting {
    /// Reads the environment once for the run.
    pub fn new(options: &Options) -> Self {
        let mut variables: BTreeMap<OsString, OsString> = BTreeMap::new();
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                variables.insert(name.into(), value);
            }
        }
        variables.entry("LANG".into()).or_insert_with(|| "C.UTF-8".into());
        for (name, value) in FIXED {
            variables.insert(name.into(), value.into());
        }
        variables.insert("PYTHONPATH".into(), options.build.clone().into_os_string());
        for (name, value) in &options.variables {
            variables.insert(name.into(), value.into());
        }
        let path = variables.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        Self { variables: variables.into_iter().collect(), path, build: options.build.clone() }
    }

    /// A command of Python that sees the build and nothing else of what surrounds it.
    pub fn bare(&self, python: &Path, cpu: u32) -> std::process::Command {
        let mut command = std::process::Command::new(python);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.envs(THREADS.iter().map(|name| (name, cpu.to_string())));
        command
    }

    /// The command of a step; `python` is given for all but shell steps.
    pub fn command(&self, call: &Call<'_>, python: Option<&Path>) -> Command {
        let mut command = match (&call.step.spec, python) {
            (StepSpec::Shell(shell), _) => shell_command(&shell.template, call),
            (_, python) => self.python_command(call, python.unwrap_or(Path::new("python3"))),
        };
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = python.and_then(Path::parent) {
            let paths = std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&self.path));
            // A folder whose name holds the separator cannot be on a path at all.
            command.env("PATH", std::env::join_paths(paths).unwrap_or_else(|_| self.path.clone()));
        }
        let threads = call.step.resources.cpu.to_string();
        command.envs(THREADS.iter().map(|name| (name, &threads)));
        command.env(MARKER, call.marker).current_dir(call.current);
        command.envs(call.progress.map(|folder| (PROGRESS, folder)));
        command
    }

    fn python_command(&self, call: &Call<'_>, python: &Path) -> Command {
        let mut command = Command::new(python);
        command.arg(self.build.join(&call.step.program.path));
        for (name, path) in &call.inputs {
            command.arg(flag(name)).arg(path);
        }
        for (name, output) in &call.step.outputs {
            command.arg(flag(name)).arg(call.folder.join(&output.path));
        }
        for (name, param) in &call.step.params {
            // One argument, so that a negative number is no flag.
            command.arg(format!("{}={}", flag(name), param.value));
        }
        if let Some(seed) = call.step.seed {
            command.arg("--seed").arg(seed.to_string());
        }
        if let Some(fold) = call.step.fold {
            command.arg("--fold").arg(fold.to_string());
        }
        command.arg("--threads").arg(call.step.resources.cpu.to_string());
        command.arg("--result").arg(call.folder.join(crate::result::FILE));
        command
    }
}

/// A `_` at the end of a name only avoids a Python keyword; names from an imported file have a dot.
fn flag(name: &str) -> String {
    format!("--{}", name.trim_end_matches('_').replace(['_', '.'], "-"))
}

fn shell_command(template: &str, call: &Call<'_>) -> Command {
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for (name, path) in &call.inputs {
        values.insert(name, path.to_string_lossy().into_owned());
    }
    for (name, output) in &call.step.outputs {
        values.insert(name, call.folder.join(&output.path).to_string_lossy().into_owned());
    }
    for (name, param) in &call.step.params {
        values.insert(name, plain(&param.value));
    }
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(shell::render(template, &values));
    command
}

/// A value as a shell knows it: text without JSON's quotes, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
