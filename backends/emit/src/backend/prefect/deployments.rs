//! `prefect.yaml`: the deployments.

use super::{Entry, Settings, telling};
use crate::error::EmitError;
use crate::yaml;
use mlpc_plan::plan::Schedule;
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
    let mut deployments: Vec<Value> = entries.iter().map(|entry| deployment(entry, pipeline, settings)).collect();
    if telling::sends_letters(entries) {
        let entrypoint = format!("{}:{}", telling::LETTERS, telling::TELL);
        let mut fields = json!({ "name": telling::TELL, "entrypoint": entrypoint, "tags": ["mlpc", pipeline] });
        fields["work_pool"] = work_pool(settings);
        deployments.push(fields);
    }
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
    fields["work_pool"] = work_pool(settings);
    fields
}

fn work_pool(settings: &Settings<'_>) -> Value {
    let mut pool = json!({ "name": settings.work_pool });
    if let Some(image) = settings.image {
        pool["job_variables"] = json!({ "image": image });
    }
    pool
}
