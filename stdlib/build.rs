//! Writes the table of embedded files: every declaration and every module of the runtime, in the order of their paths.
//! A file that is added to one of the folders is embedded without a line changed anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folder, ending of the files taken from it, what their paths begin with.
type Source = (&'static str, &'static str, &'static str);

const DECLARATIONS: &[Source] = &[("std", "mlp", "std"), ("trainers", "mlp", "trainers")];
const RUNTIME: &[Source] = &[("runtime/mlp_runtime", "py", "mlp_runtime")];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("not run by cargo"))?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("not run by cargo"))?);
    let mut table = String::new();
    write_table(&mut table, "DECLARATIONS", &root, DECLARATIONS)?;
    write_table(&mut table, "RUNTIME", &root, RUNTIME)?;
    println!("cargo::rerun-if-changed=build.rs");
    fs::write(out.join("files.rs"), table)
}

/// `const NAME: &[SourceText]` over the files of the folders.
fn write_table(table: &mut String, name: &str, root: &Path, sources: &[Source]) -> io::Result<()> {
    let mut rows = String::new();
    for (folder, ending, prefix) in sources {
        // The folder itself, so that a new file is noticed; cargo looks at the files in it too.
        println!("cargo::rerun-if-changed={folder}");
        for file in files(&root.join(folder), ending)? {
            let text = root.join(folder).join(&file);
            writeln!(
                rows,
                "    SourceText {{ path: {:?}, text: include_str!({text:?}) }},",
                format!("{prefix}/{file}")
            )
            .map_err(io::Error::other)?;
        }
    }
    writeln!(table, "const {name}: &[SourceText] = &[\n{rows}];").map_err(io::Error::other)
}

/// The names of a folder's files with that ending, sorted.
fn files(folder: &Path, ending: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == ending)
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
