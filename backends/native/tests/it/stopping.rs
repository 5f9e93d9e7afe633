//! Runs that are stopped, and runs that share a project.

use crate::crashing::{example, plan_file};
use crate::project::{Project, With, plan, shell, text};
use mlpc_native::{Outcome, RunEvent, StepState};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn stopping_ends_steps_and_leaves_a_state_to_go_on_from() {
    let project = Project::new();
    let plan = plan(vec![
        shell("step.first", ": > {out}").writes("out", "o"),
        shell("step.slow", "trap 'exit 1' TERM; sleep 98781 & wait; : > {out}").writes("out", "o").after("step.first"),
        shell("step.last", ": > {out}").writes("out", "o").after("step.slow"),
    ]);
    let mut states = Vec::new();
    let started = Instant::now();
    let mut run = mlpc_native::execute(&plan, &project.options()).unwrap();
    let canceller = run.canceller();
    let mut outcome = None;
    for event in run.by_ref() {
        match event {
            RunEvent::StepStarted { step, .. } if step == "step.slow" => canceller.stop(),
            RunEvent::StepFinished(finished) => states.push(finished.state),
            RunEvent::Finished(finished) => outcome = Some(finished.outcome),
            _ => {}
        }
    }
    assert_eq!(states, [StepState::Succeeded, StepState::Cancelled, StepState::Cancelled]);
    assert_eq!(outcome, Some(Outcome::Interrupted));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(std::fs::read_dir(project.path(".mlp/store/tmp")).unwrap().count(), 0);
}

#[test]
fn ctrl_c_ends_the_whole_run() {
    for (signal, script) in [("-INT", "sleep 98791"), ("-TERM", "trap '' TERM INT; sleep 98792; sleep 98792")] {
        let project = Project::new();
        let plan = plan(vec![shell("step.slow", script)]);
        let child = Command::new(example())
            .args([plan_file(&project, &plan), project.path("build"), project.folder.path().to_path_buf()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let events = String::from_utf8(output.stdout).unwrap();
        assert!(events.lines().last().unwrap().contains("\"outcome\":\"interrupted\""), "{events}");
        let left = Command::new("pgrep").args(["-f", "sleep 9879[12]"]).output().unwrap();
        assert!(left.stdout.is_empty(), "children are gone");
    }
}

#[test]
fn two_runs_at_once_do_each_step_once() {
    let project = Project::new();
    let mut options = project.options();
    options.variables.insert("HOME".to_owned(), project.folder.path().to_string_lossy().into_owned());
    let steps = (0..12)
        .map(|n| shell(&format!("step.s{n}"), "echo x >> $HOME/ran; sleep 0.05; : > {out}").writes("out", "o"))
        .collect();
    let plan = plan(steps);
    let counts: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| project.run_with(&plan, &options).finished)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(counts.iter().all(|finished| finished.outcome == Outcome::Succeeded));
    assert_eq!(text(&project.path("ran")).lines().count(), 12, "no step ran twice");
    let succeeded: usize = counts.iter().filter_map(|finished| finished.counts.get("succeeded")).sum();
    assert_eq!(succeeded, 12);
}

#[test]
fn dropping_a_run_stops_it() {
    let project = Project::new();
    let started = Instant::now();
    let mut run = mlpc_native::execute(&plan(vec![shell("step.slow", "sleep 98801")]), &project.options()).unwrap();
    while !matches!(run.next(), Some(RunEvent::StepStarted { .. }) | None) {}
    drop(run);
    assert!(started.elapsed() < Duration::from_secs(5));
    let left = Command::new("pgrep").args(["-f", "sleep 98801"]).output().unwrap();
    assert!(left.stdout.is_empty());
}
