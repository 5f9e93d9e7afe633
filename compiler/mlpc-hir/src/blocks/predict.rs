//! `predict`: batch scoring with a registered model.

use super::features::{features_shape, leakage::PSEUDONYM};
use super::release::{features_of, register};
use super::train::train;
use super::{Context, context};
use crate::check::block_named;
use crate::consts::literal;
use crate::entries::call_of;
use crate::errors;
use crate::library::{body, setting};
use crate::typed::{Checked, Const, FeaturesShape, Predict, PredictRows};
use mlpc_db::{Block, Db, Place, Project};
use mlpc_syntax::ast::{BlockDecl, Expr};

/// Columns that a table of predictions has beside key and time.
pub const PREDICTION_COLUMNS: [&str; 3] = ["prediction", "version", "scored_at"];

/// A batch scoring, checked.
#[salsa::tracked]
pub fn predict<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Predict> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Predict::default()) };
    let operations = super::operations::operations(&mut context, decl);
    let schedule = super::entry::schedule(&mut context, decl);
    let notify = super::notify::notify(&mut context, decl);
    let rows = match setting(decl, "rows").and_then(literal) {
        Some(Const::Str(word)) if word == "new" => PredictRows::New,
        Some(Const::Str(word)) if word == "unlabelled" => PredictRows::Unlabelled,
        _ => PredictRows::All,
    };
    let output = setting(decl, "output").and_then(|expr| output(&mut context, expr)).unwrap_or_default();
    let mut value = Predict { rows, output, schedule, notify, operations, ..Predict::default() };
    if let Some(model) = context.connected(&["register"]) {
        let registered = &register(db, model).value;
        value.register = context.qualified(model);
        value.train.clone_from(&registered.train);
        value.alias.clone_from(&registered.alias);
        behind(&mut context, decl, &mut value);
    }
    context.done(value)
}

/// What is known of the model by way of its training.
fn behind(context: &mut Context<'_>, decl: &BlockDecl, value: &mut Predict) {
    let job = block_named(context.db, Project::get(context.db), "train", &value.train);
    let Some(job) = job else { return };
    value.features.clone_from(&train(context.db, job).value.features);
    if value.operations.environment.is_none() {
        value.operations.environment.clone_from(&train(context.db, job).value.operations.environment);
    }
    let Some(features) = features_of(context, job) else { return };
    let shape = features_shape(context.db, features);
    let place = |name: &str| Place::There(features.reference(context.db), name.to_owned());
    let header = decl.connector.as_ref().map_or(decl.header, |connector| connector.span);
    if shape.key.is_empty() && !shape.broken {
        let finding = errors::predict_needs_key(features.name(context.db), &shape.base, place(""), header);
        context.findings.push(finding);
    }
    for name in shape.key.iter().chain(&shape.timestamp) {
        // Who may read the rows may read for whom a prediction is.
        let told = |tag: &&String| *tag != PSEUDONYM && *tag != "pii";
        let tags = shape.carried.iter().filter(|column| column.name == *name).flat_map(|column| &column.tags);
        let tags: Vec<String> = tags.filter(told).cloned().collect();
        if !tags.is_empty() {
            let hop = (place(""), "carried from here".to_owned());
            context.findings.push(errors::tagged_flow(name, "a table of predictions", &tags, header.into(), vec![hop]));
        }
    }
    if let Some(column) = taken(shape) {
        context.findings.push(errors::prediction_column_taken(column, place(""), header));
    }
}

/// A column of key or time whose name the table of predictions needs for itself.
fn taken(shape: &FeaturesShape) -> Option<&String> {
    let own = |name: &&String| PREDICTION_COLUMNS.contains(&name.as_str()) || name.starts_with("probability_");
    shape.key.iter().chain(&shape.timestamp).find(own)
}

/// The file of `parquet("…")` or `csv("…")`: within the project, and not where mlpc keeps things of its own.
fn output(context: &mut Context<'_>, expr: &Expr) -> Option<String> {
    // Another call is reported as such.
    let (format, args, _) = call_of(expr).filter(|(name, _, _)| ["parquet", "csv"].contains(&name.as_str()))?;
    let first = args.first()?;
    let Some(Const::Str(written)) = literal(&first.value) else {
        context.findings.push(errors::wrong_form(
            "output",
            "a file, as `parquet(\"late.parquet\")` or `csv(\"late.csv\")`",
            first.value.span,
        ));
        return None;
    };
    let outside = written.starts_with('/') || written.split('/').any(|part| part == ".." || part == ".mlp");
    if outside || written.contains('\\') || written.contains(':') || !written.ends_with(&format!(".{format}")) {
        context.findings.push(errors::bad_output(&format, &written, first.value.span));
        return None;
    }
    Some(crate::names::join_path(context.file.path(context.db), &written))
}
