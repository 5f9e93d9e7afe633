//! What a sweep seeks: metrics on rows that train nothing.

use super::Subject;
use crate::blocks::Context;
use crate::blocks::train::hyperparameters;
use crate::entries::call_of;
use crate::errors;
use crate::library::{metric_signature, setting};
use crate::names::{Space, nearest, resolve};
use crate::typed::{MetricUse, Objective};
use mlpc_syntax::ast::{Arg, BlockDecl, Expr, ExprKind};

/// The objectives, the first of which decides.
pub(super) fn objectives(context: &mut Context<'_>, decl: &BlockDecl, subject: &Subject) -> Vec<Objective> {
    let Some(expr) = setting(decl, "objective") else { return Vec::new() };
    let items: Vec<&Expr> = match &expr.kind {
        ExprKind::List(items) => items.iter().collect(),
        _ => vec![expr],
    };
    let mut found: Vec<Objective> = Vec::new();
    for item in items {
        let Some(objective) = objective(context, item, subject) else { continue };
        if found.iter().any(|known| known.name == objective.name) {
            let message = format!("`{}` is sought already", objective.name);
            context.findings.push(errors::bad_value(message, "listed twice", item.span));
            continue;
        }
        found.push(objective);
    }
    found
}

fn objective(context: &mut Context<'_>, expr: &Expr, subject: &Subject) -> Option<Objective> {
    let called = call_of(expr).filter(|(name, ..)| ["maximize", "minimize"].contains(&name.as_str()));
    let Some((direction, [Arg { name: None, value }], _)) = called else {
        let wanted = "what is sought, as `maximize(roc_auc)`";
        context.findings.push(errors::wrong_form("objective", wanted, expr.span));
        return None;
    };
    let Some((name, args, span)) = call_of(value) else {
        context.findings.push(errors::wrong_form("objective", "a metric", value.span));
        return None;
    };
    let signature = resolve(context.db, context.file, Space::Metric, &name)
        .and_then(|block| metric_signature(context.db, block).clone());
    let Some(signature) = signature else {
        let near = nearest(context.db, context.file, Space::Metric, &[], &name);
        context.findings.push(errors::unknown_component("metric", &name, near, span));
        return None;
    };
    if let (Some(task), Some(label)) = (subject.task, &subject.label)
        && !signature.tasks.contains(&task)
    {
        let tasks: Vec<&str> = signature.tasks.iter().map(|task| task.name()).collect();
        context.findings.push(errors::task_mismatch("metric", &name, &tasks, task.name(), label, span));
        return None;
    }
    if let Some(trainer) = subject.labels_only.as_ref().filter(|_| signature.needs == "probability") {
        context.findings.push(errors::needs_probability(&name, trainer, span));
        return None;
    }
    let maximize = direction == "maximize";
    if maximize != signature.higher_is_better {
        let better = if signature.higher_is_better { "more" } else { "less" };
        context.findings.push(errors::wrong_direction(&name, &direction, better, expr.span));
        return None;
    }
    let arguments = hyperparameters(context, &name, &signature.params, args);
    let arguments = arguments.into_iter().map(|parameter| (parameter.name, parameter.value)).collect();
    Some(Objective { name: name.clone(), metric: MetricUse { metric: name, arguments }, maximize })
}
