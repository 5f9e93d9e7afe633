//! Images of environments: what linters say of every Dockerfile and script, and one image that is really built.

use super::{airflow, kubeflow};
use mlpc_tests::command::ended;
use mlpc_tests::podman::Podman;
use mlpc_tests::project::Project;
use mlpc_tests::python;
use mlpc_tests::store::results;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Text that would mean something to a shell, to a Dockerfile and to a reader of either.
const ODD: &str = r#"/// It's "so" $(id) `x` ${HOME} \ {{ y }} # no comment \
///
/// A second paragraph.
pipeline odd { seed = 1, owner = "o'Neil \"the\" $USER", environment = cpu }

environment cpu { python = "3.11" }

step one {
  run = shell("echo 1 > {made}")
  outputs { made: file("one.txt") }
}
"#;

/// The build of a project for a target, and the folder that holds it.
fn build(project: &Project, target: &str) -> PathBuf {
    let built = project.mlpc(&["build", "--target", target, "--out", "built"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    project.path.join("built")
}

/// A program of the environment that holds the linters.
fn linter(name: &str) -> Command {
    let python = python::interpreter("containers");
    Command::new(python.parent().unwrap().join(name))
}

fn lint(build: &Path) {
    for entry in std::fs::read_dir(build.join("containers")).unwrap() {
        let dockerfile = entry.unwrap().path().join("Dockerfile");
        if dockerfile.is_file() {
            let found = ended(linter("hadolint").args(["--failure-threshold", "style"]).arg(&dockerfile));
            assert_eq!((found.code, &*found.stdout), (0, ""), "{}", found.stderr);
        }
    }
    let found = ended(linter("shellcheck").args(["--severity", "style"]).arg(build.join("containers/build.sh")));
    assert_eq!((found.code, &*found.stdout), (0, ""));
}

#[test]
fn linters_have_nothing_to_say() {
    let project = Project::example("diabetes");
    project.lock();
    for target in ["prefect", "airflow", "kubeflow"] {
        lint(&build(&project, target));
    }
}

#[test]
fn text_of_users_is_text_in_labels() {
    let project = Project::of(ODD);
    project.lock();
    let build = build(&project, "prefect");
    lint(&build);
    let text = std::fs::read_to_string(build.join("containers/cpu/Dockerfile")).unwrap();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{text}"));
        line.split_once('=').unwrap().1.trim_end_matches(" \\").to_owned()
    };
    let expected = r#""It's \"so\" \$(id) `x` \${HOME} {{ y }} # no comment""#;
    assert_eq!(value("image.description"), expected);
    assert_eq!(value("image.authors"), r#""o'Neil \"the\" \$USER""#);
}

#[test]
fn an_image_is_named_by_its_digest() {
    let project = Project::example("diabetes");
    let image = format!("registry.example.com:5000/train:1@sha256:{}", "0123456789abcdef".repeat(4));
    project.edit("diabetes.mlp", "python   = \"3.11\"", &format!("python   = \"3.11\"\n  image    = \"{image}\""));
    let stale = project.mlpc(&["build", "--target", "prefect"]);
    assert!(stale.stderr.contains("has another image than `mlp.lock` holds"), "{}", stale.stderr);
    project.lock();
    let build = build(&project, "prefect");
    let text = std::fs::read_to_string(build.join("containers/cpu/Dockerfile")).unwrap();
    assert_eq!(text.matches(&format!("FROM {image}")).count(), 2, "{text}");
    lint(&build);
}

/// The certificates of this machine, by which package indexes are known.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

#[test]
#[allow(clippy::print_stderr, reason = "a test says why it did not run")]
fn an_image_is_built_and_runs_a_step() {
    let podman = match Podman::find() {
        Ok(podman) => podman,
        Err(reason) => {
            eprintln!("no image is built: {reason}");
            return;
        }
    };
    let project = Project::example("penguins");
    let image = podman.debian();
    let program = project.read("penguins.mlp");
    project.write("penguins.mlp", format!("{program}\nenvironment default {{ image = \"{image}\" }}\n"));
    project.lock();
    let build = build(&project, "prefect");
    let certificates = format!("{CERTIFICATES}:{CERTIFICATES}:ro");
    let mut script = podman.command("sh");
    script.arg("containers/build.sh").args(["localhost/", "--volume", &certificates]);
    let built = ended(script.env("CONTAINER_TOOL", "podman").current_dir(&build));
    assert_eq!(built.code, 0, "{}{}", built.stdout, built.stderr);
    let (name, digest) = built.stdout.trim().split_once(' ').unwrap();
    assert!(name.starts_with("localhost/penguin-species-default:") && digest.len() >= 64, "{}", built.stdout);

    let label =
        podman.run(&["image", "inspect", "--format", "{{index .Labels \"org.opencontainers.image.title\"}}", name]);
    assert_eq!(label.stdout.trim(), "penguin_species");
    let tools = podman.run(&["run", "--rm", name, "python", "-c", "import os; print(os.getuid()); import pip"]);
    assert!(tools.stdout.starts_with("10001") && tools.stderr.contains("No module named 'pip'"), "{tools:?}");

    // A step in the container makes the bytes that it makes here.
    let store = project.path.join("store");
    std::fs::create_dir(&store).unwrap();
    let _ = ended(Command::new("chmod").arg("0777").arg(&store));
    let data = format!("{}:/data:ro", project.path.display());
    let kept = format!("{}:/store", store.display());
    let launch =
        ["run", "--rm", "--volume", &data, "--volume", &kept, name, "python3", "-m", "mlp_runtime.environment"];
    let step = [
        "default",
        "-m",
        "mlp_runtime.launch",
        "step",
        "ingest.penguins",
        "--store",
        "file:///store",
        "--project",
        "/data",
    ];
    let made = podman.run(&[&launch[..], &step[..]].concat());
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    let native = project.succeed(&[]);
    let here = results(&project.path.join(".mlp/store"));
    let there = results(&store.join("store"));
    assert_eq!(there.len(), 1);
    assert!(there.iter().all(|found| here.contains(found)), "{there:?} {here:?}");

    // The image is the same for every target: all steps run in it as Kubeflow runs them, and as Airflow does.
    kubeflow::assert_runs_in_containers(&podman, &project, name, &native);
    airflow::assert_runs_in_containers(&podman, &project, name, &here);
}
