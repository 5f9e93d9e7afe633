//! What is embedded is what stands in the folders, under the right paths.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use mlpc_stdlib::{SourceText, declarations, digest, runtime, version};

/// Path and text of every file in a folder with that ending.
fn on_disk(folder: &str, ending: &str, prefix: &str) -> io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))? {
        let path = entry?.path();
        // Folders are not searched, so none may hold anything but compiled Python.
        assert!(!path.is_dir() || path.ends_with("__pycache__"), "{} is not embedded", path.display());
        if path.extension().is_some_and(|found| found == ending) {
            let name = path.file_name().ok_or_else(|| io::Error::other("a file without a name"))?;
            found.insert(format!("{prefix}/{}", name.to_string_lossy()), fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

fn embedded(files: &[SourceText]) -> BTreeMap<String, String> {
    files.iter().map(|file| (file.path.to_owned(), file.text.to_owned())).collect()
}

#[test]
fn every_declaration_is_embedded() -> io::Result<()> {
    let mut wanted = on_disk("std", "mlp", "std")?;
    wanted.extend(on_disk("trainers", "mlp", "trainers")?);
    assert!(wanted.contains_key("std/math.mlp"));
    assert!(wanted.contains_key("trainers/random_forest.mlp"));
    assert_eq!(embedded(declarations()), wanted);
    Ok(())
}

#[test]
fn every_runtime_module_is_embedded() -> io::Result<()> {
    let wanted = on_disk("runtime/mlp_runtime", "py", "mlp_runtime")?;
    assert!(wanted.contains_key("mlp_runtime/metrics.py"));
    assert_eq!(embedded(runtime()), wanted);
    Ok(())
}

#[test]
fn paths_are_sorted_and_unique() {
    for files in [declarations(), runtime()] {
        assert!(files.windows(2).all(|pair| pair[0].path < pair[1].path));
    }
}

#[test]
fn digest_is_stable_and_hexadecimal() {
    let found = digest();
    assert_eq!(found, digest());
    assert_eq!(found.len(), 64);
    assert!(found.chars().all(|digit| digit.is_ascii_hexdigit()));
}

#[test]
fn version_is_the_packages() {
    assert_eq!(version().split('.').count(), 3);
}
