//! Any text is checked without a panic, and every place of a finding lies in the text, between characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlpc_db::{Database, MemorySystem, System};

fuzz_target!(|text: &str| {
    let system = MemorySystem::default().with("main.mlp", text);
    // The system takes a byte order mark away; places are in what is left.
    let Ok(read) = system.read_text("main.mlp") else { return };
    let mut db = Database::default();
    let Ok(project) = mlpc_hir::load(&mut db, &system, "main.mlp", None) else { return };
    let root = project.files(&db).first().map(|file| file.id(&db));
    for finding in mlpc_hir::check_project(&db, project) {
        for label in finding.labels.iter().filter(|label| Some(label.place.file) == root) {
            assert!(read.get(label.place.span.range()).is_some(), "{finding:?}");
        }
    }
});
