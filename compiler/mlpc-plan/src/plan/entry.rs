//! When an entry point runs, and who is told how that ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When an orchestrator starts the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields: `0 5 * * MON`.
    pub cron: String,
    /// IANA zone in which they are read.
    pub timezone: String,
    /// Whether missed runs are made up for.
    pub catch_up: bool,
}

/// Who is told how a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Notify {
    /// A message to a Slack channel.
    Slack {
        /// The name of the secret that holds the webhook's address; on this machine, a variable of the environment.
        webhook: String,
        /// After which endings.
        on: Vec<Ending>,
    },
}

/// How a run can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All steps did what they should.
    Success,
    /// A step failed.
    Failure,
    /// A gate refused.
    GateRefused,
}
