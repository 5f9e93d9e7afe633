//! `kill -9` of the whole program at any moment, then going on.

use crate::project::{Project, With, plan, shell, text};
use mlpc_native::{Outcome, StepState};
use mlpc_plan::Plan;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The program `examples/run_plan.rs`, which Cargo builds beside the tests.
pub fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/run_plan");
    assert!(path.exists(), "build it with `cargo build -p mlpc-native --examples`");
    path
}

pub fn plan_file(project: &Project, plan: &Plan) -> PathBuf {
    let path = project.path("plan.json");
    std::fs::write(&path, serde_json::to_vec(plan).unwrap()).unwrap();
    path
}

/// 40 steps in four strands that meet in one; each notes that it began and that it ended.
fn strands(project: &Project) -> Plan {
    let notes = project.path("notes").to_string_lossy().into_owned();
    let mut steps = Vec::new();
    for strand in 0..4 {
        for n in 0..10 {
            let id = format!("step.s{strand}_{n}");
            let script =
                format!("echo begin {id} >> {notes}; sleep 0.01; echo {id} > {{out}}; echo end {id} >> {notes}");
            let step = shell(&id, &script).writes("out", "o");
            steps.push(if n == 0 { step } else { step.reads("x", &format!("step.s{strand}_{}", n - 1), "out") });
        }
    }
    let mut last = shell("step.all", "cat {a} {b} {c} {d} > {out}").writes("out", "o");
    for (strand, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        last = last.reads(name, &format!("step.s{strand}_9"), "out");
    }
    steps.push(last);
    plan(steps)
}

/// Starts the program, lets it live for `time` and kills it. Returns the steps that it said it finished.
fn live(project: &Project, plan: &PathBuf, time: Duration) -> Vec<String> {
    let mut child = Command::new(example())
        .args([plan, &project.path("build"), &project.folder.path().to_path_buf()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
        .filter(|event| event["event"] == "step_finished" && event["state"] == "succeeded")
        .map(|event| event["step"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn no_finished_step_is_lost_or_done_again_however_often_the_program_is_killed() {
    let project = Project::new();
    let plan = strands(&project);
    let file = plan_file(&project, &plan);
    let mut finished: BTreeMap<String, usize> = BTreeMap::new();
    // Lives of different lengths, growing so that a slow machine gets to the end too.
    let mut lives = 0;
    while finished.len() < plan.steps.len() && lives < 100 {
        for step in live(&project, &file, Duration::from_millis(20 + (lives % 5) * 17 + lives * 3)) {
            *finished.entry(step).or_insert(0) += 1;
        }
        lives += 1;
    }
    assert!(lives > 1, "it was killed before its end: 41 steps of 10 ms, two at once, take longer than its first life");
    let ran = project.run(&plan);
    assert_eq!(ran.finished.outcome, Outcome::Succeeded);
    for (step, times) in &finished {
        assert_eq!(*times, 1, "{step} was done again");
        assert_eq!(ran.state(step), StepState::Cached, "{step} was lost");
    }
    let all = text(&ran.step("step.all").outputs["out"]);
    assert_eq!(all, "step.s0_9\nstep.s1_9\nstep.s2_9\nstep.s3_9\n");
    assert_eq!(std::fs::read_dir(project.path(".mlp/store/tmp")).unwrap().count(), 0, "nothing half done is left");
    let second = project.run(&plan);
    assert!(second.states().iter().all(|(_, state)| *state == StepState::Cached));
}

#[test]
fn steps_of_a_killed_run_are_ended_by_the_next() {
    let project = Project::new();
    let plan_of = |script: &str| plan(vec![shell("step.slow", script).writes("out", "o")]);
    let file = plan_file(&project, &plan_of("setsid sleep 98811 & sleep 98812"));
    live(&project, &file, Duration::from_millis(400));
    let alive = || Command::new("pgrep").args(["-f", "sleep 9881[12]"]).output().unwrap().stdout.len();
    assert!(alive() > 0, "they outlive the kill");
    let ran = project.run(&plan_of(": > {out}"));
    assert_eq!(ran.finished.outcome, Outcome::Succeeded);
    assert_eq!(alive(), 0);
    let layout = mlpc_native::Layout::new(project.path(".mlp"));
    let runs = mlpc_native::history::History::open(&layout).unwrap().runs(10).unwrap();
    assert_eq!(runs[1].outcome.as_deref(), Some("interrupted"), "{runs:?}");
}
