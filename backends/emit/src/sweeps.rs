//! The module of a sweep, which its steps share: how each of its models is fitted, and what is sought.

use crate::error::EmitError;
use crate::features::{fits_on_folds, user_function};
use crate::imports::Imports;
use crate::layout::Layout;
use crate::names::module_name;
use crate::py::{Argument, Py, flat};
use crate::steps::{Fitting, folds, metric};
use crate::text::{header, one_line};
use mlpc_plan::Plan;
use mlpc_plan::plan::{FeatureSet, MetricCall, Origin, SplitBy, StepSpec, Sweep, Train};
use serde::Serialize;

#[derive(Serialize)]
struct View {
    doc: String,
    imports: String,
    constants: Vec<String>,
    functions: Vec<Function>,
    sweep: String,
}

#[derive(Serialize)]
struct Function {
    signature: String,
    doc: String,
    body: Vec<String>,
}

/// Prints the module `sweeps/<name>.py`.
///
/// # Errors
///
/// If it names features that the plan does not hold, or a reference that is none.
pub fn module(layout: &Layout, plan: &Plan, name: &str, sweep: &Sweep) -> Result<String, EmitError> {
    let missing = || EmitError::Features { step: format!("sweep.{name}"), features: sweep.features.clone() };
    let set = plan.features.get(&sweep.features).ok_or_else(missing)?;
    let features = module_name(&sweep.features);
    let mut printer =
        Printer { set, features: &features, constants: Vec::new(), functions: Vec::new(), library: Vec::new() };
    let value = printer.sweep(name, sweep)?;
    let Printer { constants, functions, library, .. } = printer;
    let bodies = functions.iter().flat_map(|function| &function.body);
    let signatures: Vec<String> = functions.iter().map(|function| annotations(&function.signature)).collect();
    let code: Vec<&str> =
        constants.iter().chain(bodies).chain(&signatures).chain([&value]).map(String::as_str).collect();
    let mut imports = Imports::of(&code.join("\n"))?;
    for (module, name) in &library {
        imports.library(module, name);
    }
    imports.features(&features);
    let (origin, doc) = declared(plan, name);
    let title = format!("The models among which the sweep `{name}` chooses, and what it seeks.");
    let view = View {
        doc: header(&plan.compiler, &origin, &title, doc),
        imports: imports.lines(),
        constants,
        functions,
        sweep: value,
    };
    layout.python("sweep.py", &view)
}

/// Where a sweep is declared, and its documentation.
fn declared<'a>(plan: &'a Plan, name: &str) -> (Origin, Option<&'a str>) {
    let step = plan.steps.iter().find(|step| matches!(&step.spec, StepSpec::Sweep { sweep, .. } if sweep == name));
    let origin = step.map_or_else(|| Origin { file: String::new(), line: 0 }, |step| step.origin.clone());
    (origin, step.and_then(|step| step.doc.as_deref()))
}

/// The types in a signature, as an expression whose names are found.
fn annotations(signature: &str) -> String {
    let words = signature.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '.'));
    let types = words.filter(|word| word.contains('.') || word.starts_with(|letter: char| letter.is_uppercase()));
    types.collect::<Vec<_>>().join("\n")
}

struct Printer<'a> {
    set: &'a FeatureSet,
    features: &'a str,
    constants: Vec<String>,
    functions: Vec<Function>,
    library: Vec<(String, String)>,
}

impl Printer<'_> {
    /// `SWEEP = sweep.Sweep(…)`; functions and constants that it names are kept.
    fn sweep(&mut self, name: &str, sweep: &Sweep) -> Result<String, EmitError> {
        let objectives = sweep
            .objectives
            .iter()
            .enumerate()
            .map(|(at, (name, call))| Ok(metric(name, self.measure(call, at)?, call)))
            .collect::<Result<Vec<_>, EmitError>>()?;
        let candidates = sweep
            .candidates
            .iter()
            .map(|(name, train)| Ok((Py::string(name), self.candidate(name, train)?)))
            .collect::<Result<Vec<_>, EmitError>>()?;
        let mut arguments = vec![
            Argument::positional(Py::string(name)),
            Argument::keyword("features", Py::name(self.features)),
            Argument::keyword("candidates", Py::Dict(candidates)),
            Argument::keyword("objectives", Py::List(objectives)),
        ];
        if !self.set.fitted.is_empty() {
            arguments.extend(self.columns(sweep.out_of_fold.as_ref()));
        }
        if sweep.folds > 0 {
            arguments.push(Argument::keyword("folds", Py::Number(sweep.folds.to_string())));
        }
        if sweep.refit {
            arguments.push(Argument::keyword("refit", Py::bool(true)));
        }
        Ok(format!("SWEEP = {}", flat(&Py::name("sweep.Sweep").call_with(arguments))))
    }

    fn measure(&mut self, call: &MetricCall, index: usize) -> Result<Py, EmitError> {
        let python = &call.python;
        if python.contains(".py:") {
            let constant = format!("METRIC_{index}");
            self.constants.push(format!("{constant} = {}", flat(&user_function(python)?)));
            return Ok(Py::name(constant));
        }
        let (module, function) = python.split_once(':').ok_or_else(|| EmitError::Reference(python.clone()))?;
        if module == "mlp_runtime.metrics" {
            return Ok(Py::name("metrics").attribute(function));
        }
        self.library.push((module.to_owned(), function.to_owned()));
        Ok(Py::name(function))
    }

    fn candidate(&mut self, name: &str, train: &Train) -> Result<Py, EmitError> {
        let function = format!("fit_{}", module_name(name));
        let constant = format!("TRAIN_{}", module_name(name).to_uppercase());
        let given = vec![Argument { name: Some("**".to_owned()), value: Py::name("given") }];
        let fitting = Fitting::of(train, self.set.weight.is_some(), given, Some("seed"), "threads", &constant)?;
        self.library.extend(fitting.library);
        self.constants.extend(fitting.constant);
        let mut body = fitting.statements;
        body.push("return estimator".to_owned());
        self.functions.push(Function {
            signature: format!(
                "{function}(data: design.Data, given: Mapping[str, Any], seed: int, threads: int) -> Any"
            ),
            doc: one_line(&format!("`{name}`: {} with these hyperparameters, fitted.", train.trainer)),
            body,
        });
        let mut arguments = vec![
            Argument::positional(Py::name(function)),
            Argument::keyword("trainer", Py::string(&train.trainer)),
            Argument::keyword("python", Py::string(&train.python)),
        ];
        if train.accepts_nulls {
            arguments.push(Argument::keyword("nulls", Py::bool(true)));
        }
        if train.python.contains(".py:") {
            arguments.push(Argument::keyword("alone", Py::bool(true)));
        }
        Ok(Py::name("sweep.Candidate").call_with(arguments))
    }

    /// How fitted columns are fitted on the rows that train, and applied to them.
    fn columns(&mut self, out_of_fold: Option<&SplitBy>) -> Vec<Argument> {
        let module = self.features;
        let training = || Argument::positional(Py::name("training"));
        let divided = |split: &SplitBy| Argument::positional(folds(split, module));
        let mut fit = vec![training()];
        fit.extend(out_of_fold.filter(|_| fits_on_folds(self.set)).map(divided));
        let mut apply = vec![training(), Argument::positional(Py::name("state"))];
        apply.extend(out_of_fold.map(divided));
        let function = if out_of_fold.is_some() { "transform_training" } else { "transform" };
        self.functions.push(Function {
            signature: "fit_columns(training: pl.DataFrame) -> fitted.Transform".to_owned(),
            doc: "Learn the fitted columns from the rows that train.".to_owned(),
            body: vec![format!("return {}", flat(&Py::name(module).attribute("fit").call_with(fit)))],
        });
        self.functions.push(Function {
            signature: "columns(training: pl.DataFrame, state: fitted.Transform) -> pl.DataFrame".to_owned(),
            doc: "The rows that train with their fitted columns.".to_owned(),
            body: vec![format!("return {}", flat(&Py::name(module).attribute(function).call_with(apply)))],
        });
        vec![
            Argument::keyword("fit_columns", Py::name("fit_columns")),
            Argument::keyword("columns", Py::name("columns")),
        ]
    }
}
