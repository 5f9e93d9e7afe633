//! What goes wrong, and what goes on regardless.

use crate::project::{Project, With, plan, shell, text};
use mlpc_native::{Outcome, RunEvent, StepState};
use mlpc_plan::plan::{ArtifactKind, Gate, StepSpec};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn dependents_of_a_failure_are_skipped_and_others_go_on() {
    let project = Project::new();
    let plan = plan(vec![
        shell("step.bad", "echo partly > {out}; echo 'no such luck' >&2; exit 9").writes("out", "o"),
        shell("step.after", "cp {x} {out}").reads("x", "step.bad", "out").writes("out", "o"),
        shell("step.later", ": > {out}").writes("out", "o").after("step.after"),
        shell("step.other", ": > {out}").writes("out", "o"),
    ]);
    let ran = project.run(&plan);
    assert_eq!(ran.finished.outcome, Outcome::Failed);
    let bad = ran.step("step.bad");
    assert_eq!((bad.state, bad.exit_code), (StepState::Failed, Some(9)));
    assert_eq!(bad.message.as_deref(), Some("no such luck"));
    assert_eq!(bad.tail, ["no such luck"]);
    assert_eq!(ran.step("step.after").message.as_deref(), Some("`step bad` failed"));
    assert_eq!(ran.step("step.later").message.as_deref(), Some("`step after` was skipped"));
    assert_eq!(ran.state("step.other"), StepState::Succeeded);
    let kept = project.path(".mlp/runs").join(&ran.finished.run).join("failed/step.bad/o");
    assert_eq!(text(&kept), "partly\n", "what a failed step wrote is kept to look at");
}

#[test]
fn a_failed_step_runs_again_the_next_time() {
    let project = Project::new();
    let mut options = project.options();
    options.variables.insert("HOME".to_owned(), project.folder.path().to_string_lossy().into_owned());
    let plan = plan(vec![shell("step.a", "[ -e $HOME/ready ] && : > {out}").writes("out", "o")]);
    assert_eq!(project.run_with(&plan, &options).state("step.a"), StepState::Failed);
    project.write("ready", "");
    assert_eq!(project.run_with(&plan, &options).state("step.a"), StepState::Succeeded);
}

#[test]
fn retries_wait_longer_each_time_and_start_clean() {
    let project = Project::new();
    let mut options = project.options();
    options.variables.insert("HOME".to_owned(), project.folder.path().to_string_lossy().into_owned());
    let flaky = "[ -e {out} ] && exit 8; echo x > {out}; echo try >> $HOME/tries; [ $(wc -l < $HOME/tries) -ge 3 ]";
    let plan_of = |attempts| plan(vec![shell("step.flaky", flaky).writes("out", "o").attempts(attempts)]);
    let ran = project.run_with(&plan_of(2), &options);
    assert_eq!((ran.state("step.flaky"), ran.step("step.flaky").attempts), (StepState::Failed, 2));
    project.write("tries", "");
    let ran = project.run_with(&plan_of(5), &options);
    assert_eq!((ran.state("step.flaky"), ran.step("step.flaky").attempts), (StepState::Succeeded, 3));
    let waits: Vec<f64> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::StepRetrying { wait, .. } => Some(*wait),
            _ => None,
        })
        .collect();
    assert!((0.0075..=0.010).contains(&waits[0]) && (0.015..=0.020).contains(&waits[1]), "{waits:?}");
}

#[test]
fn a_check_that_failed_is_not_tried_again() {
    let project = Project::new();
    let body = "open(args['checks'], 'w').write('{}')\nprint('12 rows have no island', file=sys.stderr)\nsys.exit(4)";
    let step = project.python_step("ingest.rows", body).writes("checks", "checks.json").attempts(5);
    let ran = project.run(&plan(vec![step]));
    let step = ran.step("ingest.rows");
    assert_eq!((step.state, step.attempts, step.exit_code), (StepState::Failed, 1, Some(4)));
    assert_eq!(step.message.as_deref(), Some("12 rows have no island"));
}

#[test]
fn an_output_that_is_missing_is_a_failure() {
    let project = Project::new();
    let ran = project.run(&plan(vec![shell("step.a", "true").writes("out", "o")]));
    assert_eq!(ran.step("step.a").message.as_deref(), Some("it ended well but wrote no output `out`"));
    let step = project.python_step("step.b", "open(args['out'], 'w').close()").writes("out", "o");
    let ran = project.run(&plan(vec![step]));
    assert!(
        ran.step("step.b").message.as_deref().unwrap().starts_with("it ended well but its result.json cannot be used")
    );
}

#[test]
fn a_gate_that_refuses_stops_what_follows_and_is_remembered() {
    let project = Project::new();
    let body = "json.dump({'passed': False, 'requirements': [{'text': 'accuracy >= 0.9', 'passed': False}]}, open(args['verdict'], 'w'))\n\
                print('accuracy is 0.8, wanted 0.9', file=sys.stderr)\n\
                done('refused', code=3, verdict=args['verdict'])";
    let mut gate =
        project.python_step("gate.release", body).writes_kind("verdict", "verdict.json", ArtifactKind::Verdict);
    gate.spec = StepSpec::Gate(Gate { name: "release".to_owned(), requirements: Vec::new(), min_rows: 100 });
    let register = shell("register.model", ": > {out}").writes("out", "o").after("gate.release");
    let other = shell("step.other", ": > {out}").writes("out", "o");
    let plan = plan(vec![gate, register, other]);
    for attempts in [1, 0] {
        let ran = project.run(&plan);
        assert_eq!(ran.finished.outcome, Outcome::Refused);
        let gate = ran.step("gate.release");
        assert_eq!((gate.state, gate.attempts), (StepState::Refused, attempts), "{:?}", gate.tail);
        assert_eq!(ran.step("register.model").message.as_deref(), Some("`gate release` refused"));
        assert!(ran.state("step.other").is_good());
        assert!(!ran.finished.verdicts[0].passed);
        assert_eq!(ran.finished.verdicts[0].requirements[0]["text"], json!("accuracy >= 0.9"));
    }
}

/// Processes whose command line holds `tag`.
fn alive(tag: &str) -> usize {
    let output = std::process::Command::new("pgrep").args(["-f", "-c", tag]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn a_timeout_ends_children_grandchildren_and_those_that_left_the_group() {
    let project = Project::new();
    // The numbers are tags by which the processes are found.
    let script = "trap '' TERM; sleep 98761 & setsid sleep 98762 & (setsid sh -c 'sleep 98763 & wait' &) ; \
                  sleep 98764; sleep 98765";
    let ran = {
        let started = Instant::now();
        let ran = project.run(&plan(vec![shell("step.slow", script).timeout(1)]));
        assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
        ran
    };
    let step = ran.step("step.slow");
    assert_eq!(
        (step.state, step.message.as_deref()),
        (StepState::Failed, Some("it took longer than 1s and was stopped"))
    );
    assert_eq!(alive("sleep 9876[1-5]"), 0);
}

#[test]
fn what_a_step_leaves_in_the_background_ends_with_it() {
    let project = Project::new();
    let script = "sleep 98771 & setsid sleep 98772 & sleep 0.2; : > {out}";
    let ran = project.run(&plan(vec![shell("step.quick", script).writes("out", "o")]));
    assert_eq!(ran.finished.outcome, Outcome::Succeeded);
    assert_eq!(alive("sleep 9877[12]"), 0);
}

#[test]
fn a_damaged_entry_is_made_again() {
    let project = Project::new();
    let plan = plan(vec![
        shell("step.a", "echo good > {out}").writes("out", "o"),
        shell("step.b", "cp {x} {out}").reads("x", "step.a", "out").writes("out", "o"),
    ]);
    let entry = project.run(&plan).step("step.a").outputs["out"].parent().unwrap().to_path_buf();
    let damage: [&dyn Fn(); 5] = [
        &|| std::fs::write(entry.join("o"), "bad!").unwrap(),
        &|| std::fs::remove_file(entry.join("o")).unwrap(),
        &|| std::fs::write(entry.join("result.json"), "{").unwrap(),
        &|| std::fs::remove_file(entry.join("result.json")).unwrap(),
        &|| std::fs::write(entry.join("o"), "").unwrap(),
    ];
    for (number, damage) in damage.iter().enumerate() {
        damage();
        let ran = project.run(&plan);
        assert_eq!(ran.state("step.a"), StepState::Succeeded, "damage {number} is noticed");
        assert_eq!(ran.state("step.b"), StepState::Cached);
        assert_eq!(text(&entry.join("o")), "good\n");
    }
}

#[test]
fn hashing_again_finds_what_size_and_time_do_not_show() {
    let project = Project::new();
    let plan = plan(vec![shell("step.a", "echo good > {out}").writes("out", "o")]);
    let output = project.run(&plan).step("step.a").outputs["out"].clone();
    let time = std::fs::metadata(&output).unwrap().modified().unwrap();
    std::fs::write(&output, "evil\n").unwrap();
    std::fs::File::options().write(true).open(&output).unwrap().set_modified(time).unwrap();
    let mut options = project.options();
    assert_eq!(project.run_with(&plan, &options).state("step.a"), StepState::Cached, "the cheap look is fooled");
    options.verify = true;
    assert_eq!(project.run_with(&plan, &options).state("step.a"), StepState::Succeeded);
    assert_eq!(text(&output), "good\n");
}

#[test]
fn a_touched_but_whole_entry_is_believed() {
    let project = Project::new();
    let plan = plan(vec![shell("step.a", "echo good > {out}").writes("out", "o")]);
    let output = project.run(&plan).step("step.a").outputs["out"].clone();
    std::fs::write(&output, "good\n").unwrap();
    assert_eq!(project.run(&plan).state("step.a"), StepState::Cached);
}
