//! One Python for all tests: locked in `tests/python/mlp.lock`, installed as the product installs any environment.

use mlpc_native::environment::ensure;
use mlpc_plan::lock::{Lock, LockedEnvironment, parse, requirements_digest};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The environment's name in the lock.
const NAME: &str = "tests";
/// Its Python.
const VERSION: &str = "3.11";

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the repository").to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

/// What is asked for: the lines of `requirements.txt`.
fn requirements() -> Vec<String> {
    let text = fs::read_to_string(folder().join("requirements.txt")).expect("the requirements are there");
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

/// The locked environment.
#[must_use]
pub fn locked() -> LockedEnvironment {
    let text = fs::read_to_string(folder().join("mlp.lock")).expect("BLESS=1 makes the lock");
    let lock = parse(&text).expect("the lock can be read");
    lock.environments.get(NAME).cloned().expect("the lock holds the environment")
}

/// Whether the lock was made for the present requirements.
#[must_use]
pub fn is_current() -> bool {
    locked().requirements == requirements_digest(VERSION, &requirements())
}

/// Resolves the requirements anew and writes the lock. Needs the package index.
pub fn refresh() {
    let packages = mlpc_native::resolve::resolve(&requirements(), VERSION, &mut |_| {}).expect("they can be resolved");
    let requirements = requirements_digest(VERSION, &requirements());
    let locked = LockedEnvironment { python: VERSION.to_owned(), requirements, image: None, packages };
    let mut lock = Lock::default();
    lock.environments.insert(NAME.to_owned(), locked);
    fs::write(folder().join("mlp.lock"), lock.print()).expect("the lock can be written");
}

/// The interpreter, with everything installed.
pub fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let mut lock = Lock::default();
        lock.environments.insert(NAME.to_owned(), locked());
        let environment = lock.environment(NAME).expect("it was just put there");
        ensure(&environment, &mut |_| {}).expect("the environment can be made")
    })
}

/// Python without anything that a surrounding project may have set.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(python());
    for name in ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"] {
        command.env_remove(name);
    }
    // Caches of tests are not wanted between the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("RUFF_NO_CACHE", "true").env("PYTHONHASHSEED", "0");
    command
}
