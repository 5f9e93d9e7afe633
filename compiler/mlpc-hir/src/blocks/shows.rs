//! What a report shows beside its numbers: intervals, curves, explanations.

use super::Context;
use super::release::Subject;
use crate::consts::{dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Curve, Explanation, Task};
use mlpc_diagnostics::did_you_mean;
use mlpc_syntax::ast::{Arg, BlockDecl, Expr, ExprKind};

const CURVES: [(&str, Curve); 5] = [
    ("roc", Curve::Roc),
    ("pr", Curve::Pr),
    ("calibration", Curve::Calibration),
    ("confusion", Curve::Confusion),
    ("residuals", Curve::Residuals),
];

/// The curve that is drawn of explanations, and asks for one by itself.
const IMPORTANCE: &str = "importance";

/// The curve of what training records, which no trainer does so far.
const LEARNING: &str = "learning";

const REPEATS: u32 = 5;
const ROWS: u32 = 500;

/// How sure intervals are.
pub(super) fn confidence(context: &mut Context<'_>, decl: &BlockDecl) -> Option<f64> {
    let expr = setting(decl, "confidence")?;
    let share = literal(expr).and_then(|value| value.number()).filter(|value| (0.5..1.0).contains(value));
    if share.is_none() {
        let finding = errors::wrong_form("confidence", "a share from 50% to less than 100%", expr.span);
        context.findings.push(finding.help("as `confidence = 95%`"));
    }
    share
}

/// How many rows a slice has at least that counts for a gap.
pub(super) fn min_rows(decl: &BlockDecl) -> Option<u64> {
    match setting(decl, "min_rows").and_then(literal) {
        Some(Const::Int(rows)) => Some(u64::try_from(rows).unwrap_or(0)),
        _ => None,
    }
}

/// The curves that are asked for, of those that the task has.
pub(super) fn curves(context: &mut Context<'_>, decl: &BlockDecl, subject: &Subject) -> Option<Vec<Curve>> {
    let mut found = Vec::new();
    for (name, item) in names(setting(decl, "curves")?) {
        if name == LEARNING {
            context.findings.push(errors::not_supported("the curve `learning`", item.span));
            continue;
        }
        if name == IMPORTANCE {
            continue;
        }
        let Some((_, curve)) = CURVES.iter().find(|(known, _)| *known == name) else {
            let known = CURVES.iter().map(|(known, _)| *known).chain([IMPORTANCE]);
            let near = did_you_mean(&name, known).map(str::to_owned);
            context.findings.push(errors::unknown_component("curve", &name, near, item.span));
            continue;
        };
        if found.contains(curve) {
            context.findings.push(errors::bad_value(format!("`{name}` is drawn already"), "listed twice", item.span));
        } else if suits(context, *curve, &name, item, subject) {
            found.push(*curve);
        }
    }
    Some(found)
}

/// Whether the task has such a curve, and the model what it is drawn from.
fn suits(context: &mut Context<'_>, curve: Curve, name: &str, expr: &Expr, subject: &Subject) -> bool {
    let (Some(task), Some(label)) = (subject.task, &subject.label) else { return false };
    let classes: Vec<&str> = vec![Task::Binary.name(), Task::Multiclass.name()];
    let tasks = if curve == Curve::Residuals { vec![Task::Regression.name()] } else { classes };
    if !tasks.contains(&task.name()) {
        context.findings.push(errors::task_mismatch("curve", name, &tasks, task.name(), label, expr.span));
        return false;
    }
    if matches!(curve, Curve::Roc | Curve::Pr | Curve::Calibration) && subject.labels_only {
        context.findings.push(errors::needs_probability(name, &subject.trainer, expr.span));
        return false;
    }
    true
}

/// How inputs are weighed up: as `explain` says, or by shuffling them where only the curve is asked for.
pub(super) fn explain(context: &mut Context<'_>, decl: &BlockDecl) -> Vec<Explanation> {
    let Some(expr) = setting(decl, "explain") else {
        return importance(decl).map(|_| Explanation::Permutation(REPEATS)).into_iter().collect();
    };
    let mut found: Vec<Explanation> = Vec::new();
    for item in items(expr) {
        let Some((name, args, _)) = call_of(item) else { continue };
        let explanation = match name.as_str() {
            "permutation" => number(context, args, "repeats", REPEATS).map(Explanation::Permutation),
            "shap" => number(context, args, "rows", ROWS).map(Explanation::Shap),
            // The table of settings has said so.
            _ => None,
        };
        let Some(explanation) = explanation else { continue };
        if found.iter().any(|one| std::mem::discriminant(one) == std::mem::discriminant(&explanation)) {
            context.findings.push(errors::bad_value(format!("`{name}` is done already"), "listed twice", item.span));
        } else {
            found.push(explanation);
        }
    }
    found
}

/// The one argument that a way to explain has.
fn number(context: &mut Context<'_>, args: &[Arg], name: &str, default: u32) -> Option<u32> {
    let Some(arg) = args.first() else { return Some(default) };
    let given = match literal(&arg.value) {
        Some(Const::Int(given)) => u32::try_from(given).ok().filter(|given| (1..=100_000).contains(given)),
        _ => None,
    };
    let is_named = arg.name.as_ref().is_some_and(|found| found.text == name);
    if given.is_none() || !is_named || args.len() > 1 {
        let wanted = format!("`{name}: {default}`, a number from 1 to 100_000");
        context.findings.push(errors::wrong_form("explain", &wanted, arg.value.span));
        return None;
    }
    given
}

/// The setting that asks for explanations, of which models of folds have none.
pub(super) fn needs_the_model(decl: &BlockDecl) -> Option<&Expr> {
    setting(decl, "explain").or_else(|| importance(decl))
}

fn importance(decl: &BlockDecl) -> Option<&Expr> {
    names(setting(decl, "curves")?).into_iter().find(|(name, _)| name == IMPORTANCE).map(|(_, item)| item)
}

fn names(expr: &Expr) -> Vec<(String, &Expr)> {
    items(expr).iter().filter_map(|item| Some((dotted(item)?, item))).collect()
}

fn items(expr: &Expr) -> &[Expr] {
    if let ExprKind::List(items) = &expr.kind { items } else { std::slice::from_ref(expr) }
}
