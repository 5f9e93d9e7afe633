//! Searches for hyperparameters.

use super::{MetricCall, SplitBy, Train};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Models among which rows that train nothing choose; its steps share it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Key of [`Plan::features`](super::Plan::features).
    pub features: String,
    /// The models by their names.
    pub candidates: IndexMap<String, Train>,
    /// What is sought, by the name under which it is reported. The first decides.
    pub objectives: IndexMap<String, MetricCall>,
    /// How many folds choose; 0: the validation part does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub folds: u32,
    /// Whether the winner is fitted again on all but the test part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refit: bool,
    /// How the rows are split, which decides the folds of columns that are fitted out of fold; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_fold: Option<SplitBy>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Points that follow from what came before: asked for in batches, told of in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// By what.
    pub sampler: Sampler,
    /// How many points.
    pub trials: u32,
    /// How many are asked for at a time.
    pub parallel: u32,
    /// The dimensions of each model, in order, each by its name.
    pub spaces: IndexMap<String, IndexMap<String, Dimension>>,
    /// Which trials stop early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<Prune>,
}

/// Stops trials that do badly after fewer rounds of training: after `least`, `least * factor`, … of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Which of them.
    pub pruner: Pruner,
    /// The hyperparameter that counts rounds.
    pub resource: String,
    /// After how many it is judged first.
    pub least: i64,
    /// How many times as many there are until the next judgement.
    pub factor: i64,
    /// How many a trial has that nothing stops.
    pub most: i64,
}

/// Which trials are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pruner {
    /// All but the best share of those that came as far.
    Asha,
    /// The same, begun at several numbers of rounds.
    Hyperband,
    /// Those below the median of those that came as far.
    Median,
}

/// What chooses points by what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Tree-structured Parzen estimator.
    Tpe,
    /// Covariance matrix adaptation.
    CmaEs,
    /// A Gaussian process.
    Gp,
    /// Non-dominated sorting of several objectives.
    Nsga2,
}

/// A hyperparameter that is searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Its values.
    pub domain: Domain,
    /// Where it has one at all; `None`: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

/// The values of a dimension; bounds belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Domain {
    /// One of these.
    Choice(Vec<Value>),
    /// A whole number.
    Int {
        /// The least.
        low: i64,
        /// The greatest.
        high: i64,
        /// Whether each order of magnitude is as likely as any other.
        log: bool,
    },
    /// A number.
    Float {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Whether each order of magnitude is as likely as any other.
        log: bool,
    },
}

/// A condition over other dimensions of the same model; of one without a value nothing holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// The value of a dimension is one of these.
    Is {
        /// The dimension.
        dimension: String,
        /// The values.
        values: Vec<Value>,
    },
    /// The value of a dimension compares with a number.
    Compares {
        /// The dimension.
        dimension: String,
        /// `<`, `<=`, `>` or `>=`.
        op: String,
        /// The number.
        bound: f64,
    },
    /// Not so.
    Not(Box<When>),
    /// Both.
    And(Box<When>, Box<When>),
    /// One of them or both.
    Or(Box<When>, Box<When>),
}
