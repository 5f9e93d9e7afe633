//! What each program of a build is made of: its own text and that of every file which it imports.

use crate::FileTree;
use crate::parallel;
use mlpc_plan::identity::sha256_hex;
use std::collections::{BTreeMap, HashMap};

/// The files of a build, each read once although many programs import it.
pub(crate) struct Programs<'a> {
    files: HashMap<&'a str, File<'a>>,
}

/// A file of the build.
struct File<'a> {
    sha256: String,
    imports: Vec<&'a str>,
}

impl<'a> Programs<'a> {
    pub(crate) fn of(tree: &'a FileTree) -> Self {
        let all: Vec<(&'a String, &'a String)> = tree.iter().collect();
        let files = parallel::map(&all, |(path, text)| (path.as_str(), File::of(tree, text)));
        Self { files: files.into_iter().collect() }
    }

    /// SHA-256 over a program and every file of the build that it imports, by path and hash.
    pub(crate) fn digest(&self, program: &str) -> String {
        let mut needed: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = vec![program];
        while let Some(path) = open.pop() {
            if let Some((path, file)) = self.files.get_key_value(path)
                && needed.insert(path, &file.sha256).is_none()
            {
                open.extend(&file.imports);
            }
        }
        let mut lines = String::new();
        for (path, sha256) in needed {
            lines.extend([path, "\0", sha256, "\n"]);
        }
        sha256_hex(lines.as_bytes())
    }
}

impl<'a> File<'a> {
    fn of(tree: &'a FileTree, text: &str) -> Self {
        let mut imports = imported(tree, text);
        // Which of the users' files one of them imports is not known here, so all belong to it.
        if text.contains("user.function(__file__") {
            imports.extend(tree.keys().map(String::as_str).filter(|path| path.starts_with("code/")));
        }
        Self { sha256: sha256_hex(text.as_bytes()), imports }
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
