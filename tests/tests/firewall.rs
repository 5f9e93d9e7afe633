//! What is not computed again after an edit. Queries are recorded as `check_block(Id(…))`; ids lead back to blocks.

use mlpc_db::{Block, Database, MemorySystem, Project, blocks};
use mlpc_tests::program::MAIN;
use std::collections::BTreeSet;

const PENGUINS: &str = include_str!("../../examples/penguins/penguins.mlp");

/// A checked program whose queries are recorded.
struct Session {
    db: Database,
    text: String,
}

impl Session {
    fn new(text: &str) -> Self {
        let mut session = Self { db: Database::default(), text: text.to_owned() };
        let project = session.load();
        mlpc_hir::check_project(&session.db, project);
        session
    }

    fn load(&mut self) -> Project {
        let system = MemorySystem::default().with(MAIN, self.text.as_str());
        mlpc_hir::load(&mut self.db, &system, MAIN, None).unwrap()
    }

    /// Makes an edit, checks again and gives what ran: query and block, `check_block traits`.
    fn edit(&mut self, replace: &str, with: &str) -> BTreeSet<String> {
        assert_eq!(self.text.matches(replace).count(), 1, "{replace:?} must occur once");
        self.text = self.text.replacen(replace, with, 1);
        self.db.record();
        let project = self.load();
        mlpc_hir::check_project(&self.db, project);
        let recorded = self.db.recorded();
        let names: Vec<(String, String)> = self.blocks(project).map(|block| (id(&block), self.name(block))).collect();
        recorded
            .iter()
            .map(|event| {
                let query = event.split('(').next().unwrap_or_default();
                let found = names.iter().find(|(id, _)| event.ends_with(&format!("({id})")));
                found.map_or_else(|| event.clone(), |(_, name)| format!("{query} {name}"))
            })
            .collect()
    }

    fn blocks(&self, project: Project) -> impl Iterator<Item = Block<'_>> {
        let files = project.files(&self.db).iter();
        files.flat_map(|file| blocks(&self.db, *file)).copied()
    }

    fn name(&self, block: Block<'_>) -> String {
        block.name(&self.db).to_owned()
    }
}

/// `Id(1c00)` of a block.
fn id(block: &Block<'_>) -> String {
    let shown = format!("{block:?}");
    let start = shown.find("Id(").unwrap();
    shown[start..].split(')').next().unwrap().to_owned() + ")"
}

/// The blocks for which a query ran.
fn ran(events: &BTreeSet<String>, query: &str) -> Vec<String> {
    let prefix = format!("{query} ");
    events.iter().filter_map(|event| event.strip_prefix(&prefix)).map(str::to_owned).collect()
}

#[test]
fn everything_is_checked_once() {
    let mut session = Session { db: Database::default(), text: PENGUINS.to_owned() };
    session.db.record();
    let project = session.load();
    mlpc_hir::check_project(&session.db, project);
    let checks: Vec<String> =
        session.db.recorded().into_iter().filter(|event| event.starts_with("check_block(")).collect();
    assert_eq!(checks.len(), session.blocks(project).count(), "{checks:?}");
}

#[test]
fn an_expression_that_keeps_its_type_concerns_its_block_only() {
    let events = Session::new(PENGUINS).edit("coalesce(body_mass_g, 4_200)", "coalesce(body_mass_g, 4_201)");
    assert_eq!(ran(&events, "check_block"), ["traits"], "{events:#?}");
    assert_eq!(ran(&events, "parse_block"), ["traits"]);
    assert_eq!(ran(&events, "features_shape"), ["traits"]);
    for query in ["dataset", "split", "train", "evaluate", "gate", "register", "pipeline"] {
        assert_eq!(ran(&events, query), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn a_column_of_another_type_concerns_those_who_look_at_columns() {
    let events = Session::new(PENGUINS).edit("= one_hot(island)", "= island == \"Dream\"");
    for (query, block) in [("split", "parts"), ("train", "species_model"), ("evaluate", "report")] {
        assert_eq!(ran(&events, query), [block], "{events:#?}");
    }
    // Their results are the same as before, so that is where it ends; a test looks at what it runs.
    let looked = ["a bird whose bill was not measured is left out", "traits"];
    assert_eq!(ran(&events, "check_block"), looked, "{events:#?}");
    for query in ["dataset", "gate", "register"] {
        assert_eq!(ran(&events, query), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn an_expectation_concerns_its_dataset_only() {
    let events = Session::new(PENGUINS).edit("null_rate(sex) <= 5%", "null_rate(sex) <= 6%");
    assert_eq!(ran(&events, "check_block"), ["penguins"], "{events:#?}");
    assert_eq!(ran(&events, "features"), Vec::<String>::new());
}

#[test]
fn a_bound_concerns_its_gate_only() {
    let events = Session::new(PENGUINS).edit("accuracy >= 0.95", "accuracy >= 0.96");
    assert_eq!(ran(&events, "check_block"), ["release"], "{events:#?}");
}

#[test]
fn a_broken_entry_concerns_its_block_and_readers_only() {
    let events = Session::new(PENGUINS).edit("require accuracy >= 0.95", "require accuracy >= ");
    assert_eq!(ran(&events, "check_block"), ["release"], "{events:#?}");
}

#[test]
fn a_line_above_concerns_no_block_below() {
    let mut session = Session::new(PENGUINS);
    let first = session.edit("/// Which species", "// For the field station.\n/// Which species");
    assert_eq!(ran(&first, "check_block"), ["penguin_species"], "{first:#?}");
    let last = session.edit("  seed  = 42\n}\n", "  seed  = 42\n}\n\n\n");
    assert_eq!(ran(&last, "check_block"), ["penguin_species"], "{last:#?}");
}

#[test]
fn nothing_is_done_for_the_same_text() {
    let mut session = Session::new(PENGUINS);
    let events = session.edit("seed  = 42", "seed  = 42");
    assert_eq!(events, BTreeSet::new());
}

#[test]
fn the_standard_library_is_read_once() {
    let events = Session::new(PENGUINS).edit("min_rows = 10", "min_rows = 11");
    let scans =
        events.iter().filter(|event| event.starts_with("blocks(") || event.starts_with("library_scope(")).count();
    assert_eq!(scans, 1, "only the edited file is split again: {events:#?}");
}
