//! `.mlp/mlp.db`: what happened in which run, and caches that can be lost without harm.
//!
//! The store decides whether a step is finished; this database only remembers. So rows are written in batches, and a
//! killed run loses at most the last moment of its history, never a result.

mod read;
mod write;

pub use read::{Comparison, Difference, History, RunDetails, RunRow, StepRow};
pub(crate) use write::{RunRecord, StepRecord, Writer};

use crate::RunError;
use crate::error::FileContext;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// The schema's version, in `user_version`.
const VERSION: i64 = 1;

const SCHEMA: &str = "
    create table runs(
        id text primary key, pipeline text not null, profile text, seed integer not null, compiler text not null,
        jobs integer not null, started text not null, seconds real, outcome text) without rowid;
    create table steps(
        run text not null, position integer not null, step text not null, title text not null, state text not null,
        identity text not null, seconds real not null, attempts integer not null, summary text, message text,
        exit_code integer, log text, primary key(run, step)) without rowid;
    create table metrics(
        run text not null, step text not null, name text not null, value real not null,
        primary key(run, step, name)) without rowid;
    create table params(
        run text not null, step text not null, name text not null, value text not null, is_default integer not null,
        primary key(run, step, name)) without rowid;
    create table files(
        path text primary key, size integer not null, modified integer not null, inode integer not null,
        sha256 text not null) without rowid;
    create table entries(identity text primary key, stamp text not null) without rowid;
    pragma user_version = 1;";

/// Opens the database, making it where there is none.
pub(crate) fn open(path: &Path) -> Result<Connection, RunError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).file("create", folder)?;
    }
    let database = |cause| RunError::Database { path: path.to_path_buf(), cause };
    let mut connection = Connection::open(path).map_err(database)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(database)?;
    let found = version(&connection).map_err(database)?;
    if found > VERSION {
        return Err(RunError::NewerDatabase { path: path.to_path_buf(), found, known: VERSION });
    }
    if found == 0 {
        create(&mut connection).map_err(database)?;
    }
    // Losing the last transactions to a power cut is harmless here, a damaged file would not be: WAL gives both.
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(database)?;
    Ok(connection)
}

/// A history without runs, in memory.
fn empty(path: &Path) -> Result<Connection, RunError> {
    let make = || {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        Ok(connection)
    };
    make().map_err(|cause| RunError::Database { path: path.to_path_buf(), cause })
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma user_version", [], |row| row.get(0))
}

/// Two runs may both find an empty file, so the version is looked at again under the write lock.
fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if version(&transaction)? == 0 {
        transaction.execute_batch(SCHEMA)?;
    }
    transaction.commit()
}
