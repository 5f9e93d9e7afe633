//! Text of users in builds for Airflow: whatever it holds comes back as it was, and means nothing on its way.

use indexmap::IndexMap;
use mlpc_emit::backend::{Choice, backend};
use mlpc_plan::Plan;
use mlpc_tests::airflow;
use mlpc_tests::odd::{ODD, long, made};
use mlpc_tests::project::Project;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Odd texts, those that a server could take for a file or a command, and others that come of nowhere.
fn texts() -> Vec<String> {
    let alone = ["/etc/passwd.md", "README.md", "x.sh", "echo.bash", " ", ""];
    ODD.iter().chain(&alone).map(|text| (*text).to_owned()).chain([long()]).chain(made(40)).collect()
}

/// Writes the DAG of a plan in which `text` stands wherever a text can stand.
fn write(folder: &Path, plan: &Plan, case: usize, text: &str) {
    let mut plan = plan.clone();
    plan.pipeline.name = format!("case_{case}");
    plan.pipeline.doc = Some(text.to_owned());
    plan.pipeline.owner = Some(text.to_owned());
    for step in &mut plan.steps {
        step.doc = Some(text.to_owned());
        step.title = text.to_owned();
    }
    let mut choice = Choice::of(backend("airflow").unwrap());
    choice.settings.insert("store".to_owned(), text.to_owned());
    let tree = mlpc_emit::build_for(&choice, &mut plan, &mut IndexMap::new(), &BTreeMap::new()).unwrap();
    let name = format!("dags/case_{case}.py");
    fs::write(folder.join(format!("case_{case}.py")), &tree[&name]).unwrap();
}

#[test]
fn text_comes_back_as_it_was() {
    let project = Project::example("penguins");
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    let plan: Plan = serde_json::from_str(&project.read("built/plan.json")).unwrap();
    let folder = project.path.join("cases");
    fs::create_dir(&folder).unwrap();
    let texts = texts();
    for (case, text) in texts.iter().enumerate() {
        write(&folder, &plan, case, text);
    }
    let read = airflow::read(&folder);
    assert_eq!(read["errors"], json!({}));
    for (case, text) in texts.iter().enumerate() {
        let name = format!("case_{case}");
        let dag = &read["dags"][&name];
        // What ends in `.md` would be taken for the path of a file.
        let doc = if text.ends_with(".md") { format!("{text}\n") } else { text.clone() };
        let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert_eq!(said(&dag["doc_md"]), doc, "{text:?}");
        for task in dag["tasks"].as_array().unwrap().iter().map(|task| &task["__var"]) {
            assert_eq!(said(&task["owner"]), *text, "{text:?}");
            let rendered = &read["tasks"][&name][said(&task["task_id"])];
            assert_eq!(said(&rendered["env"]["MLP_STORE"]), *text, "{text:?}");
            let command = said(&rendered["bash_command"]);
            assert!(command.starts_with("exec python3 -m mlp_runtime.environment default -m"), "{command}");
            assert!(command.ends_with("--store \"$MLP_STORE\""), "{command}");
            if task["task_id"] != "finish" {
                assert_eq!(said(&task["doc_md"]), doc, "{text:?}");
            }
        }
    }
}
