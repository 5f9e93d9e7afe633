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
    let one =
        |one: &typed::Notify| Notify::Slack { webhook: one.webhook.clone(), on: one.on.iter().map(ending).collect() };
    notify.iter().map(one).collect()
}
