//! Artifact stores against real servers on this machine: SeaweedFS, fake-gcs-server and Azurite, installed by the tests into
//! the user's cache. The first run of these tests takes minutes and the package indexes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod stores {
    mod contract;
    mod remote;
    mod servers;
}
