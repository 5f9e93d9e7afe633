//! Runs real plans with real processes. Plans are built by hand, so that each test says what it is about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may panic")]

mod crashing;
mod environments;
mod failing;
mod project;
mod registering;
mod running;
mod stopping;
