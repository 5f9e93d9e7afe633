//! Steps in the user's own words: a Python function, a shell command.

use super::{Context, Parts, argument, passed};
use crate::error::EmitError;
use crate::features::user_function;
use crate::py::{Argument, Py, flat, keywords};
use mlpc_plan::plan::{ArtifactKind, InputRef, StepSpec, UserPython, UserShell};

pub(super) fn python(context: &Context<'_>, python: &UserPython) -> Result<Parts, EmitError> {
    let step = context.step;
    let reference = format!("{}:{}", python.file, python.function);
    let mut arguments = Vec::new();
    for (name, from) in &step.inputs {
        let path = argument(name)?;
        let value = if is_number(context, from) { Py::name("files.read_number").call([path]) } else { path };
        arguments.push((name.clone(), value));
    }
    for name in step.outputs.keys().chain(step.params.keys()) {
        arguments.push((name.clone(), argument(name)?));
    }
    if step.seed.is_some() {
        arguments.push(("seed".to_owned(), Py::name("args.seed")));
    }
    let call = Py::name("MAIN").call_with(keywords(arguments));
    let done = flat(&Py::string(&format!("{reference} is done")));
    Ok(Parts::new(format!("Call `{reference}`."), "Call the user's function.")
        .constant("MAIN", &user_function(&reference)?)
        .line(flat(&call))
        .line(format!("return step.Result(summary={done})")))
}

/// Whether an input is a number that a user's step gave, rather than a file.
fn is_number(context: &Context<'_>, from: &InputRef) -> bool {
    let InputRef::Step { step, output } = from else { return false };
    context.steps.get(step.as_str()).is_some_and(|source| {
        let metrics = source.outputs.get(output).is_some_and(|output| output.kind == ArtifactKind::Metrics);
        metrics && matches!(source.spec, StepSpec::Python(_) | StepSpec::Shell(_))
    })
}

pub(super) fn shell(context: &Context<'_>, shell: &UserShell) -> Result<Parts, EmitError> {
    let step = context.step;
    let given: Vec<Argument> = passed(step.inputs.keys().chain(step.outputs.keys()).chain(step.params.keys()))?;
    let values = given.into_iter().filter_map(|argument| Some((Py::string(&argument.name?), argument.value))).collect();
    let call = Py::name("shell.run").call([Py::name("COMMAND"), Py::Dict(values)]);
    Ok(Parts::new("Run a shell command.", "Run the command with the names in it replaced by quoted values.")
        .constant("COMMAND", &Py::string(&shell.template))
        .line(flat(&call))
        .line("return step.Result(summary=\"the command is done\")"))
}
