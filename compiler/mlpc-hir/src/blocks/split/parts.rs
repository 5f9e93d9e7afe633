//! The parts of a split: shares that sum to 100%, or days.

use super::{PARTS, fixed};
use crate::blocks::Context;
use crate::entries::is_missing;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Extent, SplitBy};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BlockDecl, Expr, ExprKind, Range};

const DAY_MS: i64 = 86_400_000;

/// A part as it is written.
struct Part {
    name: &'static str,
    extent: Extent,
    span: Span,
}

/// The parts in order. With folds the training part is all that is not in the test part.
pub(super) fn parts(context: &mut Context<'_>, decl: &BlockDecl, by: &SplitBy) -> Vec<(String, Extent)> {
    let mut read = Vec::new();
    let mut broken = false;
    let folds = setting(decl, "folds").map(|expr| expr.span);
    for name in PARTS {
        let Some(expr) = setting(decl, name) else {
            // A part that is misspelt is reported as such.
            broken |= !is_missing(decl, name);
            continue;
        };
        if let Some(folds) = folds.filter(|_| name != "test") {
            context.findings.push(errors::part_beside_folds(name, folds, expr.span));
            broken = true;
            continue;
        }
        match extent(context, name, expr, by) {
            Some(extent) => read.push(Part { name, extent, span: expr.span }),
            None => broken = true,
        }
    }
    if folds.is_none() && is_missing(decl, "train") && is_missing(decl, "folds") {
        context.findings.push(errors::missing_setting("split", "train", "the training part's share", decl.header));
        broken = true;
    }
    let whole = folds.is_some() || setting(decl, "train").is_some();
    if !broken && whole && setting(decl, "test").is_some() {
        check(context, &read, folds.is_some(), by);
    }
    if folds.is_some()
        && let Some(test) = read.last()
    {
        let train = rest(context, test);
        return [("train".to_owned(), train), (test.name.to_owned(), test.extent)].into();
    }
    read.into_iter().map(|part| (part.name.to_owned(), part.extent)).collect()
}

fn extent(context: &mut Context<'_>, name: &str, expr: &Expr, by: &SplitBy) -> Option<Extent> {
    if let ExprKind::Range(range) = &expr.kind {
        if !matches!(by, SplitBy::Time { .. }) {
            context.findings.push(errors::days_without_time(name, by.way(), expr.span));
            return None;
        }
        let days = days(context, range);
        if days.is_none() {
            context.findings.push(errors::bad_part(name, expr.span));
        }
        return days;
    }
    match fixed(context, expr).and_then(|value| value.number()) {
        Some(share) if share > 0.0 && share < 1.0 => Some(Extent::Share(share)),
        Some(_) => {
            context.findings.push(errors::bad_value("a share is between 0% and 100%", "no share", expr.span));
            None
        }
        None => {
            if !matches!(expr.kind, ExprKind::Error) {
                context.findings.push(errors::bad_part(name, expr.span));
            }
            None
        }
    }
}

/// The days of a range: from the first on, until before the other.
fn days(context: &Context<'_>, range: &Range) -> Option<Extent> {
    let bound = |side: &Option<(Box<Expr>, bool)>, next_day_if: bool| match side {
        None => Some(None),
        Some((bound, closed)) => match fixed(context, bound)? {
            Const::Date(day) => Some(Some(if *closed == next_day_if { day.saturating_add(1) } else { day })),
            _ => None,
        },
    };
    Some(Extent::Days { from: bound(&range.low, false)?, until: bound(&range.high, true)? })
}

/// With folds, all that is not in the test part.
fn rest(context: &mut Context<'_>, test: &Part) -> Extent {
    match test.extent {
        Extent::Share(share) => Extent::Share(1.0 - share),
        Extent::Days { from, .. } => {
            if from.is_none() {
                context.findings.push(errors::empty_part(
                    "train",
                    "the test part begins with the first row",
                    test.span,
                ));
            }
            Extent::Days { from: None, until: from }
        }
    }
}

/// Whether the parts go together: one kind, shares that sum to one, days in order with room for rows.
fn check(context: &mut Context<'_>, parts: &[Part], folded: bool, by: &SplitBy) {
    let is_share = |part: &&Part| matches!(part.extent, Extent::Share(_));
    let Some(first) = parts.first() else { return };
    if let Some(other) = parts.iter().find(|part| is_share(part) != is_share(&first)) {
        context.findings.push(errors::mixed_parts(first.span, other.span));
        return;
    }
    let sum: f64 = parts.iter().map(|part| if let Extent::Share(share) = part.extent { share } else { 0.0 }).sum();
    if is_share(&first) && !folded && (sum - 1.0f64).abs() > 1e-9 {
        let message = format!("the shares sum to {}%, not to 100%", (sum * 1e8).round() / 1e6);
        let last = parts.last().unwrap_or(first).span;
        context.findings.push(errors::bad_value(message, "the last of them", last));
    }
    let gap_ms = if let SplitBy::Time { gap_ms, .. } = by { *gap_ms } else { 0 };
    for (at, part) in parts.iter().enumerate() {
        check_days(context, part, parts.get(at + 1), gap_ms);
    }
}

fn check_days(context: &mut Context<'_>, part: &Part, next: Option<&Part>, gap_ms: i64) {
    let Extent::Days { from, until } = part.extent else { return };
    let empty = |why: &str| errors::empty_part(part.name, why, part.span);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        context.findings.push(empty("its end is not after its start"));
        return;
    }
    let Some(next) = next else { return };
    let Extent::Days { from: Some(later), .. } = next.extent else {
        context.findings.push(errors::overlapping_parts(part.name, next.name, part.span, next.span));
        return;
    };
    if until.is_none_or(|until| until > later) {
        context.findings.push(errors::overlapping_parts(part.name, next.name, part.span, next.span));
        return;
    }
    if from.is_some_and(|from| i64::from(later - from) * DAY_MS <= gap_ms) {
        let why = format!("the gap before `{}` is longer than it", next.name);
        context.findings.push(empty(&why));
    }
}
