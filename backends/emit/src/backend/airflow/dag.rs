//! A plan as a DAG file: the tasks in groups by what they do, then what each of them comes after.

use super::runner::{Launch, Runner, given};
use super::settings;
use super::telling;
use crate::backend::Choice;
use crate::backend::{definition_name, plan_file};
use crate::error::EmitError;
use crate::fans::{Fan, Task};
use crate::layout::Layout;
use crate::py::{Argument, Py, flat, names_used, operator, value_literal};
use crate::text::header;
use indexmap::{IndexMap, IndexSet};
use mlpc_plan::Plan;
use mlpc_plan::plan::{DType, Ending, InputRef, Origin, Parameter, Retry, Schedule, Step, StepSpec};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What Airflow 3 exports, in the order of linters.
const SDK: &[(&str, &[&str])] = &[(
    "airflow.sdk",
    &["DAG", "Asset", "CronTriggerTimetable", "Param", "TaskGroup", "TriggerRule", "literal", "task_group"],
)];
/// The same in Airflow 2, where it is spread.
const SPREAD: &[(&str, &[&str])] = &[
    ("airflow", &["DAG"]),
    ("airflow.datasets", &["Dataset"]),
    ("airflow.decorators", &["task_group"]),
    ("airflow.models.param", &["Param"]),
    ("airflow.timetables.trigger", &["CronTriggerTimetable"]),
    ("airflow.utils.task_group", &["TaskGroup"]),
    ("airflow.utils.template", &["literal"]),
    ("airflow.utils.trigger_rule", &["TriggerRule"]),
];
/// What an instance of a mapped task is called: the last part of its step's name.
const FOLD: &str = "{{ task.step.split('.') | last }}";
/// The address of artifacts where no setting holds it.
const VARIABLE: &str = "{{ var.value.mlp_store }}";

#[derive(Serialize)]
struct View {
    doc: String,
    imports: Vec<String>,
    constants: Vec<String>,
    operator: &'static str,
    about: &'static str,
    parameters: String,
    body: Vec<String>,
    dag: String,
    statements: Vec<String>,
    end: String,
}

/// The path and text of the file of an entry point.
///
/// # Errors
///
/// If a setting does not do, or the plan holds what cannot be printed.
pub(super) fn file(
    layout: &Layout,
    choice: &Choice,
    runner: &Runner<'_>,
    entry: &str,
    plan: &Plan,
    fans: &[Fan<'_>],
) -> Result<(String, String), EmitError> {
    let id = definition_name(plan, entry);
    let names = names(plan, fans);
    let definition = Definition { choice, runner, plan, usual: usual(plan), fans, names };
    let text = definition.print(layout, entry, &id)?;
    Ok((format!("dags/{}.py", id.replace('.', "_")), text))
}

/// The environment of most steps.
fn usual(plan: &Plan) -> &str {
    let mut counts: IndexMap<&str, usize> = IndexMap::new();
    for step in &plan.steps {
        *counts.entry(&step.environment).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    counts.into_iter().find(|(_, count)| *count == most).map_or("default", |(name, _)| name)
}

/// The Python name of each step's task, which steps of a fan share.
fn names<'a>(plan: &'a Plan, fans: &[Fan<'a>]) -> BTreeMap<&'a str, String> {
    let mut tasks: BTreeMap<&str, &str> = BTreeMap::new();
    for task in fans.iter().flat_map(|fan| &fan.tasks) {
        tasks.extend(task.steps.iter().map(|step| (step.id.as_str(), task.name.as_str())));
    }
    let mut taken = BTreeSet::new();
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for step in &plan.steps {
        let task = tasks.get(step.id.as_str()).copied().unwrap_or(&step.id);
        let name = known.entry(task).or_insert_with(|| {
            let mut name = identifier(task);
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            name
        });
        names.insert(step.id.as_str(), name.clone());
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

struct Definition<'a> {
    choice: &'a Choice,
    runner: &'a Runner<'a>,
    plan: &'a Plan,
    usual: &'a str,
    fans: &'a [Fan<'a>],
    names: BTreeMap<&'a str, String>,
}

/// Arguments by name, in order.
type Settings = IndexMap<&'static str, Py>;

impl Definition<'_> {
    fn print(&self, layout: &Layout, entry: &str, id: &str) -> Result<String, EmitError> {
        let Launch { imports, constants, operator, doc, parameters, body } =
            self.runner.launch(self.usual, &given(self.plan));
        let own: Vec<Settings> = self.plan.steps.iter().map(|step| self.settings(step)).collect();
        let common = common(&own);
        let plan = plan_file(entry);
        let store = match self.choice.setting("store") {
            Some(store) => Py::name("literal").call([Py::string(store)]),
            None => Py::string(VARIABLE),
        };
        let fold = (!self.fans.is_empty()).then(|| ("FOLD", Py::string(FOLD)));
        let constants = constants.into_iter().chain([("PLAN", Py::string(&plan)), ("STORE", store)]).chain(fold);
        let constants: Vec<String> = constants.map(|(name, value)| format!("{name} = {}", flat(&value))).collect();
        let dag = flat(&self.dag(id, &common)?);
        let mut statements = self.tasks(&own, &common);
        statements.extend(self.edges());
        let end = self.end();
        let code = [&constants[..], &body, &statements].concat().join("\n");
        let view = View {
            doc: header(&self.plan.compiler, &self.origin(), &self.title(entry), None),
            imports: self.imported(&format!("{dag}\n{code}"), &imports)?,
            constants,
            operator,
            about: doc,
            parameters,
            body,
            dag,
            statements,
            end,
        };
        layout.python("airflow.py", &view)
    }

    fn title(&self, entry: &str) -> String {
        let Some(name) = entry.strip_prefix("predict.") else {
            return format!("Trains {}.", self.plan.pipeline.name);
        };
        format!("Scores {name} of {}.", self.plan.pipeline.name)
    }

    /// Where the entry point is declared: that of the step for which the others are there.
    fn origin(&self) -> Origin {
        let last = self.plan.steps.last().map(|step| step.origin.clone());
        last.unwrap_or(Origin { file: "main.mlp".to_owned(), line: 1 })
    }

    fn dag(&self, id: &str, common: &Settings) -> Result<Py, EmitError> {
        let pipeline = &self.plan.pipeline;
        let mut arguments = vec![Argument::keyword("dag_id", Py::string(id))];
        let mut add = |name: &str, value: Py| arguments.push(Argument::keyword(name, value));
        if let Some(doc) = &pipeline.doc {
            add("doc_md", markdown(doc));
        }
        add("schedule", self.plan.schedule.as_ref().map_or_else(|| Py::name("None"), timetable));
        add("start_date", start_date(self.choice.setting("start_date").unwrap_or_default())?);
        add("catchup", Py::bool(self.plan.schedule.as_ref().is_some_and(|schedule| schedule.catch_up)));
        add("max_active_runs", Py::integer(1));
        let owner = pipeline.owner.as_ref().map(|owner| ("owner", Py::string(owner)));
        let defaults = owner.into_iter().chain(common.iter().map(|(name, value)| (*name, value.clone())));
        add("default_args", Py::Dict(defaults.map(|(name, value)| (Py::string(name), value)).collect()));
        if !self.plan.parameters.is_empty() {
            let params = self.plan.parameters.iter().map(|(name, known)| (Py::string(name), param(known)));
            add("params", Py::Dict(params.collect()));
        }
        add("tags", Py::strings(["mlpc"]));
        for (name, ending, said) in
            [("on_success_callback", Ending::Success, "succeeded"), ("on_failure_callback", Ending::Failure, "failed")]
        {
            let told = telling::told(self.plan, ending, &format!("{{{{ dag.dag_id }}}}: {{{{ run_id }}}} {said}"));
            if !told.is_empty() {
                add(name, Py::List(told));
            }
        }
        Ok(Py::name("DAG").call_with(arguments))
    }

    /// Whether it is for Airflow 2.
    fn is_old(&self) -> bool {
        self.choice.version.starts_with("2.")
    }

    /// The lines that import what `code` uses, in the order of linters.
    fn imported(&self, code: &str, of_runner: &[&'static str]) -> Result<Vec<String>, EmitError> {
        let mut used = BTreeSet::new();
        for line in code.lines().map(str::trim_start) {
            match line.strip_prefix("with ").or_else(|| line.strip_prefix('@')) {
                Some(start) => used.extend(start.split_once('(').map(|(name, _)| name.to_owned())),
                None => used.extend(names_used(line)?),
            }
        }
        let mut lines = Vec::new();
        for (name, line) in [("timedelta", "from datetime import timedelta"), ("Path", "from pathlib import Path")] {
            if used.contains(name) {
                lines.push(line.to_owned());
            }
        }
        lines.extend(["from typing import Any", "", "import pendulum"].map(str::to_owned));
        let mut others: Vec<String> = of_runner.iter().map(|line| (*line).to_owned()).collect();
        for (module, names) in if self.is_old() { SPREAD } else { SDK } {
            let names: Vec<&str> = names.iter().copied().filter(|name| used.contains(*name)).collect();
            if !names.is_empty() {
                others.push(format!("from {module} import {}", names.join(", ")));
            }
        }
        others.extend(telling::imports(&used));
        others.sort();
        lines.extend(others);
        Ok(lines)
    }

    /// Something that other DAGs can follow.
    fn asset(&self, kind: &str, name: &str) -> Py {
        let class = if self.is_old() { "Dataset" } else { "Asset" };
        Py::name(class).call([Py::string(&format!("x-mlp://{kind}/{name}"))])
    }

    /// What Airflow is told of a step, whatever runs it.
    fn settings(&self, step: &Step) -> Settings {
        let mut settings = Settings::new();
        let Retry { attempts, initial_ms, factor, max_ms } = step.retry;
        settings.insert("retries", Py::integer(i64::from(attempts.saturating_sub(1))));
        if attempts > 1 {
            settings.insert("retry_delay", duration(initial_ms));
            if factor > 1.0 {
                let growing = if self.is_old() { Py::bool(true) } else { Py::float(factor) };
                settings.insert("retry_exponential_backoff", growing);
                settings.insert("max_retry_delay", duration(max_ms));
            }
        }
        if let Some(seconds) = step.timeout_seconds {
            settings.insert("execution_timeout", duration(seconds.saturating_mul(1000)));
        }
        if let Some(pool) = self.choice.setting("pool") {
            settings.insert("pool", Py::string(pool));
            settings.insert("pool_slots", Py::integer(i64::from(step.resources.cpu)));
        }
        settings
    }

    /// The tasks, those that do the same kind of work in a group of their own.
    fn tasks(&self, own: &[Settings], common: &Settings) -> Vec<String> {
        let steps = self.plan.steps.iter().zip(own);
        let told: BTreeMap<&str, Vec<Argument>> =
            steps.map(|(step, settings)| (step.id.as_str(), self.arguments(step, settings, common))).collect();
        let told = |id: &str| told.get(id).cloned().unwrap_or_default();
        let of_fans: BTreeMap<&str, (&Fan<'_>, &Task<'_>)> = self
            .fans
            .iter()
            .flat_map(|fan| fan.tasks.iter().filter_map(move |task| Some((task.first()?.id.as_str(), (fan, task)))))
            .collect();
        let mut groups: IndexMap<&str, Vec<String>> = IndexMap::new();
        let mut fans = Vec::new();
        let mut taken: BTreeSet<String> = self.names.values().cloned().collect();
        for step in &self.plan.steps {
            let made = match of_fans.get(step.id.as_str()) {
                Some((Fan { tasks, .. }, task)) if tasks.len() == 1 => mapped(task, told(&step.id)),
                Some((fan, task)) => {
                    if fan.tasks.first() == Some(*task) {
                        fans.extend(self.mapped_group(fan, &mut taken, told));
                    }
                    continue;
                }
                None if self.fans.iter().any(|fan| fan.holds(&step.id)) => continue,
                None => launch(&step.id, told(&step.id)),
            };
            groups.entry(group(&step.spec)).or_default().push(format!("{} = {}", self.name(&step.id), flat(&made)));
        }
        let mut lines = Vec::new();
        for (name, tasks) in groups {
            if tasks.len() == 1 {
                lines.extend(tasks);
                continue;
            }
            lines.push(format!("with TaskGroup({}, prefix_group_id=False):", flat(&Py::string(name))));
            lines.extend(tasks.into_iter().map(|task| format!("    {task}")));
        }
        lines.extend(fans);
        let finish = [("action", Py::string("finish")), ("trigger_rule", Py::name(FINISH))];
        let finish = finish.map(|(name, value)| Argument::keyword(name, value));
        lines.push(format!("finish = {}", flat(&launch("finish", finish.to_vec()))));
        lines
    }

    /// The tasks of a fan that read one another, fold by fold: a group that is mapped as a whole.
    fn mapped_group(
        &self,
        fan: &Fan<'_>,
        taken: &mut BTreeSet<String>,
        told: impl Fn(&str) -> Vec<Argument>,
    ) -> Vec<String> {
        // `train_m_folds` does `train_m_fold`.
        let one = |name: &str| name.strip_suffix('s').unwrap_or(name).to_owned();
        let firsts: Vec<&Step> = fan.tasks.iter().filter_map(Task::first).collect();
        let names: Vec<&str> = firsts.iter().map(|step| self.name(&step.id)).collect();
        // `folds`, as of `train.m.folds`.
        let mut group = identifier(fan.tasks.first().and_then(|task| task.name.rsplit('.').next()).unwrap_or_default());
        while !taken.insert(group.clone()) {
            group.push('_');
        }
        let parameters: Vec<String> = names.iter().map(|name| format!("{}: str", one(name))).collect();
        let tasks = fan.tasks.iter().zip(firsts).zip(&names).map(|((task, first), name)| {
            let own = [("step", Py::name(one(name))), ("map_index_template", Py::name("FOLD"))];
            let own = own.map(|(name, value)| Argument::keyword(name, value));
            launch(&task.name, own.into_iter().chain(told(&first.id)).collect())
        });
        let instances = (0..fan.folds.len()).map(|at| {
            let step = |(task, name): (&Task<'_>, &&str)| {
                let step = task.steps.get(at).map_or("", |step| step.id.as_str());
                (Py::string(&one(name)), Py::string(step))
            };
            Py::Dict(fan.tasks.iter().zip(&names).map(step).collect())
        });
        let expanded = Py::name(&group).method("expand_kwargs", [Py::List(instances.collect())]);
        vec![
            String::new(),
            format!("@task_group(group_id={}, prefix_group_id=False)", flat(&Py::string(&group))),
            format!("def {group}({}) -> list[Launch]:", parameters.join(", ")),
            "    \"\"\"Once for each fold, which waits for none of the others.\"\"\"".to_owned(),
            format!("    return {}", flat(&Py::List(tasks.collect()))),
            String::new(),
            format!("{} = {}", names.join(", "), flat(&expanded)),
        ]
    }

    /// What a task is told besides its name.
    fn arguments(&self, step: &Step, settings: &Settings, common: &Settings) -> Vec<Argument> {
        let mut arguments = Vec::new();
        arguments.extend(self.runner.arguments(step, self.fans, self.usual));
        let differ = settings.iter().filter(|(name, _)| !common.contains_key(*name));
        arguments.extend(differ.map(|(name, value)| Argument::keyword(*name, value.clone())));
        for (name, assets) in [("inlets", self.read(step)), ("outlets", self.made(step))] {
            if !assets.is_empty() {
                arguments.push(Argument::keyword(name, Py::List(assets)));
            }
        }
        if let Some(doc) = &step.doc {
            arguments.push(Argument::keyword("doc_md", markdown(doc)));
        }
        if matches!(step.spec, StepSpec::Gate(_)) {
            let message = "{{ dag.dag_id }}: {{ ti.task_id }} refused in {{ run_id }}";
            let told = telling::told(self.plan, Ending::GateRefused, message);
            if !told.is_empty() {
                arguments.push(Argument::keyword("on_skipped_callback", Py::List(told)));
            }
        }
        arguments
    }

    /// The assets whose content a step takes from outside.
    fn read(&self, step: &Step) -> Vec<Py> {
        let asset = |input: &InputRef| match input {
            InputRef::Champion { model, .. } => Some(self.asset("models", model)),
            _ => None,
        };
        step.inputs.values().filter_map(asset).collect()
    }

    /// The assets that it makes anew: datasets, models, predictions.
    fn made(&self, step: &Step) -> Vec<Py> {
        let of = |kind: &str, name: &str| vec![self.asset(kind, &format!("{}.{name}", self.plan.pipeline.name))];
        match &step.spec {
            StepSpec::Ingest(_) => of("datasets", step.id.trim_start_matches("ingest.")),
            StepSpec::Register(register) => vec![self.asset("models", &register.model)],
            StepSpec::Predict(predict) => of("predictions", &predict.name),
            _ => Vec::new(),
        }
    }

    fn name(&self, id: &str) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }

    /// What each task comes after.
    fn edges(&self) -> Vec<String> {
        let mut after: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for step in &self.plan.steps {
            let known = after.entry(self.name(&step.id)).or_default();
            for need in step.needs().map(|id| self.name(id)) {
                if !known.contains(&need) {
                    known.push(need);
                }
            }
        }
        after.into_iter().filter(|(_, needs)| !needs.is_empty()).map(|(task, needs)| edge(&needs, task)).collect()
    }

    /// The last task comes after all that no other comes after.
    fn end(&self) -> String {
        let needed: BTreeSet<&str> = self.plan.steps.iter().flat_map(Step::needs).map(|id| self.name(id)).collect();
        let tasks: IndexSet<&str> = self.plan.steps.iter().map(|step| self.name(&step.id)).collect();
        edge(&tasks.into_iter().filter(|task| !needed.contains(task)).collect::<Vec<_>>(), "finish")
    }
}

fn edge(from: &[&str], to: &str) -> String {
    let from = match from {
        [only] => Py::name(*only),
        _ => Py::List(from.iter().copied().map(Py::name).collect()),
    };
    match operator(">>") {
        Some(after) => flat(&Py::binary(after, from, Py::name(to))),
        None => String::new(),
    }
}

/// A task.
fn launch(name: &str, told: Vec<Argument>) -> Py {
    let name = Argument::keyword("task_id", Py::string(name));
    Py::name("Launch").call_with(std::iter::once(name).chain(told).collect())
}

/// A task with an instance for each fold.
fn mapped(task: &Task<'_>, told: Vec<Argument>) -> Py {
    let own = [("task_id", Py::string(&task.name)), ("map_index_template", Py::name("FOLD"))];
    let own = own.map(|(name, value)| Argument::keyword(name, value));
    let partial = Py::name("Launch").attribute("partial").call_with(own.into_iter().chain(told).collect());
    let steps = Py::strings(task.steps.iter().map(|step| &step.id));
    partial.attribute("expand").call_with(vec![Argument::keyword("step", steps)])
}

/// Skipped is as good as done, for it stands behind a gate that refused.
const FINISH: &str = "TriggerRule.NONE_FAILED";

/// The group of a step, by what it does.
fn group(spec: &StepSpec) -> &'static str {
    match spec {
        StepSpec::Ingest(_) | StepSpec::Validate(_) => "data",
        StepSpec::Features { .. } | StepSpec::Split(_) | StepSpec::Fit { .. } => "features",
        StepSpec::Train(_) | StepSpec::Trial { .. } | StepSpec::Sweep { .. } => "training",
        StepSpec::Evaluate(_) | StepSpec::Gate(_) => "evaluation",
        StepSpec::Register(_) => "release",
        StepSpec::Predict(_) => "scoring",
        StepSpec::Python(_) | StepSpec::Shell(_) => "steps",
    }
}

/// What is said of all steps in the same way.
fn common(own: &[Settings]) -> Settings {
    let Some((first, others)) = own.split_first() else { return Settings::new() };
    let mut common = first.clone();
    common.retain(|name, value| others.iter().all(|settings| settings.get(name) == Some(value)));
    common
}

/// Airflow takes a text that ends in `.md` for the path of a file.
fn markdown(doc: &str) -> Py {
    if doc.ends_with(".md") { Py::string(&format!("{doc}\n")) } else { Py::string(doc) }
}

fn duration(milliseconds: u64) -> Py {
    let (unit, count) = match milliseconds {
        _ if milliseconds.is_multiple_of(1000) => ("seconds", milliseconds / 1000),
        _ => ("milliseconds", milliseconds),
    };
    let count = Py::integer(i64::try_from(count).unwrap_or(i64::MAX));
    Py::name("timedelta").call_with(vec![Argument::keyword(unit, count)])
}

fn timetable(schedule: &Schedule) -> Py {
    let zone = Argument::keyword("timezone", Py::string(&schedule.timezone));
    Py::name("CronTriggerTimetable").call_with(vec![Argument::positional(Py::string(&schedule.cron)), zone])
}

/// What a run may be given, with a schema by which Airflow checks it. A day that follows from the schedule is null.
fn param(known: &Parameter) -> Py {
    let (kind, format) = match known.dtype {
        DType::Bool => ("boolean", None),
        DType::Int => ("integer", None),
        DType::Float => ("number", None),
        DType::Date => ("string", Some("date")),
        DType::Timestamp => ("string", Some("date-time")),
        _ => ("string", None),
    };
    let (value, kind) = match known.scheduled {
        true => (Py::name("None"), Py::strings(["null", kind])),
        false => (value_literal(&known.value), Py::string(kind)),
    };
    let mut arguments = vec![Argument::positional(value), Argument::keyword("type", kind)];
    arguments.extend(format.map(|format| Argument::keyword("format", Py::string(format))));
    if let DType::Category { levels: Some(levels) } = &known.dtype {
        arguments.push(Argument::keyword("enum", Py::strings(levels)));
    }
    if let Some(range) = &known.range {
        let low = if range.low_closed { "minimum" } else { "exclusiveMinimum" };
        let high = if range.high_closed { "maximum" } else { "exclusiveMaximum" };
        for (name, bound) in [(low, range.low), (high, range.high)] {
            arguments.extend(bound.map(|bound| Argument::keyword(name, Py::float(bound))));
        }
    }
    arguments.extend(known.doc.as_ref().map(|doc| Argument::keyword("description", Py::string(doc))));
    Py::name("Param").call_with(arguments)
}

/// The day as a moment in UTC.
fn start_date(text: &str) -> Result<Py, EmitError> {
    let [year, month, day] = settings::day(text).ok_or_else(|| EmitError::Setting(format!("`{text}` is no day")))?;
    let mut arguments: Vec<Argument> =
        [year, month, day].map(|number| Argument::positional(Py::Number(number.to_string()))).to_vec();
    arguments.push(Argument::keyword("tz", Py::string("UTC")));
    Ok(Py::name("pendulum.datetime").call_with(arguments))
}
