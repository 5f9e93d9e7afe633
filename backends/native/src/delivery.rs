//! Puts a result where the program wants it: whole or not at all, and only if it differs from what is there.

use crate::digest::file_digest;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes `target` a copy of `source`.
pub(crate) fn put(source: &Path, target: &Path) -> io::Result<()> {
    if target.is_file() && file_digest(target)? == file_digest(source)? {
        return Ok(());
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fresh = folder.join(format!(".{name}.{}", std::process::id()));
    fs::copy(source, &fresh)?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_replaces_what_was_there_and_is_left_alone_if_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("made"), folder.path().join("out/there"));
        fs::write(&source, "one").unwrap();
        put(&source, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "one");
        let before = fs::metadata(&target).unwrap().modified().unwrap();
        put(&source, &target).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().modified().unwrap(), before);
        fs::write(&source, "two").unwrap();
        put(&source, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
    }
}
