//! Tasks as containers and pods: what Airflow would ask Docker or Kubernetes for, and settings that do not do.

use indexmap::IndexMap;
use mlpc_emit::EmitError;
use mlpc_emit::backend::{Choice, backend};
use mlpc_plan::Plan;
use mlpc_plan::plan::Retry;
use mlpc_tests::airflow;
use mlpc_tests::project::Project;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;

const IMAGE: &str = "registry.example/p@sha256:aa";
const OTHER: &str = "registry.example/q@sha256:bb";

/// The DAG file of a plan under some settings.
fn file(plan: &Plan, name: &str, settings: &[(&str, &str)]) -> Result<String, EmitError> {
    let mut plan = plan.clone();
    plan.pipeline.name = name.to_owned();
    let mut choice = Choice::of(backend("airflow").unwrap());
    choice.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let tree = mlpc_emit::build_for(&choice, &mut plan, &mut IndexMap::new(), &BTreeMap::new())?;
    Ok(tree[&format!("dags/{name}.py")].clone())
}

/// A plan whose training asks for much, in another environment.
fn plan() -> Plan {
    let project = Project::example("penguins");
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    let mut plan: Plan = serde_json::from_str(&project.read("built/plan.json")).unwrap();
    let environment = plan.environments["default"].clone();
    plan.environments.insert("large".to_owned(), environment);
    let train = plan.steps.iter_mut().find(|step| step.id == "train.species_model").unwrap();
    train.environment = "large".to_owned();
    train.resources.cpu = 4;
    train.resources.memory = Some(8 << 30);
    train.timeout_seconds = Some(5_400);
    train.retry = Retry { attempts: 3, initial_ms: 1_500, factor: 1.5, max_ms: 90_000 };
    plan
}

#[test]
fn containers_and_pods_are_asked_for_what_steps_need() {
    let plan = plan();
    let images = format!("{IMAGE} large={OTHER}");
    let folder = tempfile::tempdir().unwrap();
    let pods = [
        ("runner", "kubernetes"),
        ("image", images.as_str()),
        ("namespace", "ml"),
        ("service_account", "trainer"),
        ("store", "s3://bucket/{{ x }}"),
        ("pool", "large machines"),
        ("env", "REGION=eu"),
        ("secrets", "STORE_KEY=store/key"),
        ("accelerators", "train.species_model=nvidia.com/gpu:2"),
        ("node_selector", "pool=training"),
        ("image_pull_policy", "IfNotPresent"),
        ("image_pull_secret", "registry"),
    ];
    let containers = [
        ("runner", "docker"),
        ("image", &images),
        ("store", "file:///srv/store"),
        ("env", "REGION=eu"),
        ("secrets", "STORE_KEY=variable/store_key, DATABASE=connection/warehouse"),
        ("accelerators", "train.species_model=nvidia.com/gpu:2"),
    ];
    let environments =
        [("env", "REGION=eu"), ("secrets", "STORE_KEY=variable/store_key, DATABASE=connection/warehouse")];
    fs::write(folder.path().join("pods.py"), file(&plan, "pods", &pods).unwrap()).unwrap();
    fs::write(folder.path().join("containers.py"), file(&plan, "containers", &containers).unwrap()).unwrap();
    fs::write(folder.path().join("environments.py"), file(&plan, "environments", &environments).unwrap()).unwrap();
    let read = airflow::read(folder.path());
    assert_eq!(read["errors"], json!({}));

    let pod = |task: &str| read["tasks"]["pods"][task]["pod"].clone();
    let arguments = |action: &[&str], store: &str| {
        json!([action, &["--plan", "plan.json", "--run", "manual__1", "--store", store]].concat())
    };
    let train = pod("train.species_model");
    let container = &train["spec"]["containers"][0];
    assert_eq!(train["metadata"]["namespace"], "ml");
    assert_eq!(
        (&train["spec"]["serviceAccountName"], &train["spec"]["restartPolicy"]),
        (&json!("trainer"), &json!("Never"))
    );
    assert_eq!(
        (&container["image"], &container["command"]),
        (&json!(OTHER), &json!(["python", "-m", "mlp_runtime.launch"]))
    );
    assert_eq!(container["args"], arguments(&["step", "train.species_model"], "s3://bucket/{{ x }}"));
    let memory = (8_u64 << 30).to_string();
    assert_eq!(
        container["resources"],
        json!({
            "requests": {"cpu": "4", "memory": memory, "nvidia.com/gpu": "2"},
            "limits": {"memory": memory, "nvidia.com/gpu": "2"},
        })
    );
    let secret = json!({"name": "STORE_KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "key"}}});
    let variables = container["env"].as_array().unwrap();
    assert!(
        variables.contains(&json!({"name": "REGION", "value": "eu"})) && variables.contains(&secret),
        "{container}"
    );
    assert_eq!(train["spec"]["nodeSelector"], json!({"pool": "training"}));
    assert_eq!(
        (&container["imagePullPolicy"], &train["spec"]["imagePullSecrets"]),
        (&json!("IfNotPresent"), &json!([{"name": "registry"}]))
    );
    assert_eq!(pod("ingest.penguins")["spec"]["containers"][0]["image"], IMAGE);
    assert_eq!(pod("finish")["spec"]["containers"][0]["args"], arguments(&["finish"], "s3://bucket/{{ x }}"));

    let train = &read["tasks"]["containers"]["train.species_model"];
    assert_eq!(train["entrypoint"], json!(["python", "-m", "mlp_runtime.launch"]));
    assert_eq!(train["command"], arguments(&["step", "train.species_model"], "file:///srv/store"));
    assert_eq!((&train["cpus"], &train["mem_limit"]), (&json!(4), &json!(8_u64 << 30)));
    assert_eq!(train["mounts"][0]["Source"], "/srv/store");
    assert_eq!((&train["devices"][0]["Count"], &train["devices"][0]["Capabilities"]), (&json!(2), &json!([["gpu"]])));
    // What is kept elsewhere is asked for when a task runs.
    let filled = json!({"REGION": "eu", "STORE_KEY": "of variable store_key", "DATABASE": "of connection warehouse"});
    assert_eq!(train["environment"], filled);
    let environment = &read["tasks"]["environments"]["train.species_model"]["env"];
    assert!(filled.as_object().unwrap().iter().all(|(name, value)| environment[name] == *value), "{environment}");
    let texts = read["dags"].to_string();
    assert!(!texts.contains("of variable") && !texts.contains("of connection"), "{texts}");

    let task = |dag: &str, name: &str| {
        let tasks = read["dags"][dag]["tasks"].as_array().unwrap();
        tasks.iter().map(|task| &task["__var"]).find(|task| task["task_id"] == name).unwrap().clone()
    };
    let train = task("pods", "train.species_model");
    let said =
        ["retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay", "execution_timeout", "pool_slots"];
    assert_eq!(
        said.map(|name| train[name].clone()),
        [json!(2), json!(1.5), json!(1.5), json!(90.0), json!(5_400.0), json!(4)]
    );
    assert_eq!((&train["pool"], &task("pods", "finish")["pool"]), (&json!("large machines"), &json!("large machines")));
}

#[test]
fn settings_that_do_not_do_are_told() {
    let plan = plan();
    let told = |settings: &[(&str, &str)]| file(&plan, "p", settings).unwrap_err().to_string();
    for (settings, wrong) in [
        (&[("image", IMAGE)][..], "`image` of airflow is for containers and pods, and `runner` is `venv`"),
        (&[("node_selector", "a=b")], "`node_selector` of airflow is for pods, and `runner` is `venv`"),
        (&[("secrets", "A=store/key")], "`A` in `secrets` is `NAME=variable/KEY` or `NAME=connection/ID`"),
        (&[("env", "A=1"), ("secrets", "A=variable/key")], "`A` is in `env` and in `secrets`"),
        (&[("runner", "docker"), ("image", IMAGE), ("accelerators", "train.x=nvidia.com/gpu:1")], "no step `train.x`"),
        (
            &[("runner", "docker"), ("image", IMAGE), ("accelerators", "train.species_model=amd.com/gpu:1")],
            "Docker gives steps devices of the type `nvidia.com/gpu`",
        ),
        (&[("runner", "docker"), ("image", "default=a large=b gpu=c")], "no step runs in an environment `gpu`"),
    ] {
        assert!(told(settings).contains(wrong), "{}", told(settings));
    }
    assert!(told(&[("runner", "docker")]).contains("names none for the environment `default`"));
    let only = format!("large={IMAGE}");
    assert!(told(&[("runner", "kubernetes"), ("image", &only)]).contains("names none for the environment `default`"));

    // The command shows where.
    let project = Project::example("penguins");
    project.write("mlp.toml", "[target.airflow]\nrunner = \"venv\"\nnode_selector = \"pool=training\"\n");
    let built = project.mlpc(&["build", "--target", "airflow", "--locked", "--out", "built"]);
    assert!(built.code == 2 && built.stderr.contains("mlp.toml:3:17"), "{} {}", built.code, built.stderr);
}
