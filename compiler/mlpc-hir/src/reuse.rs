//! A test part judges once: of several gates on reports about it, the second chooses by rows that have chosen already.

use crate::blocks::context;
use crate::blocks::gate::gate;
use crate::blocks::release::{evaluate, split_of};
use crate::check::{all_blocks, block_named};
use crate::errors;
use crate::library::body;
use mlpc_db::{Block, Db, Place, Project, absolute};
use mlpc_diagnostics::{Diagnostic, Span};
use std::collections::BTreeMap;

/// A decision: the gate and the report that it judges.
struct Decision<'db> {
    gate: Block<'db>,
    report: Block<'db>,
}

/// A finding for each gate that decides by a test part after another one did, by another report.
pub fn second_choices(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let mut first: BTreeMap<String, Decision<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for gate in all_blocks(db, project, "gate") {
        let Some((decision, split)) = decision(db, project, gate) else { continue };
        let name = split.name(db).to_owned();
        match first.get(&context(db, split).qualified(split)) {
            None => {
                first.insert(context(db, split).qualified(split), decision);
            }
            Some(earlier) if earlier.report == decision.report => {}
            Some(earlier) => {
                let there = |block: Block<'_>| Place::There(block.reference(db), String::new());
                let places = [there(earlier.gate), there(decision.report)];
                let span = body(db, gate).map_or(Span::default(), |decl| decl.header);
                let finding = errors::second_choice(&name, gate.name(db), earlier.gate.name(db), places, span);
                found.push(absolute(db, project.files(db), &gate.reference(db), finding));
            }
        }
    }
    found
}

/// What a gate decides by, and the split whose test part that is.
fn decision<'db>(db: &'db dyn Db, project: Project, block: Block<'db>) -> Option<(Decision<'db>, Block<'db>)> {
    let report = block_named(db, project, "evaluate", &gate(db, block).value.evaluate)?;
    let judged = &evaluate(db, report).value;
    let model = block_named(db, project, "train", &judged.train).filter(|_| judged.part == "test")?;
    let split = split_of(&context(db, model), model)?;
    Some((Decision { gate: block, report }, split))
}
