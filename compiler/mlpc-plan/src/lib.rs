//! The backend-neutral plan, its lock, its seeds and its step identities.
//!
//! [`wanted()`] says what a lock must hold, [`check_lock`] whether it does, [`lower()`] makes the plan.

pub mod identity;
pub mod lock;
mod lower;
pub mod plan;
mod wanted;

pub use lower::{expression, lower};
pub use plan::Plan;
pub use wanted::{
    DEFAULT_ENVIRONMENT, Wanted, WantedCode, WantedData, WantedEnvironment, WantedProfile, check_lock, wanted,
};
