//! What steps about models and users' own steps do.

use super::{Origin, Task};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Assigns rows to parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Its name, part of the hash that assigns rows.
    pub name: String,
    /// How.
    pub by: SplitBy,
    /// Columns that identify a row; empty: its ordinal.
    pub key: Vec<String>,
    /// Parts in order with their shares, which sum to 1; empty where they are given by days.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub shares: IndexMap<String, f64>,
    /// Parts in order with their days; empty where they are given by shares.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub days: IndexMap<String, Days>,
    /// How the training part is divided, for a model and its judgement each. The training part is then all but the test
    /// part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<Folds>,
    /// Classes that every part must hold: the label's column.
    pub label: Option<String>,
}

/// Days in a row, by midnights in the dataset's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// The first, ISO 8601; `None`: from the first row on.
    pub from: Option<String>,
    /// The first that is not among them; `None`: up to the last row.
    pub until: Option<String>,
}

/// How a training part is divided. Folds are counted from 1; [`Step::fold`] names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Folds {
    /// As the split itself divides: by hash, within strata, whole groups. Each fold judges once.
    Hashed {
        /// How many folds.
        count: u32,
        /// How often it is divided anew; the folds of each time follow those of the time before.
        times: u32,
        /// Into how many folds the rest of each is divided again, to choose by; 0: not.
        inner: u32,
    },
    /// Successive blocks of time, the last of which ends with the training part. What judges a block is trained on rows
    /// before it.
    WalkForward {
        /// How many.
        count: u32,
        /// How long each is, in milliseconds.
        test_ms: i64,
        /// How far back training reaches, in milliseconds; `None`: to the first row.
        window_ms: Option<i64>,
    },
}

impl Folds {
    /// How many models are fitted and judged.
    #[must_use]
    pub fn total(self) -> u32 {
        match self {
            Self::Hashed { count, times, .. } => count.saturating_mul(times),
            Self::WalkForward { count, .. } => count,
        }
    }
}

/// Ways to split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitBy {
    /// By a hash of the key.
    Random,
    /// By a hash of the key, within each value of a column.
    Stratified(String),
    /// By a hash of a column, so that its rows stay together.
    Group(String),
    /// In order of time, with a gap in milliseconds.
    Time {
        /// The column.
        timestamp: String,
        /// Rows this close before a cut are dropped.
        gap_ms: i64,
        /// A later row is dropped if its value of this column was seen earlier.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// IANA zone in which days begin; UTC without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timezone: Option<String>,
    },
}

/// Trains one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Key of [`Plan::features`].
    pub features: String,
    /// `sklearn.logistic_regression`.
    pub trainer: String,
    /// The trainer's documentation.
    pub trainer_doc: Option<String>,
    /// `sklearn.linear_model:LogisticRegression`: module and class, or a user's `file.py:function`.
    pub python: String,
    /// What is learned.
    pub task: Task,
    /// Names of hyperparameters, all found in [`Step::params`], in order.
    pub hyperparameters: Vec<String>,
    /// Constructor arguments that are always given.
    pub fixed: IndexMap<String, Value>,
    /// The constructor argument that takes the seed.
    pub seed_argument: Option<String>,
    /// The constructor argument that takes the number of threads.
    pub threads_argument: Option<String>,
    /// How categories are told to the estimator.
    pub categories: Option<CategoryStyle>,
    /// Whether the estimator takes nulls.
    pub accepts_nulls: bool,
    /// How the rows are split, which decides the folds of columns that are fitted out of fold; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_fold: Option<SplitBy>,
}

/// How an estimator learns which inputs are categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoryStyle {
    /// scikit-learn: `categorical_features=[bool, …]` of the constructor.
    Mask,
    /// XGBoost: `feature_types=["c", "q", …]` and `enable_categorical=True` of the constructor.
    FeatureTypes,
    /// LightGBM: `categorical_feature=[index, …]` of `fit`.
    Indices,
}

/// Judges a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// The report's name.
    pub name: String,
    /// Key of [`Plan::features`].
    pub features: String,
    /// The part that judges: `test` or `validation`.
    pub part: String,
    /// What is learned.
    pub task: Task,
    /// Metrics, by the name under which they are reported.
    pub metrics: IndexMap<String, MetricCall>,
    /// Columns by whose values the metrics are also reported.
    pub slices: Vec<String>,
    /// Smaller slices are shown, and left out of gaps; `None`: those of fewer than 100 rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<u64>,
    /// How sure the intervals around the numbers are, which are drawn by [`Step::seed`]; `None`: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What the report draws; `None`: all that the task has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<Vec<Curve>>,
    /// How inputs are weighed up, by [`Step::seed`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explain: Vec<Explanation>,
}

impl Evaluate {
    /// Whether anything is drawn at random.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.confidence.is_some() || !self.explain.is_empty()
    }
}

/// A plot of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// True against false positives.
    Roc,
    /// Precision against recall.
    Pr,
    /// Observed shares against predicted probabilities.
    Calibration,
    /// Predicted by true classes.
    Confusion,
    /// Predicted numbers against true ones, and how far they are apart.
    Residuals,
}

/// How the inputs of a model are weighed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Explanation {
    /// By what the first metric loses when an input is shuffled.
    Permutation {
        /// How often each is shuffled.
        repeats: u32,
    },
    /// By Shapley values.
    Shap {
        /// Of how many rows.
        rows: u32,
    },
}

/// A metric with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricCall {
    /// `roc_auc`.
    pub metric: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// `mlp_runtime.metrics:roc_auc`, or a user's `file.py:function`.
    pub python: String,
    /// What it reads.
    pub needs: MetricNeeds,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Keyword arguments.
    pub arguments: IndexMap<String, Value>,
}

/// What a metric reads of the predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricNeeds {
    /// Predicted classes.
    Label,
    /// Probabilities.
    Probability,
    /// Predicted numbers.
    Value,
}

/// Decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// In order.
    pub requirements: Vec<Requirement>,
    /// Slices with fewer rows are shown, not judged.
    pub min_rows: u64,
}

/// One line of a gate: `left compare right`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
    /// What is judged.
    pub left: Quantity,
    /// `<`, `<=`, `>`, `>=`, `==`, `!=`.
    pub compare: String,
    /// The bound.
    pub right: Quantity,
    /// In which share of samples like this run's it must hold; `None`: it must hold on this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// A number that a gate can know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Quantity {
    /// A constant.
    Number(f64),
    /// A metric of the report, by the name under which it is reported.
    Metric(String),
    /// The metric in each slice of a column; the requirement holds if it holds in every judged slice.
    MetricBy {
        /// The metric.
        metric: String,
        /// The column.
        slice: String,
    },
    /// Largest minus smallest over the judged slices.
    Gap {
        /// The metric.
        metric: String,
        /// The column.
        slice: String,
    },
    /// The champion's metric on the same rows; without a champion the requirement passes and says so.
    Champion(String),
    /// A span of time, in milliseconds.
    Duration(i64),
    /// Bytes.
    Size(u64),
    /// How long one prediction takes at most, in this share of calls.
    Latency(f64),
    /// What the packaged model takes on a disk.
    ModelSize,
    /// The age of a dataset's newest row, as of the step's parameter `as_of`.
    Freshness {
        /// The dataset, and the name of the input that holds its rows.
        dataset: String,
        /// The row's time.
        timestamp: String,
        /// IANA zone of days; UTC without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timezone: Option<String>,
    },
    /// Arithmetic: `+`, `-`, `*`, `/`.
    Binary {
        /// The operator.
        op: String,
        /// Left side.
        left: Box<Quantity>,
        /// Right side.
        right: Box<Quantity>,
    },
}

impl Gate {
    /// Everything that its requirements compare, sums taken apart.
    #[must_use]
    pub fn quantities(&self) -> Vec<&Quantity> {
        fn leaves<'a>(quantity: &'a Quantity, found: &mut Vec<&'a Quantity>) {
            match quantity {
                Quantity::Binary { left, right, .. } => {
                    leaves(left, found);
                    leaves(right, found);
                }
                other => found.push(other),
            }
        }
        let mut found = Vec::new();
        for requirement in &self.requirements {
            leaves(&requirement.left, &mut found);
            leaves(&requirement.right, &mut found);
        }
        found
    }

    /// Whether a requirement is also judged on samples of this run's rows.
    #[must_use]
    pub fn resamples(&self) -> bool {
        self.requirements.iter().any(|requirement| requirement.confidence.is_some())
    }
}

/// Adds a version to the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Name in the registry.
    pub model: String,
    /// Alias that moves to the new version.
    pub alias: String,
    /// The gate that let it through.
    pub gate: Option<String>,
    /// The address of a registry that is a service: `mlflow:http://host:5000`, `mlflow:$VARIABLE`; `None`: the one beside
    /// the artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
}

/// Scores rows with the version that holds an alias, by that version's own features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// Its name.
    pub name: String,
    /// Name in the registry.
    pub model: String,
    /// The alias.
    pub alias: String,
    /// Key of [`Plan::features`]: what the model's signature must agree with today.
    pub features: String,
    /// Which rows.
    pub rows: PredictRows,
    /// Where `predictions` is put once the step has succeeded, relative to the project's root, with `/`.
    pub output: String,
}

/// How predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated text with a header.
    Csv,
}

impl PredictFormat {
    /// That of a file with this name.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let ending = path.rsplit('.').next().unwrap_or_default();
        if ending.eq_ignore_ascii_case("csv") { Self::Csv } else { Self::Parquet }
    }
}

/// Which rows are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PredictRows {
    /// All of the population.
    All,
    /// Those whose key is not in what was delivered before; they are added to it.
    New,
    /// Those that have no label yet.
    Unlabelled,
}

/// A user's Python function, called with one keyword per input (a `Path` or a number) and per output (a `Path`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPython {
    /// `loader.py`, relative to the project's root.
    pub file: String,
    /// `main`.
    pub function: String,
}

/// A user's shell command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserShell {
    /// The command with `{name}` for inputs, outputs and parameters; `{{` is a brace.
    pub template: String,
}
