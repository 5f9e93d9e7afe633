//! Digests of files and folders, as `result.json` records them.
//!
//! A folder's digest is the SHA-256 of one line `<path>\0<sha256>\n` per file, sorted, paths relative with `/`; the Python
//! runtime computes the same.

use mlpc_plan::identity::{hex, sha256_hex};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Read at once.
const BLOCK: usize = 1 << 20;

/// Digest of a file or folder.
pub fn digest(path: &Path) -> io::Result<String> {
    if path.is_dir() { folder_digest(path) } else { file_digest(path) }
}

/// SHA-256 of a file's bytes.
pub fn file_digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(BLOCK);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; size.clamp(1, BLOCK)];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => hasher.update(bytes),
            _ => return Ok(hex(&hasher.finalize())),
        }
    }
}

/// SHA-256 over the sorted paths and digests of a folder's files.
pub fn folder_digest(folder: &Path) -> io::Result<String> {
    let mut lines = String::new();
    for (name, path) in files_below(folder)? {
        lines.push_str(&format!("{name}\0{}\n", file_digest(&path)?));
    }
    Ok(sha256_hex(lines.as_bytes()))
}

/// Every file below `folder`, by its path relative to it, sorted.
pub fn files_below(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    collect(folder, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), found)?;
        } else if entry.path().is_file() {
            found.push((name, entry.path()));
        }
    }
    Ok(())
}

/// Size and time of a file, or of all files of a folder: changes when the content was touched, without reading it.
pub fn stamp(path: &Path) -> io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_dir() {
        return Ok(file_stamp(&metadata));
    }
    let mut lines = String::new();
    for (name, path) in files_below(path)? {
        lines.push_str(&format!("{} {name}\n", file_stamp(&std::fs::metadata(path)?)));
    }
    Ok(sha256_hex(lines.as_bytes()))
}

fn file_stamp(metadata: &std::fs::Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{}:{}", metadata.len(), modified.map_or(0, |time| time.as_nanos()))
}
