//! Why a try gave no result, and how long to wait for the next.

use crate::clock;
use crate::output;
use crate::process::Exit;
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::plan::{Retry, Step};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A check on data failed; the program said so in words, and would say it again.
const CHECK_FAILED: i32 = 4;

/// Why a try did not give a result.
pub(crate) struct Failure {
    pub message: String,
    pub exit_code: Option<i32>,
    /// Whether it may go better the next time.
    pub again: bool,
    pub stopped: bool,
}

impl Failure {
    /// One that would happen again.
    pub fn new(message: String) -> Self {
        Self { message, exit_code: None, again: false, stopped: false }
    }

    /// One that may not happen again.
    pub fn again(message: String) -> Self {
        Self { again: true, ..Self::new(message) }
    }

    /// None of the step's own doing.
    pub fn stopped() -> Self {
        Self { stopped: true, ..Self::new("the run was stopped".to_owned()) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::again(error.to_string())
    }
}

/// What the end of a step's program means.
pub(crate) fn failure(step: &Step, exit: &Exit, log: &Path) -> Failure {
    let mut printed = output::tail(log);
    let (message, exit_code, again) = match exit {
        // All checks that failed, each on a line below the first.
        Exit::Code(CHECK_FAILED) if !printed.is_empty() => {
            let head = printed.iter().rposition(|line| !line.starts_with(' ')).unwrap_or(0);
            (printed.split_off(head).join("\n"), Some(CHECK_FAILED), false)
        }
        Exit::Code(code) => {
            let said = printed.pop().unwrap_or_else(|| format!("it ended with exit code {code}"));
            (said, Some(*code), *code != CHECK_FAILED)
        }
        Exit::Signal(9) => ("it was killed, perhaps because memory ran out".to_owned(), None, true),
        Exit::Signal(signal) => (format!("it was ended by signal {signal}"), None, true),
        Exit::TimedOut => {
            let limit = clock::span(step.timeout_seconds.unwrap_or_default());
            (format!("it took longer than {limit} and was stopped"), None, true)
        }
        Exit::Stopped => return Failure::stopped(),
    };
    Failure { message, exit_code, again, stopped: false }
}

/// How long to wait after try number `attempt`: growing, bounded, and spread by up to a quarter so that steps that failed
/// together do not come back together. The spread follows from the step, so a run does the same each time.
pub(crate) fn pause(retry: &Retry, identity: &str, attempt: u32) -> Duration {
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown = retry.initial_ms as f64 * retry.factor.max(1.0).powi(exponent);
    let bounded = grown.min(retry.max_ms as f64);
    let derived = sha256_hex(format!("mlp-retry/v1\0{identity}\0{attempt}").as_bytes());
    let spread = derived.get(..4).and_then(|text| u16::from_str_radix(text, 16).ok()).unwrap_or(0);
    Duration::from_secs_f64(bounded * (0.75 + 0.25 * f64::from(spread) / f64::from(u16::MAX)) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_stay_bounded_and_are_the_same_each_time() {
        let retry = Retry { attempts: 9, initial_ms: 1_000, factor: 2.0, max_ms: 5_000 };
        let pauses: Vec<f64> = (1..6).map(|attempt| pause(&retry, "ab", attempt).as_secs_f64()).collect();
        for (pause, full) in pauses.iter().zip([1.0, 2.0, 4.0, 5.0, 5.0]) {
            assert!((0.75 * full..=full).contains(pause), "{pause} of {full}");
        }
        assert_eq!(pause(&retry, "ab", 1), pause(&retry, "ab", 1));
        assert_ne!(pause(&retry, "ab", 1), pause(&retry, "cd", 1));
    }
}
