//! Who is told how a run ended: notifiers of providers, which find what opens a channel in the connection of its name.

use crate::py::{Argument, Py};
use mlpc_plan::Plan;
use mlpc_plan::plan::{Ending, Notify};
use std::collections::BTreeSet;

const SLACK: &str = "send_slack_webhook_notification";
const EMAIL: &str = "send_smtp_notification";
const WEBHOOK: &str = "send_http_notification";

/// Where notifiers come from.
const MODULES: &[(&str, &str)] = &[
    (SLACK, "airflow.providers.slack.notifications.slack_webhook"),
    (EMAIL, "airflow.providers.smtp.notifications.smtp"),
    (WEBHOOK, "airflow.providers.http.notifications.http"),
];

/// The lines that import the notifiers that are used.
pub(super) fn imports(used: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let found = MODULES.iter().filter(|(name, _)| used.contains(*name));
    found.map(|(name, module)| format!("from {module} import {name}"))
}

/// The notifiers of those who want to know of an ending; `message` is a template.
pub(super) fn told(plan: &Plan, ending: Ending, message: &str) -> Vec<Py> {
    let wanted = plan.notify.iter().filter(|channel| channel.on().contains(&ending));
    wanted.map(|channel| notifier(plan, channel, ending, message)).collect()
}

fn notifier(plan: &Plan, channel: &Notify, ending: Ending, message: &str) -> Py {
    let (pipeline, ending) = (plan.pipeline.name.as_str(), ending.name());
    let (name, arguments) = match channel {
        Notify::Slack { webhook, .. } => {
            (SLACK, vec![("slack_webhook_conn_id", Py::string(webhook)), ("text", Py::string(message))])
        }
        Notify::Email { to, from, server, .. } => {
            let subject = format!("{pipeline}: {}", ending.replace('_', " "));
            let arguments = vec![
                ("smtp_conn_id", Py::string(server)),
                ("from_email", Py::string(from)),
                ("to", Py::strings(to)),
                ("subject", Py::string(&subject)),
                ("html_content", Py::string(message)),
            ];
            (EMAIL, arguments)
        }
        Notify::Webhook { url, .. } => {
            let body = [("pipeline", pipeline), ("run", "{{ run_id }}"), ("ending", ending), ("message", message)];
            let body = body.map(|(name, text)| (Py::string(name), Py::string(text))).to_vec();
            // The address is a secret from its path on: Airflow hides passwords of connections in logs, and no hosts.
            let path = format!("{{{{ conn.{url}.password }}}}");
            let arguments =
                vec![("http_conn_id", Py::string(url)), ("endpoint", Py::string(&path)), ("json", Py::Dict(body))];
            (WEBHOOK, arguments)
        }
    };
    let arguments = arguments.into_iter().map(|(name, value)| Argument::keyword(name, value));
    Py::name(name).call_with(arguments.collect())
}
