//! The backend-neutral plan, its lock, its seeds and its step identities.

pub mod identity;
pub mod lock;
pub mod plan;

pub use plan::Plan;
