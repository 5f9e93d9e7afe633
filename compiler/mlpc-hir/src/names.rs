//! Which declaration a name means. Names of one file, of its imports (behind their alias) and of the standard library.
//!
//! One query per name, so that adding a declaration re-checks only those who ask for its name.

#![expect(missing_docs, reason = "the methods that salsa generates carry no documentation")]

use mlpc_db::{Block, Db, Project, SourceFile, blocks, parse_block};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ChunkKind;
use mlpc_syntax::ast::Decl;
use std::collections::BTreeMap;

/// What a name is looked up as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, salsa::SalsaValue)]
pub enum Space {
    /// Blocks of a pipeline, params and consts.
    Block,
    /// `fn` and `fitted fn`.
    Function,
    /// `trainer`.
    Trainer,
    /// `metric`.
    Metric,
    /// `expectation`.
    Expectation,
    /// `test`: titles, which nothing refers to.
    Test,
}

impl Space {
    /// The space in which a declaration with this keyword is found.
    #[must_use]
    pub fn of(keyword: &str) -> Self {
        match keyword {
            "fn" | "fitted" => Self::Function,
            "trainer" => Self::Trainer,
            "metric" => Self::Metric,
            "expectation" => Self::Expectation,
            "test" => Self::Test,
            _ => Self::Block,
        }
    }
}

/// A name to look up.
#[salsa::interned(debug)]
pub struct NameKey<'db> {
    /// As what.
    #[returns(copy)]
    pub space: Space,
    /// The dotted text.
    #[returns(deref)]
    pub text: String,
}

/// An import of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The prefix under which its names are seen.
    pub alias: String,
    /// The path, relative to the project's root.
    pub path: String,
    /// Where the path stands in the import's own block.
    pub span: Span,
}

/// The imports of a file, in order.
#[salsa::tracked(returns(deref))]
pub fn imports(db: &dyn Db, file: SourceFile) -> Vec<Import> {
    let own = file.path(db);
    blocks(db, file)
        .iter()
        .filter(|block| block.kind(db) == ChunkKind::Import)
        .filter_map(|block| match &parse_block(db, *block).decl {
            Decl::Import { path, alias, .. } => {
                let resolved = join_path(own, &path.value);
                let stem = resolved.rsplit('/').next().unwrap_or_default().trim_end_matches(".mlp").to_owned();
                let alias = alias.as_ref().map_or(stem, |name| name.text.clone());
                Some(Import { alias, path: resolved, span: path.span })
            }
            _ => None,
        })
        .collect()
}

/// `target`, relative to the folder of `from`; `..` steps up, and never above the root.
#[must_use]
pub fn join_path(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

type Scope<'db> = BTreeMap<(Space, String), Block<'db>>;

/// The declarations of one file; of two with one name the first counts.
#[salsa::tracked]
pub fn file_scope<'db>(db: &'db dyn Db, file: SourceFile) -> Scope<'db> {
    let mut scope = Scope::new();
    for block in blocks(db, file) {
        if block.kind(db) != ChunkKind::Import && !block.name(db).is_empty() {
            let key = (Space::of(block.keyword(db)), block.name(db).to_owned());
            scope.entry(key).or_insert(*block);
        }
    }
    scope
}

/// The declarations of the standard library.
#[salsa::tracked]
pub fn library_scope<'db>(db: &'db dyn Db, project: Project) -> Scope<'db> {
    let mut scope = Scope::new();
    for file in project.library(db) {
        for (key, block) in file_scope(db, *file) {
            scope.entry(key.clone()).or_insert(*block);
        }
    }
    scope
}

/// What a name means in a file.
#[salsa::tracked(returns(copy))]
pub fn resolve_key<'db>(db: &'db dyn Db, file: SourceFile, key: NameKey<'db>) -> Option<Block<'db>> {
    let wanted = (key.space(db), key.text(db).to_owned());
    if let Some(block) = file_scope(db, file).get(&wanted) {
        return Some(*block);
    }
    let project = Project::get(db);
    if let Some((alias, rest)) = key.text(db).split_once('.')
        && let Some(import) = imports(db, file).iter().find(|import| import.alias == alias)
        && let Some(target) = project.imports(db).get(&import.path)
    {
        return file_scope(db, *target).get(&(wanted.0, rest.to_owned())).copied();
    }
    library_scope(db, project).get(&wanted).copied()
}

/// What `name` means in `file`.
pub fn resolve<'db>(db: &'db dyn Db, file: SourceFile, space: Space, name: &str) -> Option<Block<'db>> {
    resolve_key(db, file, NameKey::new(db, space, name.to_owned()))
}

/// A name near to one that nothing declares, of a kind that would fit.
pub fn nearest(db: &dyn Db, file: SourceFile, space: Space, kinds: &[&str], name: &str) -> Option<String> {
    let known = visible(db, file, space, kinds);
    did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// The names that a file can use, of a kind that would fit, sorted.
pub fn visible(db: &dyn Db, file: SourceFile, space: Space, kinds: &[&str]) -> Vec<String> {
    let fits = |block: &Block<'_>| kinds.is_empty() || kinds.contains(&block.keyword(db));
    let mut candidates: Vec<String> = file_scope(db, file)
        .iter()
        .filter(|((found, _), block)| *found == space && fits(block))
        .map(|((_, name), _)| name.clone())
        .collect();
    let project = Project::get(db);
    for import in imports(db, file) {
        if let Some(target) = project.imports(db).get(&import.path) {
            let visible = file_scope(db, *target).iter().filter(|((found, _), block)| *found == space && fits(block));
            candidates.extend(visible.map(|((_, name), _)| format!("{}.{name}", import.alias)));
        }
    }
    if space != Space::Block {
        let library = library_scope(db, project).keys().filter(|(found, _)| *found == space);
        candidates.extend(library.map(|(_, name)| name.clone()));
    }
    candidates.sort();
    candidates.dedup();
    candidates
}

/// The name of a block as the program's plan knows it: behind its file's stem unless it stands in the program's own file.
pub fn qualified(db: &dyn Db, block: Block<'_>) -> String {
    let file = block.file(db);
    if Project::get(db).files(db).first() == Some(&file) {
        return block.name(db).to_owned();
    }
    let stem = file.path(db).rsplit('/').next().unwrap_or_default().trim_end_matches(".mlp");
    format!("{stem}.{}", block.name(db))
}

#[cfg(test)]
mod tests {
    use super::join_path;

    #[test]
    fn imports_are_relative_to_their_file() {
        assert_eq!(join_path("main.mlp", "shared/data.mlp"), "shared/data.mlp");
        assert_eq!(join_path("teams/a/main.mlp", "../shared/data.mlp"), "teams/shared/data.mlp");
        assert_eq!(join_path("main.mlp", "../../x.mlp"), "x.mlp");
    }
}
