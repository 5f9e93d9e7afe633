//! The automations that tell how runs ended, and the flow that sends letters.
//!
//! The server itself posts to Slack and to webhooks. It sends no letters, so an automation starts a flow that does.

use super::Entry;
use crate::FileTree;
use crate::backend::definition_name;
use crate::error::EmitError;
use crate::layout::Layout;
use crate::py::{Py, WIDTH, docstring, flat};
use mlpc_plan::plan::Notify;
use serde::Serialize;

/// The file of the flow that sends letters.
pub(super) const LETTERS: &str = "flows/letters.py";
/// The function in it, and its deployment.
pub(super) const TELL: &str = "tell";

#[derive(Serialize)]
struct View {
    doc: String,
    /// What of `prefect.events.actions` is used.
    actions: String,
    pipeline: String,
    slack: bool,
    email: bool,
    webhook: bool,
    table: String,
}

#[derive(Serialize)]
struct Letters {
    doc: String,
    flow: String,
}

/// Adds what sets up who is told, if anybody is.
pub(super) fn add(layout: &Layout, entries: &[Entry<'_>], tree: &mut FileTree) -> Result<(), EmitError> {
    let Some(first) = entries.first().filter(|_| channels(entries).next().is_some()) else { return Ok(()) };
    let used = |is: fn(&Notify) -> bool| channels(entries).any(|(_, channel)| is(channel));
    let (slack, webhook) = (used(|c| matches!(c, Notify::Slack { .. })), used(|c| matches!(c, Notify::Webhook { .. })));
    let email = sends_letters(entries);
    let actions = [(true, "Action"), (webhook, "CallWebhook"), (email, "RunDeployment"), (slack, "SendNotification")];
    let actions: Vec<&str> = actions.iter().filter(|(used, _)| *used).map(|(_, name)| *name).collect();
    let rows: Vec<Py> = channels(entries).map(|(entry, channel)| row(entry, channel)).collect();
    let view = View {
        doc: head("Who is told how runs end: running this file sets that up on the server of `PREFECT_API_URL`."),
        actions: actions.join(", "),
        pipeline: flat(&Py::string(&first.plan.pipeline.name)),
        slack,
        email,
        webhook,
        table: flat(&Py::List(rows)),
    };
    tree.insert("flows/automations.py".to_owned(), layout.python("prefect/automations.py", &view)?);
    if email {
        let view = Letters {
            doc: head("Sends letters: automations start this flow when a run has ended."),
            flow: flat(&Py::string(&definition_name(first.plan, TELL))),
        };
        tree.insert(LETTERS.to_owned(), layout.python("prefect/letters.py", &view)?);
    }
    Ok(())
}

/// Whether somebody gets letters.
pub(super) fn sends_letters(entries: &[Entry<'_>]) -> bool {
    channels(entries).any(|(_, channel)| matches!(channel, Notify::Email { .. }))
}

fn channels<'e>(entries: &'e [Entry<'_>]) -> impl Iterator<Item = (&'e Entry<'e>, &'e Notify)> {
    entries.iter().flat_map(|entry| entry.plan.notify.iter().map(move |channel| (entry, channel)))
}

fn head(title: &str) -> String {
    docstring(title, WIDTH - 8).join("\n")
}

/// A flow, its channel, and the endings.
fn row(entry: &Entry<'_>, channel: &Notify) -> Py {
    let block = Py::string(&channel.secret().to_lowercase().replace('_', "-"));
    let made = match channel {
        Notify::Slack { .. } => Py::name("Slack").call([block]),
        Notify::Email { to, from, .. } => Py::name("Email").call([block, Py::string(from), Py::strings(to)]),
        Notify::Webhook { .. } => Py::name("Webhook").call([block]),
    };
    let endings = Py::strings(channel.on().iter().map(|ending| ending.name()));
    Py::Tuple(vec![Py::string(&entry.flow()), made, endings])
}
