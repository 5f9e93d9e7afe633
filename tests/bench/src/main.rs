//! Measures the executor beside ninja, and the checker on large programs.

fn main() {}
