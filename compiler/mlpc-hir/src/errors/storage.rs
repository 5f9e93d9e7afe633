//! Findings about where artifacts are kept.

use super::finding;
use crate::typed::Finding;
use mlpc_diagnostics::{Span, rule};

/// A storage of no kind that there is.
pub fn storage_form(span: Span) -> Finding {
    let wanted = "`s3(\"bucket/prefix\", region: \"…\")`, `gcs(\"bucket/prefix\")`, `azure(\"account/container/prefix\")`, \
                  `local(\"folder\")` or `embedded`";
    super::wrong_form("storage", wanted, span)
}

/// Credentials in the address of a storage, or beside it.
pub fn storage_credentials(span: Span) -> Finding {
    finding(rule::literal_credentials, "the address of a storage holds credentials", span)
        .here("a secret in the program's text")
        .note("whoever reads the program, or its history, could use it")
        .help("leave it out: credentials are those that the environment or the machine gives, as for the service's own tools")
}

/// An address with its scheme.
pub fn storage_scheme(function: &str, place: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("`{function}` takes an address without a scheme"), span)
        .here(format!("write `{place:?}`"))
        .help("`s3`, `gcs`, `azure` and `local` say which service it is")
}

/// An address that its service would refuse.
pub fn storage_name(message: String, rule_of_names: &'static str, span: Span) -> Finding {
    finding(rule::bad_value, message, span).here("no such name can exist").help(rule_of_names)
}
