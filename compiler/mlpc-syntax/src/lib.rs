//! Grammar, splitter, lossless syntax tree and typed views of `.mlp` text.
//!
//! Text in, trees and errors out: nothing here knows a file, a database or a meaning.
//!
//! [`split`] cuts a file into declarations; [`parse`] reads one of them. A parse never fails: it gives a tree that holds
//! every byte, a declaration as far as it can be told, and findings with spans relative to the declaration.

pub mod ast;
mod brackets;
mod depth;
mod entries;
mod errors;
mod explain;
mod grammar;
mod lexer;
mod lower;
mod parser;
mod spell;
mod split;
mod tree;

pub use grammar::{Rule, describe};
pub use parser::{Parse, parse};
pub use spell::{identifier, one_line, quoted};
pub use split::{Chunk, ChunkKind, split};
pub use tree::{NodeId, SyntaxTree};
