//! The one diagnostic value of the compiler, the table of its codes and their pages.
//!
//! A pass builds a [`Diagnostic`] and returns it with its result; nothing here renders. Text, JSON and editor forms
//! are made at the edges. The place type `P` lets a pass use positions relative to a block; the edge maps them to
//! absolute ones with [`Diagnostic::map_places`].

mod codes;
mod diagnostic;
mod similar;
mod span;

pub use codes::{Code, Family, code, codes};
pub use diagnostic::{Applicability, Diagnostic, Edit, Fix, Label, Severity};
pub use similar::{did_you_mean, list_words};
pub use span::{FileId, FileSpan, Span};

/// Every code as a constant, named by its rule: `code::unknown_name`.
pub mod rule {
    pub use crate::codes::constants::*;
}
