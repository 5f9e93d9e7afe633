//! Expressions over columns.

use super::DType;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An expression over columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Expr {
    /// A column.
    Column {
        /// Its name.
        name: String,
    },
    /// A literal: null, bool, int, float or text.
    Literal {
        /// Its value.
        value: Value,
    },
    /// A day, as `2013-01-01`.
    Date {
        /// ISO 8601.
        iso: String,
    },
    /// A span of time.
    Duration {
        /// Milliseconds.
        ms: i64,
    },
    /// A list of literals, as an argument.
    List {
        /// The items.
        items: Vec<Expr>,
    },
    /// A function of the standard library, by its template.
    Call {
        /// Its name, for people.
        function: String,
        /// The template: `{x}.log1p()`.
        polars: String,
        /// Arguments by parameter name; more than one for a variadic parameter.
        args: IndexMap<String, Vec<Expr>>,
        /// Constant arguments by parameter name, printed as Python literals.
        constants: IndexMap<String, Value>,
        /// Whether NaN and infinity become null.
        finite: bool,
    },
    /// A user's Python function, over scalars.
    UserCall {
        /// `geo.py:haversine`.
        python: String,
        /// In order.
        args: Vec<Expr>,
        /// What it gives.
        dtype: DType,
        /// Whether it takes whole columns.
        vectorized: bool,
    },
    /// `-a`, `not a`.
    Unary {
        /// `-` or `not`.
        operator: String,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `a + b`; as in the language: `or and == != < <= > >= + - * / // % **`.
    Binary {
        /// The operator.
        operator: String,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
        /// Whether NaN and infinity become null.
        finite: bool,
    },
    /// `if c then a else b`; a null condition counts as false.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// If true.
        then: Box<Expr>,
        /// If false.
        otherwise: Box<Expr>,
    },
    /// `a in [b, c]`.
    InList {
        /// What is looked for.
        item: Box<Expr>,
        /// Literals.
        values: Vec<Value>,
        /// `not in`.
        negated: bool,
    },
    /// `a in low..=high`.
    InRange {
        /// What is looked for.
        item: Box<Expr>,
        /// Lower bound and whether it belongs to the range.
        low: Option<(Box<Expr>, bool)>,
        /// Upper bound and whether it belongs to the range.
        high: Option<(Box<Expr>, bool)>,
        /// `not in`.
        negated: bool,
    },
    /// A value taken as another type: a category as text, an int as a float.
    Cast {
        /// The value.
        value: Box<Expr>,
        /// The type.
        to: DType,
    },
}

impl Expr {
    /// The columns that it reads, in order, each once.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names
    }

    fn collect(&self, names: &mut Vec<String>) {
        match self {
            Self::Column { name } => {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            Self::Literal { .. } | Self::Date { .. } | Self::Duration { .. } => {}
            Self::List { items } => items.iter().for_each(|item| item.collect(names)),
            Self::Call { args, .. } => args.values().flatten().for_each(|item| item.collect(names)),
            Self::UserCall { args, .. } => args.iter().for_each(|item| item.collect(names)),
            Self::Unary { operand, .. } => operand.collect(names),
            Self::Binary { left, right, .. } => [left, right].into_iter().for_each(|item| item.collect(names)),
            Self::If { condition, then, otherwise } => {
                [condition, then, otherwise].into_iter().for_each(|item| item.collect(names));
            }
            Self::InList { item, .. } => item.collect(names),
            Self::InRange { item, low, high, .. } => {
                item.collect(names);
                low.iter().chain(high).for_each(|(bound, _)| bound.collect(names));
            }
            Self::Cast { value, .. } => value.collect(names),
        }
    }
}
