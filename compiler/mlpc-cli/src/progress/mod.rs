//! What a run looks like while it goes on. Reporters read the run's public events, nothing else.

mod bars;
mod lines;

use crate::json;
use crate::terminal::Terminal;
use bars::Bars;
use lines::Lines;
use mlpc_native::RunEvent;

/// How a run is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Shows events as they come.
pub enum Reporter {
    /// Moving lines for a person at a terminal.
    Bars(Bars),
    /// One line for each step that is over.
    Lines(Lines),
    /// The events themselves.
    Json,
}

impl Reporter {
    /// The reporter that suits the format and the terminal.
    #[must_use]
    pub fn new(format: Format, terminal: &Terminal) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Text if terminal.err.terminal => Self::Bars(Bars::new(terminal.err)),
            Format::Text => Self::Lines(Lines::new(terminal.err)),
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &RunEvent, terminal: &mut Terminal) {
        match self {
            Self::Bars(bars) => bars.show(event),
            Self::Lines(lines) => lines.show(event).into_iter().for_each(|line| terminal.tell(line)),
            Self::Json => terminal.print(&json::line(event)),
        }
    }
}

/// Something slow before or outside a run: one moving line on a terminal, plain lines elsewhere.
pub struct Waiting {
    spinner: Option<indicatif::ProgressBar>,
    last: String,
}

impl Waiting {
    /// Nothing shows until there is something to say.
    #[must_use]
    pub fn new() -> Self {
        Self { spinner: None, last: String::new() }
    }

    /// Says what is going on now.
    pub fn tell(&mut self, message: &str, terminal: &mut Terminal) {
        if message == self.last {
            return;
        }
        message.clone_into(&mut self.last);
        if terminal.err.terminal {
            let spinner = self.spinner.get_or_insert_with(bars::spinner);
            spinner.set_message(message.to_owned());
        } else {
            terminal.tell(format_args!("  {message}"));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}
