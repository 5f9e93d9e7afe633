//! The tool's own errors: arguments, files, `mlp.toml`, the lock, a run that cannot start. Rendered by miette, which
//! only this file names. Findings about programs are another thing: see [`crate::render`].

use crate::exit::Exit;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt::{self, Display};
use std::ops::Range;
use std::path::Path;

/// What the tool cannot do, and what would help.
#[derive(Debug)]
pub struct ToolError {
    exit: Exit,
    message: String,
    code: Option<&'static str>,
    help: Option<String>,
    place: Option<Box<Place>>,
}

#[derive(Debug)]
struct Place {
    source: NamedSource<String>,
    label: LabeledSpan,
}

impl ToolError {
    /// Wrong usage: an argument, a file, a setting.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), code: None, help: None, place: None }
    }

    /// Nothing more to say: how the process ends after findings were shown.
    #[must_use]
    pub fn told(exit: Exit) -> Self {
        Self::usage("").exit(exit)
    }

    /// A file that cannot be read or written.
    #[must_use]
    pub fn file(action: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self::usage(format!("cannot {action} `{}`: {}", path.display(), in_words(cause)))
    }

    /// Another exit code than that of wrong usage.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The code whose page explains it.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// A way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A way out, where there is one.
    #[must_use]
    pub fn help_opt(mut self, help: Option<impl Into<String>>) -> Self {
        self.help = help.map(Into::into).or(self.help);
        self
    }

    /// Where in a file of settings it is.
    #[must_use]
    pub fn at(mut self, name: &str, text: &str, span: Range<usize>, label: impl Into<String>) -> Self {
        let source = NamedSource::new(name, text.to_owned());
        let label = LabeledSpan::new_primary_with_span(Some(label.into()), span);
        self.place = Some(Box::new(Place { source, label }));
        self
    }

    /// How the process ends.
    #[must_use]
    pub fn exit_code(&self) -> Exit {
        self.exit
    }

    /// For people.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        if self.message.is_empty() {
            return String::new();
        }
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_links(false);
        match handler.render_report(&mut text, self) {
            Ok(()) => text.trim_start_matches('\n').to_owned(),
            // The message alone is better than nothing.
            Err(fmt::Error) => format!("{}\n", self.message),
        }
    }
}

/// The system's words without its number.
fn in_words(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => small(words),
        None => text,
    }
}

/// With a small first letter, as within a sentence.
fn small(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

impl Display for ToolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ToolError {}

impl Diagnostic for ToolError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn Display>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.place.as_ref().map(|place| Box::new(std::iter::once(place.label.clone())) as Box<dyn Iterator<Item = _>>)
    }
}

impl From<mlpc_db::SystemError> for ToolError {
    fn from(error: mlpc_db::SystemError) -> Self {
        let reason = error.reason.split(" (os error").next().unwrap_or_default();
        Self::usage(format!("cannot read `{}`: {}", error.path, small(reason)))
    }
}

impl From<mlpc_native::RunError> for ToolError {
    fn from(error: mlpc_native::RunError) -> Self {
        use mlpc_native::RunError;
        let exit = match &error {
            RunError::MissingFile { .. } | RunError::ChangedFile { .. } => Exit::ProgramErrors,
            RunError::Plan(_) | RunError::Lost => Exit::Internal,
            RunError::RegistryService(_) => Exit::StepFailed,
            _ => Exit::Usage,
        };
        Self::usage(error.to_string()).exit(exit).help_opt(error.help())
    }
}
