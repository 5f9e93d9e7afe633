//! The project's run lock, and what a run that was killed left behind.

use crate::RunError;
use crate::error::FileContext;
use crate::layout::Layout;
use crate::process::kill_marked;
use rusqlite::Connection;
use std::fs::{self, File};
use std::path::Path;

/// Held by every run until it ends, in whatever way: the system lets go of it even after `kill -9`.
pub(crate) struct RunLock {
    _file: File,
}

/// Enters the project. The first run in, and only it, cleans up.
pub(crate) fn enter(layout: &Layout, database: &Connection) -> Result<RunLock, RunError> {
    let path = layout.lock();
    let file = File::create(&path).file("create", &path)?;
    if file.try_lock().is_ok() {
        clean(layout, database)?;
        file.unlock().file("unlock", &path)?;
    }
    // Where folders cannot be locked, runs take turns.
    let locked = if cfg!(unix) { file.lock_shared() } else { file.lock() };
    locked.file("lock", &path)?;
    Ok(RunLock { _file: file })
}

/// No run is alive, so whatever is half done stays so for ever.
fn clean(layout: &Layout, database: &Connection) -> Result<(), RunError> {
    let temporary = layout.temporary();
    if !is_empty(&temporary) {
        // Steps of a killed run may still be working.
        kill_marked(&layout.marker("", ""));
        empty(&temporary)?;
    }
    database
        .execute("update runs set outcome = 'interrupted' where outcome is null", [])
        .map(drop)
        .map_err(|cause| RunError::Database { path: layout.database(), cause })
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

fn empty(folder: &Path) -> Result<(), RunError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.file("remove", &path)?;
    }
    Ok(())
}
