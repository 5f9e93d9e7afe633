//! What a run came to: metrics, verdicts, results, times.

use crate::project::shown;
use crate::terminal::{Colour, Paint, Style};
use crate::text::{columns, duration, number, plural};
use mlpc_native::events::{Finished, StepFinished, StepState, Verdict};
use mlpc_native::{Outcome, RunEvent};
use mlpc_plan::Plan;
use mlpc_plan::plan::StepSpec;
use serde_json::{Map, Value};

/// What is collected while the run goes on.
#[derive(Default)]
pub struct Collected {
    steps: Vec<StepFinished>,
    registered: Vec<Vec<String>>,
    finished: Option<Finished>,
}

impl Collected {
    /// Remembers what the summary needs.
    pub fn add(&mut self, event: &RunEvent) {
        match event {
            RunEvent::StepFinished(finished) => self.steps.push((**finished).clone()),
            RunEvent::Registered { model, version, alias, new, path, .. } => {
                let word = if *new { "new version" } else { "known version" };
                let name = format!("{model} v{version}");
                self.registered.push(vec![name, format!("{} ({word}, {alias})", shown(path))]);
            }
            RunEvent::Finished(finished) => self.finished = Some((**finished).clone()),
            _ => {}
        }
    }

    /// The last event, if there was one.
    #[must_use]
    pub fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    /// How each step ended.
    #[must_use]
    pub fn steps(&self) -> &[StepFinished] {
        &self.steps
    }

    /// The lines of the summary.
    #[must_use]
    pub fn lines(&self, plan: &Plan, paint: Paint) -> Vec<String> {
        let Some(finished) = &self.finished else { return Vec::new() };
        let mut lines = Vec::new();
        let mut section = |title: String, rows: Vec<String>| {
            if !rows.is_empty() {
                lines.push(title);
                lines.extend(rows);
                lines.push(String::new());
            }
        };
        section(paint.paint(Style::Bold, "Metrics"), metrics(plan, finished));
        for verdict in &finished.verdicts {
            let title = title_of(plan, &verdict.step);
            section(
                format!("{}: {}", paint.paint(Style::Bold, title), word(verdict.passed, paint)),
                judged(verdict, paint),
            );
        }
        section(paint.paint(Style::Bold, "Results"), self.results(finished));
        section(paint.paint(Style::Bold, "Time"), self.times());
        lines.push(self.outcome(plan, finished, paint));
        lines
    }

    /// A few lines for a channel: how it ended, and why.
    #[must_use]
    pub fn message(&self, plan: &Plan) -> String {
        let Some(finished) = &self.finished else { return String::new() };
        let why = self.steps.iter().filter(|step| matches!(step.state, StepState::Failed | StepState::Refused));
        let why = why.map(|step| format!("{}: {}", step.title, step.message.as_deref().unwrap_or("no reason given")));
        std::iter::once(self.outcome(plan, finished, Paint::new(Colour::Never, false)))
            .chain(why)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn results(&self, finished: &Finished) -> Vec<String> {
        let artifacts = finished.artifacts.iter().map(|artifact| vec![artifact.name.clone(), shown(&artifact.path)]);
        let rows: Vec<Vec<String>> = artifacts.chain(self.registered.iter().cloned()).collect();
        columns(&rows)
    }

    /// Steps that ran, longest names aligned; none if all were cached.
    fn times(&self) -> Vec<String> {
        let ran = self.steps.iter().filter(|step| step.attempts > 0);
        columns(&ran.map(|step| vec![step.title.clone(), duration(step.seconds)]).collect::<Vec<_>>())
    }

    fn outcome(&self, plan: &Plan, finished: &Finished, paint: Paint) -> String {
        let counts: Vec<String> = finished.counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let (style, word) = match finished.outcome {
            Outcome::Succeeded => (Style::Good, "succeeded"),
            Outcome::Refused => (Style::Bad, "was refused by its gate"),
            Outcome::Failed => (Style::Bad, "failed"),
            Outcome::Interrupted => (Style::Odd, "was interrupted"),
        };
        let steps = plural(self.steps.len(), "step");
        let (name, word) = (&plan.pipeline.name, paint.paint(style, word));
        let time = duration(finished.seconds);
        format!("{name} {word} in {time}: {steps}, {}. Run {}", counts.join(", "), finished.run)
    }
}

fn title_of<'a>(plan: &'a Plan, step: &'a str) -> &'a str {
    plan.steps.iter().find(|known| known.id == step).map_or(step, |known| &known.title)
}

/// Metrics of reports and of users' own steps; a gate only repeats its report's.
fn metrics(plan: &Plan, finished: &Finished) -> Vec<String> {
    let mut rows = Vec::new();
    for (step, metrics) in &finished.metrics {
        let known = plan.steps.iter().find(|known| known.id == *step);
        if known.is_some_and(|known| matches!(known.spec, StepSpec::Gate(_) | StepSpec::Register(_))) {
            continue;
        }
        let name = known.map_or(step.as_str(), |known| match &known.spec {
            StepSpec::Evaluate(evaluate) => &evaluate.name,
            _ => &known.title,
        });
        add_metrics(name, metrics, &mut rows);
    }
    columns(&rows)
}

fn add_metrics(name: &str, metrics: &Map<String, Value>, rows: &mut Vec<Vec<String>>) {
    let mut name = name.to_owned();
    for (metric, value) in metrics {
        let Some(value) = value.as_f64() else { continue };
        // The report's name stands in its first row only.
        rows.push(vec![std::mem::take(&mut name), metric.clone(), number(value)]);
    }
}

fn word(passed: bool, paint: Paint) -> String {
    if passed { paint.paint(Style::Good, "passed") } else { paint.paint(Style::Bad, "refused") }
}

/// What the gate said, line by line.
fn judged(verdict: &Verdict, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for requirement in verdict.requirements.as_array().into_iter().flatten() {
        let text = requirement.get("text").and_then(Value::as_str).unwrap_or_default();
        let said: Vec<&str> = requirement
            .get("lines")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let passed = requirement.get("passed").and_then(Value::as_bool).unwrap_or(false);
        match said.as_slice() {
            [one] => lines.push(line(one, passed, paint)),
            several => {
                lines.push(line(text, passed, paint));
                lines.extend(several.iter().map(|said| format!("  {}", line(said, !said.ends_with("refused"), paint))));
            }
        }
    }
    lines
}

fn line(said: &str, passed: bool, paint: Paint) -> String {
    let mark = if passed { paint.paint(Style::Good, "✓") } else { paint.paint(Style::Bad, "✗") };
    let said = said.strip_suffix("passed").or_else(|| said.strip_suffix("refused")).unwrap_or(said);
    format!("  {mark} {}", said.trim_end())
}
