//! The type of what a line defines: a column of a schema, a definition of a features block, a param or const.

use crate::program::Checked;
use mlpc_db::{Block, SourceFile, blocks, definition, parse_block};
use mlpc_hir::annotations::alias;
use mlpc_hir::blocks::dataset::dataset_shape;
use mlpc_hir::blocks::features::features;
use mlpc_hir::blocks::operations::parameter;

/// The type, as it would be written.
#[must_use]
pub fn reveal(checked: &Checked, path: &str, line: usize) -> Option<String> {
    let db = &checked.db;
    let file = checked.files().iter().copied().find(|file| file.path(db) == path)?;
    blocks(db, file).iter().find_map(|block| {
        let found = defined(checked, *block);
        found.into_iter().find(|(_, start)| line_of(checked, file, *start) == line).map(|(ty, _)| ty)
    })
}

/// Types and places in the file of what a block defines.
fn defined(checked: &Checked, block: Block<'_>) -> Vec<(String, u32)> {
    let db = &checked.db;
    let decl = &parse_block(db, block).decl;
    let place = |name: &str| definition(decl, name).start + block.start(db);
    match block.keyword(db) {
        "dataset" => {
            let columns = &dataset_shape(db, block).columns;
            columns.iter().map(|column| (column.ty.to_string(), place(&column.name))).collect()
        }
        "features" => {
            let definitions = &features(db, block).value.definitions;
            let own = definitions.iter().filter(|found| found.owner.is_none());
            own.map(|found| (found.expr.ty.to_string(), found.span.start + block.start(db))).collect()
        }
        "type" => vec![(alias(db, block).value.to_string(), place(""))],
        "param" | "const" => vec![(parameter(db, block).value.ty.to_string(), place(""))],
        _ => Vec::new(),
    }
}

fn line_of(checked: &Checked, file: SourceFile, offset: u32) -> usize {
    file.text(&checked.db).get(..offset as usize).unwrap_or_default().matches('\n').count() + 1
}
