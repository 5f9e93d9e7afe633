//! Incremental database: source files in, syntax out.
