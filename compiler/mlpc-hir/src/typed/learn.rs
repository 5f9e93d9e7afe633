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
