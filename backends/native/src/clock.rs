//! Times for people and records; nothing that a step computes ever sees them.

use jiff::{SignedDuration, Timestamp};

/// Now, RFC 3339 in UTC, to the millisecond.
pub(crate) fn timestamp() -> String {
    format(Timestamp::now())
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn format(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `2h 30m`, `90s` as `1m 30s`.
pub(crate) fn span(seconds: u64) -> String {
    let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    format!("{span:#}")
}
