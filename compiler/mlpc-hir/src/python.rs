//! What a user's Python file may import of the project. In: its path and text. Out: paths at which modules could lie;
//! whoever knows the files keeps those that are there.

use std::collections::BTreeMap;

/// Paths of the files that the import lines of `text` could mean, below the project's root or beside the file, in the
/// order in which the runtime looks.
#[must_use]
pub fn possible_imports(path: &str, text: &str) -> Vec<String> {
    let beside = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut found: Vec<String> = Vec::new();
    for module in modules(text) {
        let parts: Vec<&str> = module.split('.').collect();
        for folder in ["", beside.as_str()] {
            // Each package on the way to a module is run as well.
            let packages = (1..=parts.len())
                .map(|count| format!("{folder}{}/__init__.py", parts.get(..count).unwrap_or_default().join("/")));
            let own = std::iter::once(format!("{folder}{}.py", parts.join("/")));
            for candidate in own.chain(packages) {
                if candidate != path && !found.contains(&candidate) {
                    found.push(candidate);
                }
            }
        }
    }
    found
}

/// Those of `code` that `path` imports, directly or through others, itself left out.
#[must_use]
pub fn imported<'a>(code: &'a BTreeMap<String, Option<String>>, path: &str) -> Vec<&'a str> {
    let mut found: Vec<&'a str> = Vec::new();
    let mut open = vec![path];
    while let Some(next) = open.pop() {
        let Some(Some(text)) = code.get(next) else { continue };
        for candidate in possible_imports(next, text) {
            let known = code.get_key_value(&candidate).filter(|(known, text)| text.is_some() && *known != path);
            if let Some((known, _)) = known
                && !found.contains(&known.as_str())
            {
                found.push(known);
                open.push(known);
            }
        }
    }
    found.sort_unstable();
    found
}

/// Dotted names after `import` and `from`; what follows `from a import` may be a module of `a`.
fn modules(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if let Some(names) = line.strip_prefix("import ") {
            modules.extend(listed(names));
        } else if let Some((module, names)) = line.strip_prefix("from ").and_then(|rest| rest.split_once(" import ")) {
            let module = module.trim();
            if module.starts_with('.') {
                // A user's file is no part of a package, so Python refuses this itself.
                continue;
            }
            let mut names = names.to_owned();
            while names.contains('(') && !names.contains(')') {
                let Some(more) = lines.next() else { break };
                let more = more.split('#').next().unwrap_or_default();
                names = format!("{names} {more}");
            }
            modules.push(module.to_owned());
            modules.extend(listed(names.trim_matches(['(', ')', ' '])).map(|name| format!("{module}.{name}")));
        }
    }
    modules
}

/// The names of a list, without what they are called here.
fn listed(names: &str) -> impl Iterator<Item = String> {
    let names = names.split('#').next().unwrap_or_default();
    let first =
        |name: &str| name.trim_matches(['(', ')', ' ', '\t', '\\', ';']).split_whitespace().next().map(str::to_owned);
    names.split(',').filter_map(first).filter(|name| name != "*").collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_every_form_of_import() {
        let text = "import os, geo as g  # places\nfrom units import km\nfrom far.away import (\n    one,  # first\n    two as zwei,\n)\n\
                    def f():\n    import late.on\nfrom .near import x\nimportant = 1\n";
        let wanted = ["os", "geo", "units", "units.km", "far.away", "far.away.one", "far.away.two", "late.on"];
        assert_eq!(modules(text), wanted);
    }

    #[test]
    fn imports_are_followed_below_the_root_and_beside_the_file() {
        let file = |text: &str| Some(text.to_owned());
        let code = BTreeMap::from([
            ("lib/main.py".to_owned(), file("import helpers\nfrom shared.units import km\n")),
            ("lib/helpers.py".to_owned(), file("import main\n")),
            ("shared/__init__.py".to_owned(), file("")),
            ("shared/units.py".to_owned(), file("")),
            ("other.py".to_owned(), file("")),
            ("gone.py".to_owned(), None),
        ]);
        assert_eq!(imported(&code, "lib/main.py"), ["lib/helpers.py", "shared/__init__.py", "shared/units.py"]);
        assert!(imported(&code, "gone.py").is_empty());
    }
}
