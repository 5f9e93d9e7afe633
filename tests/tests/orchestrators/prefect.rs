//! Flows for Prefect, deployed to a real server and run by a real worker, beside the same plan on this machine.

use mlpc_tests::command::ended;
use mlpc_tests::example;
use mlpc_tests::plan::needs;
use mlpc_tests::prefect::Server;
use mlpc_tests::project::Project;
use mlpc_tests::python;
use mlpc_tests::store::results;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A step that takes too long, behind one that does not; the texts of people mean something to whoever pastes them.
const SLOW: &str = r#"/// It's "{{ 1 + 1 }}" \ {% raw %} $(id) `x` #{y} {z}
pipeline slow { seed = 1 }

/// Ends """ at once ''' !!python/object:os.system
step quick {
  run = shell("echo 1 > {made}")
  outputs { made: file("one.txt") }
}

step nap {
  run     = shell("sleep 300; cp {made} {slept}")
  inputs  { made = quick.made }
  outputs { slept: file("two.txt") }
  timeout = 2s
}

step later {
  run     = shell("cp {slept} {more}")
  inputs  { slept = nap.slept }
  outputs { more: file("three.txt") }
}
"#;

/// A build of a project for Prefect.
struct Build {
    folder: PathBuf,
    plan: Value,
}

impl Build {
    fn of(project: &Project, name: &str) -> Self {
        let built = project.mlpc(&["build", "--target", "prefect", "--out", name]);
        assert_eq!(built.code, 0, "{}", built.stderr);
        let folder = project.path.join(name);
        let plan = std::fs::read(folder.join("plan.json")).unwrap();
        Self { plan: serde_json::from_slice(&plan).unwrap(), folder }
    }

    fn steps(&self) -> &Vec<Value> {
        self.plan["steps"].as_array().unwrap()
    }

    /// Puts the pinned files of the project into the store.
    fn push(&self, project: &Project) {
        let mut command = python::command();
        command.args(["-m", "mlp_runtime.launch", "push", "--store", &self.store()]);
        let pushed = ended(command.arg("--project").arg(&project.path).current_dir(&self.folder));
        assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    }

    /// Deploys the build and runs its training to the end.
    fn run(&self, server: &Server) -> Value {
        let deployed = server.deploy(&self.folder);
        assert_eq!(deployed.code, 0, "{}{}", deployed.stdout, deployed.stderr);
        let name = self.plan["pipeline"]["name"].as_str().unwrap();
        let count = self.steps().len() + 1;
        server.report(&["run", &format!("{name}/train"), &count.to_string(), &self.store()])
    }

    /// The address of a store beside the build.
    fn store(&self) -> String {
        format!("file://{}", self.folder.with_file_name("store of all").display())
    }
}

/// What the server recorded is the graph of the plan: a task per step with its edges and retries, and the end of the run.
fn assert_same_graph(build: &Build, run: &Value) {
    let tasks = run["tasks"].as_object().unwrap();
    let ids: BTreeSet<&str> = build.steps().iter().map(|step| step["id"].as_str().unwrap()).collect();
    let found: BTreeSet<&str> = tasks.keys().map(String::as_str).filter(|name| *name != "finish").collect();
    assert_eq!(found, ids, "{run:#}");
    let edges = |name: &str| -> BTreeSet<String> {
        tasks[name]["needs"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(edges("finish"), ids.iter().map(|id| (*id).to_owned()).collect());
    for step in build.steps() {
        let id = step["id"].as_str().unwrap();
        assert_eq!(edges(id), needs(step), "{id}");
        assert_eq!(tasks[id]["retries"].as_u64().unwrap() + 1, step["retry"]["attempts"].as_u64().unwrap(), "{id}");
        assert_eq!(tasks[id]["tags"], json!([id.split('.').next().unwrap()]));
    }
}

/// Names of tasks in a state.
fn in_state<'a>(run: &'a Value, state: &str) -> Vec<&'a str> {
    let tasks = run["tasks"].as_object().unwrap();
    tasks.iter().filter(|(_, task)| task["state"] == state).map(|(name, _)| name.as_str()).collect()
}

/// Keys that Prefect would pass over without a word.
fn assert_no_key_is_ignored(server: &Server, build: &Build) {
    let file = build.folder.join("prefect.yaml");
    let misspelled = std::fs::read_to_string(&file).unwrap().replace("tags:", "tagz:");
    let other = build.folder.join("misspelled.yaml");
    std::fs::write(&other, misspelled).unwrap();
    let found = server.report(&["keys", file.to_str().unwrap(), other.to_str().unwrap()]);
    assert_eq!(found, json!([[], [".deployments.tagz"]]));
}

#[test]
fn flows_run_on_a_real_server() {
    let server = Server::start();
    std::thread::scope(|scope| {
        scope.spawn(|| penguins(&server));
        scope.spawn(|| runs_the_same(&server, "diabetes"));
        scope.spawn(|| slow(&server));
    });
    runs_the_same(&server, "flights");
}

fn penguins(server: &Server) {
    let project = Project::example("penguins");
    let build = Build::of(&project, "built");
    assert_no_key_is_ignored(server, &build);
    build.push(&project);
    let run = build.run(server);
    assert_eq!(run["state"], "Completed", "{run:#} {}", std::fs::read_to_string(server.log()).unwrap());
    assert_same_graph(&build, &run);
    assert_eq!(in_state(&run, "Completed").len(), build.steps().len() + 1, "{run:#}");
    assert_eq!(results(&project.path.join("store of all/store")), example::native("penguins"));

    // A gate that refuses ends in a state of its own, and so does the flow, which does not fail; what was made before is
    // not made again.
    project.edit("penguins.mlp", "require log_loss < 0.2", "require log_loss < 0.0001");
    let strict = Build::of(&project, "strict");
    let run = strict.run(server);
    assert_eq!((&run["state"], &run["type"]), (&json!("Refused"), &json!("COMPLETED")), "{run:#}");
    assert_eq!(run["message"], "refused by gate.release");
    assert_eq!(in_state(&run, "Refused"), ["gate.release"]);
    assert_eq!(in_state(&run, "Skipped"), ["register.penguin_classifier"]);
    assert_eq!(in_state(&run, "Cached").len(), 7, "{run:#}");
    assert_same_graph(&strict, &run);

    // The command starts a run on the server, follows it, and ends as a run on this machine does.
    let settings = [("store", build.store()), ("server", server.address()), ("folder", "strict".into())];
    let lines: String = settings.iter().map(|(name, value)| format!("{name} = {}\n", json!(value))).collect();
    project.write("mlp.toml", format!("[target.prefect]\n{lines}"));
    let ended = project.mlpc(&["run", "--target", "prefect", "--locked"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.lines().last().unwrap().contains("refused by a gate"), "{}", ended.stdout);
    assert!(
        ended.stdout.lines().any(|line| line.split_whitespace().eq(["gate.release", "skipped"])),
        "{}",
        ended.stdout
    );
}

/// An example runs to the end, with the graph of its plan, to the bytes of a run on this machine.
fn runs_the_same(server: &Server, name: &str) {
    // The run on this machine fetches what is to be pushed.
    let here = example::native(name);
    let project = Project::example(name);
    let build = Build::of(&project, "built");
    build.push(&project);
    let run = build.run(server);
    assert_eq!(run["state"], "Completed", "{run:#} {}", std::fs::read_to_string(server.log()).unwrap());
    assert_same_graph(&build, &run);
    assert_eq!(results(&project.path.join("store of all/store")), here, "{name}");
}

fn slow(server: &Server) {
    let project = Project::of(SLOW);
    project.lock();
    let build = Build::of(&project, "built");
    let run = build.run(server);
    assert_eq!(run["type"], "FAILED", "{run:#}");
    assert_eq!(in_state(&run, "Completed"), ["step.quick"]);
    assert_eq!(in_state(&run, "Failed"), ["step.nap"]);
    assert_eq!(in_state(&run, "NotReady"), ["finish", "step.later"]);
    let message = run["tasks"]["step.nap"]["message"].as_str().unwrap();
    assert!(message.contains("was stopped after 2 seconds"), "{message}");
    // The text came through whole: deployments take the flow's description.
    assert_eq!(run["description"], build.plan["pipeline"]["doc"]);
}
