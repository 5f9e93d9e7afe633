//! Values that a run may be given, and what follows from them.

use super::{DType, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parameter that each run may be given another value of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type: a flag, a number, a text, a category, a day (ISO 8601) or an instant.
    pub dtype: DType,
    /// Its value unless a run is given another, as the steps of the plan have it.
    pub value: Value,
    /// Allowed numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Whether it is the day for which a run is scheduled, unless the run is given another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scheduled: bool,
}

/// How a step's value follows from parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// From what.
    pub formula: Formula,
    /// Whether a whole number is given as one in floating point.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_float: bool,
    /// Allowed numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
}

/// What a value follows from. Whole numbers stay whole, but for `/`; arithmetic with one in floating point is in floating
/// point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Formula {
    /// A parameter by its name.
    Parameter(String),
    /// The same in every run.
    Value(Value),
    /// `-x`.
    Negative(Box<Formula>),
    /// `a + b`.
    Binary {
        /// `+`, `-`, `*`, `/`.
        operator: String,
        /// Left operand.
        left: Box<Formula>,
        /// Right operand.
        right: Box<Formula>,
    },
    /// `[a, b]`.
    List(Vec<Formula>),
}

impl Formula {
    /// The parameters that it names; one may come more than once.
    #[must_use]
    pub fn parameters(&self) -> Vec<&str> {
        match self {
            Self::Parameter(name) => vec![name],
            Self::Value(_) => Vec::new(),
            Self::Negative(operand) => operand.parameters(),
            Self::Binary { left, right, .. } => [left.parameters(), right.parameters()].concat(),
            Self::List(items) => items.iter().flat_map(Self::parameters).collect(),
        }
    }
}
