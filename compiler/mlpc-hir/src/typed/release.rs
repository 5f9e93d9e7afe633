//! What is made of a trained model: evaluations, gates, registrations, predictions; and steps of the user.

use super::{Const, Operations};
use indexmap::IndexMap;
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::BinaryOp;

/// An evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluate {
    /// The train block whose model is judged, or the first one of the sweep.
    pub train: String,
    /// The sweep whose winner is judged.
    pub sweep: Option<String>,
    /// The part that judges.
    pub part: String,
    /// By the name under which each is reported.
    pub metrics: IndexMap<String, MetricUse>,
    /// Columns.
    pub slices: Vec<String>,
    /// Smaller slices are left out of gaps; `None`: as a gate does by itself.
    pub min_rows: Option<u64>,
    /// How sure the intervals around the numbers are; `None`: there are none.
    pub confidence: Option<f64>,
    /// What the report draws; `None`: all that the task has.
    pub curves: Option<Vec<Curve>>,
    /// How inputs are weighed up, each way once.
    pub explain: Vec<Explanation>,
    /// Whether an error was found on the way, so that metrics or slices may be missing here.
    pub broken: bool,
}

/// A plot of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// By what the first metric loses when an input is shuffled, so many times.
    Permutation(u32),
    /// By Shapley values of so many rows.
    Shap(u32),
}

/// A metric with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricUse {
    /// Its name.
    pub metric: String,
    /// Keyword arguments.
    pub arguments: Vec<(String, Const)>,
}

/// A gate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate {
    /// The report.
    pub evaluate: String,
    /// In order.
    pub requirements: Vec<Requirement>,
    /// Smaller slices are not judged.
    pub min_rows: u64,
}

/// One line of a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// What is judged.
    pub left: Quantity,
    /// The comparison.
    pub compare: BinaryOp,
    /// The bound.
    pub right: Quantity,
    /// In which share of samples like this one it must hold; `None`: it must hold on this one.
    pub confidence: Option<f64>,
}

/// A number that a gate can know.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A constant.
    Number(f64),
    /// A metric, by the name under which it is reported.
    Metric(String),
    /// In each slice.
    MetricBy(String, String),
    /// Largest minus smallest.
    Gap(String, String),
    /// The champion's.
    Champion(String),
    /// A span of time, in milliseconds.
    Duration(i64),
    /// Bytes.
    Size(u64),
    /// How long one prediction takes at most in this share of calls.
    Latency(f64),
    /// What the packaged model takes on a disk.
    ModelSize,
    /// The age of a dataset's newest row as of the run's day.
    Freshness(String),
    /// Arithmetic.
    Binary(BinaryOp, Box<Quantity>, Box<Quantity>),
}

/// A registration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Register {
    /// The train block, or the first one of the sweep.
    pub train: String,
    /// The sweep whose winner is kept.
    pub sweep: Option<String>,
    /// The gate.
    pub gate: Option<String>,
    /// The alias.
    pub alias: String,
    /// The address of a registry that is a service: `mlflow:http://host:5000`, `mlflow:$VARIABLE`.
    pub registry: Option<String>,
}

/// Batch scoring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predict {
    /// The register block.
    pub register: String,
    /// The train block behind it.
    pub train: String,
    /// The features block behind that.
    pub features: String,
    /// The alias whose version scores.
    pub alias: String,
    /// Which rows.
    pub rows: PredictRows,
    /// Where the predictions go, relative to the project's root.
    pub output: String,
    /// When it runs.
    pub schedule: Option<super::Schedule>,
    /// Who is told how a run ended.
    pub notify: Vec<super::Notify>,
    /// How it runs.
    pub operations: Operations,
}

/// Which rows are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PredictRows {
    /// All of the population.
    #[default]
    All,
    /// Those that were not scored before.
    New,
    /// Those without a label.
    Unlabelled,
}

/// A user's step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserStep {
    /// Inputs by name.
    pub inputs: IndexMap<String, StepInput>,
    /// Outputs by name: file name, or `None` for a number.
    pub outputs: IndexMap<String, Option<String>>,
    /// What runs.
    pub run: Option<StepRun>,
    /// Steps that come first.
    pub after: Vec<String>,
    /// How it runs.
    pub operations: Operations,
}

/// What a user's step reads.
#[derive(Clone, Debug, PartialEq)]
pub enum StepInput {
    /// An output of another user's step.
    Step(String, String),
    /// The rows of a dataset.
    Dataset(String),
    /// The model of a train block.
    Model(String),
}

/// What a user's step runs.
#[derive(Clone, Debug, PartialEq)]
pub enum StepRun {
    /// `file.py`, `function`.
    Python(String, String),
    /// A shell template.
    Shell(String),
}
