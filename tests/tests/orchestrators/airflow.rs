//! Builds for Airflow, imported and run by a real one.

mod containers;
mod old;
mod rides;
mod runners;
mod texts;

pub use containers::assert_runs_in_containers;
use mlpc_tests::airflow::{self, Server};
use mlpc_tests::channels::Channels;
use mlpc_tests::example::{self, EXAMPLES};
use mlpc_tests::given;
use mlpc_tests::plan::needs;
use mlpc_tests::project::Project;
use mlpc_tests::python;
use mlpc_tests::store::results;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Builds below one folder, each with a store of its own.
struct Builds {
    home: tempfile::TempDir,
}

impl Builds {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("builds")
    }

    fn store(&self, name: &str) -> PathBuf {
        self.home.path().join("stores").join(name)
    }

    fn address(&self, name: &str) -> String {
        format!("file://{}", self.store(name).display())
    }

    /// Builds a project, says where its artifacts are kept, and puts its data there.
    fn add(&self, name: &str, project: &Project) {
        project.write("mlp.toml", format!("[target.airflow]\nstore = \"{}\"\n", self.address(name)));
        self.add_as_it_is(name, project);
        lint(&self.folder().join(name), &["AIR"]);
    }

    fn add_as_it_is(&self, name: &str, project: &Project) {
        let out = self.folder().join(name);
        let built = project.mlpc(&["build", "--target", "airflow", "--locked", "--out", out.to_str().unwrap()]);
        assert_eq!(built.code, 0, "{}", built.stderr);
        let mut push = python::command();
        push.args(["-m", "mlp_runtime.launch", "push", "--store", &self.address(name), "--project"]);
        let pushed = push.arg(&project.path).current_dir(&out).output().unwrap();
        assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    }

    fn plan(&self, path: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder().join(path)).unwrap()).unwrap()
    }
}

/// The tasks of a serialized DAG by name.
fn tasks(dag: &Value) -> BTreeMap<&str, &Value> {
    let tasks = dag["tasks"].as_array().unwrap().iter().map(|task| &task["__var"]);
    tasks.map(|task| (task["task_id"].as_str().unwrap(), task)).collect()
}

/// A setting of a task, where it says nothing that of the DAG.
fn said<'a>(dag: &'a Value, task: &'a Value, name: &str) -> Option<&'a Value> {
    let said = task.get(name).or_else(|| task["partial_kwargs"].get(name));
    said.or_else(|| dag["default_args"]["__var"].get(name)).map(|value| value.get("__var").unwrap_or(value))
}

/// Compares a DAG that Airflow has read with the plan that it was printed from.
fn agree(read: &Value, name: &str, plan: &Value) {
    let (dag, of) = (&read["dags"][name], read["tasks"][name].as_object().unwrap());
    let tasks = tasks(dag);
    let mut after: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, task) in &tasks {
        for follower in task["downstream_task_ids"].as_array().into_iter().flatten() {
            after.entry(follower.as_str().unwrap()).or_default().insert(name);
        }
    }
    let steps = plan["steps"].as_array().unwrap();
    let names: BTreeSet<&str> = steps.iter().map(|step| step["id"].as_str().unwrap()).chain(["finish"]).collect();
    assert_eq!(of.keys().map(String::as_str).collect::<BTreeSet<_>>(), names);
    let task_of = |step: &str| of[step]["task"].as_str().unwrap();
    assert_eq!(tasks.keys().copied().collect::<BTreeSet<_>>(), names.iter().map(|step| task_of(step)).collect());
    let mut ends: BTreeSet<&str> = tasks.keys().copied().collect();
    ends.remove("finish");
    for step in steps {
        let id = step["id"].as_str().unwrap();
        let (task, needs) = (tasks[task_of(id)], needs(step));
        let waits: BTreeSet<&str> = needs.iter().map(|need| task_of(need)).collect();
        assert_eq!(after.get(task_of(id)).cloned().unwrap_or_default(), waits, "{id}");
        ends.retain(|end| !waits.contains(end));
        // A fold waits for the same fold of what is mapped with it, and for all folds of what is not.
        for need in needs.iter().filter(|need| of[need.as_str()]["index"] != -1) {
            let (one, other) = (&of[id], &of[need]);
            if one["mapped"] == other["mapped"] {
                assert_eq!(one["index"], other["index"], "{id} {need}");
            } else {
                let all = of.iter().filter(|(_, found)| found["task"] == other["task"]);
                assert!(all.into_iter().all(|(step, _)| needs.contains(step)), "{id} {need}");
            }
        }
        if step["fold"].is_u64() {
            assert_eq!(of[id]["label"], id.rsplit('.').next().unwrap());
        }
        let retry = &step["retry"];
        let attempts = retry["attempts"].as_u64().unwrap();
        let number = |name: &str| said(dag, task, name).and_then(Value::as_f64);
        assert_eq!(number("retries").unwrap_or_default(), attempts as f64 - 1.0, "{id}");
        if attempts > 1 {
            assert_eq!(number("retry_delay"), Some(retry["initial_ms"].as_f64().unwrap() / 1000.0), "{id}");
            assert_eq!(number("retry_exponential_backoff"), retry["factor"].as_f64(), "{id}");
            assert_eq!(number("max_retry_delay"), Some(retry["max_ms"].as_f64().unwrap() / 1000.0), "{id}");
        }
        assert_eq!(number("execution_timeout"), step["timeout_seconds"].as_f64(), "{id}");
        assert_eq!(of[id]["env"]["MLP_STEP"], id);
        let command = of[id]["bash_command"].as_str().unwrap();
        let environment = step["environment"].as_str().unwrap();
        let start =
            format!("python3 -m mlp_runtime.environment {environment} -m mlp_runtime.launch step \"$MLP_STEP\" ");
        assert!(command.contains(&start), "{command}");
    }
    assert_eq!(after["finish"], ends);
    assert_eq!(tasks["finish"]["trigger_rule"], "none_failed");
}

/// What a run on this machine makes.
fn native(project: &Project, entry: &str) -> Vec<(String, Value)> {
    let run = project.run(&["--entry", entry]);
    assert!([0, 3].contains(&run.ended.code), "{}", run.told());
    results(&project.path.join(".mlp/store"))
}

fn states(run: &Value, state: &str) -> BTreeSet<String> {
    let tasks = run["tasks"].as_object().unwrap().iter().filter(|(_, task)| task["state"] == state);
    tasks.map(|(name, _)| name.clone()).collect()
}

/// The DAG files by the settings of the build, and by further rules.
fn lint(build: &Path, rules: &[&str]) {
    let rules: Vec<&str> = rules.iter().flat_map(|rule| ["--extend-select", rule]).collect();
    let check = [&["check", "--quiet"], &rules[..]].concat();
    for arguments in [&check[..], &["format", "--check", "--diff", "--quiet"]] {
        let mut ruff = python::command();
        let output = ruff.args(["-m", "ruff"]).args(arguments).arg("dags").current_dir(build).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A program whose gate refuses.
fn refusing() -> Project {
    let project = Project::example("penguins");
    project.edit("penguins.mlp", "pipeline penguin_species {", "pipeline strict_species {");
    project.edit("penguins.mlp", "log_loss < 0.2", "log_loss < 0.000001");
    project
}

#[test]
fn airflow_runs_examples_to_the_same_bytes() {
    let builds = Builds::new();
    let (penguins, strict, rides) = (Project::example("penguins"), refusing(), rides::project());
    // The run on this machine fetches what is to be pushed.
    for name in EXAMPLES {
        let _ = example::native(name);
    }
    builds.add("penguins", &penguins);
    builds.add("strict", &strict);
    builds.add("diabetes", &Project::example("diabetes"));
    builds.add("flights", &Project::example("flights"));
    let given = given::project();
    given.write(
        "mlp.toml",
        format!("[target.airflow]\nstore = \"{}\"\nstart_date = \"2025-01-01\"\n", builds.address("given")),
    );
    builds.add_as_it_is("given", &given);
    lint(&builds.folder().join("given"), &["AIR"]);
    // Where no setting says where artifacts are kept, a variable of Airflow does.
    builds.add_as_it_is("rides", &rides);
    lint(&builds.folder().join("rides"), &["AIR"]);
    let plans = [
        ("penguin_species", "penguins/plan.json"),
        ("strict_species", "strict/plan.json"),
        ("rides", "rides/plan.json"),
        ("rides.predict.daily", "rides/plans/predict.daily.json"),
        ("diabetes_progression", "diabetes/plan.json"),
        ("flight_delay", "flights/plan.json"),
        ("given", "given/plan.json"),
    ];
    let read = airflow::read(&builds.folder());
    assert_eq!(read["errors"], json!({}));
    let dags = read["dags"].as_object().unwrap();
    assert_eq!(dags.keys().map(String::as_str).collect::<BTreeSet<_>>(), plans.map(|(name, _)| name).into());
    for (name, plan) in plans {
        agree(&read, name, &builds.plan(plan));
    }
    let daily = &dags["rides.predict.daily"];
    let schedule = &daily["timetable"]["__var"];
    assert_eq!((&schedule["expression"], &schedule["timezone"]), (&json!("0 5 29 2 *"), &json!("Europe/Vienna")));
    assert_eq!((&daily["catchup"], &dags["rides"]["timetable"]["__var"]), (&json!(false), &json!({})));

    let channels = Channels::start();
    let slack = json!({"conn_type": "slackwebhook", "host": channels.hook, "password": "services/a"});
    let (host, port) = channels.mail.split_once(':').unwrap();
    let open = json!({"disable_ssl": true, "disable_tls": true});
    let mail = json!({"conn_type": "smtp", "host": host, "port": port.parse::<u16>().unwrap(), "extra": open});
    let runs = json!({"conn_type": "http", "host": channels.hook, "password": "runs/secret"});
    let variables = [
        ("AIRFLOW_VAR_MLP_STORE", builds.address("rides")),
        ("AIRFLOW_CONN_DAILY", slack.to_string()),
        ("AIRFLOW_CONN_MAIL", mail.to_string()),
        ("AIRFLOW_CONN_RUNS", runs.to_string()),
    ];
    let server = Server::start(&builds.folder(), &variables.each_ref().map(|(name, value)| (*name, value.as_str())));
    let ids = ["penguin_species", "strict_species", "rides", "diabetes_progression", "flight_delay", "given"];
    let runs = server.run(&ids, LIMIT);
    for name in EXAMPLES {
        let dag = plans.iter().find(|(_, plan)| plan.starts_with(name)).unwrap().0;
        let run = &runs[dag];
        assert_eq!(run["state"], "success", "{}", server.log());
        assert_eq!(states(run, "success").len(), run["tasks"].as_object().unwrap().len(), "{run}");
        assert_eq!(results(&builds.store(name).join("store")), example::native(name), "{name}");
    }

    // A gate that refuses is no failure.
    let refused = &runs["strict_species"];
    assert_eq!(refused["state"], "success", "{}", server.log());
    let behind = ["gate.release", "register.penguin_classifier"].map(str::to_owned);
    assert_eq!(states(refused, "skipped"), BTreeSet::from(behind));
    assert_eq!(states(refused, "failed"), BTreeSet::new());
    assert!(states(refused, "success").contains("finish"));
    assert_eq!(results(&builds.store("strict").join("store")), native(&strict, "train"));
    assert!(!builds.store("strict").join("registry").exists());

    // What failed is tried again; another entry point scores with what was registered, and tells when it is done.
    assert_eq!(runs["rides"]["state"], "success", "{}", server.log());
    assert_eq!(runs["rides"]["tasks"]["step.unsure"]["tries"], 2);
    // The steps of folds are instances of mapped tasks, each after that of its own fold.
    for fold in 1..=3 {
        let ran = |step: &str| &runs["rides"]["tasks"][&format!("{step}.fold_{fold}")];
        let (fit, train) = (ran("fit.parts"), ran("train.model"));
        assert_eq!((&fit["state"], &train["state"]), (&json!("success"), &json!("success")));
        assert!(fit["end"].as_str().unwrap() <= train["start"].as_str().unwrap(), "{fit} {train}");
    }
    let scored = &server.run(&["rides.predict.daily"], LIMIT)["rides.predict.daily"];
    assert_eq!(scored["state"], "success", "{}", server.log());
    native(&rides, "train");
    let store = builds.store("rides");
    let [here, there] = [results(&store.join("store")), native(&rides, "predict.daily")].map(|mut found| {
        // Predictions say when they were made.
        let of_entry = |outputs: &Value| outputs.as_object().unwrap().keys().eq(["predictions"]);
        let all = found.len();
        found.retain(|(_, outputs)| !of_entry(outputs));
        assert_eq!(all - found.len(), 1);
        found
    });
    assert_eq!(here, there);
    let delivered: Value =
        serde_json::from_slice(&std::fs::read(store.join("delivered/scores.csv.json")).unwrap()).unwrap();
    let delivered = store.join("delivered").join(delivered["sha256"].as_str().unwrap());
    assert_eq!(scores(&delivered), scores(&rides.path.join("scores.csv")));
    rides::told(&channels, scored["run"].as_str().unwrap(), LIMIT);
    // What opens a channel is in no log.
    assert!(!server.log().contains("services/a") && !server.log().contains("runs/secret"));

    runs_are_given_values(&server, &builds, &given);

    // The command starts runs on the server, follows them, and ends as a run on this machine does.
    for (name, project, code, word) in
        [("penguins", &penguins, 0, "succeeded"), ("strict", &strict, 3, "refused by a gate")]
    {
        let (store, folder) = (builds.store(name), builds.folder().join(name));
        let settings = format!(
            "[target.airflow]\nstore = \"file://{}\"\nserver = \"{}\"\nfolder = \"{}\"\n",
            store.display(),
            server.address(),
            folder.display(),
        );
        project.write("mlp.toml", settings);
        let ended = project.mlpc(&["run", "--target", "airflow", "--locked"]);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.lines().last().unwrap().contains(word), "{}", ended.stdout);
    }
}

/// Runs are given values by whoever starts them, and the day by the schedule; both make what a run of this machine makes.
fn runs_are_given_values(server: &Server, builds: &Builds, project: &Project) {
    let settings = format!(
        "[target.airflow]\nstore = \"{}\"\nstart_date = \"2025-01-01\"\nserver = \"{}\"\nfolder = \"{}\"\n",
        builds.address("given"),
        server.address(),
        builds.folder().join("given").display(),
    );
    project.write("mlp.toml", settings);
    let params = ["--param", "day=2025-01-20", "--param", "passes=60", "--param", "how=newton-cg"];
    let ended = project.mlpc(&[&["run", "--target", "airflow", "--locked"], &params[..]].concat());
    assert_eq!(ended.code, 0, "{}{}{}", ended.stdout, ended.stderr, server.log());
    let wrong = project.mlpc(&["run", "--target", "airflow", "--locked", "--param", "passes=501"]);
    assert_eq!(wrong.code, 1, "{}", wrong.stderr);
    // Half past midnight in Vienna is the day before in UTC.
    server.backfill("given", "2025-01-24T23:00:00Z", "2025-01-25T00:00:00Z");
    let runs = builds.store("given").join("runs/given");
    let began = Instant::now();
    let finished = || {
        let runs = std::fs::read_dir(&runs).unwrap().map(|run| run.unwrap().path().join("finished.json"));
        runs.filter(|file| file.exists()).count()
    };
    while finished() < 3 {
        assert!(began.elapsed() < Duration::from_secs(LIMIT.into()), "{}", server.log());
        std::thread::sleep(Duration::from_millis(500));
    }
    let _ = project.succeed(&[]);
    let _ = project.succeed(&params);
    let _ = project.succeed(&["--param", "day=2025-01-25"]);
    // The run that the schedule is due for today is there too, or comes.
    let there = results(&builds.store("given").join("store"));
    assert!(results(&project.path.join(".mlp/store")).iter().all(|made| there.contains(made)), "{there:?}");
}

/// Predictions of a file, without when they were made.
fn scores(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.lines().next().unwrap().ends_with(",\"scored_at\""), "{text}");
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

/// Seconds within which runs must end, also on a machine with much else to do.
const LIMIT: u32 = 1_800;
