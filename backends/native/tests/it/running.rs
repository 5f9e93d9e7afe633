//! Running, caching, order, and what is told about it.

use crate::project::{Project, With, plan, shell, text, wants};
use mlpc_native::{Outcome, RunEvent, StepState};
use serde_json::json;

#[test]
fn three_steps_run_in_order_and_are_cached_the_second_time() {
    let project = Project::new();
    let make =
        shell("step.make", "printf '3\\n1\\n2\\n' > {numbers}; echo ran >> $HOME/count").writes("numbers", "n.txt");
    let sort = shell("step.sort", "sort {numbers} > {sorted}")
        .reads("numbers", "step.make", "numbers")
        .writes("sorted", "s.txt");
    let head = shell("step.head", "head -n {n} {sorted} > {first}")
        .reads("sorted", "step.sort", "sorted")
        .writes("first", "f.txt")
        .param("n", json!(2));
    let plan = wants(plan(vec![make, sort, head]), "first", "step.head", "first");
    let mut options = project.options();
    options.variables.insert("HOME".to_owned(), project.folder.path().to_string_lossy().into_owned());

    let first = project.run_with(&plan, &options);
    assert_eq!(first.finished.outcome, Outcome::Succeeded);
    let states: Vec<StepState> = first.states().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [StepState::Succeeded; 3]);
    let artifact = &first.finished.artifacts[0];
    assert_eq!(artifact.path, project.path(".mlp/latest/demo/first.txt"));
    assert_eq!(text(&artifact.path), "1\n2\n");
    assert_eq!(artifact.sha256, mlpc_plan::identity::sha256_hex(b"1\n2\n"));

    let second = project.run_with(&plan, &options);
    let states: Vec<StepState> = second.states().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [StepState::Cached; 3]);
    assert_eq!(second.finished.artifacts, first.finished.artifacts);
    assert_eq!(project.read("count"), "ran\n", "a cached step does not run");
    assert!(!second.events.iter().any(|event| matches!(event, RunEvent::StepStarted { .. })));
}

#[test]
fn independent_steps_run_at_once_and_no_more_than_jobs() {
    let project = Project::new();
    // Each step waits until it sees another one running, so it only ends if two run at once.
    let meet = "touch $HOME/{me}; i=0; while [ ! -e $HOME/{other} ]; do i=$((i+1)); [ $i -gt 200 ] && exit 7; sleep 0.02; done; : > {out}";
    let left = shell("step.left", meet).param("me", json!("a")).param("other", json!("b")).writes("out", "o");
    let right = shell("step.right", meet).param("me", json!("b")).param("other", json!("a")).writes("out", "o");
    let plan = plan(vec![left, right]);
    let mut options = project.options();
    options.variables.insert("HOME".to_owned(), project.folder.path().to_string_lossy().into_owned());
    options.jobs = 2;
    assert_eq!(project.run_with(&plan, &options).finished.outcome, Outcome::Succeeded);

    let alone = "mkdir $HOME/alone && sleep 0.05 && rmdir $HOME/alone && : > {out}";
    let steps = (0..4).map(|n| shell(&format!("step.alone{n}"), alone).writes("out", "o")).collect();
    options.jobs = 1;
    assert_eq!(project.run_with(&crate::project::plan(steps), &options).finished.outcome, Outcome::Succeeded);
}

#[test]
fn a_python_step_gets_flags_seed_threads_and_a_clean_environment() {
    let project = Project::new();
    let mut step = project
        .python_step(
            "train.model",
            "assert args['max-iter'] == '-3' and args['text'] == '\"a b\"' and args['seed'] == '7', args\n\
             assert args['threads'] == '3' == os.environ['OMP_NUM_THREADS'] == os.environ['POLARS_MAX_THREADS']\n\
             assert os.environ['PYTHONHASHSEED'] == '0' and os.environ['TZ'] == 'UTC'\n\
             assert 'CARGO_MANIFEST_DIR' not in os.environ, 'the environment of the caller leaks'\n\
             assert not os.listdir('.'), 'the current folder is its own'\n\
             open('scratch', 'w').close()\n\
             open(args['model'], 'w').write('m')\n\
             print('training')\n\
             done('trained', metrics={'loss': 0.5, 'by': {'a': 1}}, model=args['model'])",
        )
        .writes("model", "m/model.bin")
        .param("max_iter", json!(-3))
        .param("text", json!("a b"));
    step.seed = Some(7);
    step.resources.cpu = 3;
    let ran = project.run(&plan(vec![step]));
    let step = ran.step("train.model");
    assert_eq!(step.state, StepState::Succeeded, "{:?}", step.tail);
    assert_eq!(step.summary.as_deref(), Some("trained"));
    assert_eq!(text(&step.outputs["model"]), "m");
    assert_eq!(text(step.log.as_deref().unwrap()), "training\n");
    let entry = step.outputs["model"].parent().unwrap().parent().unwrap();
    assert!(!entry.join(".work").exists(), "what a step leaves in its current folder is thrown away");
    assert_eq!(ran.finished.metrics["train.model"]["loss"], json!(0.5));
}

#[test]
fn each_line_is_told_while_the_step_runs() {
    let project = Project::new();
    let step = shell("step.talk", "echo one; echo two >&2; sleep 0.3; printf three; : > {out}").writes("out", "o");
    let mut options = project.options();
    options.stream_output = true;
    let ran = project.run_with(&plan(vec![step]), &options);
    let lines: Vec<&str> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::StepOutput { line, .. } => Some(line.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, ["one", "two", "three"]);
    assert_eq!(text(ran.step("step.talk").log.as_deref().unwrap()), "one\ntwo\nthree");
}

#[test]
fn until_and_force_choose_steps() {
    let project = Project::new();
    let chain = |n: usize| {
        let step = shell(&format!("step.s{n}"), ": > {out}").writes("out", "o");
        if n == 0 { step } else { step.after(&format!("step.s{}", n - 1)) }
    };
    let plan = plan((0..3).map(chain).collect());
    let mut options = project.options();
    options.until = Some("step.s1".to_owned());
    let first = project.run_with(&plan, &options);
    assert_eq!(first.states().len(), 2);
    options.until = None;
    options.force = mlpc_native::Force::Steps(["step.s0".to_owned()].into());
    let second = project.run_with(&plan, &options);
    let states: Vec<StepState> = second.states().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [StepState::Succeeded, StepState::Cached, StepState::Succeeded]);
    options.until = Some("step.none".to_owned());
    let error = mlpc_native::run_to_end(&plan, &options, |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "there is no step `step.none`");
}

#[test]
fn a_condition_decides_whether_a_step_runs() {
    let project = Project::new();
    let run = |passed: bool| {
        let says = format!("echo '{{{{\"passed\": {passed}}}' > {{verdict}}");
        let judge = shell("step.judge", &says).writes("verdict", "v.json");
        let mut act = shell("step.act", ": > {out}").writes("out", "o");
        act.when =
            Some(mlpc_plan::plan::InputRef::Step { step: "step.judge".to_owned(), output: "verdict".to_owned() });
        project.run(&plan(vec![judge, act]))
    };
    assert_eq!(run(true).state("step.act"), StepState::Succeeded);
    let ran = run(false);
    assert_eq!(ran.state("step.act"), StepState::Skipped);
    assert_eq!(ran.step("step.act").message.as_deref(), Some("`step.judge` did not pass"));
    assert_eq!(ran.finished.outcome, Outcome::Succeeded, "a condition that does not hold is no failure");
}

#[test]
fn pinned_files_are_verified_before_anything_runs() {
    let project = Project::new();
    project.write("rows.csv", "a\n1\n");
    let mut plan = plan(vec![shell("step.read", "cp {rows} {out}").writes("out", "o")]);
    let sha256 = mlpc_plan::identity::sha256_hex(b"a\n1\n");
    plan.sources.push(mlpc_plan::plan::Source {
        name: "rows".to_owned(),
        path: "rows.csv".to_owned(),
        sha256,
        remote: None,
    });
    let input = mlpc_plan::plan::InputRef::Source { name: "rows".to_owned() };
    plan.steps[0].inputs.insert("rows".to_owned(), input);
    mlpc_plan::identity::identify(&mut plan);
    let ran = project.run(&plan);
    assert_eq!(text(&ran.step("step.read").outputs["out"]), "a\n1\n");

    project.write("rows.csv", "a\n2\n");
    let error = mlpc_native::run_to_end(&plan, &project.options(), |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("`rows.csv`, which dataset rows reads, is not the file that mlp.lock names"));
    assert!(error.help().unwrap().contains("mlpc lock"));
    std::fs::remove_file(project.path("rows.csv")).unwrap();
    let error = mlpc_native::run_to_end(&plan, &project.options(), |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "`rows.csv`, which dataset rows reads, does not exist");
}

#[test]
fn events_are_one_object_a_line() {
    let project = Project::new();
    let plan = wants(plan(vec![shell("step.a", ": > {out}").writes("out", "o")]), "thing", "step.a", "out");
    project.run(&plan);
    let ran = project.run(&plan);
    let lines: Vec<serde_json::Value> = ran.events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(lines[0]["event"], "run_started");
    assert_eq!(lines[1]["event"], "step_finished");
    assert_eq!(lines[1]["state"], "cached");
    let last = lines.last().unwrap();
    assert_eq!(last["event"], "finished");
    assert_eq!(last["artifacts"][0]["name"], "thing");
    for (line, event) in lines.into_iter().zip(&ran.events) {
        assert_eq!(&serde_json::from_value::<RunEvent>(line).unwrap(), event, "events can be read again");
    }
}

#[test]
fn the_history_remembers_runs_and_compares_them() {
    let project = Project::new();
    let run = |rate: f64| {
        let step = project
            .python_step("train.model", "done('ok', metrics={'loss': float(args['rate'])})")
            .param("rate", json!(rate));
        project.run(&plan(vec![step])).finished.run
    };
    let layout = mlpc_native::Layout::new(project.path(".mlp"));
    assert_eq!(mlpc_native::history::History::open(&layout).unwrap().runs(10).unwrap(), []);
    assert!(!project.path(".mlp").exists(), "looking writes nothing");
    let (first, second) = (run(0.1), run(0.5));
    let history = mlpc_native::history::History::open(&layout).unwrap();
    let runs = history.runs(10).unwrap();
    assert_eq!(runs.iter().map(|run| run.run.clone()).collect::<Vec<_>>(), [second.clone(), first.clone()]);
    assert_eq!(runs[0].outcome.as_deref(), Some("succeeded"));
    let details = history.run(&first).unwrap().unwrap();
    assert_eq!(details.steps[0].metrics["loss"], 0.1);
    assert_eq!(history.run("latest").unwrap().unwrap().run.run, second);
    assert_eq!(history.run("nonsense").unwrap(), None);
    let comparison = history.compare(&first, &second).unwrap().unwrap();
    assert_eq!(comparison.steps, ["train.model"]);
    assert_eq!(
        (comparison.params[0].left.as_deref(), comparison.params[0].right.as_deref()),
        (Some("0.1"), Some("0.5"))
    );
    assert_eq!((comparison.metrics[0].left, comparison.metrics[0].right), (Some(0.1), Some(0.5)));
}

#[test]
fn the_python_runtime_gives_folders_the_same_digest() {
    let project = Project::new();
    let folder = project.path("model");
    for (name, content) in [("b.json", "{}"), ("a/z.bin", "z"), ("a.txt", ""), ("a/ä b", "x")] {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), content).unwrap();
    }
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/../../stdlib/runtime");
    let program = "import pathlib, sys; sys.path.insert(0, sys.argv[1]); from mlp_runtime import files; \
                   print(files.digest(pathlib.Path(sys.argv[2])))";
    let output = std::process::Command::new(crate::project::python())
        .args(["-B", "-c", program, runtime])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert_eq!(mlpc_native::digest::digest(&folder).unwrap(), theirs.trim());
}
