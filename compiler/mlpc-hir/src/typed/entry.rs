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
    /// Who is told.
    pub channel: Channel,
    /// After which endings.
    pub on: Vec<Ending>,
}

/// Where a message goes. What opens a channel is named only: a secret holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A channel of Slack.
    Slack {
        /// The secret with the address of its webhook.
        webhook: String,
    },
    /// Letters.
    Email {
        /// Who gets one.
        to: Vec<String>,
        /// Who it is from.
        from: String,
        /// The secret with the address of the server, and with user and password.
        server: String,
    },
    /// A program that takes JSON.
    Webhook {
        /// The secret with its address.
        url: String,
    },
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
