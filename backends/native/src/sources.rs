//! Checks that pinned files are what the plan was made for, without reading those that did not change.

use crate::RunError;
use crate::digest::file_digest;
use crate::error::FileContext;
use mlpc_plan::Plan;
use rusqlite::{Connection, OptionalExtension, params};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file this fresh may change again without its time changing, so its digest is not remembered.
const SETTLED: Duration = Duration::from_secs(2);

/// What a file looks like from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    size: i64,
    modified: i64,
    inode: i64,
}

/// Checks every source and code file of `plan`.
pub(crate) fn verify(plan: &Plan, root: &Path, database: &Connection, path: &Path) -> Result<(), RunError> {
    let files = plan
        .sources
        .iter()
        // What is fetched is compared when it is fetched.
        .filter(|source| source.remote.is_none())
        .map(|source| (&source.path, &source.sha256, format!("dataset {}", source.name)))
        .chain(plan.code.iter().map(|file| (&file.path, &file.sha256, "a step".to_owned())));
    for (relative, locked, user) in files {
        let found = known_digest(&root.join(relative), database).map_err(|error| match error {
            RunError::File { cause, .. } if cause.kind() == ErrorKind::NotFound => {
                RunError::MissingFile { path: relative.clone(), user: user.clone() }
            }
            RunError::Database { cause, .. } => RunError::Database { path: path.to_path_buf(), cause },
            other => other,
        })?;
        if found != *locked {
            return Err(RunError::ChangedFile { path: relative.clone(), user, found, locked: locked.clone() });
        }
    }
    Ok(())
}

/// SHA-256 of a file, from the database if the file looks as it did when it was hashed.
fn known_digest(file: &Path, database: &Connection) -> Result<String, RunError> {
    let look = look(file)?;
    let key = file.to_string_lossy();
    let failed = |cause| RunError::Database { path: file.to_path_buf(), cause };
    let known: Option<String> = database
        .query_row(
            "select sha256 from files where path = ? and size = ? and modified = ? and inode = ?",
            params![key, look.size, look.modified, look.inode],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    if let Some(known) = known {
        return Ok(known);
    }
    let found = file_digest(file).file("read", file)?;
    let age = since_epoch(SystemTime::now()) - look.modified;
    if age > i64::try_from(SETTLED.as_nanos()).unwrap_or(i64::MAX) && self::look(file)? == look {
        database
            .execute(
                "insert or replace into files values(?, ?, ?, ?, ?)",
                params![key, look.size, look.modified, look.inode, found],
            )
            .map_err(failed)?;
    }
    Ok(found)
}

fn look(file: &Path) -> Result<Look, RunError> {
    let metadata = std::fs::metadata(file).file("read", file)?;
    Ok(Look {
        size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
        modified: metadata.modified().map(since_epoch).unwrap_or(0),
        inode: inode(&metadata),
    })
}

fn since_epoch(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|span| i64::try_from(span.as_nanos()).ok()).unwrap_or(0)
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ino().cast_signed()
}

#[cfg(not(unix))]
fn inode(_metadata: &std::fs::Metadata) -> i64 {
    0
}
