//! Names, block specifications, types and expressions.
