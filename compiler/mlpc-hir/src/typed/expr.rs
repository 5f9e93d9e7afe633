//! Typed expressions, calls of fitted functions and windows.

use super::Const;
use crate::types::Ty;
use indexmap::IndexMap;
use mlpc_db::BlockRef;
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BinaryOp, Expr, UnaryOp};

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct TExpr {
    /// What it is.
    pub kind: TKind,
    /// Its type.
    pub ty: Ty,
    /// Where it stands in its block.
    pub span: Span,
}

/// Forms of typed expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum TKind {
    /// An error was reported.
    Error,
    /// A column or an earlier definition, by its name in the table at that point.
    Column(String),
    /// A literal.
    Literal(Const),
    /// A row-wise function.
    Call {
        /// Its name.
        function: String,
        /// How it is done: a Polars template, or a user's Python function.
        body: FnBody,
        /// By parameter; several for a variadic one.
        args: IndexMap<String, Vec<TExpr>>,
        /// By parameter.
        constants: IndexMap<String, Const>,
        /// Whether NaN and infinity must become null.
        finite: bool,
    },
    /// A fitted function.
    Fitted(Box<FittedCall>),
    /// An aggregate over other rows.
    Window(Box<WindowCall>),
    /// Prefix operator.
    Unary(UnaryOp, Box<TExpr>),
    /// Infix operator.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Left side.
        left: Box<TExpr>,
        /// Right side.
        right: Box<TExpr>,
        /// Whether NaN and infinity must become null.
        finite: bool,
    },
    /// `if c then a else b`.
    If(Box<TExpr>, Box<TExpr>, Box<TExpr>),
    /// `a in [..]`.
    InList {
        /// What is looked for.
        item: Box<TExpr>,
        /// The list.
        values: Vec<Const>,
        /// `not in`.
        negated: bool,
    },
    /// `a in low..=high`.
    InRange {
        /// What is looked for.
        item: Box<TExpr>,
        /// Lower bound.
        low: Option<(Box<TExpr>, bool)>,
        /// Upper bound.
        high: Option<(Box<TExpr>, bool)>,
        /// `not in`.
        negated: bool,
    },
}

/// How a function is done.
#[derive(Clone, Debug, PartialEq)]
pub enum FnBody {
    /// A Polars template.
    Polars(String),
    /// `file.py:function`.
    Python {
        /// The reference.
        reference: String,
        /// Whether it takes whole columns.
        vectorized: bool,
    },
    /// An expression over its parameters, written out where it is called: no call is left of it.
    Value(Box<Expr>),
}

/// A call of a fitted function.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedCall {
    /// `standardize`.
    pub function: String,
    /// `mean_std`.
    pub fit: String,
    /// Names in the state.
    pub state: Vec<String>,
    /// The template that applies it.
    pub polars: String,
    /// By parameter; several for a variadic one.
    pub args: IndexMap<String, Vec<TExpr>>,
    /// What only fitting reads, by parameter: the label, or what is aggregated. No part of the value, which is known
    /// without it.
    pub learned_from: IndexMap<String, TExpr>,
    /// Whether it is an aggregate over the rows that share its arguments, which are keys then.
    pub aggregate: bool,
    /// The function that gives training rows their own values, out of fold.
    pub out_of_fold: Option<String>,
    /// By parameter.
    pub constants: IndexMap<String, Const>,
    /// Whether NaN and infinity must become null.
    pub finite: bool,
}

/// An aggregate over other rows.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    /// `mean`.
    pub aggregate: String,
    /// By parameter of the aggregate: `q`, `n`, `half_life`.
    pub constants: IndexMap<String, Const>,
    /// This row's own value, of `rank` only.
    pub own: Option<TExpr>,
    /// The dataset whose rows are aggregated, with its time; `None`: those of this table, before any filter.
    pub source: Option<WindowSource>,
    /// What is aggregated, over the columns of the source; `None` for rows.
    pub value: Option<TExpr>,
    /// Rows of the source that count.
    pub filter: Option<TExpr>,
    /// Pairs: a value of this row, one of the source's row.
    pub by: Vec<(TExpr, TExpr)>,
    /// This row's time.
    pub here: String,
    /// Which rows.
    pub frame: Frame,
}

/// Another dataset as the source of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSource {
    /// Its name in the plan.
    pub dataset: String,
    /// Its name in the text.
    pub name: String,
    /// Where it is declared.
    pub block: BlockRef,
    /// Its time.
    pub time: String,
}

/// Which rows a window covers, seen from a row at time t.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Rows before t.
    Back {
        /// Milliseconds; `None`: everything before.
        window_ms: Option<i64>,
        /// At most this many.
        rows: Option<u32>,
        /// Milliseconds.
        lag_ms: i64,
    },
    /// Rows after t; of labels only.
    Ahead {
        /// Milliseconds.
        ms: i64,
        /// How long after its row what is aggregated is known, in milliseconds.
        known_ms: i64,
    },
}

impl FittedCall {
    /// What it is fitted on.
    pub fn fitted_on(&self) -> impl Iterator<Item = &TExpr> {
        self.args.values().flatten().chain(self.learned_from.values())
    }

    /// What each row is given tells of its own: what is learned from is not kept apart from what is given.
    pub fn tells_own(&self) -> impl Iterator<Item = &TExpr> {
        self.learned_from.values().filter(|_| self.out_of_fold.is_none())
    }
}

impl WindowCall {
    /// The expressions over the source's rows: value, filter, keys.
    pub fn of_source(&self) -> impl Iterator<Item = &TExpr> {
        self.value.iter().chain(&self.filter).chain(self.by.iter().map(|(_, there)| there))
    }

    /// The expressions over this row: keys, the own value.
    pub fn of_row(&self) -> impl Iterator<Item = &TExpr> {
        self.by.iter().map(|(here, _)| here).chain(&self.own)
    }
}

impl TExpr {
    /// An expression that is wrong.
    #[must_use]
    pub fn error(span: Span) -> Self {
        Self { kind: TKind::Error, ty: Ty::unknown(), span }
    }

    /// Calls `visit` on this expression and everything in it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The expressions directly within; not what a fitted function only learns from.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            TKind::Error | TKind::Column(_) | TKind::Literal(_) => Vec::new(),
            TKind::Call { args, .. } => args.values().flatten().collect(),
            // What another dataset's rows hold is not read from this table.
            TKind::Window(call) if call.source.is_some() => call.of_row().collect(),
            TKind::Window(call) => call.of_source().chain(call.of_row()).collect(),
            TKind::Fitted(call) => call.args.values().flatten().collect(),
            TKind::Unary(_, operand) => vec![operand],
            TKind::Binary { left, right, .. } => vec![left, right],
            TKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            TKind::InList { item, .. } => vec![item],
            TKind::InRange { item, low, high, .. } => {
                let mut all: Vec<&Self> = vec![item];
                all.extend(low.iter().map(|(bound, _)| &**bound));
                all.extend(high.iter().map(|(bound, _)| &**bound));
                all
            }
        }
    }

    /// The expressions directly within, to change them; not what a window reads of other rows.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            TKind::Error | TKind::Column(_) | TKind::Literal(_) => Vec::new(),
            TKind::Call { args, .. } => args.values_mut().flatten().collect(),
            TKind::Fitted(call) => call.args.values_mut().flatten().collect(),
            TKind::Window(call) => call.by.iter_mut().map(|(here, _)| here).chain(&mut call.own).collect(),
            TKind::Unary(_, operand) => vec![operand],
            TKind::Binary { left, right, .. } => vec![left, right],
            TKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            TKind::InList { item, .. } => vec![item],
            TKind::InRange { item, low, high, .. } => {
                let mut all: Vec<&mut Self> = vec![item];
                all.extend([low, high].into_iter().flatten().map(|(bound, _)| &mut **bound));
                all
            }
        }
    }

    /// Names of the columns that it reads, each once, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.walk(&mut |expr| {
            if let TKind::Column(name) = &expr.kind
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        });
        names
    }

    /// Names of the columns that it reads in its own row, each once, in order: not what a window reads of others.
    #[must_use]
    pub fn row_columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut queue: Vec<&Self> = vec![self];
        while let Some(expr) = queue.pop() {
            match &expr.kind {
                TKind::Column(name) if !names.contains(name) => names.push(name.clone()),
                TKind::Window(call) => queue.extend(&call.own),
                _ => queue.extend(expr.children().into_iter().rev()),
            }
        }
        names
    }

    /// The calls of fitted functions that occur in it, outermost first.
    #[must_use]
    pub fn fits(&self) -> Vec<&FittedCall> {
        let mut found: Vec<&FittedCall> = Vec::new();
        self.walk(&mut |expr| {
            if let TKind::Fitted(call) = &expr.kind {
                found.push(call);
                call.learned_from.values().for_each(|value| found.extend(value.fits()));
            }
        });
        found
    }

    /// The windows that occur in it, outermost first.
    #[must_use]
    pub fn windows(&self) -> Vec<&WindowCall> {
        let mut found: Vec<&WindowCall> = Vec::new();
        self.walk(&mut |expr| {
            if let TKind::Window(call) = &expr.kind {
                found.push(call);
            }
        });
        found
    }

    /// Whether a fitted function occurs in it.
    #[must_use]
    pub fn is_fitted(&self) -> bool {
        !self.fits().is_empty()
    }
}
