//! Everything but the command line: pages, specifications, single mistakes, properties, architecture.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may panic")]

mod architecture;
mod docs;
mod firewall;
mod fixes;
mod mistakes;
mod pages;
mod properties;
mod specs;
