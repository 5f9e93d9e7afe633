//! A run on a terminal: a moving line for each running step; finished ones scroll up.

use super::lines::Lines;
use crate::terminal::Paint;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mlpc_native::RunEvent;
use std::collections::BTreeMap;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(100);

/// Moving lines.
pub struct Bars {
    all: MultiProgress,
    running: BTreeMap<String, ProgressBar>,
    lines: Lines,
}

impl Bars {
    /// For the terminal.
    #[must_use]
    pub fn new(paint: Paint) -> Self {
        Self { all: MultiProgress::new(), running: BTreeMap::new(), lines: Lines::new(paint) }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &RunEvent) {
        match event {
            RunEvent::StepStarted { step, title, attempt, .. } => {
                let title = self.lines.title(title);
                let bar = self.running.entry(step.clone()).or_insert_with(|| self.all.add(spinner()));
                bar.set_prefix(title);
                bar.set_message(if *attempt > 1 { format!("try {attempt}") } else { String::new() });
            }
            RunEvent::StepWaiting { step } => {
                let bar = self.running.entry(step.clone()).or_insert_with(|| self.all.add(spinner()));
                bar.set_prefix(step.clone());
                bar.set_message("another run is doing this");
            }
            RunEvent::EnvironmentPreparing { environment, message } => {
                self.lines.preparing(environment);
                let key = environment_key(environment);
                let bar = self.running.entry(key).or_insert_with(|| self.all.add(spinner()));
                bar.set_prefix(format!("environment {environment}"));
                bar.set_message(message.clone());
            }
            RunEvent::EnvironmentReady { environment, .. } => {
                self.remove(&environment_key(environment));
                self.scroll(event);
            }
            RunEvent::StepFinished(finished) => {
                self.remove(&finished.step);
                self.scroll(event);
            }
            RunEvent::Finished(_) => self.running.values().for_each(ProgressBar::finish_and_clear),
            _ => self.scroll(event),
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(bar) = self.running.remove(key) {
            bar.finish_and_clear();
        }
    }

    fn scroll(&mut self, event: &RunEvent) {
        for line in self.lines.show(event) {
            // A terminal that went away needs no lines.
            let _ = self.all.println(line);
        }
    }
}

/// No step has this name: names of steps hold no blank.
fn environment_key(environment: &str) -> String {
    format!("environment {environment}")
}

/// A line that moves and counts its time.
pub fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner:.cyan} {prefix}  {elapsed:.dim}  {msg:.dim}");
    let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(TICK);
    bar
}
