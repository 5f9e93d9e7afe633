//! A project in a folder of its own, run by the binary: made, changed, locked without the package index, run, read.

use crate::command::{Ended, ended, mlpc};
use crate::python::{locked, python, repository};
use mlpc_db::{Database, RealSystem};
use mlpc_native::data::{Tools, package};
use mlpc_native::digest::{digest, file_digest, files_below};
use mlpc_plan::DataFrom;
use mlpc_plan::lock::{Lock, LockedArchive, LockedData, LockedEnvironment, LockedStdlib};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A project.
pub struct Project {
    // Removed when the project is dropped.
    _home: tempfile::TempDir,
    /// Its folder.
    pub path: PathBuf,
    program: String,
}

/// A run that is over.
pub struct Run {
    /// What it said, and its exit code.
    pub ended: Ended,
    /// Its events in order.
    pub events: Vec<Value>,
}

impl Project {
    /// A copy of an example. That of flights grows smaller models and tries fewer of them: it is run on every target.
    #[must_use]
    pub fn example(name: &str) -> Self {
        let project = Self::whole_example(name);
        if name == "flights" {
            let fewer =
                [("trials: 40", "trials: 2"), ("max_iter: 200", "max_iter: 15"), ("asha(min: 20", "asha(min: 5")];
            fewer.iter().for_each(|(old, new)| project.edit("flights.mlp", old, new));
        }
        project
    }

    /// A copy of an example as it is.
    #[must_use]
    pub fn whole_example(name: &str) -> Self {
        let source = repository().join("examples").join(name);
        let files = files_below(&source).expect("the example is there");
        let texts = files.iter().filter(|(name, _)| !name.starts_with('.') && !name.starts_with("build/"));
        let project = Self::empty(&format!("{name}.mlp"));
        for (name, path) in texts {
            project.write(name, fs::read(path).expect("it can be read"));
        }
        project
    }

    /// A program with nothing beside it.
    #[must_use]
    pub fn of(program: &str) -> Self {
        let project = Self::empty("main.mlp");
        project.write("main.mlp", program);
        project
    }

    /// A copy of a folder whose program is `main.mlp`.
    #[must_use]
    pub fn copy(source: &Path) -> Self {
        let project = Self::empty("main.mlp");
        for (name, path) in files_below(source).expect("the folder is there") {
            project.write(&name, fs::read(path).expect("it can be read"));
        }
        project
    }

    fn empty(program: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = fs::canonicalize(home.path()).expect("it is there").join("project");
        fs::create_dir(&path).expect("it can be made");
        Self { _home: home, path, program: program.to_owned() }
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
    }

    /// Replaces text in a file; it must be there exactly once.
    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(old).count(), 1, "{name} should hold this once: {old}");
        self.write(name, text.replace(old, new));
    }

    /// The text of a file.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes `mlp.lock` with the packages of the tests' own environment, so that nothing is resolved and all share it.
    pub fn lock(&self) {
        self.lock_with(&locked());
    }

    /// The same with the packages of another environment.
    pub fn lock_with(&self, packages: &LockedEnvironment) {
        let mut db = Database::default();
        let project = mlpc_hir::load(&mut db, &RealSystem::new(&self.path), &self.program, None).expect("it loads");
        let wanted = mlpc_plan::wanted(&db, project);
        let sha256 = |path: &str| file_digest(&self.path.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let version = mlpc_stdlib::version().to_owned();
        let mut lock =
            Lock { stdlib: Some(LockedStdlib { version, sha256: mlpc_stdlib::digest() }), ..Lock::default() };
        for data in &wanted.data {
            if let DataFrom::Package { requirement, member } = &data.from {
                lock.data.insert(data.name.clone(), fetched(requirement, member));
                continue;
            }
            let bytes = fs::metadata(self.path.join(&data.path)).expect("the data is there").len();
            let entry = LockedData { path: data.path.clone(), sha256: sha256(&data.path), bytes, archive: None };
            lock.data.insert(data.name.clone(), entry);
        }
        lock.code.extend(wanted.code.iter().map(|code| (code.path.clone(), sha256(&code.path))));
        for environment in &wanted.environments {
            let image = environment.image.clone();
            let entry = LockedEnvironment { requirements: environment.digest(), image, ..packages.clone() };
            lock.environments.insert(environment.name.clone(), entry);
        }
        self.write("mlp.lock", lock.print());
    }

    /// The command in the project's folder.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = mlpc();
        command.args(args).current_dir(&self.path);
        command
    }

    /// Runs a command of the binary.
    #[must_use]
    pub fn mlpc(&self, args: &[&str]) -> Ended {
        ended(&mut self.command(args))
    }

    /// Runs the program.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Run {
        let all = [&["run", "--locked", "--format", "json"], args].concat();
        Run::of(self.mlpc(&all))
    }

    /// Starts a run, whose events come from its standard output.
    #[must_use]
    pub fn start(&self) -> Child {
        let mut command = self.command(&["run", "--locked", "--format", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("mlpc starts")
    }

    /// Runs the program, which must succeed.
    #[must_use]
    pub fn succeed(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.ended.code, 0, "{}", run.told());
        run
    }

    /// Locks and runs; what the person is told of the step that failed. Its exit code must be `code`.
    #[must_use]
    pub fn fail(&self, code: i32) -> String {
        self.lock();
        let run = self.run(&[]);
        assert_eq!(run.ended.code, code, "{}", run.told());
        run.told()
    }

    /// Text of each file below a folder by its relative path.
    #[must_use]
    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let found = files_below(&self.path.join(folder)).expect("the folder is there");
        found.into_iter().map(|(name, path)| (name, fs::read(path).expect("it can be read"))).collect()
    }
}

impl Run {
    /// Reads the events of a run that is over.
    #[must_use]
    pub fn of(ended: Ended) -> Self {
        let events = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect();
        Self { ended, events }
    }

    /// The last event.
    #[must_use]
    pub fn last(&self) -> &Value {
        let last = self.events.last().expect("there are events");
        assert_eq!(last["event"], "finished", "{last}");
        last
    }

    /// How each step ended.
    #[must_use]
    pub fn states(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        self.finished().map(|event| (text(&event["step"]), text(&event["state"]))).collect()
    }

    /// Steps that ended so.
    #[must_use]
    pub fn steps(&self, state: &str) -> Vec<String> {
        self.states().into_iter().filter(|(_, found)| found == state).map(|(step, _)| step).collect()
    }

    /// The event that ended a step.
    #[must_use]
    pub fn step(&self, step: &str) -> &Value {
        self.finished().find(|event| event["step"] == step).unwrap_or_else(|| panic!("no {step}: {}", self.told()))
    }

    /// Where a step put an output.
    #[must_use]
    pub fn output(&self, step: &str, output: &str) -> PathBuf {
        PathBuf::from(self.step(step)["outputs"][output].as_str().unwrap_or_else(|| panic!("no {step} {output}")))
    }

    /// Final artifacts by name: path and digest as the run tells them, which must be that of what is there.
    #[must_use]
    pub fn artifacts(&self) -> BTreeMap<String, String> {
        let artifacts = self.last()["artifacts"].as_array().expect("a list");
        artifacts
            .iter()
            .map(|artifact| {
                let text = |name: &str| artifact[name].as_str().expect("a text").to_owned();
                let found = digest(Path::new(&text("path"))).expect("the artifact is there");
                assert_eq!(found, text("sha256"), "{artifact}");
                (text("name"), found)
            })
            .collect()
    }

    /// Everything that a person is told: findings, and what the steps that did not succeed said.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = self.ended.stderr.clone();
        for event in self.finished().filter(|event| !["succeeded", "cached"].iter().any(|fine| event["state"] == *fine))
        {
            let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            text += &format!("{} {}: {}\n", field("step"), field("state"), field("message"));
            for line in event["tail"].as_array().into_iter().flatten() {
                text += &format!("  | {}\n", line.as_str().unwrap_or_default());
            }
        }
        text
    }

    fn finished(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(|event| event["event"] == "step_finished")
    }
}

/// A file of a package, from the package index.
fn fetched(requirement: &str, member: &str) -> LockedData {
    let runtime = repository().join("stdlib").join("runtime");
    let tools = Tools { python: python(), runtime: &runtime };
    let got = package(requirement, member, None, tools, &mut |_| {}).expect("it can be fetched");
    let archive = got.archive.map(|sha256| LockedArchive { requirement: requirement.to_owned(), sha256 });
    LockedData { path: member.to_owned(), sha256: got.sha256, bytes: got.bytes, archive }
}
