//! A run as lines: one for each step that is over, and what else a person must know.

use crate::project::shown;
use crate::terminal::{Paint, Style};
use crate::text::{duration, pad};
use mlpc_native::events::StepFinished;
use mlpc_native::{RunEvent, StepState};

/// Lines shown of what a failed step printed.
const TAIL: usize = 12;
/// A data check failed: the message says it all.
const CHECK_FAILED: i32 = 4;

/// How each state is marked and named.
const MARKS: [(StepState, &str, Style, &str); 6] = [
    (StepState::Succeeded, "✓", Style::Good, ""),
    (StepState::Cached, "✓", Style::Dim, "cached"),
    (StepState::Refused, "✗", Style::Bad, "refused"),
    (StepState::Failed, "✗", Style::Bad, "failed"),
    (StepState::Skipped, "–", Style::Dim, "skipped"),
    (StepState::Cancelled, "–", Style::Odd, "stopped"),
];

/// Turns events into lines.
pub struct Lines {
    paint: Paint,
    /// Of the longest title.
    width: usize,
    /// Environments that were not there before.
    prepared: Vec<String>,
}

impl Lines {
    /// For a stream.
    #[must_use]
    pub fn new(paint: Paint) -> Self {
        Self { paint, width: 0, prepared: Vec::new() }
    }

    /// The title, as wide as all others.
    #[must_use]
    pub fn title(&self, title: &str) -> String {
        pad(title, self.width)
    }

    /// The lines of an event.
    pub fn show(&mut self, event: &RunEvent) -> Vec<String> {
        match event {
            RunEvent::RunStarted { steps, .. } => {
                self.width = steps.iter().map(|step| step.title.chars().count()).max().unwrap_or(0);
                Vec::new()
            }
            RunEvent::EnvironmentPreparing { environment, message } => {
                self.preparing(environment);
                vec![format!("  environment {environment}: {message}")]
            }
            RunEvent::EnvironmentReady { environment, seconds, .. } => {
                self.ready(environment, *seconds).into_iter().collect()
            }
            RunEvent::StepWaiting { step } => vec![format!("  {step} waits for another run that is doing it")],
            RunEvent::StepRetrying { step, attempt, wait, message } => {
                let again = self.paint.paint(Style::Odd, "again");
                vec![format!("  {step}: try {attempt} failed ({message}), {again} in {}", duration(*wait))]
            }
            RunEvent::StepFinished(finished) => self.finished(finished),
            RunEvent::Warning { message } => vec![self.warning(message)],
            RunEvent::StepStarted { .. }
            | RunEvent::StepOutput { .. }
            | RunEvent::Registered { .. }
            | RunEvent::Finished(_) => Vec::new(),
        }
    }

    /// That an environment is there; not worth a line where it was there before.
    pub fn ready(&mut self, environment: &str, seconds: f64) -> Option<String> {
        self.prepared
            .iter()
            .any(|prepared| prepared == environment)
            .then(|| format!("{} environment {environment} is ready  {}", self.good(), duration(seconds)))
    }

    /// Remembers that an environment is being made.
    pub fn preparing(&mut self, environment: &str) {
        self.prepared.push(environment.to_owned());
    }

    fn good(&self) -> String {
        self.paint.paint(Style::Good, "✓")
    }

    fn warning(&self, message: &str) -> String {
        format!("{}: {message}", self.paint.paint(Style::Odd, "warning"))
    }

    fn finished(&self, finished: &StepFinished) -> Vec<String> {
        let unknown = ("?", Style::Dim, "");
        let known = MARKS.iter().find(|(state, ..)| *state == finished.state);
        let (mark, style, word) = known.map_or(unknown, |(_, mark, style, word)| (mark, *style, word));
        let said = match finished.state {
            StepState::Succeeded | StepState::Cached | StepState::Refused => finished.summary.as_deref(),
            StepState::Skipped => finished.message.as_deref(),
            StepState::Failed | StepState::Cancelled => None,
        };
        let time = if finished.attempts > 0 { duration(finished.seconds) } else { String::new() };
        let word = if word.is_empty() { String::new() } else { self.paint.paint(style, word) };
        let parts = [
            self.title(&finished.title),
            word,
            said.unwrap_or_default().to_owned(),
            self.paint.paint(Style::Dim, time),
        ];
        let shown: Vec<String> = parts.into_iter().filter(|part| crate::text::width_of(part) > 0).collect();
        let mut lines = vec![format!("{} {}", self.paint.paint(style, mark), shown.join("  ")).trim_end().to_owned()];
        lines.extend(finished.warnings.iter().map(|warning| format!("  {}", self.warning(warning))));
        if finished.state == StepState::Failed {
            self.blame(finished, &mut lines);
        }
        lines
    }

    /// Why a step failed: its message, and what it printed last unless the message is all of it.
    fn blame(&self, finished: &StepFinished, lines: &mut Vec<String>) {
        if let Some(message) = &finished.message {
            lines.extend(message.lines().map(|line| format!("  {line}")));
        }
        let told = finished.exit_code == Some(CHECK_FAILED);
        let same = finished.tail.len() == 1 && finished.tail.last() == finished.message.as_ref();
        if !told && !same {
            let from = finished.tail.len().saturating_sub(TAIL);
            let bar = self.paint.paint(Style::Dim, "│");
            lines.extend(finished.tail.iter().skip(from).map(|line| format!("  {bar} {line}")));
        }
        if let Some(log) = &finished.log {
            lines.push(format!("  {} {}", self.paint.paint(Style::Dim, "log:"), shown(log)));
        }
    }
}
