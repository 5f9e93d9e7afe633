//! A finding: what, where, why, and how to mend it.

use crate::{Code, FileSpan, Span};
use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Style.
    Note,
    /// Likely wrong.
    Warning,
    /// Invalid: nothing is built.
    Error,
}

/// A finding about a program. `P` is a position: absolute ([`FileSpan`]) at the edges, relative to a block within.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic<P = FileSpan> {
    /// What kind of finding.
    pub code: &'static Code,
    /// How bad; at first the code's own level.
    pub severity: Severity,
    /// One line, no full stop, names in backticks.
    pub message: String,
    /// Places, the primary one first.
    pub labels: Vec<Label<P>>,
    /// Facts that explain.
    pub notes: Vec<String>,
    /// Ways out.
    pub help: Vec<String>,
    /// Edits that mend it.
    pub fixes: Vec<Fix<P>>,
    /// The name that an `allow` covers, where that is not the text at the primary place.
    #[serde(skip)]
    pub subject: Option<String>,
}

/// A place with a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label<P = FileSpan> {
    /// Where.
    pub place: P,
    /// What is there; may be empty.
    pub text: String,
    /// The place that the finding is about.
    pub primary: bool,
}

/// How sure a fix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// Keeps the meaning that was surely meant; `check --fix` applies it.
    Safe,
    /// May change meaning; a person decides.
    Unsafe,
}

/// A named set of edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix<P = FileSpan> {
    /// What it does, as an imperative.
    pub title: String,
    /// How sure it is.
    pub applicability: Applicability,
    /// Replacements, none overlapping.
    pub edits: Vec<Edit<P>>,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit<P = FileSpan> {
    /// What is replaced; an empty span inserts.
    pub place: P,
    /// The new text.
    pub text: String,
}

impl<P> Diagnostic<P> {
    /// A finding at `place`.
    pub fn new(code: &'static Code, message: impl Into<String>, place: impl Into<P>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            labels: vec![Label { place: place.into(), text: String::new(), primary: true }],
            notes: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
            subject: None,
        }
    }

    /// Names what an `allow` covers.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Words for the primary place.
    #[must_use]
    pub fn here(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// A further place.
    #[must_use]
    pub fn label(mut self, place: impl Into<P>, text: impl Into<String>) -> Self {
        self.labels.push(Label { place: place.into(), text: text.into(), primary: false });
        self
    }

    /// A fact that explains.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// A way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// A way out, where there is one.
    #[must_use]
    pub fn help_opt(mut self, text: Option<String>) -> Self {
        self.help.extend(text);
        self
    }

    /// An edit that mends it: replace `place` by `text`.
    #[must_use]
    pub fn fix(
        mut self,
        applicability: Applicability,
        title: impl Into<String>,
        place: impl Into<P>,
        text: impl Into<String>,
    ) -> Self {
        self.fixes.push(Fix {
            title: title.into(),
            applicability,
            edits: vec![Edit { place: place.into(), text: text.into() }],
        });
        self
    }

    /// The same finding with each place translated.
    pub fn map_places<Q>(self, mut map: impl FnMut(P) -> Q) -> Diagnostic<Q> {
        Diagnostic {
            code: self.code,
            subject: self.subject,
            severity: self.severity,
            message: self.message,
            labels: self
                .labels
                .into_iter()
                .map(|label| Label { place: map(label.place), text: label.text, primary: label.primary })
                .collect(),
            notes: self.notes,
            help: self.help,
            fixes: self
                .fixes
                .into_iter()
                .map(|fix| Fix {
                    title: fix.title,
                    applicability: fix.applicability,
                    edits: fix.edits.into_iter().map(|edit| Edit { place: map(edit.place), text: edit.text }).collect(),
                })
                .collect(),
        }
    }

    /// The primary place.
    pub fn primary(&self) -> Option<&P> {
        self.labels.iter().find(|label| label.primary).map(|label| &label.place)
    }
}

impl Diagnostic<FileSpan> {
    /// Order for printing: by file, position, code.
    #[must_use]
    pub fn sort_key(&self) -> (u32, Span, &'static str, String) {
        let (file, span) = self.primary().map_or((u32::MAX, Span::default()), |place| (place.file.0, place.span));
        (file, span, self.code.id, self.message.clone())
    }
}
