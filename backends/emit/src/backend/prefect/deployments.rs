//! `prefect.yaml`, and the automations that tell how runs ended.

use super::{Entry, Settings};
use crate::error::EmitError;
use crate::layout::Layout;
use crate::py::{Py, WIDTH, docstring, flat};
use crate::yaml;
use mlpc_plan::plan::{Ending, Notify, Schedule};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Where an image holds the build.
const IN_IMAGE: &str = "/opt/mlp";

/// The deployments of all entry points. Prefect reads its texts as templates, so none of them is a user's.
pub(super) fn print(entries: &[Entry<'_>], settings: &Settings<'_>) -> Result<String, EmitError> {
    let pipeline = entries.first().map_or("", |entry| entry.plan.pipeline.name.as_str());
    let mut file = Map::from_iter([("name".to_owned(), json!(pipeline))]);
    if settings.image.is_some() {
        let step = json!({ "prefect.deployments.steps.set_working_directory": { "directory": IN_IMAGE } });
        file.insert("pull".to_owned(), json!([step]));
    }
    let deployments: Vec<Value> = entries.iter().map(|entry| deployment(entry, pipeline, settings)).collect();
    file.insert("deployments".to_owned(), Value::Array(deployments));
    Ok(yaml::document(&Value::Object(file))?)
}

fn deployment(entry: &Entry<'_>, pipeline: &str, settings: &Settings<'_>) -> Value {
    let entrypoint = format!("{}:pipeline", entry.file());
    let mut fields = json!({ "name": entry.name, "entrypoint": entrypoint, "tags": ["mlpc", pipeline] });
    if let Some(Schedule { cron, timezone, catch_up: _ }) = &entry.plan.schedule {
        fields["schedules"] = json!([{ "cron": cron, "timezone": timezone, "active": true }]);
    }
    // Two runs at once would both take the same last run for theirs to follow.
    fields["concurrency_limit"] = json!({ "limit": 1, "collision_strategy": "ENQUEUE" });
    fields["work_pool"] = json!({ "name": settings.work_pool });
    if let Some(image) = settings.image {
        fields["work_pool"]["job_variables"] = json!({ "image": image });
    }
    fields
}

#[derive(Serialize)]
struct View {
    doc: String,
    table: String,
}

/// The program that sets up who is told how runs ended; `None` if nobody is.
pub(super) fn automations(layout: &Layout, entries: &[Entry<'_>]) -> Result<Option<String>, EmitError> {
    let row = |entry: &Entry<'_>, notify: &Notify| {
        let Notify::Slack { webhook, on } = notify;
        let block = webhook.to_lowercase().replace('_', "-");
        let states = on.iter().flat_map(|ending| states(*ending)).copied();
        Py::Tuple(vec![Py::string(&entry.flow()), Py::string(&block), Py::strings(states)])
    };
    let rows: Vec<Py> =
        entries.iter().flat_map(|entry| entry.plan.notify.iter().map(move |notify| row(entry, notify))).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let title = "Who is told how runs end: running this file sets that up on the server of `PREFECT_API_URL`.";
    let blocks = "Each row holds a flow, the Slack webhook block that is told, and names of states.";
    let lines = [docstring(title, WIDTH - 8), vec![String::new()], docstring(blocks, WIDTH - 8), vec![String::new()]];
    let table = format!("ENDINGS = {}", flat(&Py::List(rows)));
    layout.python("prefect/automations.py", &View { doc: lines.concat().join("\n"), table }).map(Some)
}

/// The states of a flow run that stand for an ending.
fn states(ending: Ending) -> &'static [&'static str] {
    match ending {
        Ending::Success => &["Completed"],
        Ending::Failure => &["Failed", "Crashed", "TimedOut"],
        Ending::GateRefused => &["Refused"],
    }
}
