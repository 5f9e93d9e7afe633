//! The aggregates of windows: one table that drives the check, completion and the reference.

use crate::types::{Interval, Ty, TyKind};

/// An aggregate over other rows.
#[derive(Debug)]
pub struct Aggregate {
    /// Its name.
    pub name: &'static str,
    /// What it takes after the value: name, and whether it must be given.
    pub params: &'static [AggregateParam],
    /// What values it takes.
    pub takes: Takes,
    /// Whether it is the same in whatever order the rows come, so that it can be learned where they have no time.
    pub unordered: bool,
    /// What it gives, in one line.
    pub doc: &'static str,
}

/// A parameter of an aggregate, known when the program is compiled.
#[derive(Debug)]
pub struct AggregateParam {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub form: ParamForm,
    /// Whether it must be given; a number of rows is 1 otherwise.
    pub required: bool,
}

/// What a parameter of an aggregate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamForm {
    /// A number between 0 and 1.
    Share,
    /// A number of rows, at least 1.
    Rows,
    /// A duration.
    Duration,
}

/// What values an aggregate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, a condition or the rows of a dataset.
    Rows,
    /// Numbers.
    Numbers,
    /// Numbers and times.
    Ordered,
    /// Everything but vectors.
    Anything,
}

const NONE: &[AggregateParam] = &[];
const N: &[AggregateParam] = &[AggregateParam { name: "n", form: ParamForm::Rows, required: false }];

/// Every aggregate.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "count",
        params: NONE,
        takes: Takes::Rows,
        unordered: true,
        doc: "how many rows, or rows for which a condition is true",
    },
    Aggregate { name: "sum", params: NONE, takes: Takes::Numbers, unordered: true, doc: "the sum; 0 of nothing" },
    Aggregate { name: "mean", params: NONE, takes: Takes::Numbers, unordered: true, doc: "the mean" },
    Aggregate {
        name: "std",
        params: NONE,
        takes: Takes::Numbers,
        unordered: true,
        doc: "the sample standard deviation; null of fewer than two values",
    },
    Aggregate { name: "min", params: NONE, takes: Takes::Ordered, unordered: true, doc: "the least value" },
    Aggregate { name: "max", params: NONE, takes: Takes::Ordered, unordered: true, doc: "the greatest value" },
    Aggregate {
        name: "quantile",
        params: &[AggregateParam { name: "q", form: ParamForm::Share, required: true }],
        takes: Takes::Numbers,
        unordered: true,
        doc: "a quantile, by linear interpolation",
    },
    Aggregate { name: "first", params: NONE, takes: Takes::Anything, unordered: false, doc: "the first value" },
    Aggregate { name: "last", params: NONE, takes: Takes::Anything, unordered: false, doc: "the last value" },
    Aggregate {
        name: "n_unique",
        params: NONE,
        takes: Takes::Anything,
        unordered: true,
        doc: "how many different values",
    },
    Aggregate {
        name: "ewm_mean",
        params: &[AggregateParam { name: "half_life", form: ParamForm::Duration, required: true }],
        takes: Takes::Numbers,
        unordered: false,
        doc: "a mean in which a value's weight halves with each half-life of its age",
    },
    Aggregate {
        name: "lag",
        params: N,
        takes: Takes::Anything,
        unordered: false,
        doc: "the value that stands n before the end",
    },
    Aggregate {
        name: "diff",
        params: N,
        takes: Takes::Numbers,
        unordered: false,
        doc: "the last value minus the one n before it",
    },
    Aggregate {
        name: "rank",
        params: NONE,
        takes: Takes::Numbers,
        unordered: false,
        doc: "1 plus how many values are less than this row's own",
    },
];

/// The aggregate of this name.
#[must_use]
pub fn aggregate(name: &str) -> Option<&'static Aggregate> {
    AGGREGATES.iter().find(|aggregate| aggregate.name == name)
}

impl Aggregate {
    /// As it is called: `quantile(x, q)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let value = if self.takes == Takes::Rows { "[condition]" } else { "x" };
        let params: String = self.params.iter().map(|param| format!(", {}", param.name)).collect();
        format!("{}({value}{params}) over (by: key, window: 7d, lag: 1d, rows: 10, where: condition)", self.name)
    }

    /// Whether it takes a value of this type.
    #[must_use]
    pub fn accepts(&self, ty: &Ty) -> bool {
        match self.takes {
            _ if ty.is_unknown() => true,
            Takes::Rows => ty.fits(&TyKind::Bool),
            Takes::Numbers => ty.is_number() || ty.kind == TyKind::Duration,
            Takes::Ordered => ty.is_number() || ty.is_time() || ty.kind == TyKind::Duration,
            Takes::Anything => !matches!(ty.kind, TyKind::Vector(_) | TyKind::List(_)),
        }
    }

    /// What it takes, for messages.
    #[must_use]
    pub fn wanted(&self) -> &'static str {
        match self.takes {
            Takes::Rows => "a condition",
            Takes::Numbers => "a number",
            Takes::Ordered => "a number or a time",
            Takes::Anything => "one value a row",
        }
    }

    /// What it gives of values of this type.
    #[must_use]
    pub fn result(&self, value: Option<&Ty>) -> Ty {
        let from = |at: f64| Interval { low: at, low_closed: true, ..Interval::ALL };
        let count = || Ty::new(TyKind::Int).in_range(from(0.0));
        let Some(value) = value else { return count() };
        // What divides gives a float of ints and of decimals; a unit, where there is one, stays.
        let float = |range: Interval| {
            let exact = matches!(value.kind, TyKind::Int | TyKind::Decimal(..));
            let kind = if exact { TyKind::Float } else { value.kind.clone() };
            Ty { kind, ..value.clone() }.in_range(range).with_null(true)
        };
        // What adds is exact, and may need more digits than there were.
        let added = || Ty { kind: value.kind.of_sums(), ..value.clone() };
        match self.name {
            "count" | "n_unique" => count(),
            "rank" => Ty::new(TyKind::Int).in_range(from(1.0)).with_null(true),
            "sum" => {
                let range = match value.range {
                    range if range.low >= 0.0 => from(0.0),
                    range if range.high <= 0.0 => from(0.0).negated(),
                    _ => Interval::ALL,
                };
                added().in_range(range).with_null(false)
            }
            "mean" | "quantile" | "ewm_mean" => float(value.range),
            "std" => float(from(0.0)),
            "diff" => added().in_range(value.range.plus(value.range.negated())).with_null(true),
            _ => value.clone().with_null(true),
        }
    }
}
