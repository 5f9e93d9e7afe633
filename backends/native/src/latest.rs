//! `.mlp/latest/<pipeline>/<name>`: the newest final artifacts under names that stay.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Points `folder/<name>` at `target`, which is in the store; a file keeps its ending (`report.html`).
pub(crate) fn publish(folder: &Path, name: &str, target: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let file = crate::layout::file_name(name);
    let file = match target.extension() {
        Some(extension) if target.is_file() => format!("{file}.{}", extension.to_string_lossy()),
        _ => file,
    };
    let path = folder.join(&file);
    if fs::read_link(&path).is_ok_and(|present| folder.join(present) == folder.join(relative(folder, target))) {
        return Ok(path);
    }
    let fresh = folder.join(format!(".{file}.{}", std::process::id()));
    link(&relative(folder, target), target, &fresh)?;
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(&path)?;
    }
    fs::rename(&fresh, &path)?;
    Ok(path)
}

/// `target` as seen from `folder`, so that the project can be moved as a whole.
fn relative(folder: &Path, target: &Path) -> PathBuf {
    let common = folder.components().zip(target.components()).take_while(|(left, right)| left == right).count();
    let up = folder.components().skip(common).map(|_| Path::new(".."));
    up.chain(target.components().skip(common).map(|part| Path::new(part.as_os_str()))).collect()
}

#[cfg(unix)]
fn link(relative: &Path, _target: &Path, fresh: &Path) -> io::Result<()> {
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(relative, fresh)
}

/// Links need rights there that most users lack.
#[cfg(not(unix))]
fn link(_relative: &Path, target: &Path, fresh: &Path) -> io::Result<()> {
    crate::registry::copy(target, fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_up_to_the_common_folder() {
        assert_eq!(
            relative(Path::new("/p/.mlp/latest/a"), Path::new("/p/.mlp/store/ab/cd/model")),
            Path::new("../../store/ab/cd/model")
        );
    }
}
