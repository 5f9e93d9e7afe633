//! The module of a features block: `rows`, `predict_rows`, `fit`, `transform`, and what the model reads.

mod joins;
mod windows;

use crate::error::EmitError;
use crate::exprs::{Printer, timedelta};
use crate::imports::{Imports, is_reserved};
use crate::layout::Layout;
use crate::names::{columns_of, named_arguments};
use crate::py::{Argument, Py, flat, is_identifier};
use crate::text::header;
use indexmap::{IndexMap, IndexSet};
use mlpc_plan::plan::{
    DType, Expr, FeatureSet, Fitted, FittedStage, Join, ModelInput, NamedValue, Plan, Spine, Task, Window,
};
use serde::Serialize;

/// The column that numbers rows which have no key.
pub const ROW: &str = "__row__";

#[derive(Serialize)]
struct View {
    doc: String,
    imports: String,
    constants: Vec<String>,
    functions: Vec<Function>,
}

#[derive(Serialize)]
struct Function {
    signature: String,
    doc: String,
    body: Vec<String>,
}

/// Prints the module `features/<name>.py`.
///
/// # Errors
///
/// If a name or an expression can't be printed.
pub fn module(layout: &Layout, plan: &Plan, set: &FeatureSet) -> Result<String, EmitError> {
    let mut module = Module { set, printer: Printer::default() };
    let functions = module.functions()?;
    let mut constants = vec![
        format!("DATASETS = {}", flat(&Py::strings(set.datasets()))),
        format!("KEY = {}", flat(&Py::strings(identifier(set)))),
        format!("WEIGHT = {}", flat(&set.weight.as_deref().map_or(Py::name("None"), Py::string))),
        format!("INPUTS = {}", flat(&Py::List(set.inputs.iter().map(input).collect()))),
    ];
    if set.label.is_some() {
        let known = flat(&Py::strings(subset(&parameters(set), &module.known_in_time()).into_keys()));
        constants.insert(1, format!("PREDICT_DATASETS = {known}"));
    }
    constants.extend(label(set));
    for (python, constant) in &module.printer.user_functions {
        constants.push(format!("{constant} = {}", flat(&user_function(python)?)));
    }
    let code = all_code(&constants, &functions);
    let imports = Imports::of(&code)?;
    let title = format!("Features `{}` of `{}`.", set.name, set.base);
    let doc = header(&plan.compiler, &set.origin, &title, Some(&documentation(set)));
    layout.python("features.py", &View { doc, imports: imports.lines(), constants, functions })
}

/// `user.function(__file__, "geo.py", "haversine")`.
///
/// # Errors
///
/// If the reference names no function of a file.
pub fn user_function(python: &str) -> Result<Py, EmitError> {
    let (file, function) = python.rsplit_once(':').ok_or_else(|| EmitError::Reference(python.to_owned()))?;
    Ok(Py::name("user.function").call([Py::name("__file__"), Py::string(file), Py::string(function)]))
}

/// Columns that identify a row.
#[must_use]
pub fn identifier(set: &FeatureSet) -> Vec<String> {
    if set.key.is_empty() { vec![ROW.to_owned()] } else { set.key.clone() }
}

/// The documentation of the block and of its columns.
fn documentation(set: &FeatureSet) -> String {
    let values = set.values.iter().map(|value| (&value.name, &value.doc));
    let fitted = set.fitted.iter().map(|stage| match stage {
        FittedStage::Fit(fitted) => (&fitted.name, &fitted.doc),
        FittedStage::Value(value) => (&value.name, &value.doc),
    });
    let windows = set.windows.iter().map(|window| (&window.name, &window.doc));
    let columns = windows.chain(values).chain(fitted).filter_map(|(name, doc)| {
        let words: Vec<&str> = doc.as_deref()?.split_whitespace().collect();
        Some(format!("`{name}`: {}", words.join(" ")))
    });
    set.doc.iter().cloned().chain(columns).collect::<Vec<_>>().join("\n\n")
}

fn all_code(constants: &[String], functions: &[Function]) -> String {
    let bodies = functions.iter().map(|function| format!("{}\n{}", function.signature, function.body.join("\n")));
    constants.iter().cloned().chain(bodies).collect::<Vec<_>>().join("\n")
}

fn input(input: &ModelInput) -> Py {
    let (kind, levels) = kind(&input.dtype);
    let mut arguments = vec![Argument::positional(Py::string(&input.name)), Argument::positional(Py::string(kind))];
    if input.nullable {
        arguments.push(Argument::keyword("nullable", Py::bool(true)));
    }
    if !input.sources.is_empty() {
        arguments.push(Argument::keyword("sources", Py::strings(&input.sources)));
    }
    arguments.extend(levels.map(|levels| Argument::keyword("levels", Py::strings(levels))));
    Py::name("Input").call_with(arguments)
}

fn label(set: &FeatureSet) -> Option<String> {
    let label = set.label.as_ref()?;
    let task = match label.task {
        Task::Binary => "binary",
        Task::Multiclass => "multiclass",
        Task::Regression => "regression",
    };
    let mut arguments = vec![Argument::positional(Py::string(&label.name)), Argument::positional(Py::string(task))];
    let (_, levels) = kind(&label.dtype);
    arguments.extend(levels.map(|levels| Argument::keyword("levels", Py::strings(levels))));
    Some(format!("LABEL = {}", flat(&Py::name("Label").call_with(arguments))))
}

/// What the runtime calls a type, and the levels of a closed category.
#[must_use]
pub fn kind(dtype: &DType) -> (&'static str, Option<&[String]>) {
    match dtype {
        DType::Bool => ("bool", None),
        DType::Int => ("int", None),
        DType::Float => ("float", None),
        DType::String => ("string", None),
        DType::Category { levels } => ("category", levels.as_deref()),
        DType::Date => ("date", None),
        DType::Timestamp => ("timestamp", None),
        DType::Duration => ("duration", None),
        DType::Bytes => ("bytes", None),
        DType::Image => ("image", None),
        DType::Vector { .. } => ("vector", None),
        DType::List { .. } => ("list", None),
        DType::Decimal { .. } => ("decimal", None),
    }
}

struct Module<'a> {
    set: &'a FeatureSet,
    printer: Printer,
}

impl<'a> Module<'a> {
    fn functions(&mut self) -> Result<Vec<Function>, EmitError> {
        let set = self.set;
        let (to_learn, to_predict) = (self.read_for(true), self.read_for(false));
        let own = |value: &&NamedValue| !is_itself(value) && to_learn.contains(&value.name);
        let (values, label_values): (Vec<_>, Vec<_>) =
            set.values.iter().filter(own).partition(|value| to_predict.contains(&value.name));
        let (related, only_label) = self.parted(&to_predict);
        let parameters = parameters(set);
        let mut functions = Vec::new();
        if only_label.joins.is_empty() && only_label.windows.is_empty() {
            let mut steps = self.related(&related, &parameters, true)?;
            steps.extend(self.values(&values)?);
            let shared = Shared::new("_values", "Joins, windows, filters and row-wise values.", &parameters, steps);
            functions.push(self.rows(&parameters, &shared.call, Vec::new(), &label_values)?);
            functions.extend(set.label.as_ref().map(|_| self.predict_rows(&parameters, &shared.call)));
            functions.extend(shared.function);
        } else {
            let few = subset(&parameters, &self.known_in_time());
            let steps = self.related(&related, &few, true)?;
            let found = Shared::new("_related", "Joins and windows of what is known in time.", &few, steps);
            let frame = IndexMap::from([(String::new(), "frame".to_owned())]);
            let steps = self.values(&values)?;
            let shared = Shared::new("_values", "Filters and row-wise values.", &frame, steps);
            let late = self.related(&only_label, &parameters, false)?;
            let mut before = vec![format!("frame = {}", found.call)];
            before.extend(chained(late, "frame", "frame"));
            if shared.function.is_some() {
                before.push(format!("frame = {}", shared.call));
            }
            functions.push(self.rows(&parameters, "frame", before, &label_values)?);
            let start = if shared.function.is_some() { format!("_values({})", found.call) } else { found.call };
            functions.push(self.predict_rows(&few, &start));
            functions.extend(found.function.into_iter().chain(shared.function));
        }
        if !set.fitted.is_empty() {
            functions.push(self.fit()?);
        }
        functions.push(self.transform(false)?);
        if self.set.is_out_of_fold() {
            functions.push(self.transform(true)?);
        }
        Ok(functions)
    }

    /// Joins and windows that rows to predict for need, and those that only the label does.
    fn parted(&self, to_predict: &IndexSet<String>) -> (Related<'a>, Related<'a>) {
        let set = self.set;
        let (windows, label_windows) =
            set.windows.iter().partition(|window| set.label.is_none() || to_predict.contains(&window.name));
        let taken = |join: &&Join| join.columns.iter().any(|(_, here)| to_predict.contains(here));
        let (joins, label_joins) = set.joins.iter().partition(|join| set.label.is_none() || taken(join));
        (Related { joins, windows }, Related { joins: label_joins, windows: label_windows })
    }

    /// The datasets that rows to predict for are made of: where nothing is for the label alone, all.
    fn known_in_time(&self) -> IndexSet<String> {
        let (related, only_label) = self.parted(&self.read_for(false));
        let every = only_label.joins.is_empty() && only_label.windows.is_empty();
        if every {
            self.set.datasets().into_iter().map(str::to_owned).collect()
        } else {
            related.datasets(&self.set.base)
        }
    }

    /// The columns on which rows depend: to predict, those that only label and slices need are not among them.
    fn read_for(&self, labelled: bool) -> IndexSet<String> {
        let set = self.set;
        let mut needed: IndexSet<String> = self.needed(labelled).into_iter().collect();
        needed.extend(set.filters.iter().flat_map(columns_of));
        if labelled {
            needed.extend(set.label_filters.iter().flat_map(columns_of));
        }
        for value in set.values.iter().rev() {
            if needed.contains(&value.name) {
                needed.extend(columns_of(&value.expr));
            }
        }
        for window in set.windows.iter().rev() {
            if needed.contains(&window.name) {
                needed.extend(windows::reads(window));
            }
        }
        for join in set.joins.iter().rev() {
            if join.columns.iter().any(|(_, here)| needed.contains(here)) {
                needed.extend(joins::reads(join));
            }
        }
        needed
    }

    /// Columns that `rows` gives: identity, carried, what the model and fitted columns read, label, weight.
    fn needed(&self, labelled: bool) -> Vec<String> {
        let set = self.set;
        let mut names: IndexSet<String> = identifier(set).into_iter().collect();
        names.extend(set.timestamp.clone());
        if labelled {
            names.extend(set.carried.iter().cloned());
        }
        let fitted: IndexSet<&str> = set.fitted.iter().map(stage_name).collect();
        let given = set.inputs.iter().map(|input| &input.name).chain(&set.observed);
        names.extend(given.filter(|name| !fitted.contains(name.as_str())).cloned());
        let read = set.fitted.iter().flat_map(stage_columns);
        names.extend(read.filter(|name| !fitted.contains(name.as_str())));
        if labelled {
            let learned_from = set.fitted.iter().flat_map(learned_from);
            names.extend(learned_from.filter(|name| !fitted.contains(name.as_str())));
            names.extend(set.label.as_ref().map(|label| label.name.clone()));
            names.extend(set.weight.clone());
        }
        names.into_iter().collect()
    }

    /// The spine, joins and windows, in order.
    fn related(
        &mut self,
        related: &Related<'_>,
        parameters: &IndexMap<String, String>,
        from_base: bool,
    ) -> Result<Vec<Step>, EmitError> {
        let other = |dataset: &str| parameters.get(dataset).cloned().unwrap_or_default();
        let mut steps: Vec<Step> =
            self.set.spine.iter().filter(|_| from_base).map(|spine| self.sampled(spine)).collect();
        for join in &related.joins {
            steps.push(joins::step(&mut self.printer, join, &other(&join.dataset))?);
        }
        for stage in windows::stages(&related.windows) {
            let start = if steps.is_empty() && from_base { other(&self.set.base) } else { "frame".to_owned() };
            let rows_of = |dataset: Option<&str>| dataset.map_or_else(|| start.clone(), other);
            steps.push(windows::step(&mut self.printer, &stage, rows_of)?);
        }
        Ok(steps)
    }

    /// `spine.sample(customers, …)`.
    fn sampled(&self, spine: &Spine) -> Step {
        let set = self.set;
        let time = set.timestamp.as_deref().unwrap_or("sampled_at");
        let own: Vec<&String> = set.key.iter().filter(|name| *name != time).collect();
        let mut arguments = vec![
            Argument::keyword("key", Py::strings(own)),
            Argument::keyword("time", Py::string(time)),
            Argument::keyword("every", timedelta(spine.every_ms)),
            Argument::keyword("start", Py::string(&spine.start)),
            Argument::keyword("end", Py::string(&spine.end)),
        ];
        arguments.extend(spine.zone.as_ref().map(|zone| Argument::keyword("zone", Py::string(zone))));
        arguments.extend(spine.from.as_ref().map(|from| Argument::keyword("since", Py::string(from))));
        if let Some(valid) = &spine.valid {
            arguments.push(Argument::keyword("valid_from", Py::string(&valid.from)));
            arguments.push(Argument::keyword("valid_until", Py::string(&valid.until)));
        }
        Step::around("spine.sample", arguments)
    }

    /// Filters and row-wise values, in order.
    fn values(&mut self, values: &[&NamedValue]) -> Result<Vec<Step>, EmitError> {
        let mut steps = Vec::new();
        let named: IndexSet<&str> = values.iter().map(|value| value.name.as_str()).collect();
        let late = |filter: &&Expr| columns_of(filter).iter().any(|name| named.contains(name.as_str()));
        let (after, before): (Vec<_>, Vec<_>) = self.set.filters.iter().partition(late);
        steps.extend(self.filter(&before)?);
        for group in independent(values.iter().copied(), |value| (&value.name, columns_of(&value.expr))) {
            steps.push(self.with_values(&group)?);
        }
        steps.extend(self.filter(&after)?);
        Ok(steps)
    }

    fn with_values(&mut self, values: &[&NamedValue]) -> Result<Step, EmitError> {
        let named = values.iter().map(|value| Ok((value.name.clone(), self.printer.expression(&value.expr)?)));
        Ok(with_columns(named.collect::<Result<Vec<_>, EmitError>>()?))
    }

    fn filter(&mut self, filters: &[&Expr]) -> Result<Option<Step>, EmitError> {
        if filters.is_empty() {
            return Ok(None);
        }
        let conditions = filters.iter().map(|filter| self.printer.expression(filter)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Step::Method(format!("filter({})", joined(&conditions)))))
    }

    fn rows(
        &mut self,
        parameters: &IndexMap<String, String>,
        start: &str,
        mut before: Vec<String>,
        label_values: &[&NamedValue],
    ) -> Result<Function, EmitError> {
        let mut steps = Vec::new();
        for group in independent(label_values.iter().copied(), |value| (&value.name, columns_of(&value.expr))) {
            steps.push(self.with_values(&group)?);
        }
        let late: Vec<&Expr> = self.set.label_filters.iter().collect();
        steps.extend(self.filter(&late)?);
        let doc = match &self.set.label {
            Some(label) if label.nullable => {
                let known = self.printer.column(&label.name).method("is_not_null", []);
                steps.push(Step::Method(format!("filter({})", flat(&known))));
                "Rows to learn from: features and label, without rows whose label is null."
            }
            Some(_) => "Rows to learn from: features and label.",
            None => "Rows with their features.",
        };
        steps.push(self.select(true));
        before.extend(chained(steps, start, "frame"));
        let signature = format!("rows({}) -> pl.LazyFrame", typed(parameters));
        Ok(Function { signature, doc: doc.to_owned(), body: returned(before) })
    }

    fn predict_rows(&mut self, parameters: &IndexMap<String, String>, start: &str) -> Function {
        let steps = vec![self.select(false)];
        Function {
            signature: format!("predict_rows({}) -> pl.LazyFrame", typed(parameters)),
            doc: "Rows to predict for: the same without the label and what only it needs.".to_owned(),
            body: returned(chained(steps, start, "frame")),
        }
    }

    fn select(&mut self, labelled: bool) -> Step {
        let names: Vec<Py> = self
            .needed(labelled)
            .iter()
            .map(|name| match self.printer.column(name) {
                Py::Call(function, _) if *function == Py::name("pl").attribute("col") => Py::string(name),
                escaped => escaped,
            })
            .collect();
        Step::Method(format!("select({})", joined(&names)))
    }

    fn fit(&mut self) -> Result<Function, EmitError> {
        let mut body = vec!["state: fitted.Transform = {}".to_owned()];
        let read = read_by_fits(self.set);
        for stage in &self.set.fitted {
            if let FittedStage::Fit(fitted) = stage {
                let target = flat(&Py::name("state").index(Py::string(&fitted.name)));
                body.push(format!("{target} = {}", flat(&self.fit_call(&fitted.fit, fitted, false)?)));
            }
            let name = stage_name(stage);
            if read.contains(name) {
                let added = with_columns(vec![(name.to_owned(), self.applied(stage, true)?)]);
                body.extend(chained(vec![added], "rows", "rows"));
            }
        }
        body.push("return state".to_owned());
        Ok(Function {
            signature: format!("fit({}) -> fitted.Transform", taken(&["rows"], fits_on_folds(self.set))),
            doc: "Learn the state of the fitted columns from the training part.".to_owned(),
            body,
        })
    }

    fn fit_call(&mut self, function: &str, fitted: &Fitted, folds: bool) -> Result<Py, EmitError> {
        let mut arguments = Vec::new();
        for value in fitted.args.values().flatten() {
            arguments.push(Argument::positional(self.series(value)?));
        }
        for (name, value) in &fitted.learned_from {
            arguments.push(Argument::keyword(name.clone(), self.series(value)?));
        }
        if folds {
            arguments.push(Argument::keyword("folds", Py::name("folds")));
        }
        let constants = fitted.constants.iter();
        arguments
            .extend(constants.map(|(name, value)| Argument::keyword(name.clone(), crate::py::value_literal(value))));
        let (module, name) = function.split_once('.').ok_or_else(|| EmitError::Reference(function.to_owned()))?;
        Ok(Py::name(module).attribute(name).call_with(arguments))
    }

    /// The values of an expression in the rows of the training part.
    fn series(&mut self, value: &Expr) -> Result<Py, EmitError> {
        match value {
            Expr::Column { name } => Ok(Py::name("rows").index(Py::string(name))),
            _ => {
                let value = self.printer.expression(value)?;
                Ok(Py::name("rows").method("select", [value]).method("to_series", []))
            }
        }
    }

    /// The column of a stage: for rows of the training part learned out of fold, where that is how it is fitted.
    fn applied(&mut self, stage: &FittedStage, training: bool) -> Result<Py, EmitError> {
        match stage {
            FittedStage::Fit(fitted) => match &fitted.out_of_fold {
                Some(function) if training => self.fit_call(function, fitted, true),
                _ => self.printer.fitted(fitted),
            },
            FittedStage::Value(value) => self.printer.expression(&value.expr),
        }
    }

    fn transform(&mut self, training: bool) -> Result<Function, EmitError> {
        let mut steps = Vec::new();
        for group in independent(self.set.fitted.iter(), |stage| (stage_name(stage), stage_columns(stage))) {
            let named =
                group.into_iter().map(|stage| Ok((stage_name(stage).to_owned(), self.applied(stage, training)?)));
            steps.push(with_columns(named.collect::<Result<Vec<_>, EmitError>>()?));
        }
        let doc = match (steps.is_empty(), training) {
            (true, _) => "No column is fitted: the rows as they are.",
            (false, false) => "Add the fitted columns.",
            (false, true) => "Add the fitted columns to the training part, whose rows must not see their own label.",
        };
        let body =
            if steps.is_empty() { vec!["return rows".to_owned()] } else { returned(chained(steps, "rows", "rows")) };
        let name = if training { "transform_training" } else { "transform" };
        let signature = format!("{name}({}) -> pl.DataFrame", taken(&["rows", "state"], training));
        Ok(Function { signature, doc: doc.to_owned(), body })
    }
}

/// Joins and windows of one of the two functions that make rows.
struct Related<'a> {
    joins: Vec<&'a Join>,
    windows: Vec<&'a Window>,
}

impl Related<'_> {
    /// The datasets that they read, and the base.
    fn datasets(&self, base: &str) -> IndexSet<String> {
        let joined = self.joins.iter().map(|join| join.dataset.clone());
        let seen = self.windows.iter().filter_map(|window| window.source.clone());
        std::iter::once(base.to_owned()).chain(joined).chain(seen).collect()
    }
}

/// What two functions share: a function of its own, or nothing if there is nothing to do.
struct Shared {
    /// What gives the frame.
    call: String,
    function: Option<Function>,
}

impl Shared {
    /// `parameters` are those of the function; its frame starts as the first of them.
    fn new(name: &str, doc: &str, parameters: &IndexMap<String, String>, steps: Vec<Step>) -> Self {
        let start = parameters.values().next().cloned().unwrap_or_default();
        if steps.is_empty() {
            return Self { call: start, function: None };
        }
        let taken = parameters.values().map(String::as_str).collect::<Vec<_>>().join(", ");
        let function = Function {
            signature: format!("{name}({}) -> pl.LazyFrame", typed(parameters)),
            doc: doc.to_owned(),
            body: returned(chained(steps, &start, "frame")),
        };
        Self { call: format!("{name}({taken})"), function: Some(function) }
    }
}

/// The columns that fitted columns are fitted on, directly or through others.
fn read_by_fits(set: &FeatureSet) -> IndexSet<String> {
    let mut read = IndexSet::new();
    for stage in set.fitted.iter().rev() {
        if matches!(stage, FittedStage::Fit(_)) || read.contains(stage_name(stage)) {
            read.extend(stage_columns(stage).into_iter().chain(learned_from(stage)));
        }
    }
    read
}

/// Whether a column is fitted on one that is itself fitted out of fold.
#[must_use]
pub fn fits_on_folds(set: &FeatureSet) -> bool {
    let read = read_by_fits(set);
    let is_read = |stage: &FittedStage| matches!(stage, FittedStage::Fit(fitted) if fitted.out_of_fold.is_some() && read.contains(&fitted.name));
    set.fitted.iter().any(is_read)
}

/// Typed parameters of `fit` and `transform`.
fn taken(names: &[&str], folds: bool) -> String {
    let types = [("rows", "pl.DataFrame"), ("state", "fitted.Transform"), ("folds", "crossfit.Folds")];
    let wanted = types.iter().filter(|(name, _)| names.contains(name) || (folds && *name == "folds"));
    wanted.map(|(name, of)| format!("{name}: {of}")).collect::<Vec<_>>().join(", ")
}

/// One step of a chain: a method of the frame, or a function around it.
enum Step {
    Method(String),
    Wrap(String, String),
}

impl Step {
    /// `function(frame, arguments)`.
    fn around(function: &str, arguments: Vec<Argument>) -> Self {
        let call = flat(&Py::name("f").call_with(arguments));
        let rest = call.strip_prefix("f(").unwrap_or(&call);
        let comma = if rest == ")" { "" } else { ", " };
        Self::Wrap(format!("{function}("), format!("{comma}{rest}"))
    }
}

/// The chain as assignments to `name`, the first of which reads `start`.
fn chained(steps: Vec<Step>, start: &str, name: &str) -> Vec<String> {
    let mut from = start.to_owned();
    let mut lines = Vec::new();
    for step in steps {
        lines.push(match step {
            Step::Method(call) => format!("{name} = {from}.{call}"),
            Step::Wrap(before, after) => format!("{name} = {before}{from}{after}"),
        });
        name.clone_into(&mut from);
    }
    lines
}

/// The last assignment as a return.
fn returned(mut lines: Vec<String>) -> Vec<String> {
    if let Some(last) = lines.last_mut()
        && let Some((_, value)) = last.split_once(" = ")
    {
        *last = format!("return {value}");
    }
    lines
}

fn with_columns(named: Vec<(String, Py)>) -> Step {
    let arguments = Py::name("with_columns").call_with(named_arguments(named));
    Step::Method(flat(&arguments))
}

fn joined(items: &[Py]) -> String {
    items.iter().map(flat).collect::<Vec<_>>().join(", ")
}

/// Parameters of `rows` by dataset: its name, unless the module uses that name for something else.
fn parameters(set: &FeatureSet) -> IndexMap<String, String> {
    const LOCALS: [&str; 8] =
        ["folds", "frame", "rows", "state", "fit", "transform", "transform_training", "predict_rows"];
    set.datasets()
        .into_iter()
        .enumerate()
        .map(|(index, dataset)| {
            let parameter = match dataset {
                name if !is_identifier(name) => format!("dataset_{index}"),
                name if is_reserved(name) || LOCALS.contains(&name) => format!("{name}_rows"),
                name => name.to_owned(),
            };
            (dataset.to_owned(), parameter)
        })
        .collect()
}

fn subset(parameters: &IndexMap<String, String>, datasets: &IndexSet<String>) -> IndexMap<String, String> {
    let some = parameters.iter().filter(|(dataset, _)| datasets.contains(*dataset));
    some.map(|(dataset, name)| (dataset.clone(), name.clone())).collect()
}

/// Parameters with their type.
fn typed(parameters: &IndexMap<String, String>) -> String {
    parameters.values().map(|name| format!("{name}: pl.LazyFrame")).collect::<Vec<_>>().join(", ")
}

/// Whether a value only names its own column: `column x`.
fn is_itself(value: &NamedValue) -> bool {
    matches!(&value.expr, Expr::Column { name } if *name == value.name)
}

/// A time: its column, or of days that begin in a zone the instant at which they do.
fn time(printer: &mut Printer, column: &str, zone: Option<&str>) -> Py {
    match zone {
        None => Py::string(column),
        Some(zone) => Py::name("expr.midnight").call([printer.column(column), Py::string(zone)]),
    }
}

/// Runs of items none of which reads another of its run.
fn independent<'a, T>(
    items: impl Iterator<Item = &'a T>,
    describe: impl Fn(&'a T) -> (&'a str, Vec<String>),
) -> Vec<Vec<&'a T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    let mut defined: Vec<&str> = Vec::new();
    for item in items {
        let (name, reads) = describe(item);
        if groups.is_empty() || reads.iter().any(|read| defined.contains(&read.as_str())) {
            groups.push(Vec::new());
            defined.clear();
        }
        defined.push(name);
        if let Some(group) = groups.last_mut() {
            group.push(item);
        }
    }
    groups
}

fn stage_name(stage: &FittedStage) -> &str {
    match stage {
        FittedStage::Fit(fitted) => &fitted.name,
        FittedStage::Value(value) => &value.name,
    }
}

fn stage_columns(stage: &FittedStage) -> Vec<String> {
    match stage {
        FittedStage::Fit(fitted) => fitted.args.values().flatten().flat_map(columns_of).collect(),
        FittedStage::Value(value) => columns_of(&value.expr),
    }
}

/// What a stage is fitted on besides, and does not read to be applied.
fn learned_from(stage: &FittedStage) -> Vec<String> {
    match stage {
        FittedStage::Fit(fitted) => fitted.learned_from.values().flat_map(columns_of).collect(),
        FittedStage::Value(_) => Vec::new(),
    }
}
