//! Feature definitions that several steps share.

use super::{ColumnSchema, DType, Expr, Origin};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Feature definitions that several steps share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureSet {
    /// Its name: the Python module `features/<name>.py`.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// The block.
    pub origin: Origin,
    /// The dataset whose rows these are.
    pub base: String,
    /// Columns of the base that are read.
    pub base_columns: Vec<ColumnSchema>,
    /// Columns that identify a row; empty: its ordinal, in the column `__row__`.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// Moments at which each key of the base is looked at; `None`: the rows are those of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spine: Option<Spine>,
    /// In order.
    pub joins: Vec<Join>,
    /// Aggregates over other rows, after the joins and before the filters; each may read those before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// Row conditions that define the population, after joins and windows; only true passes.
    pub filters: Vec<Expr>,
    /// Row conditions on rows to learn from only: they may name what is known after the prediction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_filters: Vec<Expr>,
    /// Row-wise values in an order in which each comes after what it names: lets, features, arguments of fitted
    /// columns, the label.
    pub values: Vec<NamedValue>,
    /// Fitted columns and values computed from them, in order.
    pub fitted: Vec<FittedStage>,
    /// What the model reads, in order.
    pub inputs: Vec<ModelInput>,
    /// The label.
    pub label: Option<Label>,
    /// Name of the weight.
    pub weight: Option<String>,
    /// Columns carried beside the features: key, timestamp, slices.
    pub carried: Vec<String>,
    /// Columns that a test looks at besides; a run looks at none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<String>,
}

impl FeatureSet {
    /// The datasets that are read, each once, the base first.
    #[must_use]
    pub fn datasets(&self) -> Vec<&str> {
        let joined = self.joins.iter().map(|join| join.dataset.as_str());
        let seen = self.windows.iter().filter_map(|window| window.source.as_deref());
        let mut found = vec![self.base.as_str()];
        for dataset in joined.chain(seen) {
            if !found.contains(&dataset) {
                found.push(dataset);
            }
        }
        found
    }

    /// Whether rows of the training part are given values of their own.
    #[must_use]
    pub fn is_out_of_fold(&self) -> bool {
        self.fitted.iter().any(|stage| matches!(stage, FittedStage::Fit(fitted) if fitted.out_of_fold.is_some()))
    }
}

/// `sample every D in A..=B`: one row per key and moment, in the order of (moment, key).
///
/// The moments are `start`, `start + every_ms`, … up to `end`, which belongs to them. The row's time, called
/// `sampled_at`, is the moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spine {
    /// The distance between moments, in milliseconds.
    pub every_ms: i64,
    /// The first moment: a day (its midnight in the zone, else in UTC) or an instant, ISO 8601.
    pub start: String,
    /// The last moment, likewise.
    pub end: String,
    /// A time of the base: a key has rows only from it on.
    pub from: Option<String>,
    /// Where the base is versioned: the version that holds at the moment.
    pub valid: Option<Valid>,
    /// IANA zone in which days begin: those written here, and those that the base's times are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// The times between which a version of a row holds: `from <= t < until`; a null `until` is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Valid {
    /// A column.
    pub from: String,
    /// A column.
    pub until: String,
}

/// A join with another dataset; never changes the number or order of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The joined dataset.
    pub dataset: String,
    /// Pairs: an expression over this row, a key column of the other side.
    pub on: Vec<(Expr, String)>,
    /// Columns taken: name there, name here.
    pub columns: Vec<(String, String)>,
    /// Which rows of the other side are known at this row's time; `None`: all are, at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
}

/// Which rows of a joined dataset are known at this row's time: those with `there + available_ms <= here`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// This row's time; null matches nothing.
    pub here: String,
    /// The other side's time.
    pub there: String,
    /// IANA zones of times that are dates and begin elsewhere than in UTC.
    #[serde(default, skip_serializing_if = "Zones::is_empty")]
    pub zones: Zones,
    /// How long after its time a row there is known, in milliseconds: the largest of the columns taken.
    pub available_ms: i64,
    /// Of the rows that match, the last known one in canonical order is taken (as of); otherwise keys are unique there
    /// and the row is taken if it is known.
    pub latest: bool,
    /// Rows that are older than this are not taken: `here - there <= within_ms`.
    pub within_ms: Option<i64>,
    /// Where the other side is versioned: the row is taken only while it holds (`here < until`, null is open).
    pub until: Option<String>,
}

/// In which zones days begin that stand for times; `None`: in UTC, or the time is no day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Zones {
    /// Of this row's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    /// Of the other side's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<String>,
    /// Of the other side's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Zones {
    /// Whether all days begin in UTC.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An aggregate over rows related to this one, named and used like a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// Its documentation, where it is a definition of its own.
    pub doc: Option<String>,
    /// Its type.
    pub dtype: DType,
    /// The dataset whose rows are aggregated; `None`: those of this table, joined and before any filter.
    pub source: Option<String>,
    /// What is computed.
    pub aggregate: Aggregate,
    /// The aggregated value, over the columns of the source; `None` for `count()`. Nulls are skipped.
    pub value: Option<Expr>,
    /// Only rows of the source for which this is true.
    pub filter: Option<Expr>,
    /// Pairs: an expression over this row, one over the source's row. Null keys form no group. Empty: all rows.
    pub by: Vec<(Expr, Expr)>,
    /// Which rows, by time or order.
    pub frame: Frame,
}

/// What a window computes. `sum` and the counts of nothing are 0, everything else of nothing is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
pub enum Aggregate {
    /// `count()`: rows; `count(condition)`: rows for which the value is true.
    Count,
    /// Sum.
    Sum,
    /// Mean.
    Mean,
    /// Sample standard deviation (n - 1); null of fewer than two.
    Std,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// Quantile by linear interpolation.
    Quantile {
        /// Between 0 and 1.
        q: f64,
    },
    /// The first value in canonical order.
    First,
    /// The last value in canonical order.
    Last,
    /// How many different values.
    NUnique,
    /// Exponentially weighted mean by time: a value's weight halves with each `half_life_ms` of its age at the last
    /// value.
    EwmMean {
        /// Milliseconds.
        half_life_ms: i64,
    },
    /// The value that stands `n` before the end: 1 is the last one.
    Lag {
        /// At least 1.
        n: u32,
    },
    /// The last value minus the one `n` before it.
    Diff {
        /// At least 1.
        n: u32,
    },
    /// 1 plus the number of values that are less than this row's own value.
    Rank {
        /// This row's own value.
        own: Box<Expr>,
    },
}

/// Which rows a window covers, seen from a row at time t.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "frame", rename_all = "snake_case", deny_unknown_fields)]
pub enum Frame {
    /// Rows before t. With `lag_ms` 0: `t - window <= time < t`; else `t - lag - window < time <= t - lag`. So a row never
    /// sees itself or its ties.
    Back {
        /// This row's time.
        here: String,
        /// The source's time.
        there: String,
        /// Milliseconds; `None`: everything before.
        window_ms: Option<i64>,
        /// At most this many, the last ones in canonical order.
        rows: Option<u32>,
        /// Milliseconds.
        lag_ms: i64,
        /// IANA zones of times that are dates.
        #[serde(default, skip_serializing_if = "Zones::is_empty")]
        zones: Zones,
    },
    /// Rows after t, of labels: `t < time <= t + ahead`. Null unless `t + ahead` is not after the last time of the source
    /// (and of `as_of`, where there is one): what is not over is not known.
    Ahead {
        /// This row's time.
        here: String,
        /// The source's time.
        there: String,
        /// Milliseconds.
        ahead_ms: i64,
        /// A day (its midnight in UTC) or an instant, ISO 8601, beyond which nothing is known.
        as_of: Option<String>,
        /// IANA zones of times that are dates.
        #[serde(default, skip_serializing_if = "Zones::is_empty")]
        zones: Zones,
    },
}

/// A value by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedValue {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type.
    pub dtype: DType,
    /// Its value.
    pub expr: Expr,
}

/// A step of the fitted part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FittedStage {
    /// Fits state on the training part and applies it everywhere.
    Fit(Fitted),
    /// A row-wise value that reads fitted columns.
    Value(NamedValue),
}

/// A fitted column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type.
    pub dtype: DType,
    /// `standardize`.
    pub function: String,
    /// Function of the runtime that makes the state: `fitted.mean_std`.
    pub fit: String,
    /// Argument expressions by parameter name, several for a variadic one; the first is the column that is fitted.
    pub args: IndexMap<String, Vec<Expr>>,
    /// Expressions that only fitting reads, by parameter name, passed as keywords: the label, what is aggregated.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub learned_from: IndexMap<String, Expr>,
    /// Function of the runtime that gives the rows of the training part their own values, each learned from other rows:
    /// called like `fit`, with the folds besides. `None`: they are given what all rows are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_fold: Option<String>,
    /// Constant arguments by parameter name, passed to the fitting function as keywords.
    pub constants: IndexMap<String, Value>,
    /// Names in the state.
    pub state: Vec<String>,
    /// Template that applies it: `({x} - {mean}) / {std}`.
    pub polars: String,
    /// Whether NaN and infinity become null.
    pub finite: bool,
}

/// What the model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelInput {
    /// The column.
    pub name: String,
    /// Its type: bool, int, float, category or vector.
    pub dtype: DType,
    /// Whether it may be null.
    pub nullable: bool,
    /// Source columns it is made from, as `dataset.column`.
    pub sources: Vec<String>,
}

/// The label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name, among [`FeatureSet::values`].
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// Whether it is null in some rows, which are not learned from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// What it makes of the training.
    pub task: Task,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// True or false.
    Binary,
    /// One of several.
    Multiclass,
    /// A number.
    Regression,
}
