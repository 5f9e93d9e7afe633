//! `aggregate over (by: keys)` where rows have no time: learned from the training part, and looked up in every row.

use super::aggregates::Aggregate;
use crate::typed::{Const, FittedCall, TExpr, TKind};
use crate::types::TyKind;
use indexmap::IndexMap;
use mlpc_diagnostics::Span;

/// The fitted column. Rows of a group that was not seen in training count 0 and sum to 0, and know no other aggregate.
pub fn fitted(
    aggregate: &Aggregate,
    constants: IndexMap<String, Const>,
    value: Option<TExpr>,
    filter: Option<TExpr>,
    by: Vec<TExpr>,
    span: Span,
) -> TExpr {
    let mut ty = aggregate.result(value.as_ref().map(|value| &value.ty));
    if matches!(ty.kind, TyKind::Decimal(..)) {
        ty.kind = TyKind::Float;
    }
    let of_nothing = matches!(aggregate.name, "count" | "sum" | "n_unique");
    let nothing = if of_nothing { ", 0" } else { "" };
    let stored = match ty.kind {
        TyKind::Int => "Int64",
        TyKind::Date => "Date",
        TyKind::Timestamp => "Datetime('us', 'UTC')",
        TyKind::Duration => "Duration('us')",
        _ => "Float64",
    };
    let learned_from = [("value", value), ("where", filter)].into_iter();
    let call = FittedCall {
        function: aggregate.name.to_owned(),
        fit: format!("groups.{}", aggregate.name),
        state: vec!["groups".to_owned(), "values".to_owned()],
        polars: format!("groups.looked_up([{{by}}], {{groups}}, {{values}}, pl.{stored}{nothing})"),
        args: IndexMap::from([("by".to_owned(), by)]),
        learned_from: learned_from.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        aggregate: true,
        out_of_fold: None,
        constants,
        finite: false,
    };
    TExpr { ty: ty.with_null(!of_nothing), kind: TKind::Fitted(Box::new(call)), span }
}
