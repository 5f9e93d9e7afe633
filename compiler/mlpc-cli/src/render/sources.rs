//! The database's texts, as codespan-reporting and JSON need them.

use crate::project::Session;
use codespan_reporting::files::{Error, Files};
use mlpc_diagnostics::{FileId, FileSpan};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;

/// Texts with their names and lines.
pub struct Sources<'a> {
    session: &'a Session,
    files: BTreeMap<FileId, Source<'a>>,
}

struct Source<'a> {
    path: &'a str,
    text: &'a str,
    /// Offsets at which lines start; most files are never pointed into.
    starts: OnceCell<Vec<usize>>,
}

/// A place for programs.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In bytes, from 0.
    pub offset: usize,
}

impl<'a> Sources<'a> {
    /// All files of the session.
    #[must_use]
    pub fn new(session: &'a Session) -> Self {
        let db = &session.db;
        let source = |file: mlpc_db::SourceFile| {
            let source = Source { path: file.path(db), text: file.text(db), starts: OnceCell::new() };
            (file.id(db), source)
        };
        Self { session, files: session.files().map(source).collect() }
    }

    /// The name of a file, for people.
    #[must_use]
    pub fn shown(&self, file: FileId) -> String {
        self.files.get(&file).map_or_else(|| "?".to_owned(), |source| self.session.shown(source.path))
    }

    /// The bytes of a place, within the text and between characters.
    #[must_use]
    pub fn range(&self, place: FileSpan) -> Range<usize> {
        let text = self.files.get(&place.file).map_or("", |source| source.text);
        let range = place.span.range();
        let start = boundary(text, range.start);
        start..boundary(text, range.end).max(start)
    }

    /// Line and column of an offset.
    #[must_use]
    pub fn position(&self, file: FileId, offset: usize) -> Position {
        match self.location(file, offset) {
            Ok(location) => Position { line: location.line_number, column: location.column_number, offset },
            Err(_) => Position { line: 1, column: 1, offset },
        }
    }

    fn source_of(&self, file: FileId) -> Result<&Source<'a>, Error> {
        self.files.get(&file).ok_or(Error::FileMissing)
    }
}

/// The last place between two characters at or before `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    (0..=end).rev().find(|offset| text.is_char_boundary(*offset)).unwrap_or(0)
}

impl Source<'_> {
    fn starts(&self) -> &[usize] {
        self.starts.get_or_init(|| codespan_reporting::files::line_starts(self.text).collect())
    }
}

impl<'a> Files<'a> for Sources<'_> {
    type FileId = FileId;
    type Name = String;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<String, Error> {
        self.source_of(id)?;
        Ok(self.shown(id))
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(self.source_of(id)?.text)
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, Error> {
        Ok(self.source_of(id)?.starts().partition_point(|start| *start <= byte_index).saturating_sub(1))
    }

    fn line_range(&'a self, id: FileId, line_index: usize) -> Result<Range<usize>, Error> {
        let source = self.source_of(id)?;
        let starts = source.starts();
        let too_large = || Error::LineTooLarge { given: line_index, max: starts.len().saturating_sub(1) };
        let start = *starts.get(line_index).ok_or_else(too_large)?;
        Ok(start..starts.get(line_index + 1).copied().unwrap_or(source.text.len()))
    }
}
