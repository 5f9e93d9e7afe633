//! How the points of a sweep are chosen, and whether that goes with its space.

use crate::blocks::Context;
use crate::consts::constant;
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Candidate, Const, Domain, Drawing, Sampler, Strategy, Sweep};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{Arg, BlockDecl, Expr};

/// How many points a grid may have where nothing else is said: each is a step of its own.
const GRID_BUDGET: u64 = 1_000;
/// The most trials of a sweep.
const MOST_TRIALS: i64 = 100_000;

/// A way to choose points.
struct Way {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Grid,
    Drawn(Drawing),
    Searched(Sampler),
}

const WAYS: [Way; 8] = [
    Way { name: "grid", kind: Kind::Grid },
    Way { name: "random", kind: Kind::Drawn(Drawing::Random) },
    Way { name: "sobol", kind: Kind::Drawn(Drawing::Sobol) },
    Way { name: "latin_hypercube", kind: Kind::Drawn(Drawing::LatinHypercube) },
    Way { name: "tpe", kind: Kind::Searched(Sampler::Tpe) },
    Way { name: "cma_es", kind: Kind::Searched(Sampler::CmaEs) },
    Way { name: "gp", kind: Kind::Searched(Sampler::Gp) },
    Way { name: "nsga2", kind: Kind::Searched(Sampler::Nsga2) },
];

/// The strategy; what is wrong with it is reported.
pub(super) fn strategy(context: &mut Context<'_>, decl: &BlockDecl, value: &Sweep) -> Option<Strategy> {
    let expr = setting(decl, "strategy")?;
    let Some((name, args, span)) = call_of(expr) else {
        context.findings.push(errors::wrong_form("strategy", "a strategy, as `tpe(trials: 40)`", expr.span));
        return None;
    };
    let Some(way) = WAYS.iter().find(|way| way.name == name) else {
        let near = did_you_mean(&name, WAYS.iter().map(|way| way.name)).map(str::to_owned);
        context.findings.push(errors::unknown_component("strategy", &name, near, span));
        return None;
    };
    let found = match way.kind {
        Kind::Grid => {
            numbers(context, &name, args, &[], expr)?;
            Strategy::Grid
        }
        Kind::Drawn(drawing) => Strategy::Drawn(drawing, *numbers(context, &name, args, &[TRIALS], expr)?.first()?),
        Kind::Searched(sampler) => {
            let given = numbers(context, &name, args, &[TRIALS, ("parallel", Some(1))], expr)?;
            let [trials, parallel] = given.as_slice() else { return None };
            Strategy::Searched { sampler, trials: *trials, parallel: *parallel }
        }
    };
    fits(context, decl, value, found, expr.span);
    Some(found)
}

/// The argument that has no default.
const TRIALS: (&str, Option<u32>) = ("trials", None);

/// The values of whole-number arguments in order, each with its default.
pub(super) fn numbers(
    context: &mut Context<'_>,
    owner: &str,
    args: &[Arg],
    wanted: &[(&str, Option<u32>)],
    expr: &Expr,
) -> Option<Vec<u32>> {
    let mut values: Vec<Option<u32>> = vec![None; wanted.len()];
    let before = context.findings.len();
    for arg in args {
        let name = arg.name.as_ref().map_or("", |name| name.text.as_str());
        let Some(value) = wanted.iter().position(|(known, _)| *known == name).and_then(|at| values.get_mut(at)) else {
            let known = wanted.iter().map(|(known, _)| *known);
            let span = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
            context.findings.push(errors::unknown_hyperparameter(owner, name, known, span));
            continue;
        };
        match constant(context.db, context.file, &arg.value) {
            Some(Const::Int(number @ 1..=MOST_TRIALS)) => *value = u32::try_from(number).ok(),
            _ => {
                let found = format!("`{}`", context.source(arg.value.span));
                let wanted = format!("int in 1..={MOST_TRIALS}");
                let finding = errors::hyperparameter_type(owner, name, &wanted, &found, arg.value.span);
                context.findings.push(finding);
            }
        }
    }
    if context.findings.len() > before {
        return None;
    }
    let filled = values.into_iter().zip(wanted).map(|(value, (_, default))| value.or(*default));
    let filled: Option<Vec<u32>> = filled.collect();
    if filled.is_none() {
        let help = format!("write `{owner}(trials: 40)`");
        let message = format!("how many points does `{owner}` try?");
        context.findings.push(errors::strategy_misfit(message, "no `trials`", &help, expr.span));
    }
    filled
}

fn fits(context: &mut Context<'_>, decl: &BlockDecl, value: &Sweep, strategy: Strategy, span: Span) {
    let budget = budget(context, decl);
    let several = value.objectives.len() > 1;
    match strategy {
        Strategy::Grid => grid(context, value, budget.unwrap_or(GRID_BUDGET), span),
        Strategy::Drawn(_, trials) | Strategy::Searched { trials, .. } => {
            if let Some(budget) = budget.filter(|budget| u64::from(trials) > *budget) {
                let message = format!("{trials} trials, and the budget is {budget}");
                let finding = errors::strategy_misfit(message, "too many", "lower `trials`, or raise `budget`", span);
                context.findings.push(finding);
            }
        }
    }
    match strategy {
        Strategy::Searched { sampler: Sampler::Nsga2, .. } if !several && !value.objectives.is_empty() => {
            let help = "give it two, as `objective = [maximize(roc_auc), minimize(log_loss)]`, or use `tpe`";
            context.findings.push(errors::strategy_misfit("`nsga2` weighs several objectives", "one only", help, span));
        }
        Strategy::Searched { sampler: Sampler::CmaEs | Sampler::Gp, .. } if several => {
            let help = "use `nsga2` or `tpe`";
            let message = "this strategy has one objective";
            context.findings.push(errors::strategy_misfit(message, "several are given", help, span));
        }
        Strategy::Searched { sampler: Sampler::CmaEs, .. } => numbers_only(context, value, span),
        Strategy::Searched { trials, parallel, .. } if parallel > trials => {
            let message = format!("{parallel} at a time of {trials} trials");
            let help = "lower `parallel`, or raise `trials`";
            context.findings.push(errors::strategy_misfit(message, "more than there are", help, span));
        }
        _ => {}
    }
}

/// CMA-ES searches numbers, and no dimension that is there only at times.
fn numbers_only(context: &mut Context<'_>, value: &Sweep, span: Span) {
    let dimensions: Vec<_> = value.candidates.iter().flat_map(|candidate| &candidate.dimensions).collect();
    let odd = dimensions.iter().find(|one| matches!(one.domain, Domain::Choice(_)) || one.when.is_some());
    let message = match odd {
        Some(odd) => format!("`cma_es` searches ranges of numbers, and `{}` is none", odd.name),
        None if value.candidates.len() > 1 => "`cma_es` searches one model".to_owned(),
        None if dimensions.len() == 1 => "`cma_es` searches two dimensions or more".to_owned(),
        None => return,
    };
    context.findings.push(errors::strategy_misfit(message, "cannot search this", "use `tpe`", span));
}

/// A grid has points only where every dimension lists its values.
fn grid(context: &mut Context<'_>, value: &Sweep, budget: u64, span: Span) {
    let all = value.candidates.iter().flat_map(|candidate| &candidate.dimensions);
    if let Some(open) = all.clone().find(|dimension| !matches!(dimension.domain, Domain::Choice(_))) {
        let message = format!("a grid takes lists, and `{}` is a range", open.name);
        let help = "write `(range).steps(5)`, or draw points: `random(trials: 40)`";
        context.findings.push(errors::strategy_misfit(message, "endless", help, span));
        return;
    }
    let points: u64 = value.candidates.iter().map(points).fold(0, u64::saturating_add);
    if points > budget {
        let sizes: Vec<(String, usize)> = all
            .filter_map(|dimension| match &dimension.domain {
                Domain::Choice(values) => Some((dimension.name.clone(), values.len())),
                _ => None,
            })
            .collect();
        context.findings.push(errors::grid_too_large(points, budget, &sizes, span));
    }
}

/// How many combinations of its values a model has; conditions may leave some out.
fn points(candidate: &Candidate) -> u64 {
    let sizes = candidate.dimensions.iter().map(|dimension| match &dimension.domain {
        Domain::Choice(values) => values.len() as u64,
        _ => 1,
    });
    sizes.fold(1, u64::saturating_mul)
}

/// The most trials that the program allows: `budget = trials(100)`.
fn budget(context: &mut Context<'_>, decl: &BlockDecl) -> Option<u64> {
    let expr = setting(decl, "budget")?;
    match call_of(expr) {
        Some((name, [Arg { name: None, value }], _)) if name == "trials" => {
            match constant(context.db, context.file, value) {
                Some(Const::Int(number @ 1..)) => return u64::try_from(number).ok(),
                _ => context.findings.push(errors::wrong_form("budget", "a number of trials", value.span)),
            }
        }
        Some((name, ..)) if ["time", "cost"].contains(&name.as_str()) => {
            let help = "write `budget = trials(100)`; a step's `timeout` ends one that takes too long";
            let message = format!("a sweep that ends by {name} tries other points in each run");
            context.findings.push(errors::strategy_misfit(message, "cannot be repeated", help, expr.span));
        }
        _ => context.findings.push(errors::wrong_form("budget", "a number of trials, as `trials(100)`", expr.span)),
    }
    None
}
