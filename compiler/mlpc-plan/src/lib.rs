//! The backend-neutral plan, its lock, seeds and step identities.
