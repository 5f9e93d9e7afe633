//! What the documents show is true: the README's program is clean, the mistake that it names gives what it says, its
//! commands and links exist, and generated documents match their tables.

use mlpc_tests::program::check;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of the first fenced block with this mark.
fn fenced(text: &str, mark: &str) -> String {
    let start = text.find(&format!("```{mark}\n")).unwrap_or_else(|| panic!("no block marked {mark}")) + mark.len() + 4;
    text[start..].split("```").next().unwrap().to_owned()
}

#[test]
fn the_readme_shows_a_clean_program_and_what_a_mistake_in_it_gives() {
    let readme = read("README.md");
    let program = fenced(&readme, "mlp");
    assert_eq!(check(&program).summary(), Vec::<String>::new());
    let filter = program.lines().find(|line| line.trim_start().starts_with("filter")).unwrap();
    let without = program.replace(filter, "");
    let shown = readme.lines().find_map(|line| line.strip_prefix("error[MLP0605]: ")).unwrap();
    let found = check(&without).findings;
    assert_eq!(found.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>(), [shown]);
}

#[test]
fn links_in_documents_lead_somewhere() {
    let documents = ["README.md", "compiler/ARCHITECTURE.md", "docs/reference/codes.md", "docs/reference/blocks.md"];
    for document in documents {
        let text = read(document);
        let folder = root().join(document);
        let folder = folder.parent().unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !target.contains("://") && !target.starts_with('#') {
                assert!(folder.join(target).exists(), "{document} links to {target}, which does not exist");
            }
        }
    }
}

#[test]
fn the_readme_names_every_command() {
    let readme = read("README.md");
    for entry in std::fs::read_dir(root().join("compiler/mlpc-cli/src/commands")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        if !["mod", "debug", "init"].contains(&name.as_str()) {
            assert!(readme.contains(&format!("`mlpc {name}")), "the README does not name `mlpc {name}`");
        }
    }
}

#[test]
fn nothing_names_a_path_of_a_machine() {
    let tracked = std::process::Command::new("git").arg("ls-files").current_dir(root()).output().unwrap();
    let here = root().canonicalize().unwrap();
    let here = format!("{}/", here.display());
    for path in String::from_utf8(tracked.stdout).unwrap().lines() {
        if let Ok(text) = std::fs::read_to_string(root().join(path)) {
            assert!(!text.contains(&here), "{path} names {here}");
        }
    }
}

#[test]
fn the_locks_of_the_examples_are_current() {
    for (folder, program) in [("examples/penguins", "penguins.mlp"), ("examples/diabetes", "diabetes.mlp")] {
        let system = mlpc_db::RealSystem::new(&root().join(folder));
        let mut db = mlpc_db::Database::default();
        let project = mlpc_hir::load(&mut db, &system, program, None).unwrap();
        let lock = mlpc_plan::lock::parse(&read(&format!("{folder}/mlp.lock"))).unwrap();
        let stale = mlpc_plan::check_lock(&db, project, Some(&lock), &system);
        let stale: Vec<&str> = stale.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(stale, Vec::<&str>::new(), "run `mlpc lock {folder}`");
    }
}
