//! Builds for orchestrators, read and run by the real ones, which `tests/python` locks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod orchestrators {
    mod airflow;
    mod builds;
    mod containers;
    mod kubeflow;
    mod prefect;
    mod texts;
}
