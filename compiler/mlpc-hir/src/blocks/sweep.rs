//! `sweep`: models among which the rows of the validation part choose.

mod dimensions;
mod objective;
mod prune;
mod strategy;
mod when;

use super::features::features_shape;
use super::release::features_of;
use super::split::split;
use super::train::train;
use super::{Context, context};
use crate::entries::has_errors;
use crate::errors;
use crate::library::{TrainerSig, body, setting, trainer_signature};
use crate::names::{Space, resolve};
use crate::typed::{Candidate, Checked, Const, Sweep, Task};
use crate::types::Ty;
use mlpc_db::{Block, Db, Place, Project};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BlockDecl, Entry};

/// The block of the dimensions.
const SEARCH: &str = "search";

/// A sweep, checked.
#[salsa::tracked]
pub fn sweep<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Sweep> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Sweep::default()) };
    let mut value = Sweep { operations: super::operations::operations(&mut context, decl), ..Sweep::default() };
    if let Some(expr) = setting(decl, "warm_start") {
        context.findings.push(errors::not_supported("`warm_start` of a sweep", expr.span));
    }
    let models = models(&mut context, decl);
    alike(&mut context, &models);
    value.candidates = models.iter().map(|model| candidate(&mut context, decl, model, models.len())).collect();
    strays(&mut context, decl, &models);
    let subject = subject(&context, &models);
    value.objectives = objective::objectives(&mut context, decl, &subject);
    value.strategy = strategy::strategy(&mut context, decl, &value);
    value.prune = prune::prune(&mut context, decl, &models, &value);
    value.refit = setting(decl, "refit").and_then(crate::consts::literal) == Some(Const::Bool(true));
    if let Some(first) = models.first() {
        value.refit |= chooses_by_folds(&mut context, first);
    }
    context.done(value)
}

/// A train block that a sweep names.
struct Model<'db> {
    block: Block<'db>,
    /// As the header names it.
    name: String,
    span: Span,
    trainer: Option<TrainerSig>,
}

fn models<'db>(context: &mut Context<'db>, decl: &BlockDecl) -> Vec<Model<'db>> {
    let paths = decl.connector.iter().flat_map(|connector| &connector.paths);
    let mut found: Vec<Model<'db>> = Vec::new();
    for path in paths {
        let name = path.text();
        let Some(block) = context.block(&["train"], &name, path.span) else { continue };
        if found.iter().any(|known| known.block == block) {
            context.findings.push(errors::duplicate(&name, path.span, Place::Here(path.span)));
            continue;
        }
        let trainer = trainer_of(context.db, block);
        found.push(Model { block, name, span: path.span, trainer });
    }
    found
}

fn trainer_of(db: &dyn Db, block: Block<'_>) -> Option<TrainerSig> {
    let name = &train(db, block).value.trainer;
    let found = resolve(db, block.file(db), Space::Trainer, name)?;
    trainer_signature(db, found).clone()
}

/// All models must learn from the same rows.
fn alike(context: &mut Context<'_>, models: &[Model<'_>]) {
    let Some((first, others)) = models.split_first() else { return };
    let split_of = |model: &Model<'_>| train(context.db, model.block).value.split.clone();
    let there = |model: &Model<'_>| Place::There(model.block.reference(context.db), String::new());
    let differ = others.iter().find(|other| split_of(other) != split_of(first));
    if let Some(other) = differ {
        let places = [there(first), there(other)];
        let finding = errors::candidates_differ(&first.name, &other.name, "splits", places, other.span);
        context.findings.push(finding);
    }
}

/// A model with its dimensions: those of `search NAME`, or of `search` where there is but one model.
fn candidate(context: &mut Context<'_>, decl: &BlockDecl, model: &Model<'_>, models: usize) -> Candidate {
    let mut value = Candidate { train: context.qualified(model.block), ..Candidate::default() };
    let Some(trainer) = &model.trainer else { return value };
    let searches = searches(decl).filter(|(name, _)| match name {
        Some(name) => *name == model.name,
        None => models == 1,
    });
    for (_, search) in searches {
        value.dimensions.extend(dimensions::dimensions(context, search, model, trainer));
    }
    when::known(context, decl, &value);
    value
}

/// The search blocks with the models that they name.
fn searches(decl: &BlockDecl) -> impl Iterator<Item = (Option<String>, &BlockDecl)> {
    decl.entries.iter().filter_map(|entry| match entry {
        Entry::Block(block) if block.kind.text == SEARCH => {
            Some((block.name.as_ref().map(mlpc_syntax::ast::BlockName::text), block))
        }
        _ => None,
    })
}

/// Search blocks of no model, and models without any dimension.
fn strays(context: &mut Context<'_>, decl: &BlockDecl, models: &[Model<'_>]) {
    let named = |name: &str| models.iter().any(|model| model.name == name);
    for (name, block) in searches(decl) {
        match name {
            Some(name) if !named(&name) => {
                let known: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
                let near = mlpc_diagnostics::did_you_mean(&name, known.iter().map(String::as_str)).map(str::to_owned);
                context.findings.push(errors::unknown_block(
                    &["model of this sweep"],
                    &name,
                    near,
                    &known,
                    block.header,
                ));
            }
            None if models.len() > 1 => {
                let help = "write `search NAME { … }` for each of them";
                let finding =
                    errors::bad_domain("several models, and this names none", "of which?", help, block.header);
                context.findings.push(finding);
            }
            _ => {}
        }
    }
    if searches(decl).next().is_none() && !models.is_empty() && models.len() == 1 && !has_errors(decl) {
        let help = "add `search { name in 1..=10 }`";
        context.findings.push(errors::bad_domain("nothing is searched", "one point only", help, decl.header));
    }
}

/// What is judged.
struct Subject {
    task: Option<Task>,
    label: Option<Ty>,
    /// The first trainer without probabilities.
    labels_only: Option<String>,
}

fn subject(context: &Context<'_>, models: &[Model<'_>]) -> Subject {
    let first = models.first();
    let features = first.and_then(|model| features_of(context, model.block));
    let label = features.and_then(|features| features_shape(context.db, features).label.clone());
    Subject {
        task: first.and_then(|model| train(context.db, model.block).value.task),
        label: label.map(|label| label.ty),
        labels_only: models
            .iter()
            .filter_map(|model| model.trainer.as_ref())
            .find(|trainer| trainer.labels_only)
            .map(|trainer| trainer.name.clone()),
    }
}

/// Whether folds choose; reports where neither they nor a validation part can.
fn chooses_by_folds(context: &mut Context<'_>, model: &Model<'_>) -> bool {
    let Some(block) = super::release::split_of(context, model.block) else { return false };
    let checked = split(context.db, block);
    let judges = checked.value.parts.iter().any(|(name, _)| name == "validation");
    if checked.findings.is_empty() && checked.value.folds.is_none() && !judges {
        let place = Place::There(block.reference(context.db), String::new());
        context.findings.push(errors::nothing_to_choose_by(block.name(context.db), place, model.span));
    }
    checked.value.folds.is_some()
}

/// Whether a sweep chooses among models of a train block: its hyperparameters are then part of points.
pub fn is_swept(db: &dyn Db, project: Project, job: Block<'_>) -> bool {
    let mut sweeps = crate::all_blocks(db, project, "sweep").into_iter();
    sweeps.any(|block| crate::references::references(db, block).contains(&job))
}

/// The train blocks of which nothing but sweeps is made: they are not trained by themselves.
pub fn only_swept<'db>(db: &'db dyn Db, project: Project) -> Vec<Block<'db>> {
    let all = |keyword: &'static str| crate::all_blocks(db, project, keyword);
    let named = |keywords: &[&'static str]| -> Vec<Block<'db>> {
        let blocks = keywords.iter().flat_map(|keyword| all(keyword));
        blocks.flat_map(|block| crate::references::references(db, block).to_vec()).collect()
    };
    let (swept, used) = (named(&["sweep"]), named(&["evaluate", "register", "ensemble", "step"]));
    all("train").into_iter().filter(|block| swept.contains(block) && !used.contains(block)).collect()
}
