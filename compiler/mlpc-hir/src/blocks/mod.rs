//! One file per kind of block: from its syntax to its typed form.

pub mod dataset;
mod entry;
mod expectations;
pub mod features;
pub mod function;
pub mod gate;
mod notify;
pub mod operations;
pub mod predict;
pub mod release;
mod shows;
pub mod split;
pub mod step;
mod storage;
pub mod sweep;
pub mod test;
mod tracking;
pub mod train;

pub use notify::NAMES as CHANNELS;

use crate::errors;
use crate::names::{self, Space, resolve, visible};
use crate::specs::block_spec;
use crate::typed::{Checked, Finding};
use mlpc_db::{Block, Db, SourceFile};
use mlpc_diagnostics::{Span, did_you_mean};

/// What a block's check works with.
pub struct Context<'db> {
    /// The database.
    pub db: &'db dyn Db,
    /// The block.
    pub block: Block<'db>,
    /// The file whose names are seen.
    pub file: SourceFile,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// The context of a block.
pub fn context<'db>(db: &'db dyn Db, block: Block<'db>) -> Context<'db> {
    Context { db, block, file: block.file(db), findings: Vec::new() }
}

impl<'db> Context<'db> {
    /// The result with what was found.
    pub fn done<T>(self, value: T) -> Checked<T> {
        Checked { value, findings: self.findings }
    }

    /// A context whose findings are dropped: they belong to another block, which reports them.
    pub fn quiet(&self) -> Self {
        Self { db: self.db, block: self.block, file: self.file, findings: Vec::new() }
    }

    /// The block of one of these kinds that `name` means; reports if there is none.
    pub fn block(&mut self, kinds: &[&str], name: &str, span: Span) -> Option<Block<'db>> {
        match resolve(self.db, self.file, Space::Block, name) {
            Some(block) if kinds.contains(&block.keyword(self.db)) => Some(block),
            // A kind that does not exist is reported where it is declared.
            Some(block) if block_spec(block.keyword(self.db)).is_none() => None,
            Some(block) => {
                let reference = block.reference(self.db);
                self.findings.push(errors::wrong_kind(kinds, name, block.keyword(self.db), span, reference));
                None
            }
            None => {
                let known = visible(self.db, self.file, Space::Block, kinds);
                let near = did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned);
                self.findings.push(errors::unknown_block(kinds, name, near, &known, span));
                None
            }
        }
    }

    /// The block that the header's connector names, if it has just one of these kinds.
    pub fn connected(&mut self, kinds: &[&str]) -> Option<Block<'db>> {
        let decl = crate::library::body(self.db, self.block)?;
        let path = decl.connector.as_ref()?.paths.first()?;
        self.block(kinds, &path.text(), path.span)
    }

    /// The name of a block as this program's plan knows it.
    pub fn qualified(&self, block: Block<'db>) -> String {
        names::qualified(self.db, block)
    }

    /// Text of the block, on one line.
    pub fn source(&self, span: Span) -> String {
        mlpc_syntax::one_line(self.block.text(self.db).get(span.range()).unwrap_or_default())
    }
}
