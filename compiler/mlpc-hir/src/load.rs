//! Reads a program into the database: its file, what it imports, the standard library, and the Python files that it
//! names. The only place of the analysis that reads files, and it does so through [`System`].

use crate::consts::literal;
use crate::library::{body, setting, text};
use crate::names::{imports, join_path};
use crate::python::possible_imports;
use crate::typed::Const;
use mlpc_db::{Database, Project, SourceFile, System, SystemError, blocks, parse_block};
use mlpc_syntax::ast::ExprKind;
use std::collections::BTreeMap;

/// Loads the program at `path`, relative to the system's root. Loading again after files changed updates the same
/// database, and only what depends on the changes is computed anew.
///
/// # Errors
/// If the program's own file cannot be read. An import that cannot be read is a finding of the check.
pub fn load(db: &mut Database, system: &dyn System, path: &str, profile: Option<&str>) -> Result<Project, SystemError> {
    let library: Vec<SourceFile> =
        mlpc_stdlib::declarations().iter().map(|source| db.set_library_file(source.path, source.text)).collect();
    let root = db.set_file(path, &system.read_text(path)?);
    let mut files = vec![root];
    let mut imported: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut at = 0;
    while let Some(file) = files.get(at).copied() {
        at += 1;
        let wanted: Vec<String> = imports(db, file).iter().map(|import| import.path.clone()).collect();
        for path in wanted {
            if imported.contains_key(&path) {
                continue;
            }
            if let Ok(text) = system.read_text(&path) {
                let file = db.set_file(&path, &text);
                if !files.contains(&file) {
                    files.push(file);
                }
                imported.insert(path, file);
            }
        }
    }
    db.ahead(&files, |db, block| {
        parse_block(db, block);
    });
    let named: Vec<String> = files.iter().flat_map(|file| python_files(db, *file)).collect();
    let code = with_imports(system, named);
    Ok(db.set_project(files, imported, library, profile.map(str::to_owned), code))
}

/// Python files with their texts, those that are named and what they import of the project.
fn with_imports(system: &dyn System, named: Vec<String>) -> BTreeMap<String, Option<String>> {
    let mut code: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut open = Vec::new();
    for path in named {
        let text = system.read_text(&path).ok();
        open.extend(text.iter().map(|text| (path.clone(), text.clone())));
        code.insert(path, text);
    }
    while let Some((path, text)) = open.pop() {
        for imported in possible_imports(&path, &text) {
            if code.contains_key(&imported) {
                continue;
            }
            if let Ok(text) = system.read_text(&imported) {
                code.insert(imported.clone(), Some(text.clone()));
                open.push((imported, text));
            }
        }
    }
    code
}

/// Paths of the Python files that a file's blocks name, as `file.py:function`.
fn python_files(db: &Database, file: SourceFile) -> Vec<String> {
    blocks(db, file)
        .iter()
        .filter_map(|block| {
            let decl = body(db, *block)?;
            let reference = match block.keyword(db) {
                "step" => match &setting(decl, "run")?.kind {
                    ExprKind::Call(_, args) => match literal(&args.first()?.value)? {
                        Const::Str(text) => text,
                        _ => return None,
                    },
                    _ => return None,
                },
                "trainer" | "fn" | "fitted" | "metric" => text(decl, "python")?,
                _ => return None,
            };
            let (path, _) = reference.rsplit_once(':')?;
            path.ends_with(".py").then(|| join_path(file.path(db), path))
        })
        .collect()
}
