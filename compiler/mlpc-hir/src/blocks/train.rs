//! `train`: a trainer with its hyperparameters, on a split whose features it can take.

use super::features::features_shape;
use super::split::PARTS;
use super::{Context, context};
use crate::consts::{constant, dotted, formula};
use crate::entries::call_of;
use crate::errors;
use crate::infer::causes::{Cause, cause_of};
use crate::library::{HyperForm, HyperSig, TrainerSig, body, setting, trainer_signature};
use crate::names::{Space, nearest, resolve};
use crate::typed::{Checked, Column, Const, FeaturesShape, Hyperparameter, Task, Train};
use crate::types::TyKind;
use mlpc_db::{Block, Db, Place};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{Arg, BlockDecl};
use std::collections::BTreeMap;

/// A training job, checked.
#[salsa::tracked]
pub fn train<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Train> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Train::default()) };
    let mut value = Train { operations: super::operations::operations(&mut context, decl), ..Train::default() };
    for later in ["calibrate", "threshold", "early_stopping", "distributed", "label"] {
        if let Some(expr) = setting(decl, later) {
            context.findings.push(errors::not_supported(&format!("`{later}` of a train block"), expr.span));
        }
    }
    let trainer = trainer(&mut context, decl, &mut value);
    let features = data(&mut context, decl, &mut value);
    if let Some(features) = features {
        let shape = features_shape(db, features);
        value.task = shape.label.as_ref().and_then(|label| task_of(&label.ty.kind));
        check_fit(&mut context, decl, features, shape, trainer, value.task);
    }
    context.done(value)
}

/// What a label of this kind makes of the training.
#[must_use]
pub fn task_of(kind: &TyKind) -> Option<Task> {
    match kind {
        TyKind::Bool => Some(Task::Binary),
        TyKind::Category(_) => Some(Task::Multiclass),
        TyKind::Int | TyKind::Float | TyKind::Decimal(..) => Some(Task::Regression),
        _ => None,
    }
}

fn data<'db>(context: &mut Context<'db>, decl: &BlockDecl, value: &mut Train) -> Option<Block<'db>> {
    let expr = setting(decl, "data")?;
    let name = dotted(expr)?;
    let (name, part) = part_of(context, &name);
    let split = context.block(&["split"], &name, expr.span)?;
    match part {
        Some("test") => context.findings.push(errors::trains_on_test(&name, expr.span)),
        Some(part) if part != "train" => context.findings.push(errors::trains_on(part, expr.span)),
        _ => {}
    }
    value.split = context.qualified(split);
    // The split's own findings are reported with the split; here only its features matter.
    let features =
        Context { block: split, file: split.file(context.db), ..context.quiet() }.connected(&["features"])?;
    value.features = context.qualified(features);
    Some(features)
}

/// The split that `data` names, and the part of it where it says one: `parts.train`.
pub fn part_of<'a>(context: &Context<'_>, name: &'a str) -> (String, Option<&'a str>) {
    match name.rsplit_once('.') {
        Some((split, part))
            if PARTS.contains(&part) && resolve(context.db, context.file, Space::Block, name).is_none() =>
        {
            (split.to_owned(), Some(part))
        }
        _ => (name.to_owned(), None),
    }
}

fn trainer(context: &mut Context<'_>, decl: &BlockDecl, value: &mut Train) -> Option<(TrainerSig, Span)> {
    let expr = setting(decl, "trainer")?;
    let Some((name, args, span)) = call_of(expr) else {
        context.findings.push(errors::wrong_form("trainer", "a trainer, as `sklearn.ridge(alpha: 0.5)`", expr.span));
        return None;
    };
    let found = resolve(context.db, context.file, Space::Trainer, &name);
    let Some(signature) = found.and_then(|block| trainer_signature(context.db, block).clone()) else {
        let near = nearest(context.db, context.file, Space::Trainer, &[], &name);
        context.findings.push(errors::unknown_component("trainer", &name, near, span));
        return None;
    };
    value.trainer.clone_from(&signature.name);
    value.hyperparameters = hyperparameters(context, &signature.name, &signature.params, args);
    Some((signature, span))
}

/// The value of every parameter of a trainer or metric, defaults included; reports those that do not fit.
pub fn hyperparameters(
    context: &mut Context<'_>,
    owner: &str,
    params: &[HyperSig],
    args: &[Arg],
) -> Vec<Hyperparameter> {
    let mut given: Vec<(&HyperSig, Const)> = Vec::new();
    let mut formulas = BTreeMap::new();
    for arg in args {
        given.extend(hyperparameter(context, owner, params, arg, &given));
        if let (Some(name), Some(formula)) = (&arg.name, formula(context.db, context.file, &arg.value)) {
            formulas.insert(name.text.as_str(), formula);
        }
    }
    let value_of =
        |param: &HyperSig| given.iter().find(|(other, _)| other.name == param.name).map(|(_, value)| value.clone());
    params
        .iter()
        .filter_map(|param| {
            let set = value_of(param);
            let default = set.is_none();
            let value = set.or_else(|| param.default.clone())?;
            Some(Hyperparameter {
                name: param.name.clone(),
                python_type: param.python_type(),
                value,
                default,
                formula: formulas.remove(param.name.as_str()),
                is_float: is_float(param),
                range: param.range,
            })
        })
        .collect()
}

/// One that is given; whatever is wrong with it is reported.
fn hyperparameter<'a>(
    context: &mut Context<'_>,
    owner: &str,
    params: &'a [HyperSig],
    arg: &Arg,
    given: &[(&HyperSig, Const)],
) -> Option<(&'a HyperSig, Const)> {
    let span = arg.value.span;
    let Some(name) = &arg.name else {
        let message = format!("the hyperparameters of `{owner}` are given by name");
        context.findings.push(errors::bad_value(message, "which one?", span));
        return None;
    };
    let Some(param) = params.iter().find(|param| param.name == name.text) else {
        let known = params.iter().map(|param| param.name.as_str());
        context.findings.push(errors::unknown_hyperparameter(owner, &name.text, known, name.span));
        return None;
    };
    if given.iter().any(|(other, _)| other.name == param.name) {
        context.findings.push(errors::duplicate(&name.text, name.span, Place::Here(name.span)));
        return None;
    }
    let judged = match constant(context.db, context.file, &arg.value) {
        Some(value) => judge(param, value).map_err(|misfit| match misfit {
            Misfit::Range(value) => errors::hyperparameter_range(owner, &param.name, &value, param.range, span),
            Misfit::Type(value) => {
                errors::hyperparameter_type(owner, &param.name, &param.describe(), &value.describe(), span)
            }
        }),
        None => {
            let found = format!("`{}`", context.source(span));
            Err(errors::hyperparameter_type(owner, &param.name, &param.describe(), &found, span))
        }
    };
    judged.map_err(|finding| context.findings.push(finding)).ok().map(|value| (param, value))
}

/// Whether whole numbers are widened.
fn is_float(param: &HyperSig) -> bool {
    param.forms.contains(&HyperForm::Float) && !param.forms.contains(&HyperForm::Int)
}

/// Why a value is none of a hyperparameter.
pub(super) enum Misfit {
    Type(Const),
    Range(Const),
}

/// Whether a value fits a parameter, widened where that is exact.
#[expect(clippy::cast_precision_loss, reason = "an int hyperparameter given for a float is small")]
pub(super) fn judge(param: &HyperSig, value: Const) -> Result<Const, Misfit> {
    let value = match value {
        Const::Int(int) if is_float(param) => Const::Float(int as f64),
        other => other,
    };
    let fits = match &value {
        Const::Null => param.nullable,
        other => param.forms.iter().any(|form| form_takes(form, other)),
    };
    if !fits {
        return Err(Misfit::Type(value));
    }
    match value.number() {
        Some(number) if !param.range.contains(number) => Err(Misfit::Range(value)),
        _ => Ok(value),
    }
}

fn form_takes(form: &HyperForm, value: &Const) -> bool {
    match (form, value) {
        (HyperForm::Bool, Const::Bool(_))
        | (HyperForm::Int, Const::Int(_))
        | (HyperForm::Float, Const::Float(_) | Const::Int(_))
        | (HyperForm::Text, Const::Str(_)) => true,
        (HyperForm::Enum(options), Const::Str(text)) => options.contains(text),
        (HyperForm::List(item), Const::List(values)) => values.iter().all(|value| form_takes(item, value)),
        _ => false,
    }
}

// --- does the data fit the trainer? ----------------------------------------------------------------------------------

fn check_fit(
    context: &mut Context<'_>,
    decl: &BlockDecl,
    features: Block<'_>,
    shape: &FeaturesShape,
    trainer: Option<(TrainerSig, Span)>,
    task: Option<Task>,
) {
    let data_span = setting(decl, "data").map_or(decl.header, |expr| expr.span);
    let reference = features.reference(context.db);
    let name = features.name(context.db).to_owned();
    let Some(label) = &shape.label else {
        if !shape.broken {
            context.findings.push(errors::no_label(&name, data_span, reference));
        }
        return;
    };
    if shape.inputs.is_empty() {
        if shape.broken {
            return;
        }
        context.findings.push(errors::no_inputs(&name, data_span, reference.clone()));
        return;
    }
    let Some((trainer, span)) = trainer else { return };
    if label.ty.is_unknown() {
        return;
    }
    let Some(task) = task else {
        let at = Place::There(reference, label.name.clone());
        let finding = errors::mismatch("a label", "a flag, a category or a number", &label.ty, data_span);
        let help = "use `to_category(x)`, or compare it with a value";
        context.findings.push(finding.label(at, "the label").help(help));
        return;
    };
    if !trainer.tasks.contains(&task) {
        let tasks: Vec<&str> = trainer.tasks.iter().map(|task| task.name()).collect();
        let finding = errors::task_mismatch("trainer", &trainer.name, &tasks, task.name(), &label.ty, span);
        context.findings.push(finding.label(Place::There(reference, label.name.clone()), "the label"));
        return;
    }
    // A filter that cannot be read may take the nulls out.
    if !shape.partial {
        check_inputs(context, &trainer, shape, span, features);
    }
}

/// What makes the first of these columns null that has such a cause.
fn null_cause(context: &Context<'_>, features: Block<'_>, names: &[String]) -> Option<Cause> {
    let definitions = &super::features::features(context.db, features).value.definitions;
    names.iter().find_map(|name| cause_of(definitions, name))
}

/// What a trainer may refuse: the word in `accepts`, what to call it, how to mend it, which columns have it.
type Refusal = (&'static str, &'static str, &'static str, fn(&Column) -> bool);

const REFUSALS: [Refusal; 5] = [
    ("nulls", "nulls", "use `impute(x)` or `coalesce(x, …)`, or `filter is_not_null(x)`", |column| {
        column.ty.nullable && !column.ty.is_unknown()
    }),
    ("categories", "categories", "use `one_hot(x)` or `ordinal(x)`", |column| {
        matches!(column.ty.kind, TyKind::Category(_))
    }),
    ("vectors", "vectors", "use another trainer", |column| matches!(column.ty.kind, TyKind::Vector(_))),
    (
        "",
        "texts, times or lists",
        "make a number or a category of it: `to_category(x)`, `hour(t)`, `length(s)`",
        |column| !super::features::is_model_input(&column.ty.kind),
    ),
    (
        "",
        "bytes or images",
        "make numbers of it by a function of your own: `fn brightness(x: image) -> float { python = \"look.py:brightness\" }`",
        |column| matches!(column.ty.kind, TyKind::Bytes | TyKind::Image),
    ),
];

fn check_inputs(context: &mut Context<'_>, trainer: &TrainerSig, shape: &FeaturesShape, span: Span, block: Block<'_>) {
    let features = &block.reference(context.db);
    let accepts = |what: &str| trainer.accepts.iter().any(|accepted| accepted == what);
    if let Some(weight) = shape.weight.as_ref().filter(|_| !accepts("weights")) {
        let place = Place::There(features.clone(), weight.clone());
        let help = "use a trainer that takes weights, or take the `weight` out";
        let columns = std::slice::from_ref(weight);
        context.findings.push(errors::input_not_accepted(&trainer.name, "weights", columns, help, span, place));
    }
    let mut told: Vec<&str> = Vec::new();
    // What is wrong in kind comes first; a column is told of once.
    for (accept, reason, help, has) in REFUSALS.iter().rev() {
        if accepts(accept) {
            continue;
        }
        let refused: Vec<&Column> =
            shape.inputs.iter().filter(|column| has(column) && !told.contains(&column.name.as_str())).collect();
        let Some(first) = refused.first() else { continue };
        told.extend(refused.iter().map(|column| column.name.as_str()));
        let names: Vec<String> = refused.iter().map(|column| column.name.clone()).collect();
        let place = Place::There(features.clone(), first.name.clone());
        let finding = errors::input_not_accepted(&trainer.name, reason, &names, help, span, place);
        let cause = if *accept == "nulls" { null_cause(context, block, &names) } else { None };
        context.findings.push(match cause {
            Some(cause) => finding.label(Place::Inside(features.clone(), cause.span), cause.what),
            None => finding,
        });
    }
}
