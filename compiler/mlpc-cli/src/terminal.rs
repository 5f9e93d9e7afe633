//! The only way to the standard streams: lines in, colours where they are wanted.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Kinds of emphasis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Headings, names.
    Bold,
    /// What matters less.
    Dim,
    /// Success.
    Good,
    /// Trouble.
    Bad,
    /// Warnings.
    Odd,
    /// Code, links.
    Code,
}

impl Style {
    fn codes(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Odd => "1;33",
            Self::Code => "36",
        }
    }
}

/// How one stream shows text.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether it shows colours.
    pub colour: bool,
    /// Whether a person looks at it as it comes.
    pub terminal: bool,
}

impl Paint {
    /// How a stream shows text, by what was chosen and whether it is a terminal.
    #[must_use]
    pub fn new(choice: Colour, terminal: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = match choice {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !dumb && !set("NO_COLOR"),
        };
        Self { colour, terminal: terminal && !dumb }
    }

    /// `text` with emphasis, where the stream shows any.
    #[must_use]
    pub fn paint(self, style: Style, text: impl Display) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", style.codes()) } else { text.to_string() }
    }
}

/// Both streams. A reader that went away is no error; a full disk is, and shows at the end.
#[derive(Debug)]
pub struct Terminal {
    /// How results are shown.
    pub out: Paint,
    /// How progress and trouble are shown.
    pub err: Paint,
    trouble: Option<io::Error>,
}

impl Terminal {
    /// The process' own streams.
    #[must_use]
    pub fn new(choice: Colour) -> Self {
        Self {
            out: Paint::new(choice, io::stdout().is_terminal()),
            err: Paint::new(choice, io::stderr().is_terminal()),
            trouble: None,
        }
    }

    /// A line of result.
    pub fn line(&mut self, text: impl Display) {
        self.print(&format!("{text}\n"));
    }

    /// A piece of result, as it is.
    pub fn print(&mut self, text: &str) {
        let mut stream = io::stdout().lock();
        let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        self.note(written);
    }

    /// A line of progress or trouble.
    pub fn tell(&mut self, text: impl Display) {
        self.print_error(&format!("{text}\n"));
    }

    /// A piece of progress or trouble, as it is.
    pub fn print_error(&mut self, text: &str) {
        let mut stream = io::stderr().lock();
        let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        self.note(written);
    }

    /// What went wrong with writing, if anything did.
    pub fn take_trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.trouble.get_or_insert(error);
        }
    }
}
