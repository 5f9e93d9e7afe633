//! The `mlpc` command.

fn main() {}
