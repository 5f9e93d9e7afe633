//! The concrete database.

use crate::queries::{Block, Db, Project, SourceFile, blocks};
use mlpc_diagnostics::FileId;
use salsa::{Durability, Setter};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// So many blocks take longer than it takes to start a thread for them.
const WORTH_A_THREAD: usize = 64;

/// What the database did: the names of the queries that ran.
pub type Event = String;

/// Holds inputs and every memoised result. A clone is a handle for another thread.
#[salsa::db]
#[derive(Clone)]
pub struct Database {
    storage: salsa::Storage<Self>,
    ran: Arc<Mutex<Option<Vec<Event>>>>,
    files: Arc<Mutex<BTreeMap<String, SourceFile>>>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {}

impl Default for Database {
    fn default() -> Self {
        let ran: Arc<Mutex<Option<Vec<Event>>>> = Arc::default();
        let log = Arc::clone(&ran);
        let storage = salsa::Storage::new(Some(Box::new(move |event: salsa::Event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind
                && let Some(log) = log.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            {
                log.push(format!("{database_key:?}"));
            }
        })));
        Self { storage, ran, files: Arc::default() }
    }
}

impl Database {
    /// Sets the text of a file, which is created at first. Nothing is invalidated if the text is the same.
    pub fn set_file(&mut self, path: &str, text: &str) -> SourceFile {
        self.put(path, text, Durability::LOW)
    }

    /// Sets the text of a file that never changes while the program runs.
    pub fn set_library_file(&mut self, path: &str, text: &str) -> SourceFile {
        self.put(path, text, Durability::HIGH)
    }

    /// The file at `path`, if it was ever set.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<SourceFile> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied()
    }

    /// Sets what is compiled together.
    pub fn set_project(
        &mut self,
        files: Vec<SourceFile>,
        imports: BTreeMap<String, SourceFile>,
        library: Vec<SourceFile>,
        profile: Option<String>,
        code: BTreeMap<String, Option<String>>,
    ) -> Project {
        let Some(project) = Project::try_get(self) else {
            return Project::builder(files, imports, library, profile, BTreeMap::new(), None, code)
                .library_durability(Durability::HIGH)
                .new(self);
        };
        if *project.files(self) != files {
            project.set_files(self).to(files);
        }
        if *project.imports(self) != imports {
            project.set_imports(self).to(imports);
        }
        if *project.library(self) != library {
            project.set_library(self).with_durability(Durability::HIGH).to(library);
        }
        if *project.profile(self) != profile {
            project.set_profile(self).to(profile);
        }
        if *project.code(self) != code {
            project.set_code(self).to(code);
        }
        project
    }

    /// Sets the values of params for this run.
    pub fn set_params(&mut self, project: Project, params: BTreeMap<String, String>) {
        if *project.params(self) != params {
            project.set_params(self).to(params);
        }
    }

    /// Sets what `scheduled_date` is.
    pub fn set_scheduled(&mut self, project: Project, day: Option<String>) {
        if *project.scheduled(self) != day {
            project.set_scheduled(self).to(day);
        }
    }

    /// Sets the text of a file, as an editor does before it is stored.
    pub fn set_text(&mut self, file: SourceFile, text: &str) {
        file.set_text(self).with_durability(Durability::LOW).to(Arc::from(text));
    }

    /// Does work for each block of some files, shared among the processors, for the sake of what is memoised: whoever asks
    /// for it later finds it. Does nothing where that is not worth the threads.
    pub fn ahead(&self, files: &[SourceFile], work: impl Fn(&Self, Block<'_>) + Sync) {
        let count: usize = files.iter().map(|file| blocks(self, *file).len()).sum();
        let workers = thread::available_parallelism().map_or(1, NonZero::get).min(count / WORTH_A_THREAD);
        if workers < 2 {
            return;
        }
        thread::scope(|scope| {
            for worker in 0..workers {
                let (db, work) = (self.clone(), &work);
                scope.spawn(move || {
                    let all = files.iter().flat_map(|file| blocks(&db, *file));
                    all.skip(worker).step_by(workers).for_each(|block| work(&db, *block));
                });
            }
        });
    }

    /// Starts recording which queries run.
    pub fn record(&self) {
        *self.ran.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// What ran since [`Self::record`].
    #[must_use]
    pub fn recorded(&self) -> Vec<Event> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    fn put(&mut self, path: &str, text: &str, durability: Durability) -> SourceFile {
        if let Some(file) = self.file(path) {
            if &**file.text(self) != text {
                file.set_text(self).with_durability(durability).to(Arc::from(text));
            }
            return file;
        }
        let id = self.files.lock().unwrap_or_else(PoisonError::into_inner).len();
        let file = SourceFile::builder(FileId(u32::try_from(id).unwrap_or(u32::MAX)), path.to_owned(), Arc::from(text))
            .durability(durability)
            .path_durability(Durability::HIGH)
            .id_durability(Durability::HIGH)
            .new(self);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), file);
        file
    }
}
