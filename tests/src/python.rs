//! The Pythons of the tests, installed as the product installs any environment: one for all pipelines and linters, which
//! `tests/python/mlp.lock` locks, and one for each orchestrator (`tests/python/airflow.txt` and `airflow.lock`).

use mlpc_native::environment::ensure;
use mlpc_plan::lock::{Lock, LockedEnvironment, parse, requirements_digest};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The environment in which pipelines run.
const NAME: &str = "tests";
/// The Python of all environments.
const VERSION: &str = "3.11";
/// Every environment that is locked here.
pub const ENVIRONMENTS: [&str; 9] =
    [NAME, "airflow", "airflow2", "kubeflow", "prefect", "containers", "stores", "registries", "explanations"];

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the repository").to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

/// The file of an environment that asks for packages, or the one that locks them.
fn file(name: &str, asks: bool) -> PathBuf {
    folder().join(match (name, asks) {
        (NAME, true) => "requirements.txt".to_owned(),
        (NAME, false) => "mlp.lock".to_owned(),
        (_, true) => format!("{name}.txt"),
        (_, false) => format!("{name}.lock"),
    })
}

/// What is asked for: the lines of the file.
fn requirements(name: &str) -> Vec<String> {
    let text = fs::read_to_string(file(name, true)).expect("the requirements are there");
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

/// The locked environment of pipelines.
#[must_use]
pub fn locked() -> LockedEnvironment {
    locked_as(NAME)
}

/// A locked environment.
#[must_use]
pub fn locked_as(name: &str) -> LockedEnvironment {
    let text = fs::read_to_string(file(name, false)).expect("BLESS=1 makes the lock");
    let lock = parse(&text).expect("the lock can be read");
    lock.environments.get(name).cloned().expect("the lock holds the environment")
}

/// Whether the lock of an environment was made for its present requirements.
#[must_use]
pub fn is_current(name: &str) -> bool {
    file(name, false).exists() && locked_as(name).requirements == requirements_digest(VERSION, &requirements(name))
}

/// Resolves the requirements of an environment anew and writes its lock. Needs the package index.
pub fn refresh(name: &str) {
    let asked = requirements(name);
    let packages = mlpc_native::resolve::resolve(&asked, VERSION, &mut |_| {}).expect("they can be resolved");
    let requirements = requirements_digest(VERSION, &asked);
    let locked = LockedEnvironment { python: VERSION.to_owned(), requirements, image: None, packages };
    let mut lock = Lock::default();
    lock.environments.insert(name.to_owned(), locked);
    fs::write(file(name, false), lock.print()).expect("the lock can be written");
}

/// The interpreter, with everything installed.
pub fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| interpreter(NAME))
}

/// The interpreter of an environment, which is installed if it is not there.
#[must_use]
pub fn interpreter(name: &str) -> PathBuf {
    let mut lock = Lock::default();
    lock.environments.insert(name.to_owned(), locked_as(name));
    let environment = lock.environment(name).expect("it was just put there");
    ensure(&environment, &mut |_| {}).expect("the environment can be made")
}

/// Python without anything that a surrounding project may have set.
#[must_use]
pub fn command() -> Command {
    clean(python())
}

/// An interpreter without anything that a surrounding project may have set.
#[must_use]
pub fn clean(interpreter: &Path) -> Command {
    let mut command = Command::new(interpreter);
    for name in ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"] {
        command.env_remove(name);
    }
    // Caches of tests are not wanted between the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("RUFF_NO_CACHE", "true").env("PYTHONHASHSEED", "0");
    command
}
