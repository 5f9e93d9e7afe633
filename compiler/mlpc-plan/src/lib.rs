//! The backend-neutral plan, its lock, its seeds and its step identities.
//!
//! [`wanted()`] says what a lock must hold, [`check_lock`] whether it does, [`lower()`] makes the plan of
//! the training, [`lower_entries()`] those of what runs apart from it, [`lower_tests()`] that of the tests, and
//! [`lower_recording()`] that of a test which is to be made from real rows.

mod declared;
mod drawing;
pub mod identity;
pub mod lock;
mod lower;
pub mod plan;
pub mod variables;
mod wanted;

pub use declared::{Declared, Mismatch, Seen, declared, mismatches};
pub use lower::{expression, lower, lower_entries, lower_recording, lower_tests};
pub use plan::Plan;
pub use wanted::{
    DEFAULT_ENVIRONMENT, DataFrom, Wanted, WantedCode, WantedData, WantedEnvironment, WantedProfile, check_lock,
    default_environment, wanted,
};
