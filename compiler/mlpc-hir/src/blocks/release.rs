//! `evaluate`, `register`: what is measured, what is kept.

use super::features::features_shape;
use super::shows;
use super::split::{carried, split};
use super::sweep::sweep;
use super::tracking::{DEFAULT_SERVER, address};
use super::train::{hyperparameters, part_of, train};
use super::{Context, context};
use crate::check::block_named;
use crate::consts::{dotted, literal};
use crate::entries::{call_of, names};
use crate::errors;
use crate::library::{MetricSig, body, metric_signature, setting, trainer_signature};
use crate::names::{Space, nearest, resolve};
use crate::typed::{Checked, Const, Evaluate, MetricUse, Register, Task};
use crate::types::{Ty, TyKind};
use indexmap::IndexMap;
use mlpc_db::{Block, Db, Place, Project};
use mlpc_diagnostics::{Severity, Span};
use mlpc_syntax::ast::{Arg, BlockDecl, Expr, ExprKind};

// --- evaluate --------------------------------------------------------------------------------------------------------

/// An evaluation, checked.
#[salsa::tracked]
pub fn evaluate<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Evaluate> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Evaluate::default()) };
    let Some((model, sweep)) = trained(&mut context, decl) else {
        return context.done(Evaluate { broken: true, ..Evaluate::default() });
    };
    let checked = train(db, model);
    let mut value = Evaluate { train: context.qualified(model), sweep, part: part(decl), ..Evaluate::default() };
    let label = features_of(&context, model).and_then(|features| features_shape(db, features).label.clone());
    let subject = Subject {
        task: checked.value.task,
        label: label.map(|label| label.ty),
        labels_only: labels_only(&context, model, &checked.value.trainer),
        trainer: checked.value.trainer.clone(),
    };
    if let Some(expr) = setting(decl, "metrics") {
        let items: Vec<&Expr> = match &expr.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![expr],
        };
        if items.is_empty() {
            context.findings.push(errors::bad_value("nothing is measured", "an empty list", expr.span));
        }
        for item in items {
            metric(&mut context, item, &subject, &mut value.metrics);
        }
    }
    slices(&mut context, decl, model, &mut value);
    check_part(&mut context, decl, model, &value.part);
    chosen_on(&mut context, decl, &value);
    value.min_rows = shows::min_rows(decl);
    value.confidence = shows::confidence(&mut context, decl);
    value.curves = shows::curves(&mut context, decl, &subject);
    value.explain = shows::explain(&mut context, decl);
    if let Some(expr) = shows::needs_the_model(decl)
        && value.part == "validation"
        && has_folds(&context, model)
    {
        context.findings.push(errors::explained_by_folds(expr.span));
    }
    value.broken |= context.findings.iter().any(|finding| finding.severity == Severity::Error);
    context.done(value)
}

/// The train block behind the model that a header names: of a sweep its first one, for all learn from the same rows.
/// Ensembles come later.
fn trained<'db>(context: &mut Context<'db>, decl: &BlockDecl) -> Option<(Block<'db>, Option<String>)> {
    let block = context.connected(&["train", "sweep", "ensemble"])?;
    match block.keyword(context.db) {
        "train" => Some((block, None)),
        "sweep" => {
            let first = Context { block, file: block.file(context.db), ..context.quiet() }.connected(&["train"])?;
            Some((first, Some(context.qualified(block))))
        }
        keyword => {
            let span = decl.connector.as_ref().map_or(decl.header, |connector| connector.span);
            context.findings.push(errors::not_supported(&format!("a {keyword}"), span));
            None
        }
    }
}

fn part(decl: &BlockDecl) -> String {
    match setting(decl, "on").and_then(literal) {
        Some(Const::Str(part)) => part,
        _ => "test".to_owned(),
    }
}

/// The features block behind a train block.
pub(crate) fn features_of<'db>(context: &Context<'db>, model: Block<'db>) -> Option<Block<'db>> {
    let split = split_of(context, model)?;
    Context { block: split, file: split.file(context.db), ..context.quiet() }.connected(&["features"])
}

/// The split behind a train block.
pub(crate) fn split_of<'db>(context: &Context<'db>, model: Block<'db>) -> Option<Block<'db>> {
    let name = dotted(setting(body(context.db, model)?, "data")?)?;
    let mut quiet = Context { block: model, file: model.file(context.db), ..context.quiet() };
    let (split, _) = part_of(&quiet, &name);
    quiet.block(&["split"], &split, Span::default())
}

/// The part that judges must be one that the split has.
fn check_part(context: &mut Context<'_>, decl: &BlockDecl, model: Block<'_>, part: &str) {
    let (Some(expr), Some(block)) = (setting(decl, "on"), split_of(context, model)) else { return };
    let checked = split(context.db, block);
    let known = checked.findings.is_empty() && part == "validation";
    if known && checked.value.folds.is_none() && !checked.value.parts.iter().any(|(name, _)| name == part) {
        let help = "add `validation = 15%` to it, or `folds = 5`";
        context.findings.push(errors::no_such_part(block.name(context.db), part, help, expr.span));
    }
}

/// The rows that chose among the models of a sweep and then train the winner cannot judge it.
fn chosen_on(context: &mut Context<'_>, decl: &BlockDecl, value: &Evaluate) {
    let (Some(expr), Some(name)) = (setting(decl, "on"), &value.sweep) else { return };
    let found = block_named(context.db, Project::get(context.db), "sweep", name);
    if value.part == "validation" && found.is_some_and(|block| sweep(context.db, block).value.refit) {
        let message = format!("the winner of `{name}` is fitted on these rows too");
        let help = "leave `on` out: the test part judges; what the trials scored is in `trials.json`";
        context.findings.push(errors::bad_value(message, "trained on", expr.span).help(help));
    }
}

/// Whether the model's split has folds, so that it is judged by models of which each saw a part.
fn has_folds(context: &Context<'_>, model: Block<'_>) -> bool {
    split_of(context, model).is_some_and(|block| split(context.db, block).value.folds.is_some())
}

/// What is judged.
pub(super) struct Subject {
    pub(super) task: Option<Task>,
    pub(super) label: Option<Ty>,
    pub(super) trainer: String,
    pub(super) labels_only: bool,
}

fn labels_only(context: &Context<'_>, model: Block<'_>, trainer: &str) -> bool {
    let found = resolve(context.db, model.file(context.db), Space::Trainer, trainer);
    found.is_some_and(|block| trainer_signature(context.db, block).as_ref().is_some_and(|trainer| trainer.labels_only))
}

fn metric(context: &mut Context<'_>, expr: &Expr, subject: &Subject, metrics: &mut IndexMap<String, MetricUse>) {
    let Some((name, args, span)) = call_of(expr) else {
        context.findings.push(errors::wrong_form(
            "metrics",
            "metrics, as `[accuracy, recall(threshold: 0.4)]`",
            expr.span,
        ));
        return;
    };
    let Some(signature) = metric_named(context, &name) else {
        let near = nearest(context.db, context.file, Space::Metric, &[], &name);
        context.findings.push(errors::unknown_component("metric", &name, near, span));
        return;
    };
    if let (Some(task), Some(label)) = (subject.task, &subject.label)
        && !signature.tasks.contains(&task)
    {
        let tasks: Vec<&str> = signature.tasks.iter().map(|task| task.name()).collect();
        context.findings.push(errors::task_mismatch("metric", &name, &tasks, task.name(), label, span));
        return;
    }
    if signature.needs == "probability" && subject.labels_only {
        context.findings.push(errors::needs_probability(&name, &subject.trainer, span));
        return;
    }
    let so_far = context.findings.len();
    let arguments: Vec<(String, Const)> = hyperparameters(context, &name, &signature.params, args)
        .into_iter()
        .map(|parameter| (parameter.name, parameter.value))
        .collect();
    let reported = reported_name(&name, args, metrics);
    let wrong = context.findings.len() > so_far;
    let twice = metrics.values().any(|used| used.metric == name && used.arguments == arguments);
    if metrics.contains_key(&reported) || (twice && !wrong) {
        context.findings.push(errors::bad_value(
            format!("`{reported}` is measured already"),
            "listed twice",
            expr.span,
        ));
        return;
    }
    metrics.insert(reported, MetricUse { metric: name, arguments });
}

/// The plain name, or the call as written where the name is taken.
fn reported_name(name: &str, args: &[Arg], taken: &IndexMap<String, MetricUse>) -> String {
    if !taken.contains_key(name) || args.is_empty() {
        return name.to_owned();
    }
    call_text(name, args)
}

pub(super) fn call_text(name: &str, args: &[Arg]) -> String {
    let args: Vec<String> = args
        .iter()
        .map(|arg| {
            let value = literal(&arg.value).map_or_else(String::new, |value| value.describe());
            arg.name.as_ref().map_or_else(|| value.clone(), |name| format!("{}: {value}", name.text))
        })
        .collect();
    format!("{name}({})", args.join(", "))
}

pub(super) fn metric_named(context: &Context<'_>, name: &str) -> Option<MetricSig> {
    let block = resolve(context.db, context.file, Space::Metric, name)?;
    metric_signature(context.db, block).clone()
}

fn slices(context: &mut Context<'_>, decl: &BlockDecl, model: Block<'_>, value: &mut Evaluate) {
    let Some(expr) = setting(decl, "slices") else { return };
    let Some(features) = features_of(context, model) else {
        value.broken = true;
        return;
    };
    let shape = features_shape(context.db, features);
    value.broken |= shape.partial;
    for (name, span) in names(expr).unwrap_or_default() {
        let Some(column) = carried(context, shape, &name, span) else { continue };
        // Sensitive columns may be judged by, so that a gate can hold the model to fairness.
        let tags: Vec<String> = column.tags.iter().filter(|tag| *tag == "pii").cloned().collect();
        if !tags.is_empty() {
            let source = (Place::There(features.reference(context.db), String::new()), "carried from here".to_owned());
            context.findings.push(errors::tagged_flow(&name, "a report", &tags, span.into(), vec![source]));
            continue;
        }
        match column.ty.kind {
            TyKind::Category(_) | TyKind::Bool | TyKind::String | TyKind::Int | TyKind::Unknown => {
                value.slices.push(name)
            }
            _ => {
                let finding = errors::mismatch("a slice", "a category or a flag", &column.ty, span);
                context.findings.push(finding.help("use `let` with `quantile_bin(x)` or a condition"));
            }
        }
    }
}

// --- register --------------------------------------------------------------------------------------------------------

/// A registration, checked.
#[salsa::tracked]
pub fn register<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Register> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Register::default()) };
    let Some((model, sweep)) = trained(&mut context, decl) else { return context.done(Register::default()) };
    let alias = match setting(decl, "alias").and_then(literal) {
        Some(Const::Str(alias)) => alias,
        _ => "champion".to_owned(),
    };
    let registry = setting(decl, "registry").and_then(|expr| registry(&mut context, expr));
    let mut value = Register { train: context.qualified(model), sweep, gate: None, alias, registry };
    match setting(decl, "requires").and_then(names) {
        Some(required) => {
            for (name, span) in required {
                if let Some(gate) = context.block(&["gate"], &name, span) {
                    value.gate = Some(context.qualified(gate));
                }
            }
        }
        None if crate::entries::is_missing(decl, "requires") => {
            let name = block.name(db).to_owned();
            context.findings.push(errors::register_without_gate(&name, decl.header));
        }
        None => {}
    }
    context.done(value)
}

/// `embedded`, `mlflow`, `mlflow(uri: "http://host:5000")`, `mlflow(uri: env("NAME"))`: the address of a service.
fn registry(context: &mut Context<'_>, expr: &Expr) -> Option<String> {
    let wanted = "`embedded`, `mlflow` or `mlflow(uri: env(\"MLFLOW_TRACKING_URI\"))`";
    match dotted(expr).as_deref() {
        Some("embedded") => return None,
        Some("mlflow") => return Some(DEFAULT_SERVER.to_owned()),
        Some(name @ ("wandb" | "neptune")) => {
            context.findings.push(errors::not_supported(&format!("the registry `{name}`"), expr.span));
            return None;
        }
        _ => {}
    }
    match call_of(expr) {
        Some((name, [Arg { name: Some(argument), value }], _)) if name == "mlflow" && argument.text == "uri" => {
            address(context, "registry", value)
        }
        _ => {
            context.findings.push(errors::wrong_form("registry", wanted, expr.span));
            None
        }
    }
}
