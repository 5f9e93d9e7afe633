//! Files that a program writes: each by one block only, and none that it also reads.

use crate::blocks::dataset::dataset;
use crate::blocks::predict::predict;
use crate::check::all_blocks;
use crate::errors;
use crate::library::{body, setting};
use crate::typed::SourceRef;
use mlpc_db::{Block, Db, Place, Project, absolute};
use mlpc_diagnostics::{Diagnostic, Span};
use std::collections::BTreeMap;

/// A finding for each output that is also the source of a dataset, or another block's output.
pub fn output_clashes(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let mut owners: BTreeMap<&str, (Block<'_>, &str)> = BTreeMap::new();
    for block in all_blocks(db, project, "dataset") {
        if let Some((SourceRef::File(path), _)) = &dataset(db, block).value.source {
            owners.insert(path, (block, "source"));
        }
    }
    let mut found = Vec::new();
    for block in all_blocks(db, project, "predict") {
        let path = predict(db, block).value.output.as_str();
        if path.is_empty() {
            continue;
        }
        let Some((owner, setting_of)) = owners.get(path).copied() else {
            owners.insert(path, (block, "output"));
            continue;
        };
        let span = body(db, block).and_then(|decl| setting(decl, "output")).map_or(Span::default(), |expr| expr.span);
        let place = Place::There(owner.reference(db), setting_of.to_owned());
        let finding = errors::output_clash(path, owner.keyword(db), owner.name(db), place, span);
        found.push(absolute(db, project.files(db), &block.reference(db), finding));
    }
    found
}
