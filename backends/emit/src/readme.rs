//! The page that tells a reader of a build what it holds.

use crate::error::EmitError;
use crate::graph;
use crate::layout::Layout;
use mlpc_plan::Plan;
use mlpc_plan::plan::{InputRef, Source};
use serde::Serialize;

#[derive(Serialize)]
struct View<'a> {
    title: &'a str,
    doc: String,
    compiler: &'a str,
    seed: i64,
    picture: String,
    steps: Vec<Row>,
    sources: Vec<SourceRow>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    inputs: String,
    outputs: String,
}

#[derive(Serialize)]
struct SourceRow {
    path: String,
    sha256: String,
}

/// The page.
///
/// # Errors
///
/// If its template is wrong.
pub fn page(layout: &Layout, plan: &Plan) -> Result<String, EmitError> {
    let steps = plan.steps.iter().map(|step| Row {
        id: cell(&step.id),
        title: cell(&step.title),
        inputs: cell(&step.inputs.iter().map(|(name, from)| input(name, from)).collect::<Vec<_>>().join(", ")),
        outputs: cell(&step.outputs.keys().cloned().collect::<Vec<_>>().join(", ")),
    });
    let source = |source: &Source| SourceRow { path: cell(&source.path), sha256: source.sha256.clone() };
    let view = View {
        title: &plan.pipeline.name,
        doc: plan.pipeline.doc.clone().unwrap_or_else(|| "A machine-learning pipeline.".to_owned()),
        compiler: &plan.compiler,
        seed: plan.pipeline.seed,
        picture: graph::mermaid(&graph::Picture::of(plan)),
        steps: steps.collect(),
        sources: plan.sources.iter().map(source).collect(),
    };
    layout.text("README.md", &view)
}

fn input(name: &str, from: &InputRef) -> String {
    match from {
        InputRef::Source { name } => format!("source {name}"),
        InputRef::Step { step, .. } => format!("{name} of {step}"),
        InputRef::Champion { model, alias, .. } => format!("{alias} of {model}"),
        InputRef::Previous { step, output } => format!("{step}.{output} of the run before"),
        InputRef::Delivered { path } => format!("{path} of the run before"),
    }
}

/// Text in a cell of a table: no bar may end it, no newline the row.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
