//! Whole programs, run for real: by the `mlpc` binary, with the Python environment that `tests/python/mlp.lock` pins.
//!
//! The first run makes that environment in the user's cache, which takes a minute and the package index.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod e2e {
    mod as_of;
    mod data;
    mod examples;
    mod expectations;
    mod failures;
    mod fetched;
    mod fitted;
    mod gates;
    mod launch;
    mod leaks;
    mod library;
    mod lint;
    mod predict;
    mod registries;
    mod reports;
    mod splits;
    mod sweeps;
    mod testing;
    mod times;
    mod tracking;
    mod types;
}
