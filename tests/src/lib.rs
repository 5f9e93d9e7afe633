//! Specifications, fixtures and end-to-end tests.
