//! `mlpc infer`: writes a dataset block from data, or shows what changed since one was written.

use crate::draft::{self, Drift, Source};
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::project::{self, Target};
use crate::terminal::{Style, Terminal};
use std::path::{Path, PathBuf};

/// As many rows are looked at if nothing else is said.
const SAMPLE: usize = 100_000;

/// What to look at, and how much of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file: CSV (plain, gzip or zip), NDJSON, Parquet, Arrow, SQLite or DuckDB; or `env:NAME`, the variable that
    /// holds the address of a PostgreSQL server. With `--update`, a program
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// With `--update`, only this dataset
    #[arg(requires = "update")]
    dataset: Option<String>,
    /// Show how the schemas of a program differ from their data today
    #[arg(long)]
    update: bool,
    /// Change the program so that its schemas fit
    #[arg(long, requires = "update")]
    write: bool,
    /// Look at the first N rows
    #[arg(long, value_name = "N", default_value_t = SAMPLE, conflicts_with = "full")]
    sample: usize,
    /// Look at all rows
    #[arg(long)]
    full: bool,
    /// What the dataset is called; by default, as the file or table is
    #[arg(long, value_name = "NAME", conflicts_with = "update")]
    name: Option<String>,
    /// The table of a database
    #[arg(long, value_name = "TABLE", conflicts_with = "update")]
    table: Option<String>,
    /// What a database answers to this query, instead of a table
    #[arg(long, value_name = "SQL", conflicts_with_all = ["update", "table"])]
    query: Option<String>,
    /// The file inside a zip that holds several
    #[arg(long, value_name = "PATH", conflicts_with_all = ["update", "table", "query"])]
    member: Option<String>,
}

/// Prints a block, or what changed.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let limit = (!args.full).then_some(args.sample);
    if args.update { update(args, limit, terminal) } else { infer(args, limit, terminal) }
}

fn infer(args: &Args, limit: Option<usize>, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let shown = args.data.to_string_lossy().into_owned();
    let asked = Source {
        table: args.table.clone(),
        query: args.query.clone(),
        member: args.member.clone(),
        limit,
        ..Source::default()
    };
    let found = source_at(&args.data, args.member.as_deref())?;
    let source = Source { kind: found.kind, path: found.path, variable: found.variable, header: true, ..asked };
    let is_database = matches!(source.kind, "sqlite" | "duckdb" | "postgres");
    if is_database != (source.table.is_some() || source.query.is_some()) {
        return Err(match is_database {
            true => ToolError::usage(format!("`{shown}` is a database"))
                .help("say which rows: `--table NAME` or `--query \"select …\"`"),
            false => ToolError::usage(format!("`{shown}` has no tables")).help("leave `--table` and `--query` out"),
        });
    }
    let names = [shown.clone()];
    let drafts = draft::look(std::slice::from_ref(&source), &names, terminal)?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&source, &shown));
    let shown = if source.variable.is_some() { source.table.clone().unwrap_or(name.clone()) } else { shown };
    for draft in &drafts {
        let (text, left_out) = draft::block(&name, &source, &shown, draft);
        terminal.print(&text);
        for column in left_out {
            terminal.tell(format_args!("`{column}` is left out: the language has no type for its values"));
        }
        if !draft.whole {
            let mark = terminal.err.paint(Style::Dim, "·");
            terminal.tell(format_args!("{mark} from the first {} rows; `--full` looks at all", draft.rows));
        }
    }
    Ok(Exit::Fine)
}

/// How data is read, by its name.
fn source_at(data: &Path, member: Option<&str>) -> Result<Source, ToolError> {
    let text = data.to_string_lossy();
    if let Some(variable) = text.strip_prefix("env:") {
        return Ok(Source { kind: "postgres", variable: Some(variable.to_owned()), header: true, ..Source::default() });
    }
    if !data.is_file() {
        return Err(ToolError::usage(format!("there is no file `{}`", data.display())));
    }
    let lower = member.unwrap_or(&text).to_lowercase();
    let plain = lower.trim_end_matches(".gz").trim_end_matches(".zip");
    let endings: [(&str, &[&str]); 6] = [
        ("csv", &["csv", "tsv", "txt"]),
        ("ndjson", &["ndjson", "jsonl"]),
        ("parquet", &["parquet", "pq"]),
        ("arrow", &["arrow", "ipc", "feather"]),
        ("sqlite", &["db", "sqlite", "sqlite3"]),
        ("duckdb", &["duckdb", "ddb"]),
    ];
    let ending = plain.rsplit_once('.').map_or("", |(_, ending)| ending);
    let Some((kind, _)) = endings.iter().find(|(_, known)| known.contains(&ending)) else {
        let known: Vec<&str> = endings.iter().flat_map(|(_, known)| known.iter().copied()).collect();
        return Err(ToolError::usage(format!("what `{}` holds is not told by its ending", data.display())).help(
            match lower.ends_with(".zip") {
                true => "say which of its files: `--member PATH`".to_owned(),
                false => format!("known are {}", known.join(", ")),
            },
        ));
    };
    let path = std::path::absolute(data).map_err(|error| ToolError::file("find", data, &error))?;
    Ok(Source { kind, path: Some(path), header: true, ..Source::default() })
}

/// The first part of a file's name, or the table's, as a name of the language.
fn name_of(source: &Source, shown: &str) -> String {
    let shown = source.member.as_deref().unwrap_or(shown);
    let file = shown.rsplit(['/', '\\']).next().unwrap_or(shown);
    let stem = file.split('.').next().unwrap_or(file);
    let text = source.table.as_deref().map_or(stem, |table| table.rsplit('.').next().unwrap_or(table));
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_matches('_').to_owned();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("data_{name}") }
}

fn update(args: &Args, limit: Option<usize>, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&Target { path: args.data.clone(), profile: None })?;
    let Drift { files: changed, notes } = draft::drift(&session, args.dataset.as_deref(), limit, terminal)?;
    for note in notes {
        terminal.tell(note);
    }
    if changed.is_empty() {
        let shown = session.shown(&session.location.program);
        let mark = terminal.out.paint(Style::Good, "✓");
        terminal.line(format_args!("{mark} {shown}: the schemas fit their data"));
        return Ok(Exit::Fine);
    }
    for file in &changed {
        terminal.print(&file.diff(&session.shown(&file.path)));
        if args.write {
            files::write(&session.location.root.join(&file.path), &file.new)?;
            terminal.tell(format_args!("changed {}", session.shown(&file.path)));
        }
    }
    // As with a lock that does not fit: told, and nothing was done about it.
    Ok(if args.write { Exit::Fine } else { Exit::ProgramErrors })
}
