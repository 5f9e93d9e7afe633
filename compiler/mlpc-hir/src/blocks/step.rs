//! `step`: a user's Python function or shell command with typed inputs and outputs.

use super::{Context, context};
use crate::consts::{dotted, literal};
use crate::entries::{call_of, names};
use crate::errors;
use crate::library::{body, nested, setting};
use crate::typed::{Checked, Const, StepInput, StepRun, UserStep};
use mlpc_db::{Block, Db, Place, Project};
use mlpc_syntax::ast::{Entry, Expr, ExprKind, TypeKind};

/// A step, checked.
#[salsa::tracked]
pub fn step<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<UserStep> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(UserStep::default()) };
    let mut value = UserStep { operations: super::operations::operations(&mut context, decl), ..UserStep::default() };
    for entry in nested(decl, "inputs") {
        if let Entry::Setting { name, value: expr, .. } = entry
            && let Some(input) = input(&mut context, expr)
        {
            value.inputs.insert(name.text(), input);
        }
    }
    for entry in nested(decl, "outputs") {
        let Entry::Field(field) = entry else { continue };
        let TypeKind::Named { path, args } = &field.ty.kind else { continue };
        match (path.text().as_str(), args.first().map(|arg| &arg.kind)) {
            ("file", Some(ExprKind::Str(file))) => {
                value.outputs.insert(field.name.text.clone(), Some(file.clone()));
            }
            ("number", None) => {
                value.outputs.insert(field.name.text.clone(), None);
            }
            ("table", _) => {
                value.outputs.insert(field.name.text.clone(), Some(format!("{}.parquet", field.name.text)));
            }
            _ => {
                // It is there all the same for those who read it.
                value.outputs.insert(field.name.text.clone(), Some(field.name.text.clone()));
                let wanted = "`file(\"…\")`, `table(Schema)` or `number`";
                context.findings.push(errors::wrong_form(&field.name.text, wanted, field.ty.span));
            }
        }
    }
    if let Some(expr) = setting(decl, "run") {
        value.run = run(&mut context, expr);
    }
    for (name, span) in setting(decl, "after").and_then(names).unwrap_or_default() {
        if let Some(block) = context.block(&["step", "dataset", "train", "evaluate"], &name, span) {
            value.after.push(context.qualified(block));
        }
    }
    if let Some(expr) = setting(decl, "when") {
        context.findings.push(errors::not_supported("`when` of a step", expr.span));
    }
    context.done(value)
}

fn input(context: &mut Context<'_>, expr: &Expr) -> Option<StepInput> {
    let Some(path) = dotted(expr) else {
        context.findings.push(errors::wrong_form("inputs", "names of datasets, models or `step.output`", expr.span));
        return None;
    };
    if let Some((owner, output)) = path.rsplit_once('.')
        && crate::names::resolve(context.db, context.file, crate::names::Space::Block, &path).is_none()
    {
        let block = context.block(&["step"], owner, expr.span)?;
        let outputs = &step(context.db, block).value.outputs;
        if !outputs.contains_key(output) {
            let near = mlpc_diagnostics::did_you_mean(output, outputs.keys().map(String::as_str));
            let near = near.map(|near| format!("{owner}.{near}"));
            context.findings.push(errors::unknown_component(
                &format!("output of `{owner}` called"),
                output,
                near,
                expr.span,
            ));
            return None;
        }
        return Some(StepInput::Step(context.qualified(block), output.to_owned()));
    }
    let block = context.block(&["dataset", "train"], &path, expr.span)?;
    let name = context.qualified(block);
    if block.keyword(context.db) == "dataset" {
        guarded(context, block, &path, expr.span);
    }
    Some(if block.keyword(context.db) == "dataset" { StepInput::Dataset(name) } else { StepInput::Model(name) })
}

/// What a user's code may read of a dataset: production's under its role, tagged columns where that is allowed.
fn guarded(context: &mut Context<'_>, dataset: Block<'_>, name: &str, span: mlpc_diagnostics::Span) {
    let shape = super::dataset::dataset_shape(context.db, dataset);
    let own = body(context.db, context.block).and_then(|decl| crate::library::text(decl, "role"));
    if let Some(role) = shape.role.as_ref().filter(|role| own.as_ref() != Some(role)) {
        let source = Place::There(dataset.reference(context.db), "access".to_owned());
        context.findings.push(errors::step_without_role(name, role, span, source));
    }
    for column in shape.columns.iter().filter(|column| !column.tags.is_empty()) {
        let hop = (Place::There(dataset.reference(context.db), column.name.clone()), "tagged here".to_owned());
        let sink = "code that may log or keep it";
        context.findings.push(errors::tagged_flow(&column.name, sink, &column.tags, span.into(), vec![hop]));
    }
}

fn run(context: &mut Context<'_>, expr: &Expr) -> Option<StepRun> {
    let (kind, args, _) = call_of(expr)?;
    let first = args.first()?;
    let Some(Const::Str(text)) = literal(&first.value) else {
        context.findings.push(errors::wrong_form("run", "a text", first.value.span));
        return None;
    };
    if kind == "shell" {
        return Some(StepRun::Shell(text));
    }
    let Some((file, function)) = text.rsplit_once(':') else {
        context.findings.push(errors::bad_value(
            "a Python step names a file and a function",
            "as `\"loader.py:main\"`",
            first.value.span,
        ));
        return None;
    };
    let path = crate::names::join_path(context.file.path(context.db), file);
    python_function(context, &path, function, first.value.span).then(|| StepRun::Python(path, function.to_owned()))
}

/// Whether the file exists and defines the function at its top level; reports if not.
fn python_function(context: &mut Context<'_>, path: &str, function: &str, span: mlpc_diagnostics::Span) -> bool {
    let Some(Some(code)) = Project::get(context.db).code(context.db).get(path) else {
        context.findings.push(errors::bad_value(format!("cannot read `{path}`"), "no such file", span));
        return false;
    };
    let defined: Vec<&str> = code
        .lines()
        .filter_map(|line| line.strip_prefix("async def ").or_else(|| line.strip_prefix("def ")))
        .filter_map(|rest| rest.split(['(', '[', ' ']).next())
        .collect();
    if defined.contains(&function) {
        return true;
    }
    let written = context.source(span);
    let near = mlpc_diagnostics::did_you_mean(function, defined)
        .map(|near| written.replace(&format!(":{function}"), &format!(":{near}")));
    context.findings.push(errors::unknown_component(&format!("function in `{path}` called"), function, near, span));
    false
}
