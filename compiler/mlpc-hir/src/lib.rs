//! Names, block specifications, types and expressions: from syntax to a typed program.
//!
//! Every query takes the database first and gives a value with its findings; none fails. Other crates read
//! [`typed`] values only.

pub mod annotations;
pub mod blocks;
pub mod check;
pub mod consts;
pub mod coverage;
mod entries;
mod errors;
pub mod infer;
pub mod library;
mod load;
pub mod names;
pub mod numbers;
mod outputs;
pub mod parameters;
pub mod python;
mod references;
mod requirement;
mod reuse;
mod silence;
pub mod specs;
pub mod typed;
pub mod types;

pub use check::{all_blocks, block_named, check_block, check_project};
pub use errors::duration as duration_text;
pub use load::load;
