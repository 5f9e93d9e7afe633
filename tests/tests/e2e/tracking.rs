//! Runs in the tracking server of a real MLflow: everything is read back, from this machine and over a store, and what the
//! server could not be told is told later, once.

use mlpc_tests::command::{Ended, ended};
use mlpc_tests::mlflow::{ENVIRONMENT, Mlflow};
use mlpc_tests::project::Project;
use mlpc_tests::python;
use serde_json::Value;

fn project() -> Project {
    let project = Project::example("penguins");
    project.edit("penguins.mlp", "  seed  = 42", "  seed  = 42\n  tracking = mlflow");
    project.lock_with(&python::locked_as(ENVIRONMENT));
    project
}

fn mlpc(server: &Mlflow, project: &Project, args: &[&str]) -> Ended {
    ended(project.command(args).env("MLFLOW_TRACKING_URI", &server.uri).env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"))
}

/// Every run of the experiment by name, with all that MLflow knows of it; what is deleted is not there.
const RUNS: &str = "
import mlflow
experiment = client.get_experiment_by_name('penguin_species')
runs = {}
for run in client.search_runs([experiment.experiment_id], order_by=['start_time']) if experiment else []:
    def files(path=None):
        for item in client.list_artifacts(run.info.run_id, path):
            if item.is_dir:
                yield from files(item.path)
            else:
                yield item.path
    runs.setdefault(run.info.run_name.split(' 2')[0], []).append({
        'id': run.info.run_id, 'status': run.info.status, 'tags': run.data.tags, 'params': run.data.params,
        'metrics': run.data.metrics, 'files': sorted(files()),
        'datasets': [[item.dataset.name, item.dataset.digest, json.loads(item.dataset.schema),
                      {tag.key: tag.value for tag in item.tags}] for item in run.inputs.dataset_inputs],
        'models': [item.model_id for item in run.outputs.model_outputs] if run.outputs else [],
    })
";

fn runs(server: &Mlflow) -> Value {
    server.ask(&format!("{RUNS}\nprint(json.dumps(runs))"))
}

#[test]
fn everything_is_read_back_from_mlflow() {
    let server = Mlflow::start();
    let project = project();
    let first = mlpc(&server, &project, &["run", "--locked"]);
    assert_eq!((first.code, first.stderr.contains("tracker")), (0, false), "{}", first.stderr);
    let told = runs(&server);
    let plan: Value = serde_json::from_str(&project.read(".mlp/build/native/plan.json")).unwrap();
    let step = |id: &str| plan["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap().clone();

    let (parent, train) = (&told["penguin_species"][0], &told["train species_model"][0]);
    assert_eq!(
        (&parent["status"], &parent["tags"]["mlp.outcome"]),
        (&"FINISHED".into(), &"succeeded".into()),
        "{told}"
    );
    assert_eq!(train["tags"]["mlflow.parentRunId"], parent["id"]);
    // Every hyperparameter, defaults too, and beside each other in the pipeline's run.
    let trained = step("train.species_model");
    for (name, param) in trained["params"].as_object().unwrap() {
        let value = &param["value"];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(train["params"][name], text.as_str(), "{name}");
        assert_eq!(parent["params"][format!("species_model.{name}")], text.as_str(), "{name}");
    }
    // What made it.
    assert_eq!(train["tags"]["mlp.identity"], trained["identity"]);
    assert_eq!(train["tags"]["mlp.step_seed"], trained["seed"].to_string().as_str());
    assert_eq!(train["tags"]["mlp.seed"], "42");
    assert_eq!(train["tags"]["mlp.environment.python"], "3.11");
    assert_eq!(train["tags"]["mlp.environment.digest"], plan["environments"]["default"]["digest"]);
    let digest = mlpc_native::digest::file_digest(&project.path.join(".mlp/build/native/plan.json")).unwrap();
    assert_eq!(train["tags"]["mlp.plan"], digest.as_str());
    // The data, with digest and schema.
    let source = &plan["sources"][0];
    let [name, _, schema, tags] = train["datasets"][0].as_array().unwrap().as_slice() else { panic!("{train}") };
    assert_eq!((name, &tags["mlp.sha256"]), (&source["name"], &source["sha256"]));
    assert_eq!(schema["mlflow_colspec"].as_array().unwrap().len(), 8, "{schema}");
    // Metrics, and what shows them.
    let evaluate = &told["evaluate report"][0];
    let metrics: Value =
        serde_json::from_str(&project.read(".mlp/latest/penguin_species/report_metrics.json")).unwrap();
    for (name, value) in metrics["metrics"].as_object().unwrap() {
        assert_eq!(&evaluate["metrics"][name], value, "{name}");
        assert_eq!(&parent["metrics"][format!("report.{name}")], value, "{name}");
    }
    assert_eq!(evaluate["files"], serde_json::json!(["confusion.svg", "metrics.json", "report.html"]));
    assert_eq!(told["gate release"][0]["files"], serde_json::json!(["verdict.json"]));

    // The model scores without the project, and says what it reads.
    let model = train["models"][0].as_str().unwrap();
    let scored = server.ask(&format!(
        "import mlflow
info = mlflow.models.get_model_info('models:/{model}')
loaded = mlflow.pyfunc.load_model('models:/{model}')
answers = loaded.predict(loaded.input_example)
requirements = open(mlflow.pyfunc.get_model_dependencies('models:/{model}')).read()
print(json.dumps({{'columns': info.signature.inputs.input_names(), 'answers': answers.columns.tolist(),
    'species': answers['prediction'].tolist(), 'pinned': 'scikit-learn==' in requirements}}))"
    ));
    assert!(scored["columns"].as_array().unwrap().contains(&"bill_length_mm".into()), "{scored}");
    assert_eq!(scored["answers"].as_array().unwrap().len(), 4, "{scored}");
    assert_eq!((&scored["species"][0], &scored["pinned"]), (&"Adelie".into(), &true.into()), "{scored}");

    // A run that finds everything in the store tells so, and sends no file twice.
    assert_eq!(mlpc(&server, &project, &["run", "--locked"]).code, 0);
    let again = runs(&server);
    let kept = &again["train species_model"][1];
    assert_eq!((&kept["tags"]["mlp.kept"], &kept["tags"]["mlp.made_by"]), (&"true".into(), &train["id"]), "{kept}");
    assert_eq!((&kept["params"], &kept["models"]), (&train["params"], &serde_json::json!([])));
    assert_eq!(again["penguin_species"].as_array().unwrap().len(), 2);
}

#[test]
fn what_the_server_could_not_be_told_is_told_later_once() {
    let mut server = Mlflow::start();
    let project = project();
    server.stop();
    let run = mlpc(&server, &project, &["run", "--locked"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("warning: the tracker was not told of this run: "), "{}", run.stderr);
    assert!(run.stderr.contains("4 records in .mlp/tracking: `mlpc runs sync` tells them"), "{}", run.stderr);
    let down = mlpc(&server, &project, &["runs", "sync"]);
    assert_eq!(down.code, 4, "{}", down.stderr);
    assert!(down.stderr.contains("4 records still waiting"), "{}", down.stderr);

    server.start_again();
    let told = mlpc(&server, &project, &["runs", "sync"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, "4 records told\n"), "{}", told.stderr);
    let found = runs(&server);
    for name in ["penguin_species", "train species_model", "evaluate report", "gate release"] {
        assert_eq!(found[name].as_array().map(Vec::len), Some(1), "{name}: {found}");
        assert_eq!(found[name][0]["status"], "FINISHED", "{name}");
    }
    assert_eq!(mlpc(&server, &project, &["runs", "sync"]).stdout, "nothing waits to be told\n");
}

#[test]
fn runs_over_a_store_tell_the_same() {
    let mut server = Mlflow::start();
    let project = project();
    assert_eq!(mlpc(&server, &project, &["run", "--locked"]).code, 0);
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    let launch = |server: &Mlflow, arguments: &[&str]| {
        let store = format!("file://{}/shared", project.path.display());
        let mut command = python::clean(&python::interpreter(ENVIRONMENT));
        command.args(["-m", "mlp_runtime.launch"]).args(arguments).args(["--store", &store]);
        command.env("MLFLOW_TRACKING_URI", &server.uri).env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1");
        let output = command.current_dir(project.path.join("built")).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        stderr
    };
    let _ = launch(&server, &["push", "--project", ".."]);
    let plan: Value = serde_json::from_str(&project.read("built/plan.json")).unwrap();
    for step in plan["steps"].as_array().unwrap() {
        let id = step["id"].as_str().unwrap();
        let down = id == "evaluate.report";
        if down {
            server.stop();
        }
        let said = launch(&server, &["step", id, "--run", "launched"]);
        assert_eq!(said.contains("warning: the tracker was not told of evaluate.report"), down, "{said}");
        if down {
            server.start_again();
        }
    }
    let _ = launch(&server, &["finish", "--run", "launched"]);
    let _ = launch(&server, &["sync", "--run", "launched"]);
    let found = runs(&server);
    for name in ["train species_model", "evaluate report", "gate release"] {
        let (here, there) = (&found[name][0], &found[name][1]);
        assert_eq!(found[name].as_array().map(Vec::len), Some(2), "{name}: {found}");
        for what in ["params", "metrics", "datasets"] {
            assert_eq!(here[what], there[what], "{what} of {name}");
        }
        assert_eq!(here["tags"]["mlp.identity"], there["tags"]["mlp.identity"]);
    }
    let parent = &found["penguin_species launched"][0];
    assert_eq!(found["train species_model"][1]["tags"]["mlflow.parentRunId"], parent["id"], "{found}");
    assert_eq!(parent["status"], "FINISHED");
    assert_eq!(parent["metrics"], found["penguin_species"][0]["metrics"]);
}
