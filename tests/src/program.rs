//! Checks whole programs in memory.

use mlpc_db::{Database, MemorySystem, Project, SourceFile};
use mlpc_diagnostics::{Diagnostic, FileSpan};

/// The root of a program of one file.
pub const MAIN: &str = "main.mlp";

/// A checked program.
pub struct Checked {
    /// The database that checked it.
    pub db: Database,
    /// What was compiled.
    pub project: Project,
    /// What was found, in the order in which it is shown.
    pub findings: Vec<Diagnostic>,
}

/// Checks a program of one file. It has the files of the examples beside it, so that what they name exists.
#[must_use]
pub fn check(text: &str) -> Checked {
    check_files(&[(MAIN, text)])
}

/// Checks a program; the first file is its root.
#[must_use]
pub fn check_files(files: &[(&str, &str)]) -> Checked {
    check_in(Database::default(), files)
}

/// Checks a program in a database that may have checked others before.
#[must_use]
pub fn check_in(mut db: Database, files: &[(&str, &str)]) -> Checked {
    let system = system(files);
    let root = files.first().map_or(MAIN, |(path, _)| path);
    let project = mlpc_hir::load(&mut db, &system, root, None).expect("the root is in memory");
    let findings = mlpc_hir::check_project(&db, project);
    Checked { db, project, findings }
}

/// Files in memory.
#[must_use]
pub fn system(files: &[(&str, &str)]) -> MemorySystem {
    let loader = "def main(*, table):\n    pass\n";
    let start = MemorySystem::default().with("loader.py", loader);
    files.iter().fold(start, |system, (path, text)| system.with(path, *text))
}

impl Checked {
    /// The files of the program, the root first.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        self.project.files(&self.db)
    }

    /// The text at a place.
    #[must_use]
    pub fn text(&self, place: &FileSpan) -> &str {
        self.source(place).get(place.span.range()).unwrap_or("<outside>")
    }

    /// The path and line, from 1, of a place.
    #[must_use]
    pub fn line(&self, place: &FileSpan) -> (&str, usize) {
        let path =
            self.files().iter().find(|file| file.id(&self.db) == place.file).map_or("?", |file| file.path(&self.db));
        let before = self.source(place).get(..place.span.start as usize).unwrap_or_default();
        (path, before.matches('\n').count() + 1)
    }

    /// One line for each finding: `7: error[unknown_column] "text" message`.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        self.findings
            .iter()
            .map(|finding| {
                let place = finding.primary();
                let text = place.map_or("", |place| self.text(place));
                let line = place.map_or(0, |place| self.line(place).1);
                format!("{line}: {:?}[{}] {text:?} {}", finding.severity, finding.code.name, finding.message)
            })
            .collect()
    }

    fn source(&self, place: &FileSpan) -> &str {
        self.files().iter().find(|file| file.id(&self.db) == place.file).map_or("", |file| &**file.text(&self.db))
    }
}
