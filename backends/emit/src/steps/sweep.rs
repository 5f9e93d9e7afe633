//! Steps of a sweep: one point, the choice among points, the search for them.

use super::{Context, Parts, argument};
use crate::error::EmitError;
use crate::names::module_name;
use crate::py::{Argument, Py, flat, value_literal};
use mlpc_plan::plan::{Dimension, Domain, Prune, Pruner, Sampler, Search, When};

pub(super) fn trial(context: &Context<'_>, sweep: &str) -> Result<Parts, EmitError> {
    context.require(&["rows", "parts"], &["trial"])?;
    let title = format!("One point of the sweep `{sweep}`: fit it and see how good it is.");
    let mut parts = Parts::new(title, "Fit the model on rows that train, measure it on others.");
    parts.sweep = Some(module_name(sweep));
    let call = vec![
        Argument::positional(Py::name(module_name(sweep)).attribute("SWEEP")),
        Argument::positional(Py::name("sweep.Rows.read(args.rows, args.parts)")),
        Argument::positional(Py::name("sweep.Point(args.candidate, args.hyperparameters, args.seed)")),
        Argument::keyword("threads", Py::name("args.threads")),
        Argument::keyword("trial", Py::name("args.trial")),
    ];
    Ok(parts.line(format!("return {}", flat(&Py::name("sweep.try_point").call_with(call)))))
}

pub(super) fn sweep(context: &Context<'_>, sweep: &str, search: Option<&Search>) -> Result<Parts, EmitError> {
    context.require(&["rows", "parts"], &["model", "trials"])?;
    let mut taken = vec![
        Argument::positional(Py::name(module_name(sweep)).attribute("SWEEP")),
        Argument::positional(Py::name("sweep.Rows.read(args.rows, args.parts)")),
    ];
    let (mut parts, function) = match search {
        None => {
            let names = context.step.inputs.keys().filter(|name| name.starts_with("trial_"));
            let trials = names.map(|name| argument(name)).collect::<Result<Vec<_>, _>>()?;
            taken.push(Argument::positional(Py::List(trials)));
            let title = format!("Choose among the points of the sweep `{sweep}` and fit the best.");
            (Parts::new(title, "Fit the model that did best on rows that trained none."), "sweep.choose")
        }
        Some(search) => {
            taken.push(Argument::positional(Py::name("SEARCH")));
            taken.push(Argument::keyword("fixed", argument("fixed")?));
            taken.push(Argument::keyword("seed", Py::name("args.seed")));
            let title = format!("Search for the best point of the sweep `{sweep}` and fit it.");
            let parts = Parts::new(title, "Try points that follow from those before, then fit the best.");
            (parts.constant("SEARCH", &printed(search)), "search.search")
        }
    };
    parts.sweep = Some(module_name(sweep));
    taken.push(Argument::keyword("threads", Py::name("args.threads")));
    taken.push(Argument::keyword("model", Py::name("args.model")));
    taken.push(Argument::keyword("trials", Py::name("args.trials")));
    Ok(parts.line(format!("return {}", flat(&Py::name(function).call_with(taken)))))
}

fn printed(search: &Search) -> Py {
    let sampler = match search.sampler {
        Sampler::Tpe => "tpe",
        Sampler::CmaEs => "cma_es",
        Sampler::Gp => "gp",
        Sampler::Nsga2 => "nsga2",
    };
    let spaces = search.spaces.iter().map(|(candidate, space)| {
        let dimensions = space.iter().map(|(name, dimension)| printed_dimension(name, dimension));
        (Py::string(candidate), Py::List(dimensions.collect()))
    });
    let mut arguments = vec![
        Argument::keyword("sampler", Py::string(sampler)),
        Argument::keyword("trials", Py::Number(search.trials.to_string())),
        Argument::keyword("parallel", Py::Number(search.parallel.to_string())),
        Argument::keyword("spaces", Py::Dict(spaces.collect())),
    ];
    arguments.extend(search.prune.as_ref().map(|prune| Argument::keyword("prune", printed_prune(prune))));
    Py::name("search.Search").call_with(arguments)
}

fn printed_prune(prune: &Prune) -> Py {
    let pruner = match prune.pruner {
        Pruner::Asha => "asha",
        Pruner::Hyperband => "hyperband",
        Pruner::Median => "median",
    };
    let number = |name: &str, value: i64| Argument::keyword(name, Py::Number(value.to_string()));
    Py::name("search.Prune").call_with(vec![
        Argument::positional(Py::string(pruner)),
        Argument::keyword("resource", Py::string(&prune.resource)),
        number("least", prune.least),
        number("most", prune.most),
        number("factor", prune.factor),
    ])
}

fn printed_dimension(name: &str, dimension: &Dimension) -> Py {
    let range = |kind: &str, low: Py, high: Py, log: bool| {
        let mut arguments = vec![Argument::positional(low), Argument::positional(high)];
        arguments.extend(log.then(|| Argument::keyword("log", Py::bool(true))));
        Py::name("search").attribute(kind).call_with(arguments)
    };
    let domain = match &dimension.domain {
        Domain::Choice(values) => {
            let values = Py::List(values.iter().map(value_literal).collect());
            Py::name("search.Choice").call([values])
        }
        Domain::Int { low, high, log } => {
            range("Whole", value_literal(&(*low).into()), value_literal(&(*high).into()), *log)
        }
        Domain::Float { low, high, log } => {
            range("Number", value_literal(&(*low).into()), value_literal(&(*high).into()), *log)
        }
    };
    let mut arguments = vec![Argument::positional(Py::string(name)), Argument::positional(domain)];
    arguments.extend(dimension.when.as_ref().map(|when| Argument::keyword("when", condition(when))));
    Py::name("search.Dimension").call_with(arguments)
}

fn condition(when: &When) -> Py {
    let function = |name: &str| Py::name("search").attribute(name);
    match when {
        When::Is { dimension, values } => {
            function("Is").call([Py::string(dimension), Py::List(values.iter().map(value_literal).collect())])
        }
        When::Compares { dimension, op, bound } => {
            function("Compares").call([Py::string(dimension), Py::string(op), value_literal(&(*bound).into())])
        }
        When::Not(inner) => function("Not").call([condition(inner)]),
        When::And(left, right) => function("And").call([condition(left), condition(right)]),
        When::Or(left, right) => function("Or").call([condition(left), condition(right)]),
    }
}
