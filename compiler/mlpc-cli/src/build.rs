//! From a program to a build on disk: check, lock, plan, programs, files.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::lockfile;
use crate::profiles;
use crate::project::Session;
use crate::render::{self, Format};
use crate::terminal::{Style, Terminal};
use indexmap::IndexMap;
use mlpc_diagnostics::{Diagnostic, FileSpan, Severity, Span, list_words, rule};
use mlpc_emit::EmitError;
use mlpc_emit::backend::{Choice, NATIVE, TRAIN, Unmet, unmet};
use mlpc_hir::parameters::fixed_parameters;
use mlpc_plan::Plan;
use mlpc_plan::lock::Lock;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Path → text, sorted.
pub type Files = BTreeMap<String, String>;

/// What to do about a program without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLock {
    /// Make one, and say so.
    Make,
    /// Refuse.
    Refuse,
}

/// A plan with its programs.
pub struct Built {
    /// The plan of the training, with identities.
    pub plan: Plan,
    /// The plans of what runs apart from it, by the name of its entry point.
    pub entries: IndexMap<String, Plan>,
    /// Every file of the build.
    pub files: Files,
}

impl Built {
    /// The plan of an entry point: `train`, which is also the default, or `predict.NAME`.
    pub fn entry(&self, name: Option<&str>) -> Result<&Plan, ToolError> {
        let Some(name) = name.filter(|name| *name != TRAIN) else { return Ok(&self.plan) };
        self.entries.get(name).ok_or_else(|| {
            let known: Vec<&str> = std::iter::once(TRAIN).chain(self.entries.keys().map(String::as_str)).collect();
            ToolError::usage(format!("the program has no entry point `{name}`"))
                .help(format!("there is {}", list_words(known.iter().copied(), "and")))
        })
    }
}

/// Checks the program and makes its plan and programs. Findings are told; errors end it.
pub fn build(session: &Session, no_lock: NoLock, terminal: &mut Terminal) -> Result<Built, ToolError> {
    build_for(session, &Choice::default(), no_lock, terminal)
}

/// The same for a target.
pub fn build_for(
    session: &Session,
    choice: &Choice,
    no_lock: NoLock,
    terminal: &mut Terminal,
) -> Result<Built, ToolError> {
    check(session, terminal)?;
    let lock = locked(session, no_lock, terminal)?;
    let mut plan = mlpc_plan::lower(&session.db, session.project, &lock);
    let mut entries = mlpc_plan::lower_entries(&session.db, session.project, &lock);
    let plans = || std::iter::once(&plan).chain(entries.values());
    let unmet: Vec<Diagnostic> = plans()
        .flat_map(|plan| unmet(choice.backend, &choice.version, plan))
        .filter_map(|unmet| cannot(session, choice, &unmet))
        .collect();
    tell(session, &unmet, terminal)?;
    if choice.backend.name() != NATIVE {
        tell(session, &fixed_parameters(&session.db, session.project), terminal)?;
    }
    let files =
        mlpc_emit::build_for(choice, &mut plan, &mut entries, &user_code(session)).map_err(|error| match &error {
            EmitError::SettingOf { target, setting, wrong } => session.location.wrong_setting(target, setting, wrong),
            _ => unprintable(&error),
        })?;
    Ok(Built { plan, entries, files })
}

/// What a target does not do, at the first line of the declaration that asks for it.
fn cannot(session: &Session, choice: &Choice, unmet: &Unmet) -> Option<Diagnostic> {
    let file = session.files().find(|file| *file.path(&session.db) == unmet.origin.file)?;
    let text = file.text(&session.db);
    let above = usize::try_from(unmet.origin.line).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(above).map(str::len).sum();
    let length = text.get(start..)?.lines().next().map_or(0, |line| line.trim_end().len());
    let place = FileSpan { file: file.id(&session.db), span: Span::new(start, start + length) };
    let message = format!("{choice} has no {}: {}", unmet.ability.name(), unmet.reason);
    let finding = Diagnostic::new(rule::not_supported_yet, message, place).here("asks for it");
    Some(finding.help("`mlpc targets` shows what each target does"))
}

/// The programs of a plan and of those of further entry points; all are given their identities.
pub fn emit(session: &Session, plan: &mut Plan, entries: &mut IndexMap<String, Plan>) -> Result<Files, ToolError> {
    mlpc_emit::build_with(plan, entries, &user_code(session)).map_err(|error| unprintable(&error))
}

/// The users' Python files by their path in the project.
pub fn user_code(session: &Session) -> Files {
    let code = session.project.code(&session.db);
    code.iter().filter_map(|(path, text)| Some((path.clone(), text.clone()?))).collect()
}

/// The checks should have found whatever could keep a plan from being printed.
pub fn unprintable(error: &EmitError) -> ToolError {
    if let EmitError::Setting(wrong) = error {
        return ToolError::usage(wrong.clone()).help(format!("it is a setting of `{}`", crate::config::FILE));
    }
    ToolError::usage(format!("the plan cannot be printed: {error}"))
        .exit(Exit::Internal)
        .help("this is a bug of mlpc; please report it with the program that led here")
}

/// Ends with exit code 1 if the program has errors. Style is for `mlpc check` to tell.
pub fn check(session: &Session, terminal: &mut Terminal) -> Result<(), ToolError> {
    let mut findings = mlpc_hir::check_project(&session.db, session.project);
    findings.retain(|finding| finding.severity > Severity::Note);
    tell(session, &findings, terminal)
}

/// Prints findings where they are not the result that was asked for.
pub fn tell(session: &Session, findings: &[Diagnostic], terminal: &mut Terminal) -> Result<(), ToolError> {
    let text = render::render(session, findings, None, Format::Graphical, terminal.err);
    terminal.print_error(&text);
    match render::exit(findings) {
        Exit::Fine => Ok(()),
        exit => Err(ToolError::told(exit)),
    }
}

/// The lock, which holds what the program needs.
pub fn locked(session: &Session, no_lock: NoLock, terminal: &mut Terminal) -> Result<Lock, ToolError> {
    let present = lockfile::read(session)?;
    let findings = mlpc_plan::check_lock(&session.db, session.project, present.as_ref(), &session.system);
    tell(session, &findings, terminal)?;
    match (present, no_lock) {
        (Some(lock), _) => Ok(lock),
        (None, NoLock::Refuse) => Err(lockfile::missing()),
        (None, NoLock::Make) => make(session, terminal),
    }
}

fn make(session: &Session, terminal: &mut Terminal) -> Result<Lock, ToolError> {
    readable(session, terminal)?;
    terminal.tell(format_args!("{} there is no mlp.lock yet, making one", terminal.err.paint(Style::Dim, "·")));
    let mut lock = lockfile::make(session, None, false, terminal)?;
    profiles::lock(session, false, &mut lock, terminal)?;
    lockfile::write(session, None, &lock, terminal)?;
    Ok(lock)
}

/// Ends with exit code 1 if a file that the program names cannot be read.
pub fn readable(session: &Session, terminal: &mut Terminal) -> Result<(), ToolError> {
    let mut findings = mlpc_plan::check_lock(&session.db, session.project, Some(&Lock::default()), &session.system);
    findings.retain(|finding| finding.code == mlpc_diagnostics::rule::bad_value);
    tell(session, &findings, terminal)
}

/// A build on disk. While this is held, no other mlpc changes it.
pub struct Placed {
    /// Its folder.
    pub folder: PathBuf,
    _lock: File,
}

/// Puts a build where runs find it: `.mlp/build/native`, unless another run is using a different one there.
pub fn place(state: &Path, files: &Files) -> Result<Placed, ToolError> {
    place_as(state, "native", files)
}

/// The same under another name.
pub fn place_as(state: &Path, name: &str, files: &Files) -> Result<Placed, ToolError> {
    let folder = state.join("build").join(name);
    let lock = lock_file(&folder)?;
    for _ in 0..10 {
        if is_same(&folder, files) {
            lock.lock_shared().map_err(|error| ToolError::file("lock", &folder, &error))?;
            if is_same(&folder, files) {
                return Ok(Placed { folder, _lock: lock });
            }
            lock.unlock().map_err(|error| ToolError::file("unlock", &folder, &error))?;
        } else if lock.try_lock().is_ok() {
            write(&folder, files)?;
            lock.unlock().map_err(|error| ToolError::file("unlock", &folder, &error))?;
        } else {
            break;
        }
    }
    // Its name is its content, so whoever else writes it writes the same.
    let text: String = files.iter().map(|(path, text)| format!("{path}\0{text}\0")).collect();
    let digest = mlpc_plan::identity::sha256_hex(text.as_bytes());
    let aside = folder.with_file_name(format!("{name}-{}", crate::text::short(&digest)));
    write(&aside, files)?;
    let lock = lock_file(&aside)?;
    lock.lock_shared().map_err(|error| ToolError::file("lock", &aside, &error))?;
    Ok(Placed { folder: aside, _lock: lock })
}

/// The plan of the run before, if there was one that this version can read.
#[must_use]
pub fn previous(state: &Path) -> Option<Plan> {
    let text = fs::read(state.join("build").join("native").join("plan.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

fn lock_file(folder: &Path) -> Result<File, ToolError> {
    let path = folder.with_extension("lock");
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| ToolError::file("create", parent, &error))?;
    }
    File::create(&path).map_err(|error| ToolError::file("create", &path, &error))
}

/// Whether a folder holds this build and no file of another.
fn is_same(folder: &Path, files: &Files) -> bool {
    files.iter().all(|(path, text)| fs::read(folder.join(path)).is_ok_and(|present| present == text.as_bytes()))
}

/// Makes a folder hold this build: changed files are replaced, those of an earlier build that are gone are removed.
/// Says how many changed.
pub fn write(folder: &Path, files: &Files) -> Result<usize, ToolError> {
    let mut changed = 0;
    for path in listed(folder).into_iter().filter(|path| !files.contains_key(path)) {
        let path = folder.join(path);
        if fs::remove_file(&path).is_ok() {
            changed += 1;
        }
    }
    for (path, text) in files {
        if files::write(&folder.join(path), text)? {
            changed += 1;
        }
    }
    Ok(changed)
}

/// Files that the build's own manifest lists; nothing else in the folder is ours to remove.
fn listed(folder: &Path) -> Vec<String> {
    let text = fs::read(folder.join("manifest.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let safe = |path: &String| Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    match manifest.get("files") {
        Some(serde_json::Value::Array(files)) => {
            let path = |file: &serde_json::Value| Some(file.get("path")?.as_str()?.to_owned());
            files.iter().filter_map(path).filter(safe).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Files {
        let paths: Vec<serde_json::Value> = files.iter().map(|(path, _)| serde_json::json!({ "path": path })).collect();
        let manifest = serde_json::json!({ "files": paths }).to_string();
        let own = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        own.chain([("manifest.json".to_owned(), manifest)]).collect()
    }

    #[test]
    fn only_changed_files_are_written_and_only_listed_ones_removed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(folder.path(), &tree(&[("a.py", "1"), ("steps/b.py", "2")])).unwrap(), 3);
        fs::write(folder.path().join("own.txt"), "mine").unwrap();
        assert_eq!(write(folder.path(), &tree(&[("a.py", "1"), ("steps/b.py", "2")])).unwrap(), 0);
        // The manifest, the changed file, and the one that is gone.
        assert_eq!(write(folder.path(), &tree(&[("a.py", "3")])).unwrap(), 3);
        assert_eq!(fs::read_to_string(folder.path().join("a.py")).unwrap(), "3");
        assert!(!folder.path().join("steps/b.py").exists() && folder.path().join("own.txt").exists());
    }

    #[test]
    fn a_manifest_from_elsewhere_removes_nothing_outside() {
        let folder = tempfile::tempdir().unwrap();
        let build = folder.path().join("build");
        fs::create_dir(&build).unwrap();
        fs::write(folder.path().join("precious"), "").unwrap();
        fs::write(build.join("manifest.json"), r#"{"files": [{"path": "../precious"}]}"#).unwrap();
        write(&build, &tree(&[])).unwrap();
        assert!(folder.path().join("precious").exists());
    }

    #[test]
    fn a_build_in_use_stays_as_it_is() {
        let state = tempfile::tempdir().unwrap();
        let first = place(state.path(), &tree(&[("a.py", "1")])).unwrap();
        let same = place(state.path(), &tree(&[("a.py", "1")])).unwrap();
        assert_eq!(first.folder, same.folder);
        let other = place(state.path(), &tree(&[("a.py", "2")])).unwrap();
        assert_ne!(first.folder, other.folder);
        assert_eq!(fs::read_to_string(first.folder.join("a.py")).unwrap(), "1");
        assert_eq!(fs::read_to_string(other.folder.join("a.py")).unwrap(), "2");
        drop((first, same));
        let later = place(state.path(), &tree(&[("a.py", "2")])).unwrap();
        assert_eq!(fs::read_to_string(later.folder.join("a.py")).unwrap(), "2");
        assert!(later.folder.ends_with("native"));
    }
}
