//! A team shares what its runs make: what one machine has made, another finds, and trouble with the storage stops nobody.

use super::contract::{S3_BUCKETS, s3_variables};
use super::servers::{ENVIRONMENT, SECRET, Server};
use mlpc_tests::command::ended;
use mlpc_tests::project::{Project, Run};
use mlpc_tests::python;
use serde_json::Value;
use std::path::Path;

/// A machine of the team: a copy of the project with a state of its own.
struct Machine {
    project: Project,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(storage: &str, variables: &[(&'static str, String)]) -> Self {
        let project = Project::example("penguins");
        project.edit("penguins.mlp", "  seed  = 42\n", &format!("  seed  = 42\n  storage = {storage}\n"));
        project.lock_with(&python::locked_as(ENVIRONMENT));
        Self { project, variables: variables.to_vec() }
    }

    fn run(&self, args: &[&str]) -> Run {
        let all = [&["run", "--locked", "--format", "json"], args].concat();
        let mut command = self.project.command(&all);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let run = Run::of(ended(&mut command));
        assert_eq!(run.ended.code, 0, "{}{:?}", run.told(), warnings(&run));
        run
    }

    /// What a step of an orchestrator would say over the same storage, which it knows from the plan.
    fn launch(&self, arguments: &[&str]) -> String {
        assert_eq!(self.project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
        let mut command = python::clean(&python::interpreter(ENVIRONMENT));
        command.args(["-m", "mlp_runtime.launch"]).args(arguments);
        command.current_dir(self.project.path.join("built"));
        let output = command.envs(self.variables.iter().map(|(name, value)| (name, value))).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether a text is in any file of the project, the state of runs included.
    fn holds(&self, text: &str) -> bool {
        let files = self.project.files("");
        assert!(files.keys().any(|name| name.starts_with(".mlp/")));
        files.values().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

fn warnings(run: &Run) -> Vec<String> {
    let told = run.events.iter().filter(|event| event["event"] == "warning");
    told.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

fn digests(machine: &Machine) -> Vec<(String, Value)> {
    let files = machine.project.files(".mlp/store");
    let results = files.into_iter().filter(|(name, _)| name.ends_with("result.json"));
    results.map(|(name, bytes)| (name, outputs(&bytes))).collect()
}

fn outputs(result: &[u8]) -> Value {
    let record: Value = serde_json::from_slice(result).unwrap();
    let outputs = record["outputs"].as_object().unwrap().iter();
    Value::Object(outputs.map(|(name, output)| (name.clone(), output["sha256"].clone())).collect())
}

#[test]
fn a_team_shares_a_bucket() {
    let server = Server::s3();
    let variables = s3_variables(&server);
    server.prepare(&variables, S3_BUCKETS);
    let storage = "s3(\"kept/team\", region: \"eu-west-1\")";

    let first = Machine::new(storage, &variables);
    let run = first.run(&[]);
    assert_eq!(warnings(&run), Vec::<String>::new());
    let made = run.steps("succeeded");
    assert!(made.len() > 5, "{made:?}");

    let second = Machine::new(storage, &variables);
    let run = second.run(&[]);
    assert_eq!(warnings(&run), Vec::<String>::new());
    assert_eq!(run.steps("cached"), made);
    assert_eq!(digests(&first), digests(&second));
    // A model that another machine made is registered here as well.
    assert!(run.events.iter().any(|event| event["event"] == "registered" && event["version"] == 1));

    // An orchestrator over the same storage finds it too.
    assert!(second.launch(&["step", "ingest.penguins"]).contains("kept from before"));
    assert_eq!(second.launch(&["check"]), "");

    // Damaged on its way: made again, and mended for all.
    server.prepare(&variables, DAMAGE);
    let third = Machine::new(storage, &variables);
    let run = third.run(&[]);
    let told = warnings(&run);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("has the digest") && told[0].ends_with("the step is done again"), "{told:?}");
    assert_eq!(run.steps("succeeded").len(), 1);
    assert_eq!(digests(&first), digests(&third));
    assert_eq!(warnings(&Machine::new(storage, &variables).run(&[])), Vec::<String>::new());

    // Whoever does not want to share does not.
    let alone = Machine::new(storage, &variables);
    assert_eq!(alone.run(&["--no-remote"]).steps("succeeded"), made);
    for machine in [&first, &second, &third, &alone] {
        assert!(!machine.holds(SECRET));
    }
}

/// Changes one byte of what `ingest.penguins` made.
const DAMAGE: &str = "
import boto3
client = boto3.client('s3', region_name='eu-west-1')
keys = [item['Key'] for item in client.list_objects_v2(Bucket='kept', Prefix='team/store/')['Contents']]
[key] = [key for key in keys if key.endswith('/rows.parquet')][:1]
body = bytearray(client.get_object(Bucket='kept', Key=key)['Body'].read())
body[len(body) // 2] ^= 1
client.put_object(Bucket='kept', Key=key, Body=bytes(body))
";

#[test]
fn a_storage_that_cannot_be_used_stops_no_run() {
    let server = Server::s3();
    let variables = s3_variables(&server);
    server.prepare(&variables, S3_BUCKETS);
    let with = |name: &'static str, value: &str| {
        let others = variables.iter().filter(|(other, _)| *other != name).cloned();
        others.chain([(name, value.to_owned())]).collect::<Vec<_>>()
    };
    let cases = [
        (with("AWS_SECRET_ACCESS_KEY", "another secret"), "the server answered 403 SignatureDoesNotMatch"),
        (with("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), "the server does not answer"),
    ];
    for (variables, reason) in cases {
        let machine = Machine::new("s3(\"kept/nobody\", region: \"eu-west-1\")", &variables);
        let run = machine.run(&[]);
        assert!(run.steps("succeeded").len() > 5);
        let told = warnings(&run);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(reason) && told[0].ends_with("the run goes on without the storage"), "{told:?}");
        assert!(!told[0].contains("another secret") && !machine.holds("another secret"));
    }
}

#[test]
fn a_team_shares_a_folder() {
    let shared = tempfile::tempdir().unwrap();
    let storage = format!("local(\"{}\")", shared.path().join("of the team").display());
    let first = Machine::new(&storage, &[]);
    let made = first.run(&[]).steps("succeeded");
    assert!(Path::new(&shared.path().join("of the team/store")).is_dir());
    let second = Machine::new(&storage, &[]);
    assert_eq!(second.run(&[]).steps("cached"), made);
    assert_eq!(digests(&first), digests(&second));
    // Forced, it is made again although it is there.
    assert_eq!(Machine::new(&storage, &[]).run(&["--force"]).steps("succeeded"), made);
}

#[test]
fn targets_keep_artifacts_where_the_pipeline_says() {
    let address = "s3://kept/team?region=eu-west-1";
    for target in ["airflow", "kubeflow", "prefect"] {
        let machine = Machine::new("s3(\"kept/team\", region: \"eu-west-1\")", &[]);
        let definitions = |machine: &Machine| -> Vec<String> {
            let built = machine.project.mlpc(&["build", "--locked", "--target", target]);
            assert_eq!(built.code, 0, "{}", built.stderr);
            let files = machine.project.files(&format!("build/{target}"));
            let own = files.into_iter().filter(|(name, _)| !name.contains("plan.json") && !name.starts_with("mlp_"));
            own.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect()
        };
        let holds = |texts: &[String], wanted: &str| texts.iter().any(|text| text.contains(wanted));
        assert!(holds(&definitions(&machine), address), "{target}");
        // What the project says of a target goes before.
        machine.project.write("mlp.toml", format!("[target.{target}]\nstore = \"s3://other/place\"\n"));
        let told = definitions(&machine);
        assert!(holds(&told, "s3://other/place") && !holds(&told, address), "{target}");
    }
}
