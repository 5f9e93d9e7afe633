//! Specifications, fixtures and end-to-end tests. The library holds what several of them need: programs in memory, and
//! Markdown files whose fenced blocks are programs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

pub mod airflow;
pub mod channels;
pub mod command;
pub mod example;
pub mod expected;
pub mod gated;
pub mod given;
pub mod markdown;
pub mod mlflow;
pub mod odd;
pub mod plan;
pub mod podman;
pub mod postgres;
pub mod prefect;
pub mod program;
pub mod project;
pub mod python;
pub mod reveal;
pub mod rides;
pub mod snapshot;
pub mod stdlib;
pub mod store;
