//! Which trials of a sweep stop early.

use super::Model;
use super::strategy::numbers;
use crate::blocks::Context;
use crate::blocks::train::train;
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Prune, Pruner, Strategy, Sweep};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::BlockDecl;

const PRUNERS: [(&str, Pruner); 3] =
    [("asha", Pruner::Asha), ("hyperband", Pruner::Hyperband), ("median", Pruner::Median)];
/// How many times as many rounds follow where nothing else is said.
const FACTOR: u32 = 3;

/// The pruner; what is wrong with it is reported.
pub(super) fn prune(context: &mut Context<'_>, decl: &BlockDecl, models: &[Model<'_>], value: &Sweep) -> Option<Prune> {
    let expr = setting(decl, "prune")?;
    let Some((name, args, span)) = call_of(expr) else {
        context.findings.push(errors::wrong_form("prune", "a pruner, as `asha(min: 30, factor: 3)`", expr.span));
        return None;
    };
    let Some((_, pruner)) = PRUNERS.iter().find(|(known, _)| *known == name) else {
        let near = did_you_mean(&name, PRUNERS.iter().map(|(known, _)| *known)).map(str::to_owned);
        context.findings.push(errors::unknown_component("pruner", &name, near, span));
        return None;
    };
    let given = numbers(context, &name, args, &[("min", Some(1)), ("factor", Some(FACTOR))], expr)?;
    let [least, factor] = given.as_slice() else { return None };
    if *factor < 2 {
        let message = "each judgement comes after more rounds than the one before";
        context.findings.push(errors::strategy_misfit(message, "no more", "let `factor` be 2 or more", expr.span));
        return None;
    }
    let (resource, most) = resource(context, models, value, expr.span)?;
    if i64::from(*least) >= most {
        let message = format!("the first judgement comes after {least} rounds, and `{resource}` is {most}");
        let help = format!("lower `min`, or raise `{resource}` in the train block");
        context.findings.push(errors::strategy_misfit(message, "never judged early", &help, expr.span));
        return None;
    }
    Some(Prune { pruner: *pruner, resource, least: (*least).into(), factor: (*factor).into(), most })
}

/// The hyperparameter that counts rounds and how many there are; reports a sweep that cannot stop trials.
fn resource(context: &mut Context<'_>, models: &[Model<'_>], value: &Sweep, span: Span) -> Option<(String, i64)> {
    let misfit = |context: &mut Context<'_>, message: String, here: &str, help: &str| {
        context.findings.push(errors::strategy_misfit(message, here, help, span));
        None
    };
    if !matches!(value.strategy, Some(Strategy::Searched { .. }) | None) {
        let message = "points that are drawn beforehand are measured side by side: none knows of another".to_owned();
        return misfit(context, message, "nothing to compare with", "use `tpe(trials: 40)`");
    }
    if value.objectives.len() > 1 {
        let message = "trials are stopped by one objective, and this sweep has several".to_owned();
        return misfit(context, message, "by which?", "leave `prune` out, or name one objective");
    }
    let [model] = models else {
        let message = "rounds of different models cannot be compared".to_owned();
        return misfit(context, message, "several models", "leave `prune` out, or sweep one model");
    };
    let trainer = model.trainer.as_ref()?;
    let Some(resource) = &trainer.resource else {
        let message = format!("`{}` does not train in rounds", trainer.name);
        return misfit(context, message, "nothing to cut short", "leave `prune` out");
    };
    let given = &train(context.db, model.block).value.hyperparameters;
    let rounds = given.iter().find(|parameter| parameter.name == *resource).map(|parameter| &parameter.value);
    let searched = value.candidates.iter().flat_map(|one| &one.dimensions).any(|one| one.name == *resource);
    match rounds {
        Some(Const::Int(rounds)) if !searched => Some((resource.clone(), *rounds)),
        _ => {
            let message = format!("how many rounds is a whole trial? `{resource}` is searched, or no number");
            let help = format!("set `{resource}` in `{}`, and do not search it", model.name);
            misfit(context, message, "no end", &help)
        }
    }
}
