//! One file per command: its arguments, and `run`.

pub mod check;
pub mod completions;
pub mod debug;
pub mod explain;
pub mod init;
