//! One file per command: its arguments, and `run`.

pub mod build;
pub mod check;
pub mod compare;
pub mod completions;
pub mod debug;
pub mod explain;
pub mod graph;
pub mod import;
pub mod infer;
pub mod init;
pub mod lineage;
pub mod lock;
pub mod plan;
pub mod registry;
pub mod run;
pub mod runs;
pub mod targets;
pub mod test;
