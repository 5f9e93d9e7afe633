//! Grammar, splitter, lossless syntax tree and typed views of `.mlp` text.
//!
//! Text in, trees and errors out: nothing here knows a file, a database or a meaning.

pub mod ast;
