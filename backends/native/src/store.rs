//! Finished steps by identity: `.mlp/store/<first two letters>/<identity>/` holds outputs and `result.json`.
//!
//! A step writes into a folder below `store/tmp`; renaming that folder is what finishes it. So an entry is whole or
//! absent whenever the process dies. After a power cut an entry may be torn as well, because nothing waits for the disk
//! after each step: such an entry is *unsealed* (the database does not list it with its stamp) and is hashed before it
//! is believed.

use crate::Layout;
use crate::digest::{digest, stamp};
use crate::preview::Stored;
use crate::result::StepResult;
use indexmap::IndexMap;
use mlpc_plan::plan::Output;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// In the folder of a gate's entry that said no.
const REFUSED: &str = ".refused";
/// The step's current folder, below its output folder while it runs.
const WORK: &str = ".work";

/// The store as one run sees it.
pub(crate) struct Store {
    root: PathBuf,
    temporary: PathBuf,
    locks: PathBuf,
    run: String,
    seals: HashMap<String, String>,
    verify: bool,
    counter: AtomicU64,
}

/// What seems to be there for `identity`, at a glance: nothing is hashed.
pub(crate) fn glance(layout: &Layout, identity: &str) -> Stored {
    let folder = layout.store().join(identity.get(..2).unwrap_or("__")).join(identity);
    match StepResult::read(&folder) {
        Err(_) => Stored::Nothing,
        Ok(_) if folder.join(REFUSED).exists() => Stored::Refusal,
        Ok(_) => Stored::Result,
    }
}

/// A finished step.
pub(crate) struct Entry {
    pub folder: PathBuf,
    pub result: StepResult,
    pub refused: bool,
    /// Its stamp, if the database does not have it yet.
    pub seal: Option<String>,
}

/// What the store has under an identity.
pub(crate) enum Lookup {
    Found(Box<Entry>),
    Missing,
    /// Something is there, but not what the step wrote.
    Damaged,
}

type Outputs = IndexMap<String, Output>;

impl Store {
    /// `seals` are the stamps of entries known to be on disk; with `verify` none is trusted.
    pub fn new(layout: &Layout, run: &str, seals: HashMap<String, String>, verify: bool) -> io::Result<Self> {
        let store = Self {
            root: layout.store(),
            temporary: layout.temporary(),
            locks: layout.step_locks(),
            run: run.to_owned(),
            seals,
            verify,
            counter: AtomicU64::new(0),
        };
        fs::create_dir_all(&store.temporary)?;
        fs::create_dir_all(&store.locks)?;
        Ok(store)
    }

    /// Where the entry of `identity` is or will be.
    pub fn folder(&self, identity: &str) -> PathBuf {
        self.root.join(identity.get(..2).unwrap_or("__")).join(identity)
    }

    /// What the store has for a step; hashes outputs only if they were touched or never sealed.
    pub fn lookup(&self, identity: &str, outputs: &Outputs) -> Lookup {
        let folder = self.folder(identity);
        let result = match StepResult::read(&folder) {
            Ok(result) => result,
            Err(error) if error.kind() == ErrorKind::NotFound && !folder.exists() => return Lookup::Missing,
            Err(_) => return Lookup::Damaged,
        };
        let Ok(stamp) = entry_stamp(&folder, outputs) else { return Lookup::Damaged };
        let sealed = self.seals.get(identity) == Some(&stamp);
        if (self.verify || !sealed) && !is_whole(&folder, outputs, &result) {
            return Lookup::Damaged;
        }
        let refused = folder.join(REFUSED).exists();
        let seal = (!sealed).then_some(stamp);
        Lookup::Found(Box::new(Entry { folder, result, refused, seal }))
    }

    /// Takes a damaged entry away. Call it with the step's lock held.
    pub fn discard(&self, identity: &str) -> io::Result<()> {
        let aside = self.fresh();
        match fs::rename(self.folder(identity), &aside) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            moved => moved.and_then(|()| fs::remove_dir_all(&aside)),
        }
    }

    /// A new folder for a step to write into.
    pub fn begin(&self, outputs: &Outputs) -> io::Result<Work> {
        let work = Work { folder: self.fresh(), finished: false };
        work.create(outputs)?;
        Ok(work)
    }

    /// Makes what a step wrote the entry of `identity`, replacing what was there.
    pub fn commit(
        &self,
        mut work: Work,
        identity: &str,
        outputs: &Outputs,
        result: StepResult,
        refused: bool,
    ) -> io::Result<Entry> {
        remove_folder(&work.current())?;
        if refused {
            File::create(work.folder.join(REFUSED))?;
        }
        let seal = Some(entry_stamp(&work.folder, outputs)?);
        let folder = self.folder(identity);
        match fs::rename(&work.folder, &folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(folder.parent().unwrap_or(&self.root))?;
                fs::rename(&work.folder, &folder)?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
                self.discard(identity)?;
                fs::rename(&work.folder, &folder)?;
            }
            Err(error) => return Err(error),
        }
        work.finished = true;
        Ok(Entry { folder, result, refused, seal })
    }

    /// The lock of a step that is about to run, or nothing if another run holds it.
    pub fn try_lock(&self, identity: &str) -> io::Result<Option<StepLock>> {
        let path = self.locks.join(identity);
        loop {
            let file = File::create(&path)?;
            match file.try_lock() {
                // The holder removes the file before it lets go, so the lock of a removed file protects nothing.
                Ok(()) if is_removed(&file)? => {}
                Ok(()) => return Ok(Some(StepLock { path, file })),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    fn fresh(&self) -> PathBuf {
        self.temporary.join(format!("{}-{}", self.run, self.counter.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Held while a step runs, so that two runs never do the same step at once.
pub(crate) struct StepLock {
    path: PathBuf,
    file: File,
}

impl Drop for StepLock {
    fn drop(&mut self) {
        // A file that stays is only clutter: cleaning removes it.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// The folder of a step in progress, removed unless it was committed.
pub(crate) struct Work {
    folder: PathBuf,
    finished: bool,
}

impl Work {
    /// Where outputs and `result.json` go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The program's current folder; what it leaves there is thrown away.
    pub fn current(&self) -> PathBuf {
        self.folder.join(WORK)
    }

    /// Empty again, for another try.
    pub fn reset(&self, outputs: &Outputs) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)?;
        self.create(outputs)
    }

    /// Keeps what a failed step wrote, for people to look at.
    pub fn keep(mut self, aside: &Path) -> io::Result<()> {
        remove_folder(&self.current())?;
        if fs::read_dir(&self.folder)?.next().is_none() {
            return Ok(());
        }
        fs::create_dir_all(aside.parent().unwrap_or(aside))?;
        fs::rename(&self.folder, aside)?;
        self.finished = true;
        Ok(())
    }

    fn create(&self, outputs: &Outputs) -> io::Result<()> {
        fs::create_dir(&self.folder)?;
        fs::create_dir(self.current())?;
        for output in outputs.values() {
            match Path::new(&output.path).parent() {
                Some(parent) if !parent.as_os_str().is_empty() => fs::create_dir_all(self.folder.join(parent))?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.finished {
            // What stays is removed when the next run cleans.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Most programs leave their current folder empty, and then one call is enough.
fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(folder),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn entry_stamp(folder: &Path, outputs: &Outputs) -> io::Result<String> {
    let mut stamps = Vec::with_capacity(outputs.len());
    for output in outputs.values() {
        stamps.push(stamp(&folder.join(&output.path))?);
    }
    Ok(stamps.join(" "))
}

fn is_whole(folder: &Path, outputs: &Outputs, result: &StepResult) -> bool {
    outputs.iter().all(|(name, output)| {
        let recorded = result.outputs.get(name).map(|record| record.sha256.as_str());
        recorded.is_some() && digest(&folder.join(&output.path)).ok().as_deref() == recorded
    })
}

#[cfg(unix)]
fn is_removed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_removed(_file: &File) -> io::Result<bool> {
    Ok(false)
}
