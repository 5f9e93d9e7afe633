//! A run on the server of a target: built, its data pushed, started, followed to its end.

use crate::build::{self, NoLock};
use crate::environments;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::params::Given;
use crate::progress::Format;
use crate::project::Session;
use crate::terminal::Terminal;
use mlpc_emit::backend::{Choice, FOLDER, SERVER, TRAIN, plan_file};
use mlpc_plan::Plan;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs an entry point and says what came of it.
pub fn run(
    session: &Session,
    choice: &Choice,
    entry: Option<&str>,
    given: &[Given],
    no_lock: NoLock,
    format: Format,
    terminal: &mut Terminal,
) -> Result<Exit, ToolError> {
    let target = choice.backend.name();
    let built = build::build_for(session, choice, no_lock, terminal)?;
    let plan = built.entry(entry)?;
    let entry = entry.unwrap_or(TRAIN);
    if let Some(fixed) = given.iter().find(|given| !plan.parameters.contains_key(given.name())) {
        return Err(ToolError::usage(format!("a run of `{entry}` on {choice} cannot be given `{}`", fixed.name()))
            .help("`mlpc build --target` says what is fixed, and where"));
    }
    let Some(name) = choice.backend.deployed(plan, entry) else {
        return Err(ToolError::usage(format!("mlpc starts no runs on {choice}"))
            .help("build it with `mlpc build --target` and give the definition to its server"));
    };
    let server = setting(choice, SERVER.name, "the server's address: `server = \"http://localhost:8080\"`")?;
    let store = store(choice, plan)?;
    let folder = match choice.setting(FOLDER.name) {
        Some(folder) => session.location.root.join(folder),
        None => session.location.root.join("build").join(target),
    };
    build::write(&folder, &built.files)?;
    let python = interpreter(plan, terminal)?;
    let mut push = launcher(&python, &folder, "launch");
    push.args(["push", "--plan", &plan_file(entry), "--store", &store, "--project"]).arg(&session.location.root);
    if call(push)? != 0 {
        return Err(ToolError::usage(format!("the data cannot be pushed into {store}")).exit(Exit::StepFailed));
    }
    let mut submit = launcher(&python, &folder, "submit");
    submit.args([target, &name, "--server", &server, "--entry", entry, "--store", &store]);
    for (name, value) in choice.backend.submission(choice) {
        submit.args(["--set", &format!("{name}={value}")]);
    }
    for given in given {
        submit.args(["--param", &given.to_string()]);
    }
    if format == Format::Json {
        submit.arg("--json");
    }
    Ok(match call(submit)? {
        0 => Exit::Fine,
        3 => Exit::Refused,
        4 => Exit::StepFailed,
        _ => return Err(ToolError::told(Exit::Usage)),
    })
}

/// Where the target keeps artifacts, which must be said where this machine can read it.
fn store(choice: &Choice, plan: &Plan) -> Result<String, ToolError> {
    setting(&choice.with_storage_of(plan), "store", "where artifacts are kept: `store = \"s3://bucket/prefix\"`")
}

fn setting(choice: &Choice, name: &str, what: &str) -> Result<String, ToolError> {
    choice.setting(name).map(str::to_owned).ok_or_else(|| {
        let target = choice.backend.name();
        ToolError::usage(format!("`mlp.toml` says no `{name}` of {target}"))
            .help(format!("add {what} to `[target.{target}]`"))
    })
}

/// An interpreter with what the launcher needs: that of the first step.
fn interpreter(plan: &Plan, terminal: &mut Terminal) -> Result<PathBuf, ToolError> {
    let first = plan.steps.first().and_then(|step| plan.environments.get_key_value(&step.environment));
    let Some((name, environment)) = first else { return Err(ToolError::usage("the program has no steps".to_owned())) };
    environments::interpreter(name, environment, terminal)
}

fn launcher(python: &Path, build: &Path, module: &str) -> Command {
    let mut command = Command::new(python);
    command.current_dir(build).env("PYTHONPATH", build).args(["-m", &format!("mlp_runtime.{module}")]);
    command
}

/// Runs a program that tells people itself; its exit code.
fn call(mut command: Command) -> Result<i32, ToolError> {
    let status = command.status().map_err(|error| ToolError::usage(format!("Python does not start: {error}")))?;
    Ok(status.code().unwrap_or(1))
}
