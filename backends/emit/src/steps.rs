//! Step programs: one Python file per step, arranged by one template from what each kind of step fills in.

mod data;
mod learn;
mod predict;
mod release;
mod split;
mod sweep;
mod user;

pub(crate) use data::{ingest_schema, origin, typed_column};
pub(crate) use learn::{Fitting, folds, metric};

use crate::error::EmitError;
use crate::imports::Imports;
use crate::layout::Layout;
use crate::parallel;
use crate::py::{Argument, Py, flat, is_identifier, is_keyword};
use crate::text::{header, one_line};
use indexmap::IndexMap;
use mlpc_plan::plan::{FeatureSet, InputRef, Plan, Step, StepSpec};
use serde::Serialize;
use std::collections::HashMap;

/// What a kind of step fills in.
pub(crate) struct Parts {
    /// The first line of the program's docstring.
    title: String,
    /// What `run` does, in words.
    task: String,
    /// Assignments before the arguments.
    constants: Vec<String>,
    /// Statements of `run`.
    body: Vec<String>,
    /// Names of libraries: module and name.
    library: Vec<(String, String)>,
    /// The features module, where the program uses it.
    features: Option<String>,
    /// The module of a sweep, where the program uses it.
    sweep: Option<String>,
}

impl Parts {
    fn new(title: impl Into<String>, task: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            task: task.into(),
            constants: Vec::new(),
            body: Vec::new(),
            library: Vec::new(),
            features: None,
            sweep: None,
        }
    }

    fn constant(mut self, name: &str, value: &Py) -> Self {
        self.constants.push(format!("{name} = {}", flat(value)));
        self
    }

    fn lines(mut self, statements: impl IntoIterator<Item = String>) -> Self {
        self.body.extend(statements);
        self
    }

    fn line(mut self, statement: impl Into<String>) -> Self {
        self.body.push(statement.into());
        self
    }
}

/// What a step is printed from.
pub(crate) struct Context<'a> {
    plan: &'a Plan,
    /// The steps of the plan by name.
    steps: &'a HashMap<&'a str, &'a Step>,
    step: &'a Step,
}

impl Context<'_> {
    /// The features that the step names.
    fn features(&self, name: &str) -> Result<&FeatureSet, EmitError> {
        self.plan
            .features
            .get(name)
            .ok_or_else(|| EmitError::Features { step: self.step.id.clone(), features: name.to_owned() })
    }

    /// Fails unless the step has these inputs and outputs.
    fn require(&self, inputs: &[&str], outputs: &[&str]) -> Result<(), EmitError> {
        let missing = |what: String| EmitError::Missing { step: self.step.id.clone(), what };
        if let Some(name) = inputs.iter().find(|name| !self.step.inputs.contains_key(**name)) {
            return Err(missing(format!("input `{name}`")));
        }
        match outputs.iter().find(|name| !self.step.outputs.contains_key(**name)) {
            Some(name) => Err(missing(format!("output `{name}`"))),
            None => Ok(()),
        }
    }

    /// What the step is called for people, whichever fold it works on.
    fn title(&self) -> &str {
        let title = self.step.title.as_str();
        let of_fold = self.step.fold.map(|fold| format!(", fold {fold}"));
        of_fold.and_then(|end| title.strip_suffix(&end)).unwrap_or(title)
    }

    fn has_input(&self, name: &str) -> bool {
        self.step.inputs.contains_key(name)
    }
}

#[derive(Serialize)]
struct View {
    doc: String,
    imports: String,
    constants: Vec<String>,
    fields: Vec<Field>,
    task: String,
    body: Vec<String>,
}

#[derive(Clone, Serialize)]
struct Field {
    name: String,
    r#type: String,
}

/// Where a step's program lies in the build; the steps of all folds share one, and those of all trials of a sweep.
#[must_use]
pub fn path(step: &Step) -> String {
    let id = match (&step.spec, step.fold.and_then(|fold| step.id.strip_suffix(&format!(".fold_{fold}")))) {
        (StepSpec::Trial { sweep }, _) => format!("trial.{sweep}"),
        (_, Some(whole)) => format!("fold.{whole}"),
        (_, None) => step.id.clone(),
    };
    let name: String = id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    format!("steps/{name}.py")
}

/// Prints the programs of a plan, each once, with their paths.
///
/// # Errors
///
/// If a step lacks what its kind needs, or an expression can't be printed: what is wrong with the first of such steps.
pub fn programs(layout: &Layout, plan: &Plan) -> Result<Vec<(String, String)>, EmitError> {
    let steps: HashMap<&str, &Step> = plan.steps.iter().map(|step| (step.id.as_str(), step)).collect();
    let wanted: IndexMap<String, &Step> = plan.steps.iter().map(|step| (path(step), step)).collect();
    let wanted: Vec<(String, &Step)> = wanted.into_iter().collect();
    let printed = parallel::map(&wanted, |(path, step)| {
        Ok((path.clone(), program(layout, &Context { plan, steps: &steps, step })?))
    });
    printed.into_iter().collect()
}

fn program(layout: &Layout, context: &Context<'_>) -> Result<String, EmitError> {
    let Context { plan, step, .. } = *context;
    let parts = parts(context)?;
    let fields = fields(step)?;
    let types = fields.iter().map(|field| &field.r#type);
    let code: Vec<&str> = parts.constants.iter().chain(types).chain(&parts.body).map(String::as_str).collect();
    let mut imports = Imports::of(&format!("dataclass\nstep\n{}", code.join("\n")))?;
    for (module, name) in &parts.library {
        imports.library(module, name);
    }
    if let Some(features) = &parts.features {
        imports.features(features);
    }
    if let Some(sweep) = &parts.sweep {
        imports.sweep(sweep);
    }
    let view = View {
        doc: header(&plan.compiler, &step.origin, &parts.title, step.doc.as_deref()),
        imports: imports.lines(),
        constants: parts.constants,
        fields,
        task: one_line(&parts.task),
        body: parts.body,
    };
    layout.python("step.py", &view)
}

fn parts(context: &Context<'_>) -> Result<Parts, EmitError> {
    match &context.step.spec {
        StepSpec::Ingest(ingest) => data::ingest(context, ingest),
        StepSpec::Validate(validate) => data::validate(context, validate),
        StepSpec::Features { features } => data::features(context, features),
        StepSpec::Split(split) => split::split(context, split),
        StepSpec::Fit { features, out_of_fold } => learn::fit(context, features, out_of_fold.as_ref()),
        StepSpec::Train(train) => learn::train(context, train),
        StepSpec::Trial { sweep } => sweep::trial(context, sweep),
        StepSpec::Sweep { sweep, search } => sweep::sweep(context, sweep, search.as_ref()),
        StepSpec::Evaluate(evaluate) => learn::evaluate(context, evaluate),
        StepSpec::Gate(gate) => release::gate(context, gate),
        StepSpec::Register(register) => release::register(context, register),
        StepSpec::Predict(predict) => predict::predict(context, predict),
        StepSpec::Python(python) => user::python(context, python),
        StepSpec::Shell(shell) => user::shell(context, shell),
    }
}

/// The fields of `Args`: inputs, outputs, parameters, seed, threads.
fn fields(step: &Step) -> Result<Vec<Field>, EmitError> {
    let optional = |from: &InputRef| {
        matches!(from, InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. })
    };
    let mut fields: IndexMap<String, String> = IndexMap::new();
    let inputs = step
        .inputs
        .iter()
        .map(|(name, from)| (name, if optional(from) { "step.OptionalInput" } else { "step.Input" }.to_owned()));
    let outputs = step.outputs.keys().map(|name| (name, "step.Output".to_owned()));
    let params = step.params.iter().map(|(name, param)| (name, param.python_type.clone()));
    for (name, kind) in inputs.chain(outputs).chain(params) {
        let field = field_name(name)?;
        let taken = matches!(field.as_str(), "seed" | "fold" | "threads" | "result" | "help");
        if taken || fields.insert(field, kind).is_some() {
            return Err(EmitError::Flag { step: step.id.clone(), name: name.clone() });
        }
    }
    if step.seed.is_some() {
        fields.insert("seed".to_owned(), "step.Seed".to_owned());
    }
    if step.fold.is_some() {
        fields.insert("fold".to_owned(), "step.Fold".to_owned());
    }
    fields.insert("threads".to_owned(), "step.Threads".to_owned());
    Ok(fields.into_iter().map(|(name, r#type)| Field { name, r#type }).collect())
}

/// The name of a field of `Args`: a word of Python gets an underscore, which the flag does not have.
fn field_name(name: &str) -> Result<String, EmitError> {
    if is_keyword(name) {
        return Ok(format!("{name}_"));
    }
    // Names that come from an imported file have a dot.
    let field = name.replace('.', "_");
    if is_identifier(&field) { Ok(field) } else { Err(EmitError::Name(name.to_owned())) }
}

/// `args.name`.
fn argument(name: &str) -> Result<Py, EmitError> {
    Ok(Py::name("args").attribute(&field_name(name)?))
}

/// `name=args.name` for each name.
fn passed<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<Vec<Argument>, EmitError> {
    let given = names.into_iter().map(|name| Ok((name.clone(), argument(name)?)));
    Ok(crate::py::keywords(given.collect::<Result<_, EmitError>>()?))
}
