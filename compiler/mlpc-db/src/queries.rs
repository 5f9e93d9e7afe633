//! Inputs, and the queries from text to syntax.

#![expect(missing_docs, reason = "the methods that salsa generates carry no documentation")]

use crate::place::BlockRef;
use mlpc_diagnostics::FileId;
use mlpc_syntax::{ChunkKind, Parse};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What every query is given.
#[salsa::db]
pub trait Db: salsa::Database {}

/// A `.mlp` file.
#[salsa::input(debug)]
pub struct SourceFile {
    /// Its number, stable for the life of the database.
    #[returns(copy)]
    pub id: FileId,
    /// Relative to the project's root, with `/`; `std/…` for the standard library.
    #[returns(deref)]
    pub path: String,
    /// Its text.
    #[returns(ref)]
    pub text: Arc<str>,
}

/// What is compiled together.
#[salsa::input(singleton, debug)]
pub struct Project {
    /// The program's file first, then what it imports, in the order of the imports.
    #[returns(ref)]
    pub files: Vec<SourceFile>,
    /// Imported path, as resolved against the importing file → its file. A missing one could not be read.
    #[returns(ref)]
    pub imports: BTreeMap<String, SourceFile>,
    /// The standard library's declarations.
    #[returns(ref)]
    pub library: Vec<SourceFile>,
    /// The selected profile.
    #[returns(ref)]
    pub profile: Option<String>,
    /// Values of params set for this run, as text.
    #[returns(ref)]
    pub params: BTreeMap<String, String>,
    /// What `scheduled_date` is, `2026-11-23`; `None` before that is settled.
    #[returns(ref)]
    pub scheduled: Option<String>,
    /// Users' Python files that the program names: path → text, `None` where it cannot be read.
    #[returns(ref)]
    pub code: BTreeMap<String, Option<String>>,
}

/// A declaration. File, keyword, name and ordinal are its identity; text and start may change under it.
#[salsa::tracked(debug)]
pub struct Block<'db> {
    /// The file it stands in.
    #[returns(copy)]
    pub file: SourceFile,
    /// Import, value, block or other.
    #[returns(copy)]
    pub kind: ChunkKind,
    /// `dataset`, `fn`, …
    #[returns(deref)]
    pub keyword: String,
    /// As in the header; empty if there is none.
    #[returns(deref)]
    pub name: String,
    /// Which of several with this keyword and name, from 0.
    #[returns(copy)]
    pub nth: u32,
    /// Its text, wherever it stands.
    #[tracked]
    #[returns(ref)]
    pub text: Arc<str>,
    /// Offset in the file. Read it only to make a position absolute.
    #[tracked]
    #[returns(copy)]
    pub start: u32,
}

impl Block<'_> {
    /// The block in a form that outlives revisions.
    pub fn reference(self, db: &dyn Db) -> BlockRef {
        BlockRef {
            file: self.file(db).id(db),
            keyword: self.keyword(db).to_owned(),
            name: self.name(db).to_owned(),
            nth: self.nth(db),
        }
    }
}

/// The declarations of a file, in order. Runs at each edit of the file and costs one scan.
#[salsa::tracked(returns(deref))]
pub fn blocks<'db>(db: &'db dyn Db, file: SourceFile) -> Vec<Block<'db>> {
    let text = file.text(db);
    let mut seen: HashMap<(String, String), u32> = HashMap::new();
    mlpc_syntax::split(text)
        .into_iter()
        .map(|chunk| {
            let nth = seen.entry((chunk.keyword.clone(), chunk.name.clone())).or_default();
            let ordinal = *nth;
            *nth += 1;
            let body = text.get(chunk.start..chunk.end).unwrap_or_default();
            let start = u32::try_from(chunk.start).unwrap_or(u32::MAX);
            Block::new(db, file, chunk.kind, chunk.keyword, chunk.name, ordinal, Arc::from(body), start)
        })
        .collect()
}

/// The number of the line of a file, from 1, in which an offset lies.
#[must_use]
pub fn line(db: &dyn Db, file: SourceFile, offset: usize) -> u32 {
    let before = line_ends(db, file).partition_point(|end| *end < offset);
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// Where the lines of a file end.
#[salsa::tracked(returns(deref))]
fn line_ends(db: &dyn Db, file: SourceFile) -> Vec<usize> {
    file.text(db).bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
}

/// The syntax of a declaration; depends on its text only.
#[salsa::tracked]
pub fn parse_block<'db>(db: &'db dyn Db, block: Block<'db>) -> Parse {
    mlpc_syntax::parse(block.text(db))
}
