//! Incremental database: source files in, syntax out.
//!
//! Granularity: one [`Block`] per declaration. Its identity is file, kind and name; its text and position are separate
//! dependencies. A check reads the text of the blocks that it needs and never a position, so an edit in one block
//! re-checks that block and its readers only, and a line inserted above re-checks nothing. Positions are added at
//! the very edge, by [`Db`]-free callers such as the command line, through [`absolute`].

mod database;
mod place;
mod queries;
mod system;

pub use database::{Database, Event};
pub use place::{BlockRef, Place, absolute, block_at, definition};
pub use queries::{Block, Db, Project, SourceFile, blocks, line, parse_block};
pub use system::{MemorySystem, RealSystem, System, SystemError};
