//! The embedded model registry: `.mlp/registry/<model>/v<N>/` and `registry.json`.
//!
//! A version is its content: registering the same model again gives the same version. Changes are made under a lock and
//! become visible when `registry.json` is replaced, so a reader sees the state before or after, never between.

use crate::RunError;
use crate::digest::digest;
use crate::error::FileContext;
use crate::layout::{Layout, file_name};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The format of `registry.json`.
pub const FORMAT: &str = "mlp-registry/v1";
const FILE: &str = "registry.json";

/// What is known about a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// `mlp-registry/v1`.
    pub format: String,
    /// Its name.
    pub model: String,
    /// From 1, without gaps.
    pub versions: Vec<ModelVersion>,
    /// Version numbers by alias.
    pub aliases: BTreeMap<String, u32>,
    /// Every move of an alias, oldest first.
    pub moves: Vec<AliasMove>,
    /// The register step, by identity, that was applied last for each alias. A step that is found in the store on a later
    /// run is not applied again, so that it does not undo a rollback.
    pub applied: BTreeMap<String, String>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// From 1.
    pub version: u32,
    /// Over the model's files.
    pub digest: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// The run, the step's identity, the pipeline, and what the step wrote.
    pub provenance: Value,
}

/// An alias that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasMove {
    /// The alias.
    pub alias: String,
    /// To this version.
    pub version: u32,
    /// RFC 3339, UTC.
    pub at: String,
    /// `registered`, `promoted`, `rolled back`.
    pub why: String,
}

/// A version and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// From 1.
    pub version: u32,
    /// Over the model's files.
    pub digest: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// What is to be registered.
#[derive(Clone, Debug)]
pub struct Registration<'a> {
    /// Name in the registry.
    pub model: &'a str,
    /// Alias that moves to the version.
    pub alias: &'a str,
    /// The model's folder.
    pub source: &'a Path,
    /// Identity of the register step in this run.
    pub identity: &'a str,
    /// Kept with a new version.
    pub provenance: Value,
}

/// What registering did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The version.
    pub version: u32,
    /// Whether it is new.
    pub new: bool,
    /// Its folder.
    pub folder: PathBuf,
}

/// Adds a version and moves the alias to it. Nothing is done, and nothing returned, if this very step was the last one
/// applied for the alias.
pub fn register(layout: &Layout, registration: &Registration<'_>) -> Result<Option<Registered>, RunError> {
    let applied =
        |model: &Model| model.applied.get(registration.alias).map(String::as_str) == Some(registration.identity);
    if read(layout, registration.model)?.is_some_and(|model| applied(&model)) {
        return Ok(None);
    }
    change(layout, registration.model, |model, folder| {
        if applied(model) {
            return Ok(None);
        }
        let digest = digest(registration.source).file("read", registration.source)?;
        let known = model.versions.iter().find(|version| version.digest == digest).map(|version| version.version);
        let version = match known {
            Some(version) => version,
            None => add(model, folder, registration, digest)?,
        };
        move_alias(model, registration.alias, version, "registered");
        model.applied.insert(registration.alias.to_owned(), registration.identity.to_owned());
        Ok(Some(Registered { version, new: known.is_none(), folder: version_folder(folder, version) }))
    })
}

/// Moves `alias` to `version`.
pub fn promote(layout: &Layout, model: &str, version: u32, alias: &str) -> Result<Located, RunError> {
    change(layout, model, |known, folder| {
        if !known.versions.iter().any(|candidate| candidate.version == version) {
            return Err(RunError::UnknownVersion { model: model.to_owned(), wanted: format!("version {version}") });
        }
        move_alias(known, alias, version, "promoted");
        locate(known, folder, alias)
    })
}

/// Moves `alias` back to the version that held it before.
pub fn rollback(layout: &Layout, model: &str, alias: &str) -> Result<Located, RunError> {
    change(layout, model, |known, folder| {
        let unknown = |wanted: String| RunError::UnknownVersion { model: model.to_owned(), wanted };
        let present = *known.aliases.get(alias).ok_or_else(|| unknown(format!("alias {alias}")))?;
        let before = previous(known, alias).ok_or_else(|| unknown(format!("{alias} before version {present}")))?;
        move_alias(known, alias, before, "rolled back");
        locate(known, folder, alias)
    })
}

/// The version that holds `alias`, if there is one.
pub fn champion(layout: &Layout, model: &str, alias: &str) -> Result<Option<Located>, RunError> {
    match read(layout, model)? {
        Some(known) if known.aliases.contains_key(alias) => locate(&known, &folder(layout, model), alias).map(Some),
        _ => Ok(None),
    }
}

/// Every model, by name.
pub fn models(layout: &Layout) -> Result<Vec<Model>, RunError> {
    let root = layout.registry();
    let mut found = Vec::new();
    if root.is_dir() {
        for entry in fs::read_dir(&root).file("read", &root)?.flatten() {
            found.extend(read(layout, &entry.file_name().to_string_lossy())?);
        }
    }
    found.sort_by(|left, right| left.model.cmp(&right.model));
    Ok(found)
}

/// The stack of versions under an alias: each rollback takes the top away.
fn previous(model: &Model, alias: &str) -> Option<u32> {
    let mut stack: Vec<u32> = Vec::new();
    for step in model.moves.iter().filter(|step| step.alias == alias) {
        if step.why == "rolled back" {
            stack.pop();
        } else if stack.last() != Some(&step.version) {
            stack.push(step.version);
        }
    }
    stack.pop();
    stack.pop()
}

fn move_alias(model: &mut Model, alias: &str, version: u32, why: &str) {
    if model.aliases.insert(alias.to_owned(), version) != Some(version) {
        let step = AliasMove { alias: alias.to_owned(), version, at: now(), why: why.to_owned() };
        model.moves.push(step);
    }
}

fn add(model: &mut Model, folder: &Path, registration: &Registration<'_>, digest: String) -> Result<u32, RunError> {
    let version = model.versions.last().map_or(1, |last| last.version + 1);
    let target = version_folder(folder, version);
    let fresh = folder.join(format!(".v{version}"));
    // A copy that was cut short is not in the index, so it may go.
    for stale in [&fresh, &target] {
        if stale.exists() {
            fs::remove_dir_all(stale).file("remove", stale)?;
        }
    }
    copy(registration.source, &fresh).file("copy", registration.source)?;
    fs::rename(&fresh, &target).file("create", &target)?;
    let provenance = registration.provenance.clone();
    model.versions.push(ModelVersion { version, digest, created: now(), provenance });
    Ok(version)
}

fn locate(model: &Model, folder: &Path, alias: &str) -> Result<Located, RunError> {
    let held = model.aliases.get(alias);
    let version = model.versions.iter().find(|version| Some(&version.version) == held);
    version
        .map(|version| Located {
            version: version.version,
            digest: version.digest.clone(),
            folder: version_folder(folder, version.version),
        })
        .ok_or_else(|| RunError::UnknownVersion { model: model.model.clone(), wanted: format!("alias {alias}") })
}

fn folder(layout: &Layout, model: &str) -> PathBuf {
    layout.registry().join(file_name(model))
}

fn version_folder(folder: &Path, version: u32) -> PathBuf {
    folder.join(format!("v{version}"))
}

fn read(layout: &Layout, model: &str) -> Result<Option<Model>, RunError> {
    let path = folder(layout, model).join(FILE);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.file("read", &path)?,
    };
    let damaged = |cause: String| RunError::Registry { path: path.clone(), cause };
    let known: Model = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if known.format == FORMAT { Ok(Some(known)) } else { Err(damaged(format!("its format is `{}`", known.format))) }
}

/// Reads, changes and replaces a model's index under its lock.
fn change<T>(
    layout: &Layout,
    model: &str,
    edit: impl FnOnce(&mut Model, &Path) -> Result<T, RunError>,
) -> Result<T, RunError> {
    let folder = folder(layout, model);
    fs::create_dir_all(&folder).file("create", &folder)?;
    let path = folder.join("lock");
    let lock = File::create(&path).file("create", &path)?;
    lock.lock().file("lock", &path)?;
    let mut known = read(layout, model)?.unwrap_or_else(|| Model {
        format: FORMAT.to_owned(),
        model: model.to_owned(),
        ..Model::default()
    });
    let before = known.clone();
    let result = edit(&mut known, &folder)?;
    if known != before {
        write(&folder, &known)?;
    }
    Ok(result)
}

fn write(folder: &Path, model: &Model) -> Result<(), RunError> {
    let path = folder.join(FILE);
    let fresh = folder.join(".registry.json");
    let text = serde_json::to_vec_pretty(model)
        .map_err(|error| RunError::Registry { path: path.clone(), cause: error.to_string() })?;
    let mut file = File::create(&fresh).file("create", &fresh)?;
    file.write_all(&text).and_then(|()| file.sync_all()).file("write", &fresh)?;
    fs::rename(&fresh, &path).file("write", &path)
}

/// Copies a file or a folder and makes sure that the copy is on disk.
pub(crate) fn copy(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        fs::create_dir_all(target)?;
        for entry in fs::read_dir(source)? {
            let entry = entry?;
            copy(&entry.path(), &target.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::copy(source, target)?;
    File::open(target)?.sync_all()
}

fn now() -> String {
    crate::clock::timestamp()
}
