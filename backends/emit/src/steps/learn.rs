//! Steps that learn and judge: fit, train, evaluate.

use super::{Context, Parts, argument, passed};
use crate::error::EmitError;
use crate::exprs::span;
use crate::features::{fits_on_folds, user_function};
use crate::names::module_name;
use crate::py::{Argument, Py, flat, keywords, value_literal};
use mlpc_plan::plan::{CategoryStyle, Curve, Evaluate, Explanation, MetricCall, MetricNeeds, SplitBy, Train};

const TRAINING: &str = "training = split.part(table.read(args.rows), table.read(args.parts), \"train\")";
const FOLD_TRAINING: &str = "training = split.part(rows, parts, \"train\", fold=args.fold)";

/// Statements that read the training part, of the split or of the step's fold.
fn with_training(context: &Context<'_>, parts: Parts) -> Parts {
    match context.step.fold {
        None => parts.line(TRAINING),
        Some(_) => {
            let read = "rows, parts = table.read(args.rows), table.read(args.parts)";
            parts.line(read).line(FOLD_TRAINING)
        }
    }
}

/// Which training part a step learns from.
fn learns_from(context: &Context<'_>) -> &'static str {
    if context.step.fold.is_some() { "the training part of one fold" } else { "the training part" }
}

pub(super) fn fit(context: &Context<'_>, name: &str, split: Option<&SplitBy>) -> Result<Parts, EmitError> {
    let set = context.features(name)?;
    context.require(&["rows", "parts"], &["transform"])?;
    let named = flat(&Py::string(name));
    let module = module_name(name);
    let title = format!("Fit the fitted columns of `{name}` on {}.", learns_from(context));
    let mut taken = vec![Py::name("training")];
    taken.extend(split.filter(|_| fits_on_folds(set)).map(|split| folds(split, &module)));
    let state = flat(&Py::name(module.clone()).method("fit", taken));
    let mut parts = with_training(context, Parts::new(title, "Learn from the training part alone."))
        .line(format!("fitted.save({state}, args.transform, features={named})"))
        .line("return step.Result(rows={\"train\": training.height}, summary=f\"fitted on {training.height} rows\")");
    parts.features = Some(module);
    Ok(parts)
}

pub(super) fn train(context: &Context<'_>, train: &Train) -> Result<Parts, EmitError> {
    let set = context.features(&train.features)?;
    context.require(&["rows", "parts"], &["model"])?;
    let features = module_name(&train.features);
    let fitted = context.has_input("transform");
    let title = format!("{}: {} on {}.", capitalized(context.title()), train.trainer, learns_from(context));
    let task = match context.step.fold {
        None => "Fit the estimator and package it with its transform.",
        Some(_) => "Fit the estimator, package it, and predict the rows that the fold leaves out.",
    };
    let mut parts = with_training(context, Parts::new(title, task));
    if fitted {
        parts = parts.line("state = fitted.load(args.transform)");
    }
    let state = if fitted { "state" } else { "{}" };
    let mut taken = vec![Py::name("training"), Py::name(state)];
    taken.extend(train.out_of_fold.as_ref().map(|split| folds(split, &features)));
    let transform = if train.out_of_fold.is_some() { "transform_training" } else { "transform" };
    let mut learn = vec![
        Argument::positional(Py::name(features.clone()).method(transform, taken)),
        Argument::keyword("inputs", Py::name(format!("{features}.INPUTS"))),
        Argument::keyword("label", Py::name(format!("{features}.LABEL"))),
    ];
    if set.weight.is_some() {
        learn.push(Argument::keyword("weight", Py::name(format!("{features}.WEIGHT"))));
    }
    if train.accepts_nulls {
        learn.push(Argument::keyword("nulls", Py::bool(true)));
    }
    parts = parts.line(format!("data = {}", flat(&Py::name("design.learn").call_with(learn))));
    parts = estimator(context, train, set.weight.is_some(), parts)?;
    let mut save = vec![
        Argument::positional(Py::name("args.model")),
        Argument::positional(Py::name("estimator")),
        Argument::positional(Py::name("data")),
        Argument::positional(training_record(context, train)),
        Argument::keyword("rows", Py::name("training")),
        Argument::keyword("features", Py::name(features.clone())),
    ];
    if fitted {
        save.push(Argument::keyword("transform", Py::name("state")));
    }
    parts = parts.line(flat(&Py::name("model.save").call_with(save)));
    let mut rows = "\"train\": training.height".to_owned();
    if context.step.fold.is_some() {
        context.require(&[], &["predictions"])?;
        parts = parts
            .line("held = split.part(rows, parts, \"validation\", fold=args.fold)")
            .line("table.write(evaluate.out_of_fold(model.load(args.model), held), args.predictions)");
        rows += ", \"validation\": held.height";
    }
    let summary = "f\"trained on {training.height} rows\"";
    parts = parts.line(format!("return step.Result(rows={{{rows}}}, summary={summary})"));
    parts.features = Some(features);
    Ok(parts)
}

/// The folds of the training part under a split.
pub(crate) fn folds(split: &SplitBy, module: &str) -> Py {
    let rows = Py::name("training");
    let by_key = |key: Py| Py::name("crossfit").method("by_key", [rows.clone(), key]);
    match split {
        SplitBy::Random | SplitBy::Stratified(_) => by_key(Py::name(module).attribute("KEY")),
        SplitBy::Group(column) => by_key(Py::strings([column])),
        SplitBy::Time { timestamp, gap_ms, .. } => Py::name("crossfit").attribute("by_time").call_with(vec![
            Argument::positional(rows),
            Argument::positional(Py::string(timestamp)),
            Argument::keyword("gap", Py::name("timedelta").call_with(vec![span(*gap_ms)])),
        ]),
    }
}

/// The estimator made and fitted.
fn estimator(context: &Context<'_>, train: &Train, weighted: bool, mut parts: Parts) -> Result<Parts, EmitError> {
    let given = passed(&train.hyperparameters)?;
    let seed = context.step.seed.map(|_| "args.seed");
    let fitting = Fitting::of(train, weighted, given, seed, "args.threads", "TRAIN")?;
    parts.library.extend(fitting.library);
    parts.constants.extend(fitting.constant);
    Ok(parts.lines(fitting.statements))
}

/// Statements that fit an estimator to `data`, with what they need.
pub(crate) struct Fitting {
    /// They end with the variable `estimator` fitted.
    pub statements: Vec<String>,
    /// Names of libraries: module and name.
    pub library: Vec<(String, String)>,
    /// The user's function, where it is one.
    pub constant: Option<String>,
}

impl Fitting {
    /// Of a trainer with these hyperparameters; a user's function is called by the name `constant`.
    pub(crate) fn of(
        train: &Train,
        weighted: bool,
        mut arguments: Vec<Argument>,
        seed: Option<&str>,
        threads: &str,
        constant: &str,
    ) -> Result<Self, EmitError> {
        let fixed = train.fixed.iter().map(|(name, value)| (name.clone(), value_literal(value)));
        arguments.extend(keywords(fixed.collect()));
        if train.python.contains(".py:") {
            return Self::by_user(train, weighted, arguments, seed, constant);
        }
        match train.categories {
            Some(CategoryStyle::Mask) => {
                arguments.push(Argument::keyword("categorical_features", Py::name("data.is_category")));
            }
            Some(CategoryStyle::FeatureTypes) => {
                arguments.push(Argument::keyword("feature_types", Py::name("data.feature_types")));
                if !train.fixed.contains_key("enable_categorical") {
                    arguments.push(Argument::keyword("enable_categorical", Py::bool(true)));
                }
            }
            Some(CategoryStyle::Indices) | None => {}
        }
        if let (Some(argument), Some(seed)) = (&train.seed_argument, seed) {
            arguments.push(Argument::keyword(argument, Py::name(seed)));
        }
        if let Some(argument) = &train.threads_argument {
            arguments.push(Argument::keyword(argument, Py::name(threads)));
        }
        let (module, class) = train.python.split_once(':').ok_or_else(|| EmitError::Reference(train.python.clone()))?;
        let made = Py::name(class).call_with(arguments);
        let mut fit = vec![Argument::positional(Py::name("data.x")), Argument::positional(Py::name("data.y"))];
        if weighted {
            fit.push(Argument::keyword("sample_weight", Py::name("data.weight")));
        }
        if train.categories == Some(CategoryStyle::Indices) {
            fit.push(Argument::keyword("categorical_feature", Py::name("data.category_indices")));
        }
        Ok(Self {
            statements: vec![format!("estimator = {}", flat(&made)), flat(&Py::name("estimator.fit").call_with(fit))],
            library: vec![(module.to_owned(), class.to_owned())],
            constant: None,
        })
    }

    fn by_user(
        train: &Train,
        weighted: bool,
        mut arguments: Vec<Argument>,
        seed: Option<&str>,
        constant: &str,
    ) -> Result<Self, EmitError> {
        arguments.push(Argument::keyword("seed", Py::name(seed.unwrap_or("args.seed"))));
        if weighted {
            arguments.push(Argument::keyword("weight", Py::name("data.weight")));
        }
        let mut call = vec![Argument::positional(Py::name("data.x")), Argument::positional(Py::name("data.y"))];
        call.extend(arguments);
        Ok(Self {
            statements: vec![format!("estimator = {}", flat(&Py::name(constant).call_with(call)))],
            library: Vec::new(),
            constant: Some(format!("{constant} = {}", flat(&user_function(&train.python)?))),
        })
    }
}

fn training_record(context: &Context<'_>, train: &Train) -> Py {
    let mut arguments = vec![
        Argument::keyword("trainer", Py::string(&train.trainer)),
        Argument::keyword("python", Py::string(&train.python)),
        Argument::keyword("hyperparameters", Py::name("step.parameters(args)")),
    ];
    if context.step.seed.is_some() {
        arguments.push(Argument::keyword("seed", Py::name("args.seed")));
    }
    arguments.push(Argument::keyword("threads", Py::name("args.threads")));
    Py::name("Training").call_with(arguments)
}

pub(super) fn evaluate(context: &Context<'_>, evaluate: &Evaluate) -> Result<Parts, EmitError> {
    context.require(&["rows", "model"], &["metrics", "report", "predictions"])?;
    let part = flat(&Py::string(&evaluate.part));
    let folds: Vec<&String> = context.step.inputs.keys().filter(|name| name.starts_with("fold_")).collect();
    let rows = if folds.is_empty() {
        context.require(&["parts"], &[])?;
        format!("rows = split.part(table.read(args.rows), table.read(args.parts), {part})")
    } else {
        let read = folds.iter().map(|name| argument(name)).collect::<Result<_, _>>()?;
        format!("rows, folds = table.read(args.rows), {}", flat(&Py::List(read)))
    };
    let mut judge =
        vec![Argument::positional(Py::name("model.load(args.model)")), Argument::positional(Py::name("rows"))];
    judge.extend((!folds.is_empty()).then(|| Argument::positional(Py::name("folds"))));
    judge.push(Argument::positional(Py::name("METRICS")));
    judge.push(Argument::keyword("report", Py::string(&evaluate.name)));
    judge.push(Argument::keyword("part", Py::string(&evaluate.part)));
    if !evaluate.slices.is_empty() {
        judge.push(Argument::keyword("slices", Py::strings(&evaluate.slices)));
    }
    judge.extend(evaluate.min_rows.map(|rows| Argument::keyword("min_rows", Py::integer(rows.cast_signed()))));
    let function = if folds.is_empty() { "evaluate.judge" } else { "evaluate.judge_folds" };
    let result =
        format!("return step.Result(summary=judged.summary(), metrics=judged.numbers, rows={{{part}: judged.rows}})");
    let title = match folds.len() {
        0 => format!("Judge a model on the {} part: the report `{}`.", evaluate.part, evaluate.name),
        count => format!("Judge a model by its {count} folds: the report `{}`.", evaluate.name),
    };
    let parts = Parts::new(title, "Score the model and write numbers, page and predictions.");
    let parts =
        metrics(parts, evaluate)?.line(rows).line(format!("judged = {}", flat(&Py::name(function).call_with(judge))));
    Ok(told(parts, evaluate).line(result))
}

/// Statements that work out how sure the numbers are and what matters, and write all that is known.
fn told(mut parts: Parts, evaluate: &Evaluate) -> Parts {
    let mut more = Vec::new();
    if let Some(confidence) = evaluate.confidence {
        let call = Py::name("intervals.around").call_with(vec![
            Argument::positional(Py::name("judged")),
            Argument::keyword("confidence", Py::float(confidence)),
            Argument::keyword("seed", Py::name("args.seed")),
        ]);
        parts = parts.line(format!("certainty = {}", flat(&call)));
        more.push(Argument::keyword("certainty", Py::name("certainty")));
    }
    if !evaluate.explain.is_empty() {
        let calls = evaluate.explain.iter().map(|one| explanation(*one)).collect();
        parts = parts.line(format!("explained = {}", flat(&Py::List(calls))));
        more.push(Argument::keyword("explained", Py::name("explained")));
    }
    let mut write = vec![
        Argument::positional(Py::name("judged")),
        Argument::keyword("metrics", Py::name("args.metrics")),
        Argument::keyword("predictions", Py::name("args.predictions")),
    ];
    write.extend(more.clone());
    let mut page = vec![Argument::positional(Py::name("judged")), Argument::positional(Py::name("args.report"))];
    page.extend(more);
    if let Some(curves) = &evaluate.curves {
        page.push(Argument::keyword("curves", Py::strings(curves.iter().map(|one| curve(*one)))));
    }
    parts.line(flat(&Py::name("evaluate.write").call_with(write))).line(flat(&Py::name("report.write").call_with(page)))
}

/// The call that weighs up the inputs.
fn explanation(explanation: Explanation) -> Py {
    let (function, name, count) = match explanation {
        Explanation::Permutation { repeats } => ("importance.by_permutation", "repeats", repeats),
        Explanation::Shap { rows } => ("shapley.values", "sample", rows),
    };
    Py::name(function).call_with(vec![
        Argument::positional(Py::name("judged")),
        Argument::positional(Py::name("rows")),
        Argument::keyword(name, Py::integer(i64::from(count))),
        Argument::keyword("seed", Py::name("args.seed")),
    ])
}

fn curve(curve: Curve) -> &'static str {
    match curve {
        Curve::Roc => "roc",
        Curve::Pr => "pr",
        Curve::Calibration => "calibration",
        Curve::Confusion => "confusion",
        Curve::Residuals => "residuals",
    }
}

/// The constant `METRICS`, with what its functions need.
pub(super) fn metrics(mut parts: Parts, evaluate: &Evaluate) -> Result<Parts, EmitError> {
    let mut calls = Vec::new();
    for (index, (name, call)) in evaluate.metrics.iter().enumerate() {
        let function = metric_function(&mut parts, call, index)?;
        calls.push(metric(name, function, call));
    }
    Ok(parts.constant("METRICS", &Py::List(calls)))
}

pub(crate) fn metric(name: &str, function: Py, call: &MetricCall) -> Py {
    let needs = match call.needs {
        MetricNeeds::Label => "label",
        MetricNeeds::Probability => "probability",
        MetricNeeds::Value => "value",
    };
    let better = if call.higher_is_better { "higher" } else { "lower" };
    let mut arguments = vec![
        Argument::positional(Py::string(name)),
        Argument::positional(function),
        Argument::keyword("needs", Py::string(needs)),
        Argument::keyword("better", Py::string(better)),
    ];
    if !call.arguments.is_empty() {
        let given = call.arguments.iter().map(|(name, value)| (Py::string(name), value_literal(value))).collect();
        arguments.push(Argument::keyword("arguments", Py::Dict(given)));
    }
    Py::name("Metric").call_with(arguments)
}

fn metric_function(parts: &mut Parts, call: &MetricCall, index: usize) -> Result<Py, EmitError> {
    let python = &call.python;
    if python.contains(".py:") {
        let constant = format!("METRIC_{index}");
        parts.constants.push(format!("{constant} = {}", flat(&user_function(python)?)));
        return Ok(Py::name(constant));
    }
    let (module, function) = python.split_once(':').ok_or_else(|| EmitError::Reference(python.clone()))?;
    if module == "mlp_runtime.metrics" {
        return Ok(Py::name("metrics").attribute(function));
    }
    parts.library.push((module.to_owned(), function.to_owned()));
    Ok(Py::name(function))
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
