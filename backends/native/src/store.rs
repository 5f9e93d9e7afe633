//! Finished steps by identity: `.mlp/store/<first two letters>/<identity>/` holds outputs and `result.json`.
//!
//! A step writes into `store/tmp/<identity>`, whose lock says that a run is at it; renaming that folder is what finishes
//! it. So an entry is whole or absent whenever the process dies. After a power cut an entry may be torn as well, because nothing waits for the disk
//! after each step: such an entry is *unsealed* (the database does not list it with its stamp) and is hashed before it
//! is believed.
//!
//! Nothing is made per step only to be removed again: some file systems are slow to hand out what was just given back.

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
use std::sync::{Mutex, MutexGuard, PoisonError};

/// In the folder of a gate's entry that said no.
const REFUSED: &str = ".refused";

/// The store as one run sees it.
pub(crate) struct Store {
    root: PathBuf,
    temporary: PathBuf,
    run: String,
    seals: HashMap<String, String>,
    verify: bool,
    /// Folders for programs to run in, empty and not in use.
    idle: Mutex<Vec<PathBuf>>,
    counter: AtomicU64,
}

/// What seems to be there for `identity`, at a glance: nothing is hashed.
pub(crate) fn glance(layout: &Layout, identity: &str) -> Stored {
    let folder = place(&layout.store(), identity);
    match StepResult::read(&folder) {
        Err(_) => Stored::Nothing,
        Ok(_) if folder.join(REFUSED).exists() => Stored::Refusal,
        Ok(_) => Stored::Result,
    }
}

/// Where the entry of `identity` is in a store.
pub(crate) fn place(root: &Path, identity: &str) -> PathBuf {
    root.join(identity.get(..2).unwrap_or("__")).join(identity)
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
        let (root, temporary) = (layout.store(), layout.temporary());
        fs::create_dir_all(&temporary)?;
        let (idle, counter) = (Mutex::default(), AtomicU64::new(0));
        Ok(Self { root, temporary, run: run.to_owned(), seals, verify, idle, counter })
    }

    /// Where the entry of `identity` is or will be.
    pub fn folder(&self, identity: &str) -> PathBuf {
        place(&self.root, identity)
    }

    /// The entry of a step that is known to be whole without reading its outputs.
    pub fn sealed(&self, identity: &str, outputs: &Outputs) -> Option<Entry> {
        if self.verify || !self.seals.contains_key(identity) {
            return None;
        }
        self.read(identity, outputs).ok().filter(|entry| entry.seal.is_none())
    }

    /// What the store has for a step; hashes outputs only if they were touched or never sealed.
    pub fn lookup(&self, identity: &str, outputs: &Outputs) -> Lookup {
        let entry = match self.read(identity, outputs) {
            Ok(entry) => entry,
            Err(error) if error.kind() == ErrorKind::NotFound && !self.folder(identity).exists() => {
                return Lookup::Missing;
            }
            Err(_) => return Lookup::Damaged,
        };
        let whole = || tokio::task::block_in_place(|| is_whole(&entry.folder, outputs, &entry.result));
        if (self.verify || entry.seal.is_some()) && !whole() {
            return Lookup::Damaged;
        }
        Lookup::Found(Box::new(entry))
    }

    /// Reads an entry; it needs no sealing if it looks as it did when it was sealed.
    fn read(&self, identity: &str, outputs: &Outputs) -> io::Result<Entry> {
        let folder = self.folder(identity);
        let result = StepResult::read(&folder)?;
        let stamp = entry_stamp(&folder, outputs)?;
        let refused = folder.join(REFUSED).exists();
        let seal = (self.seals.get(identity) != Some(&stamp)).then_some(stamp);
        Ok(Entry { folder, result, refused, seal })
    }

    /// Takes a damaged entry away. Call it with the step's [`Work`] in hand.
    pub fn discard(&self, identity: &str) -> io::Result<()> {
        let aside = self.temporary.join(format!("{identity}.old"));
        remove_folder(&aside)?;
        match fs::rename(self.folder(identity), &aside) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            moved => moved.and_then(|()| remove_folder(&aside)),
        }
    }

    /// The right and the place to do a step, or nothing if another run is doing it.
    pub fn try_begin(&self, identity: &str) -> io::Result<Option<Work>> {
        let folder = self.temporary.join(identity);
        loop {
            let fresh = match fs::create_dir(&folder) {
                // Someone is at it, or was when the machine went down: the lock tells.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                created => created.map(|()| true)?,
            };
            match lock(&folder)? {
                Locked::Ours(lock) => {
                    let current = self.take_current()?;
                    return Ok(Some(Work { folder, current, clean: fresh, finished: false, _lock: lock }));
                }
                Locked::Others => return Ok(None),
                Locked::Moved => {}
            }
        }
    }

    /// Makes what a step wrote the entry of `identity`, replacing what was there.
    pub fn commit(
        &self,
        work: &mut Work,
        identity: &str,
        outputs: &Outputs,
        result: StepResult,
        refused: bool,
    ) -> io::Result<Entry> {
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

    /// Takes back what [`Store::try_begin`] gave out; whatever the program left in its current folder is thrown away.
    pub fn end(&self, work: Work) {
        // A folder that cannot be emptied is left for cleaning and serves no other step.
        if empty_folder(&work.current).is_ok() {
            self.idle().push(work.current.clone());
        }
    }

    fn take_current(&self) -> io::Result<PathBuf> {
        if let Some(folder) = self.idle().pop() {
            return Ok(folder);
        }
        let folder = self.temporary.join(format!("{}-{}", self.run, self.counter.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        for folder in self.idle().drain(..) {
            // What stays is removed when the next run cleans.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// A step in progress: its folder, locked, which is removed unless it was committed.
pub(crate) struct Work {
    folder: PathBuf,
    current: PathBuf,
    /// Nothing was in it yet.
    clean: bool,
    finished: bool,
    _lock: File,
}

impl Work {
    /// Where outputs and `result.json` go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The program's current folder.
    pub fn current(&self) -> &Path {
        &self.current
    }

    /// Empty, but for the folders that outputs lie in.
    pub fn prepare(&mut self, outputs: &Outputs) -> io::Result<()> {
        if !std::mem::take(&mut self.clean) {
            empty_folder(&self.folder)?;
            empty_folder(&self.current)?;
        }
        for output in outputs.values() {
            match Path::new(&output.path).parent() {
                Some(parent) if !parent.as_os_str().is_empty() => fs::create_dir_all(self.folder.join(parent))?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps what a failed step wrote, for people to look at.
    pub fn keep(&mut self, aside: &Path) -> io::Result<()> {
        if fs::read_dir(&self.folder)?.next().is_none() {
            return Ok(());
        }
        fs::create_dir_all(aside.parent().unwrap_or(aside))?;
        fs::rename(&self.folder, aside)?;
        self.finished = true;
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

/// Who holds the lock of a step's folder.
enum Locked {
    Ours(File),
    Others,
    /// The folder was renamed or removed before it was locked, so its lock says nothing.
    Moved,
}

#[cfg(unix)]
fn lock(folder: &Path) -> io::Result<Locked> {
    use std::os::unix::fs::MetadataExt;
    let absent = |error: &io::Error| error.kind() == ErrorKind::NotFound;
    let file = match File::open(folder) {
        Err(error) if absent(&error) => return Ok(Locked::Moved),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Locked::Others),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    match fs::metadata(folder) {
        Ok(now) if now.ino() == file.metadata()?.ino() => Ok(Locked::Ours(file)),
        Err(error) if !absent(&error) => Err(error),
        _ => Ok(Locked::Moved),
    }
}

/// Elsewhere folders cannot be locked, and [`crate::cleanup`] lets one run in at a time.
#[cfg(not(unix))]
fn lock(folder: &Path) -> io::Result<Locked> {
    File::open(folder.join("..").join("..").join("..").join("lock")).map(Locked::Ours)
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn empty_folder(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
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
