//! Runs a plan on this machine: parallel, cached, resumable.
//!
//! [`execute`] starts a run and gives a [`Run`], an iterator over [`RunEvent`]. Inside, the dispatcher owns the order of
//! steps and all that users see, the executor owns units of work, and only `ExecutorEvent` passes between.
//! Finished steps live in a store by identity (`.mlp/store`), so a run that was killed goes on where it stopped. What
//! happened in which run is in SQLite (`.mlp/mlp.db`, [`history`]).

mod attempt;
mod cleanup;
mod clock;
mod command;
mod commit;
pub mod data;
mod delivery;
pub mod digest;
mod dispatcher;
pub mod environment;
mod error;
pub mod events;
mod executor;
mod failure;
pub mod history;
mod latest;
mod layout;
mod logs;
pub mod notify;
mod options;
mod output;
mod prepare;
mod preview;
mod process;
mod pythons;
pub mod registry;
mod registry_service;
mod remote;
pub mod resolve;
mod result;
mod run;
mod settled;
mod shell;
mod sources;
mod store;
pub mod testing;
mod tool;
pub mod tracking;

pub use error::RunError;
pub use events::{Outcome, RunEvent, StepState};
pub use layout::Layout;
pub use options::{Force, Options};
pub use preview::{Preview, Stored, preview};
pub use result::StepResult;
pub use run::{Canceller, Run, execute, run_to_end};
