//! Splits, and what is trained on them.

use super::Const;
use crate::types::Interval;
use mlpc_syntax::ast::BinaryOp;

/// A split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// The features block.
    pub features: String,
    /// How.
    pub by: SplitBy,
    /// Parts in order. With folds there are two: `train`, which is all but the test part, and `test`.
    pub parts: Vec<(String, Extent)>,
    /// How the training part is divided, for a model and its judgement each.
    pub folds: Option<Folds>,
    /// Column that the split reads, beside key and time.
    pub column: Option<String>,
}

/// How far a part reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// A share of the rows.
    Share(f64),
    /// The days of it, in days since 1970: from the first on, until before the other.
    Days {
        /// `None`: from the first row on.
        from: Option<i32>,
        /// `None`: up to the last row.
        until: Option<i32>,
    },
}

/// Ways to split.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SplitBy {
    /// By a hash of the key.
    #[default]
    Random,
    /// Within each value of a column.
    Stratified(String),
    /// By a column, whose rows stay together.
    Group(String),
    /// In order of time.
    Time {
        /// Rows this close before a later part are left out, in milliseconds.
        gap_ms: i64,
        /// A later row is left out if this value of its was seen earlier.
        group: Option<String>,
    },
}

/// How a training part is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folds {
    /// Each of so many folds judges once.
    KFold(u32),
    /// The same, several times, each time divided anew.
    Repeated {
        /// How many folds.
        folds: u32,
        /// How often.
        times: u32,
    },
    /// Each outer fold judges once; the rest of it is divided again, to choose by.
    Nested {
        /// How many that judge.
        outer: u32,
        /// How many within the rest of each.
        inner: u32,
    },
    /// Successive blocks of time, each judged by what is trained on rows before it.
    WalkForward {
        /// How many.
        folds: u32,
        /// How long each block is, in milliseconds.
        test_ms: i64,
        /// How far back training reaches, in milliseconds; `None`: to the first row.
        window_ms: Option<i64>,
    },
}

impl Folds {
    /// How many models are fitted and judged.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::KFold(folds) | Self::Nested { outer: folds, .. } | Self::WalkForward { folds, .. } => folds,
            Self::Repeated { folds, times } => folds.saturating_mul(times),
        }
    }
}

/// A hyperparameter's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameter {
    /// The library's own name.
    pub name: String,
    /// Its Python type.
    pub python_type: String,
    /// Its value.
    pub value: Const,
    /// Whether nobody set it.
    pub default: bool,
    /// How it follows from parameters that a run may be given.
    pub formula: Option<Formula>,
    /// Whether a whole number is given as one in floating point.
    pub is_float: bool,
    /// Allowed values.
    pub range: Interval,
}

/// What a value follows from, where it is not the same in every run.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A parameter by its name.
    Parameter(String),
    /// A constant.
    Value(Const),
    /// `-x`.
    Negative(Box<Formula>),
    /// `a + b`.
    Binary(BinaryOp, Box<Formula>, Box<Formula>),
    /// `[a, b]`.
    List(Vec<Formula>),
}

/// A training job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Train {
    /// The split.
    pub split: String,
    /// The features block.
    pub features: String,
    /// `sklearn.ridge`.
    pub trainer: String,
    /// In the trainer's order, defaults included.
    pub hyperparameters: Vec<Hyperparameter>,
    /// What is learned.
    pub task: Option<Task>,
    /// How it runs.
    pub operations: Operations,
}

/// Resources, retry and timeout of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    /// Threads.
    pub cpu: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Attempts, first wait in milliseconds, factor, longest wait.
    pub retry: Option<(u32, u64, f64, u64)>,
    /// Milliseconds.
    pub timeout_ms: Option<i64>,
    /// Name of the environment.
    pub environment: Option<String>,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// True or false.
    Binary,
    /// One of several.
    Multiclass,
    /// A number.
    Regression,
}

impl Task {
    /// All of them with their names.
    pub const NAMES: [(&'static str, Self); 3] =
        [("binary", Self::Binary), ("multiclass", Self::Multiclass), ("regression", Self::Regression)];

    /// By its name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, task)| task)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, task)| *task == self).map_or("", |(name, _)| name)
    }
}

/// A search for hyperparameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    /// The models among which it chooses, in order; all learn from the same split.
    pub candidates: Vec<Candidate>,
    /// How points are chosen; `None` if that is wrong.
    pub strategy: Option<Strategy>,
    /// What is sought on rows that train nothing; the first decides.
    pub objectives: Vec<Objective>,
    /// Which trials stop early.
    pub prune: Option<Prune>,
    /// Whether the winner is fitted again on all but the test part.
    pub refit: bool,
    /// How it runs.
    pub operations: Operations,
}

/// A model of a sweep with what is searched of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// The train block.
    pub train: String,
    /// In order.
    pub dimensions: Vec<Dimension>,
}

/// A hyperparameter that is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its values.
    pub domain: Domain,
    /// Where it has one at all.
    pub when: Option<When>,
}

/// The values of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// One of these.
    Choice(Vec<Const>),
    /// A whole number, both bounds included.
    Int {
        /// The least.
        low: i64,
        /// The greatest.
        high: i64,
        /// Whether each order of magnitude is as likely as any other.
        log: bool,
    },
    /// A number, both bounds included.
    Float {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Whether each order of magnitude is as likely as any other.
        log: bool,
    },
}

/// A condition over other dimensions of the same model.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// The value of a dimension is one of these; of one without a value nothing holds.
    Is(String, Vec<Const>),
    /// The value of a dimension compares with a number.
    Compares(String, BinaryOp, f64),
    /// Not so.
    Not(Box<When>),
    /// Both.
    And(Box<When>, Box<When>),
    /// One of them or both.
    Or(Box<When>, Box<When>),
}

/// How points are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Every combination.
    Grid,
    /// Points that are drawn when the program is compiled.
    Drawn(Drawing, u32),
    /// Points that follow from what came before.
    Searched {
        /// By what.
        sampler: Sampler,
        /// How many points.
        trials: u32,
        /// How many are chosen at a time.
        parallel: u32,
    },
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Each by itself.
    Random,
    /// A sequence that fills space evenly.
    Sobol,
    /// Each dimension is cut in as many pieces as there are points, and each piece holds one.
    LatinHypercube,
}

/// What chooses points by what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What is sought.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The name under which it is reported.
    pub name: String,
    /// How it is measured.
    pub metric: super::MetricUse,
    /// More is better.
    pub maximize: bool,
}

/// Stops trials that do badly after fewer rounds of training.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruner {
    /// All but the best share of those that came as far.
    Asha,
    /// The same, begun at several numbers of rounds.
    Hyperband,
    /// Those below the median of those that came as far.
    Median,
}
