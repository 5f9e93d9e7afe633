//! Virtual environments, one per locked set of packages, shared by all projects of the user.
//!
//! `<cache>/envs/<digest>` is built under a lock and is whole once its marker holds the full digest. The cache is
//! `$MLPC_CACHE_DIR`, else `$XDG_CACHE_HOME/mlpc`, else `~/.cache/mlpc`.

use crate::tool::{self, ToolError};
use mlpc_plan::plan::Environment;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of uv that is installed where there is none.
pub(crate) const UV: &str = "0.13.9";
/// Written last into whatever is built in the cache.
const MARKER: &str = ".mlpc-ready";

/// Told to people while something slow goes on.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// No interpreter of the wanted version.
    #[error("Python {wanted} was not found; {}", list(.found))]
    NoPython {
        /// `3.11`.
        wanted: String,
        /// Versions that were found.
        found: Vec<String>,
    },
    /// There is no place for a cache.
    #[error("no home folder is known; set MLPC_CACHE_DIR")]
    NoCache,
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A file could not be written.
    #[error("cannot use `{path}`: {cause}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A tool answered in a way that is not understood.
    #[error("the answer of {what} is not understood: {answer}")]
    Answer {
        /// `uv pip compile`.
        what: String,
        /// The part that is not understood.
        answer: String,
    },
}

fn list(versions: &[String]) -> String {
    match versions {
        [] => "no Python was found at all".to_owned(),
        versions => format!("there is {}", versions.join(", ")),
    }
}

/// What installs packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Installer {
    /// At this path.
    Uv(PathBuf),
    /// The pip of the interpreter.
    Pip,
}

/// An interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub path: PathBuf,
    /// `3.11`.
    pub version: String,
}

/// The interpreter of the virtual environment for `environment`, which is built if it is not there.
pub fn ensure(environment: &Environment, progress: Progress<'_>) -> Result<PathBuf, EnvironmentError> {
    if let Some(python) = ready(environment)? {
        return Ok(python);
    }
    ensure_with(environment, None, progress)
}

/// The interpreter of `environment` if it is built already.
pub fn ready(environment: &Environment) -> Result<Option<PathBuf>, EnvironmentError> {
    let folder = folder(environment)?;
    let whole = is_ready(&folder, &environment.digest) && interpreter(&folder).exists();
    Ok(whole.then(|| interpreter(&folder)))
}

pub(crate) fn ensure_with(
    environment: &Environment,
    installer: Option<Installer>,
    progress: Progress<'_>,
) -> Result<PathBuf, EnvironmentError> {
    let folder = folder(environment)?;
    build_once(&folder, &environment.digest, |folder| {
        let python = find_python(&environment.python)?;
        let installer = match installer {
            Some(installer) => installer,
            None if environment.packages.is_empty() => Installer::Uv(PathBuf::new()),
            None => find_installer(progress)?,
        };
        progress(&format!("creating an environment of Python {}", environment.python));
        create(&python.path, folder, installer == Installer::Pip)?;
        if !environment.packages.is_empty() {
            let count = environment.packages.len();
            progress(&format!("installing {count} package{}", if count == 1 { "" } else { "s" }));
            install(folder, environment, &installer)?;
        }
        Ok(())
    })?;
    Ok(interpreter(&folder))
}

/// The cache folder of the user.
pub fn cache() -> Result<PathBuf, EnvironmentError> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    of("MLPC_CACHE_DIR")
        .or_else(|| of("XDG_CACHE_HOME").map(|folder| folder.join("mlpc")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache").join("mlpc")))
        .map(|folder| crate::layout::absolute(&folder))
        .ok_or(EnvironmentError::NoCache)
}

fn folder(environment: &Environment) -> Result<PathBuf, EnvironmentError> {
    let digest = &environment.digest;
    Ok(cache()?.join("envs").join(digest.get(..16).unwrap_or(digest)))
}

/// Where a virtual environment keeps its interpreter.
pub(crate) fn interpreter(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
}

/// Builds `folder` unless it is there, one process at a time; what a killed process left is thrown away first.
pub(crate) fn build_once(
    folder: &Path,
    content: &str,
    build: impl FnOnce(&Path) -> Result<(), EnvironmentError>,
) -> Result<(), EnvironmentError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |cause| EnvironmentError::File { path, cause }
    };
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(at(parent))?;
    let path = parent.join(format!("{}.lock", folder.file_name().unwrap_or_default().to_string_lossy()));
    let lock = File::create(&path).map_err(at(&path))?;
    lock.lock().map_err(at(&path))?;
    if is_ready(folder, content) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(at(folder))?;
    }
    build(folder)?;
    let marker = folder.join(MARKER);
    fs::write(&marker, content).map_err(at(&marker))
}

fn is_ready(folder: &Path, content: &str) -> bool {
    fs::read_to_string(folder.join(MARKER)).is_ok_and(|found| found == content)
}

pub(crate) fn create(python: &Path, folder: &Path, with_pip: bool) -> Result<(), EnvironmentError> {
    let mut command = python_command(python);
    command.args(["-m", "venv"]);
    if !with_pip {
        command.arg("--without-pip");
    }
    tool::run("python -m venv", command.arg(folder), "")?;
    Ok(())
}

fn install(folder: &Path, environment: &Environment, installer: &Installer) -> Result<(), EnvironmentError> {
    let list = folder.join("mlpc-requirements.txt");
    fs::write(&list, environment.requirements())
        .map_err(|cause| EnvironmentError::File { path: list.clone(), cause })?;
    let python = interpreter(folder);
    let (what, mut command) = match installer {
        Installer::Uv(uv) => {
            let mut command = uv_command(uv);
            // Without compiled modules each step would compile what it imports.
            command.args(["pip", "install", "--compile-bytecode", "--python"]).arg(&python);
            ("uv pip install", command)
        }
        Installer::Pip => {
            let mut command = python_command(&python);
            command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            ("pip install", command)
        }
    };
    // Everything is listed, so nothing may come along unlisted.
    tool::run(what, command.args(["--require-hashes", "--no-deps", "--requirement"]).arg(&list), "")?;
    Ok(())
}

/// uv if it is here or can be had, else pip.
pub(crate) fn find_installer(progress: Progress<'_>) -> Result<Installer, EnvironmentError> {
    if tool::run("uv --version", Command::new("uv").arg("--version"), "").is_ok() {
        return Ok(Installer::Uv(PathBuf::from("uv")));
    }
    let folder = cache()?.join(format!("uv-{UV}"));
    let uv = interpreter(&folder).with_file_name(if cfg!(windows) { "uv.exe" } else { "uv" });
    let built = build_once(&folder, UV, |folder| {
        progress(&format!("installing uv {UV}"));
        let python = pythons().into_iter().find(|python| at_least(&python.version, (3, 8)));
        let python = python
            .ok_or_else(|| EnvironmentError::NoPython { wanted: "3.8 or later".to_owned(), found: versions() })?;
        create(&python.path, folder, true)?;
        let mut command = python_command(&interpreter(folder));
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &format!("uv=={UV}")]);
        tool::run("pip install uv", &mut command, "")?;
        Ok(())
    });
    match built {
        Ok(()) => Ok(Installer::Uv(uv)),
        Err(EnvironmentError::Tool(error)) => {
            progress(&format!("uv cannot be installed, using pip ({error})"));
            Ok(Installer::Pip)
        }
        Err(error) => Err(error),
    }
}

/// uv, set so that it never fetches an interpreter.
pub(crate) fn uv_command(uv: &Path) -> Command {
    let mut command = Command::new(uv);
    command.env("UV_PYTHON_DOWNLOADS", "never").env("UV_NO_PROGRESS", "1").env_remove("VIRTUAL_ENV");
    command
}

/// Python without what a surrounding project may have set.
pub(crate) fn python_command(python: &Path) -> Command {
    let mut command = Command::new(python);
    for variable in ["PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"] {
        command.env_remove(variable);
    }
    command
}

/// An interpreter of `version`, which is `3.11`.
pub(crate) fn find_python(version: &str) -> Result<Interpreter, EnvironmentError> {
    let exact = format!("python{version}");
    let named = probe(Path::new(&exact)).filter(|python| python.version == version);
    named
        .or_else(|| pythons().into_iter().find(|python| python.version == version))
        .ok_or_else(|| EnvironmentError::NoPython { wanted: version.to_owned(), found: versions() })
}

/// Interpreters of this machine: those on the path first, then pyenv's.
pub(crate) fn pythons() -> Vec<Interpreter> {
    let mut candidates: Vec<PathBuf> = vec!["python3".into(), "python".into()];
    candidates.extend((8..20).map(|minor| PathBuf::from(format!("python3.{minor}"))));
    let home = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let versions = home.and_then(|home| fs::read_dir(home.join("versions")).ok());
    let mut versions: Vec<PathBuf> = versions.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort();
    candidates.extend(versions.iter().map(|folder| interpreter(folder)));
    let mut found: Vec<Interpreter> = candidates.iter().filter_map(|candidate| probe(candidate)).collect();
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|python| seen.insert(python.path.clone()));
    found
}

pub(crate) fn versions() -> Vec<String> {
    let versions: std::collections::BTreeSet<String> = pythons().into_iter().map(|python| python.version).collect();
    versions.into_iter().collect()
}

/// What a candidate says of itself; a launcher's answer names the interpreter behind it.
fn probe(candidate: &Path) -> Option<Interpreter> {
    let mut command = python_command(candidate);
    command.args(["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"]);
    let answer = tool::run("python", &mut command, "").ok()?;
    let (version, path) = answer.trim().split_once('\n')?;
    Some(Interpreter { path: PathBuf::from(path.trim()), version: version.trim().to_owned() })
}

pub(crate) fn at_least(version: &str, wanted: (u32, u32)) -> bool {
    let parsed = version.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parsed.is_some_and(|version: (u32, u32)| version >= wanted)
}
