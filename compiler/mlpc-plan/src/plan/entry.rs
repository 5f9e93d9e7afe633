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

/// Who is told how a run ended. A secret is named only; on this machine, it is a variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Notify {
    /// A message to a Slack channel.
    Slack {
        /// The name of the secret that holds the webhook's address.
        webhook: String,
        /// After which endings.
        on: Vec<Ending>,
    },
    /// A letter.
    Email {
        /// Who gets it.
        to: Vec<String>,
        /// Who it is from.
        from: String,
        /// The name of the secret that holds the server: `smtp://USER:PASSWORD@HOST:PORT` with STARTTLS, or `smtps://…`.
        server: String,
        /// After which endings.
        on: Vec<Ending>,
    },
    /// A JSON object that is posted: `pipeline`, `run`, `ending` and `message`, all texts.
    Webhook {
        /// The name of the secret that holds the address.
        url: String,
        /// After which endings.
        on: Vec<Ending>,
    },
}

impl Notify {
    /// After which endings.
    #[must_use]
    pub fn on(&self) -> &[Ending] {
        match self {
            Self::Slack { on, .. } | Self::Email { on, .. } | Self::Webhook { on, .. } => on,
        }
    }

    /// The name of the secret that opens the channel.
    #[must_use]
    pub fn secret(&self) -> &str {
        match self {
            Self::Slack { webhook: secret, .. }
            | Self::Email { server: secret, .. }
            | Self::Webhook { url: secret, .. } => secret,
        }
    }
}

/// How a run can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All steps did what they should.
    Success,
    /// A step failed.
    Failure,
    /// A gate refused.
    GateRefused,
}

impl Ending {
    /// As plans and webhooks call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::GateRefused => "gate_refused",
        }
    }
}
