//! What each program of a build is made of: its own text and that of every file which it imports.

use crate::FileTree;
use mlpc_plan::identity::sha256_hex;
use std::collections::{BTreeSet, HashMap};

/// Digests of programs, of which many import the same files: each file is read once.
pub(crate) struct Programs<'a> {
    tree: &'a FileTree,
    files: HashMap<&'a str, File<'a>>,
}

/// A file of the build.
struct File<'a> {
    sha256: String,
    imports: Vec<&'a str>,
}

impl<'a> Programs<'a> {
    pub(crate) fn new(tree: &'a FileTree) -> Self {
        Self { tree, files: HashMap::new() }
    }

    /// SHA-256 over a program and every file of the build that it imports, by path and hash.
    pub(crate) fn digest(&mut self, program: &str) -> String {
        let mut needed = BTreeSet::new();
        let mut open: Vec<&'a str> = self.path(program).into_iter().collect();
        while let Some(path) = open.pop() {
            if needed.insert(path) {
                open.extend(&self.file(path).imports);
            }
        }
        let mut lines = String::new();
        for path in needed {
            lines += &format!("{path}\0{}\n", self.file(path).sha256);
        }
        sha256_hex(lines.as_bytes())
    }

    /// A path as the tree has it.
    fn path(&self, path: &str) -> Option<&'a str> {
        self.tree.get_key_value(path).map(|(path, _)| path.as_str())
    }

    fn file(&mut self, path: &'a str) -> &File<'a> {
        let tree = self.tree;
        self.files.entry(path).or_insert_with(|| {
            let text = tree.get(path).map_or("", String::as_str);
            let mut imports = imported(tree, text);
            // Which of the users' files one of them imports is not known here, so all belong to it.
            if text.contains("user.function(__file__") {
                imports.extend(tree.keys().map(String::as_str).filter(|path| path.starts_with("code/")));
            }
            File { sha256: sha256_hex(text.as_bytes()), imports }
        })
    }
}

/// The files of the build that the import lines of `text` name.
fn imported<'a>(tree: &'a FileTree, text: &str) -> Vec<&'a str> {
    let mut files = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("from ") {
        let at_line_start =
            rest.get(..at).is_some_and(|before| before.trim_end_matches(' ').ends_with('\n') || at == 0);
        rest = rest.get(at + "from ".len()..).unwrap_or_default();
        let Some((module, names)) =
            rest.split_once(" import ").filter(|(module, _)| at_line_start && !module.contains('\n'))
        else {
            continue;
        };
        let end = if names.starts_with('(') { names.find(')') } else { names.find('\n') };
        let names = names.get(..end.unwrap_or(names.len())).unwrap_or_default().trim_start_matches('(');
        let folder = module.replace('.', "/");
        files.push(format!("{folder}.py"));
        files.push(format!("{folder}/__init__.py"));
        files.extend(names.split(',').map(|name| format!("{folder}/{}.py", name.trim())));
    }
    files.iter().filter_map(|file| tree.get_key_value(file)).map(|(path, _)| path.as_str()).collect()
}
