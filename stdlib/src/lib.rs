//! The standard library, written in the language, embedded as text.
