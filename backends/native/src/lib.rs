//! Runs a plan on this machine: parallel, cached, resumable.
