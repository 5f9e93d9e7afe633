//! What a checked program is made of: typed expressions and one structure per kind of block. Owned and free of
//! positions in files, so that a query's result stays equal when only layout changes.

mod data;
mod entry;
mod expr;
mod features;
mod learn;
mod release;
mod storage;
pub mod test;

pub use data::*;
pub use entry::*;
pub use expr::*;
pub use features::*;
pub use learn::*;
pub use release::*;
pub use storage::*;

use crate::types::{Interval, Ty};
use mlpc_db::Place;
use mlpc_diagnostics::Diagnostic;

/// A finding with a place relative to its block.
pub type Finding = Diagnostic<Place>;

/// A result with what was found on the way; a query never fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked<T> {
    /// The result; parts that are wrong are left out or of unknown type.
    pub value: T,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// A value known when the program is compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    /// `null`.
    Null,
    /// `true`.
    Bool(bool),
    /// `3`.
    Int(i64),
    /// `0.5`, `70%`.
    Float(f64),
    /// `"text"`, a word.
    Str(String),
    /// Milliseconds.
    Duration(i64),
    /// Bytes.
    Size(u64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 in UTC.
    Instant(i64),
    /// `[a, b]`.
    List(Vec<Const>),
}

impl Const {
    /// As a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ranges are judged in floating point")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            // `2.0`, not `2`: a float is shown as one.
            Self::Float(value) => format!("{value:?}"),
            Self::Str(value) => format!("{value:?}"),
            Self::Duration(ms) => format!("{ms}ms"),
            Self::Size(bytes) => format!("{bytes} bytes"),
            Self::Date(_) => "a date".to_owned(),
            Self::Instant(_) => "a timestamp".to_owned(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::describe).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

/// The pipeline block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// Who answers for it.
    pub owner: Option<String>,
    /// The seed.
    pub seed: Option<i64>,
    /// To what was known then every dataset is cut: a day or an instant.
    pub as_of: Option<Const>,
    /// The parameter that it names.
    pub as_of_from: Option<String>,
    /// When it runs.
    pub schedule: Option<Schedule>,
    /// Who is told how a run ended.
    pub notify: Vec<Notify>,
    /// Where artifacts are kept beside this machine.
    pub storage: Option<Storage>,
    /// That of the pipeline and of every profile, each once.
    pub storages: Vec<Storage>,
    /// Where runs are recorded beside this machine.
    pub tracking: Option<Tracking>,
    /// The trackers of the pipeline and of every profile, each once.
    pub trackers: Vec<Tracker>,
    /// Defaults for every step.
    pub operations: Operations,
}

/// Where runs are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// Whose server it is.
    pub tracker: Tracker,
    /// `mlflow:http://host:5000`, `mlflow:$VARIABLE`.
    pub address: String,
    /// The experiment that runs belong to, if it is not called as the pipeline.
    pub experiment: Option<String>,
}

/// A tracker that is a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracker {
    /// MLflow.
    Mlflow,
}

impl Tracker {
    /// The packages by which it is told.
    #[must_use]
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Mlflow => &["mlflow-skinny>=3.4,<4", "pandas>=2.2,<4"],
        }
    }
}

/// An environment block.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `3.11`.
    pub python: String,
    /// Requirements of the user's own.
    pub packages: Vec<String>,
    /// The container image on which its own are built, by its digest.
    pub image: Option<String>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { python: "3.11".to_owned(), packages: Vec::new(), image: None }
    }
}

/// A `param` or `const`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its type.
    pub ty: Ty,
    /// Its value unless a run sets another.
    pub value: Option<Const>,
    /// Allowed values.
    pub range: Interval,
}
