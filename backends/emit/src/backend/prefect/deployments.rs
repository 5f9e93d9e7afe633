//! `prefect.yaml`, and the automations that tell how runs ended.

use super::{Entry, Settings};
use crate::error::EmitError;
use crate::layout::Layout;
use crate::py::{Py, WIDTH, docstring, flat};
use crate::yaml::Yaml;
use mlpc_plan::plan::{Ending, Notify};
use serde::Serialize;

/// Where an image holds the build.
const IN_IMAGE: &str = "/opt/mlp";

/// The deployments of all entry points. Prefect reads its texts as templates, so none of them is a user's.
pub(super) fn print(entries: &[Entry<'_>], settings: &Settings<'_>) -> Result<String, EmitError> {
    let pipeline = entries.first().map_or("", |entry| entry.plan.pipeline.name.as_str());
    let mut fields = vec![("name".to_owned(), Yaml::text(pipeline))];
    if settings.image.is_some() {
        let step = "prefect.deployments.steps.set_working_directory";
        let step = Yaml::map([(step, Yaml::map([("directory", Yaml::text(IN_IMAGE))]))]);
        fields.push(("pull".to_owned(), Yaml::List(vec![step])));
    }
    let deployments = entries.iter().map(|entry| deployment(entry, pipeline, settings)).collect();
    fields.push(("deployments".to_owned(), Yaml::List(deployments)));
    Ok(Yaml::Map(fields).document())
}

fn deployment(entry: &Entry<'_>, pipeline: &str, settings: &Settings<'_>) -> Yaml {
    let mut fields = vec![
        ("name", Yaml::text(entry.name)),
        ("entrypoint", Yaml::text(format!("{}:pipeline", entry.file()))),
        ("tags", Yaml::texts(["mlpc", pipeline])),
    ];
    if let Some(schedule) = &entry.plan.schedule {
        let schedule = Yaml::map([
            ("cron", Yaml::text(&schedule.cron)),
            ("timezone", Yaml::text(&schedule.timezone)),
            ("active", Yaml::Bool(true)),
        ]);
        fields.push(("schedules", Yaml::List(vec![schedule])));
    }
    // Two runs at once would both take the same last run for theirs to follow.
    let limit = Yaml::map([("limit", Yaml::Integer(1)), ("collision_strategy", Yaml::text("ENQUEUE"))]);
    fields.push(("concurrency_limit", limit));
    let mut pool = vec![("name".to_owned(), Yaml::text(settings.work_pool))];
    if let Some(image) = settings.image {
        pool.push(("job_variables".to_owned(), Yaml::map([("image", Yaml::text(image))])));
    }
    fields.push(("work_pool", Yaml::Map(pool)));
    Yaml::Map(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
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
