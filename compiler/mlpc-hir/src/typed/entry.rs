//! When an entry point runs, and who is told how that ended.

/// `cron("0 5 * * MON", timezone: "UTC")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Five fields.
    pub cron: String,
    /// IANA zone in which they are read.
    pub timezone: String,
    /// Whether missed runs are made up for.
    pub catch_up: bool,
}

/// `slack(webhook: secret("SLACK_WEBHOOK"), on: [failure, gate_refused])`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The name of the secret that holds the webhook's address.
    pub webhook: String,
    /// After which endings.
    pub on: Vec<Ending>,
}

/// How a run can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps did what they should.
    Success,
    /// A step failed.
    Failure,
    /// A gate refused.
    GateRefused,
}

impl Ending {
    /// All of them with their names.
    pub const NAMES: [(&'static str, Self); 3] =
        [("success", Self::Success), ("failure", Self::Failure), ("gate_refused", Self::GateRefused)];
}
