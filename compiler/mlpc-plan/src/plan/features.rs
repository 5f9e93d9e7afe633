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
    /// In order.
    pub joins: Vec<Join>,
    /// Row conditions, after the joins; only true passes.
    pub filters: Vec<Expr>,
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
}

/// A join on the key of another dataset; never changes the number or order of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The joined dataset.
    pub dataset: String,
    /// Pairs: an expression over this row, a key column of the other side.
    pub on: Vec<(Expr, String)>,
    /// Columns taken: name there, name here.
    pub columns: Vec<(String, String)>,
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
    /// Function of `mlp_runtime.fitted` that makes the state: `mean_std`.
    pub fit: String,
    /// Argument expressions by parameter name; the first is the column that is fitted.
    pub args: IndexMap<String, Expr>,
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
