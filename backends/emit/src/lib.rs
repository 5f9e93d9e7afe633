//! Plan to files: step programs, runtime, pipeline definitions.
