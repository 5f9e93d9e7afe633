//! What steps do: kinds of steps, and those about data.

use super::{Evaluate, Expr, Gate, Origin, Predict, Register, Search, Split, SplitBy, Train, UserPython, UserShell};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "does", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepSpec {
    /// Reads a source, checks its schema, writes a table in canonical order. In: `source`. Out: `rows`, `profile`,
    /// `checks`.
    Ingest(Ingest),
    /// Checks expectations. In: `rows`, `profile`, and where it compares with them, `reference` and `previous`. Out:
    /// `checks`, `data_docs`.
    Validate(Validate),
    /// Row-wise columns. In: one `rows` per dataset, by dataset name. Out: `rows`.
    Features {
        /// Key of [`Plan::features`].
        features: String,
    },
    /// Assigns each row to a part. In: `rows`. Out: `parts` (row identifier and part).
    Split(Split),
    /// Fits the fitted columns on the training part. In: `rows`, `parts`. Out: `transform`.
    Fit {
        /// Key of [`Plan::features`].
        features: String,
        /// How the rows are split, which decides the folds of columns that are fitted out of fold; `None` if there are
        /// none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        out_of_fold: Option<SplitBy>,
    },
    /// Trains. In: `rows`, `parts`, `transform` (if the features have fitted columns). Out: `model`, and of a fold
    /// `predictions` for the rows that it leaves out.
    Train(Train),
    /// Fits one point of a sweep and says how good it is on rows that train nothing. In: `rows`, `parts`. Out: `trial`.
    Trial {
        /// Key of [`Plan::sweeps`](super::Plan::sweeps).
        sweep: String,
    },
    /// Chooses the best point and fits it. In: `rows`, `parts`, and of points that are known already `trial_1`, …. Out:
    /// `model`, `trials`.
    Sweep {
        /// Key of [`Plan::sweeps`](super::Plan::sweeps).
        sweep: String,
        /// How points are found that are not known already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        search: Option<Search>,
    },
    /// Judges a model. In: `rows`, `parts`, `model`, or by folds `rows`, `model`, `fold_1`, … (their predictions). Out:
    /// `metrics`, `report`, `predictions`.
    Evaluate(Evaluate),
    /// Decides. In: `metrics`. Out: `verdict`. Exits with 3 when it refuses, its output written.
    Gate(Gate),
    /// Adds a version to the registry. In: `model`, `verdict`, `metrics`. Out: `registration`.
    Register(Register),
    /// Scores rows with a registered model. In: `champion`, one `rows` per dataset, by dataset name, and for new rows
    /// `previous`. Out: `predictions`.
    Predict(Predict),
    /// A user's Python function. In and out: as declared.
    Python(UserPython),
    /// A user's shell command. In and out: as declared.
    Shell(UserShell),
}

/// Reads a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    /// The dataset.
    pub dataset: String,
    /// How the source is read.
    pub format: Format,
    /// What is read, in order.
    pub schema: Vec<ColumnSchema>,
    /// Columns that identify a row; empty: its ordinal does.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// IANA zone of times without an offset.
    pub timezone: Option<String>,
    /// To what is cut of it; `None`: all of it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// How a source is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Format {
    /// Comma-separated text, plain, gzip, or the one file in a zip.
    Csv {
        /// Texts that mean null.
        null: Vec<String>,
        /// One character.
        delimiter: String,
        /// Whether the first line names the columns; otherwise they are named by order.
        header: bool,
        /// The file's path inside a zip; of one with a single file it need not be said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<String>,
    },
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Ndjson,
    /// Arrow IPC.
    Arrow,
    /// An SQLite database.
    Sqlite {
        /// Which rows.
        rows: Rows,
    },
    /// A DuckDB database.
    Duckdb {
        /// Which rows.
        rows: Rows,
    },
}

/// Cuts a dataset to what was known at a time, the step's parameter `as_of`: a day (its midnight in the dataset's zone)
/// or an instant, ISO 8601. What is left are rows with `time + rows_ms <= as_of`, and in those that are left, null
/// for what was not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The row's time.
    pub time: String,
    /// How long after its time a row is known, in milliseconds: the largest of its columns that may not be null.
    pub rows_ms: i64,
    /// Columns that may be null and are known later than the row, in milliseconds after its time.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub cells: IndexMap<String, i64>,
}

/// Which rows of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rows {
    /// All rows of a table or view.
    Table(String),
    /// What a query gives.
    Query(String),
}

/// One column of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnSchema {
    /// Its name in the program.
    pub name: String,
    /// Its name in the source.
    pub source_name: String,
    /// Its type.
    pub dtype: DType,
    /// Whether nulls are allowed.
    pub nullable: bool,
    /// Allowed values.
    pub range: Option<Range>,
    /// Regular expression that every value matches in full.
    pub matches: Option<String>,
    /// No value twice.
    pub unique: bool,
    /// How text is read: a time format, or the two texts of a flag (false first).
    pub parse: Option<Parse>,
    /// `pii`, `sensitive` and the like: values of a column with a tag are shown nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Present if it is read from several columns of the source; `{}` in its name there stands for their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wide: Option<Wide>,
}

/// Columns of the source that make one vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wide {
    /// The number of the first.
    pub first: i64,
    /// The number of the last.
    pub last: i64,
    /// The type of each; range and nulls are those of the column.
    pub item: DType,
}

/// How text is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Parse {
    /// `%Y-%m-%d`.
    Format(String),
    /// Seconds, milliseconds or microseconds since 1970: `s`, `ms`, `us`.
    Epoch(String),
    /// The texts for false and true.
    Flag(Vec<Value>),
}

/// Types of columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum DType {
    /// True or false.
    Bool,
    /// 64-bit integer.
    Int,
    /// 64-bit floating point.
    Float,
    /// Text.
    String,
    /// One of a set; closed if the levels are declared, otherwise those of the training part.
    Category {
        /// Declared levels, in order.
        levels: Option<Vec<String>>,
    },
    /// A day.
    Date,
    /// An instant in UTC, microseconds.
    Timestamp,
    /// A span of time, microseconds.
    Duration,
    /// Bytes of any kind.
    Bytes,
    /// A picture: the bytes of its file.
    Image,
    /// Numbers in a row.
    Vector {
        /// How many, where that is known when the program is compiled.
        size: Option<u32>,
    },
    /// Several values of one type.
    List {
        /// Their type.
        item: Box<DType>,
        /// Whether nulls are among them.
        nullable: bool,
    },
    /// An exact number.
    Decimal {
        /// How many digits it has.
        digits: u8,
        /// How many of them stand after the point.
        scale: u8,
    },
}

/// A range of numbers; a missing bound is infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Lower bound.
    pub low: Option<f64>,
    /// Whether the lower bound belongs to it.
    pub low_closed: bool,
    /// Upper bound.
    pub high: Option<f64>,
    /// Whether the upper bound belongs to it.
    pub high_closed: bool,
}

/// Checks expectations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// The dataset.
    pub dataset: String,
    /// Its columns.
    pub schema: Vec<ColumnSchema>,
    /// Columns that identify a row; empty: its ordinal does.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// In order.
    pub expectations: Vec<Expectation>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
    /// `warn` only reports.
    pub fails: bool,
    /// What is checked.
    pub check: Check,
    /// Columns that it reads.
    pub columns: Vec<String>,
}

/// What an expectation checks.
#[expect(clippy::large_enum_variant, reason = "a plan holds a handful of them")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A condition that each row meets; null counts as met.
    Rows {
        /// Boolean, row by row.
        condition: Expr,
    },
    /// A condition on values over the whole table.
    Table {
        /// Boolean, one value.
        condition: Expr,
        /// The measured value, where the condition compares one that may be shown.
        measured: Option<Expr>,
        /// Rows to blame, where the expectation says which.
        offending: Option<Expr>,
    },
    /// A bound on how far a column is from an earlier profile; met where there is none yet.
    Distance {
        /// `mlp_runtime.distances:drift`.
        measure: String,
        /// The column.
        column: String,
        /// The earlier profile.
        against: Against,
        /// Other arguments, by name.
        arguments: IndexMap<String, Value>,
        /// Boolean, over the column `measured`.
        bound: Expr,
    },
}

/// An earlier profile of a dataset: the input of the step that has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The one that the lock pins.
    Reference,
    /// The one of the last run of this pipeline that succeeded.
    Previous,
}

impl Against {
    /// The name of the input that holds it.
    #[must_use]
    pub fn input(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Previous => "previous",
        }
    }
}
