//! Places relative to a block, and how they become absolute.

use crate::{Block, Db, SourceFile, blocks, parse_block};
use mlpc_diagnostics::{Diagnostic, FileId, FileSpan, Span};
use mlpc_syntax::ast::{BlockName, ColumnItem, Decl, Entry, Statement, StatementKind};

/// A block, in a form that outlives revisions: what a diagnostic about another block's text points to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// The file.
    pub file: FileId,
    /// The declaration's keyword.
    pub keyword: String,
    /// Its name.
    pub name: String,
    /// Which of several with this keyword and name in the file, from 0.
    pub nth: u32,
}

/// A place in a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the block that is being checked, relative to its text.
    Here(Span),
    /// A definition in another block, by name, so that the finding does not depend on where that stands: a column, a
    /// setting, or the block's own name if it is empty.
    There(BlockRef, String),
    /// A place in another block, relative to its text. Only for what is asked of that block where a finding is certain,
    /// since the finding then depends on where things stand there.
    Inside(BlockRef, Span),
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self::Here(span)
    }
}

/// The same finding with absolute positions. `home` is the block whose check gave it. A block that is gone falls back
/// to the start of its file, which can only happen between revisions.
pub fn absolute(db: &dyn Db, files: &[SourceFile], home: &BlockRef, finding: Diagnostic<Place>) -> Diagnostic {
    finding.map_places(|place| {
        let target = match &place {
            Place::Here(_) => home,
            Place::There(block, _) | Place::Inside(block, _) => block,
        };
        let block = block_at(db, files, target);
        let span = match (&place, block) {
            (Place::Here(span), _) => *span,
            (Place::Inside(_, span), Some(_)) => *span,
            (Place::There(_, name), Some(block)) => definition(&parse_block(db, block).decl, name),
            (Place::There(..) | Place::Inside(..), None) => Span::default(),
        };
        FileSpan { file: target.file, span: span.shifted(block.map_or(0, |block| block.start(db))) }
    })
}

/// The block that a reference names, of one of these files.
#[must_use]
pub fn block_at<'db>(db: &'db dyn Db, files: &[SourceFile], reference: &BlockRef) -> Option<Block<'db>> {
    let file = files.iter().find(|file| file.id(db) == reference.file)?;
    blocks(db, *file).iter().find(|block| block.reference(db) == *reference).copied()
}

/// Where `name` is defined in a declaration: a field, statement or setting, also in nested blocks; else the header.
#[must_use]
pub fn definition(decl: &Decl, name: &str) -> Span {
    match decl {
        Decl::Block(block) => {
            let header = block.name.as_ref().map_or(block.header, BlockName::span);
            if name.is_empty() { header } else { in_entries(&block.entries, name).unwrap_or(header) }
        }
        Decl::Value(value) => value.name.span,
        Decl::Import { span, .. } | Decl::Error(span) => *span,
    }
}

fn in_entries(entries: &[Entry], name: &str) -> Option<Span> {
    entries.iter().find_map(|entry| match entry {
        Entry::Field(field) if field.name.text == name => Some(field.name.span),
        Entry::Setting { name: path, .. } | Entry::Search { name: path, .. } if path.text() == name => Some(path.span),
        Entry::Bare(bare) if bare.text == name => Some(bare.span),
        Entry::Block(block) => in_entries(&block.entries, name),
        Entry::Statement(statement) => in_statement(statement, name),
        _ => None,
    })
}

fn in_statement(statement: &Statement, name: &str) -> Option<Span> {
    match &statement.kind {
        StatementKind::Column(items) => items.iter().find_map(|item| match item {
            ColumnItem::One { name: defined, .. } if defined.text == name => Some(defined.span),
            _ => None,
        }),
        StatementKind::Let { name: defined, .. }
        | StatementKind::Label { name: defined, .. }
        | StatementKind::Weight { name: defined, .. }
            if defined.text == name =>
        {
            Some(defined.span)
        }
        _ => None,
    }
}
