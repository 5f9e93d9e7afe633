//! When an entry point runs, and who is told how that ended.

use crate::plan::{Ending, Notify, Schedule};
use mlpc_hir::typed;

/// As the plan writes it.
pub fn schedule(schedule: &typed::Schedule) -> Schedule {
    let typed::Schedule { cron, timezone, catch_up } = schedule;
    Schedule { cron: cron.clone(), timezone: timezone.clone(), catch_up: *catch_up }
}

/// As the plan writes them.
pub fn notify(notify: &[typed::Notify]) -> Vec<Notify> {
    let ending = |ending: &typed::Ending| match ending {
        typed::Ending::Success => Ending::Success,
        typed::Ending::Failure => Ending::Failure,
        typed::Ending::GateRefused => Ending::GateRefused,
    };
    let one = |one: &typed::Notify| {
        let on = one.on.iter().map(ending).collect();
        match one.channel.clone() {
            typed::Channel::Slack { webhook } => Notify::Slack { webhook, on },
            typed::Channel::Email { to, from, server } => Notify::Email { to, from, server, on },
            typed::Channel::Webhook { url } => Notify::Webhook { url, on },
        }
    };
    notify.iter().map(one).collect()
}
