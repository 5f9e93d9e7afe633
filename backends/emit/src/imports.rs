//! The imports of a generated file, found from the names that its code uses, sorted as `ruff` sorts them.

use crate::error::EmitError;
use crate::py::names_used;
use std::collections::{BTreeMap, BTreeSet};

/// A name that generated code may use, and where it comes from: the section, the module, the name there.
struct Known {
    name: &'static str,
    section: Section,
    module: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Standard,
    ThirdParty,
    Own,
}

const fn standard(name: &'static str, module: &'static str) -> Known {
    Known { name, section: Section::Standard, module }
}

const fn runtime(name: &'static str, module: &'static str) -> Known {
    Known { name, section: Section::Own, module }
}

const KNOWN: &[Known] = &[
    standard("Any", "typing"),
    standard("Literal", "typing"),
    standard("Mapping", "collections.abc"),
    standard("dataclass", "dataclasses"),
    standard("date", "datetime"),
    standard("timedelta", "datetime"),
    runtime("checks", "mlp_runtime"),
    runtime("crossfit", "mlp_runtime"),
    runtime("cutoff", "mlp_runtime"),
    runtime("data_docs", "mlp_runtime"),
    runtime("design", "mlp_runtime"),
    runtime("distances", "mlp_runtime"),
    runtime("encoding", "mlp_runtime"),
    runtime("evaluate", "mlp_runtime"),
    runtime("expr", "mlp_runtime"),
    runtime("files", "mlp_runtime"),
    runtime("fitted", "mlp_runtime"),
    runtime("functions", "mlp_runtime"),
    runtime("gate", "mlp_runtime"),
    runtime("groups", "mlp_runtime"),
    runtime("identity", "mlp_runtime"),
    runtime("importance", "mlp_runtime"),
    runtime("intervals", "mlp_runtime"),
    runtime("joins", "mlp_runtime"),
    runtime("latency", "mlp_runtime"),
    runtime("metrics", "mlp_runtime"),
    runtime("model", "mlp_runtime"),
    runtime("neighbours", "mlp_runtime"),
    runtime("profile", "mlp_runtime"),
    runtime("predict", "mlp_runtime"),
    runtime("quantity", "mlp_runtime"),
    runtime("registry", "mlp_runtime"),
    runtime("report", "mlp_runtime"),
    runtime("search", "mlp_runtime"),
    runtime("shapley", "mlp_runtime"),
    runtime("shell", "mlp_runtime"),
    runtime("spine", "mlp_runtime"),
    runtime("split", "mlp_runtime"),
    runtime("step", "mlp_runtime"),
    runtime("sweep", "mlp_runtime"),
    runtime("table", "mlp_runtime"),
    runtime("testing", "mlp_runtime"),
    runtime("user", "mlp_runtime"),
    runtime("windows", "mlp_runtime"),
    runtime("vectors", "mlp_runtime"),
    runtime("Metric", "mlp_runtime.scores"),
    runtime("Requirement", "mlp_runtime.gate"),
    runtime("Sample", "mlp_runtime.resampling"),
    runtime("Training", "mlp_runtime.model"),
    runtime("Bounds", "mlp_runtime.schema"),
    runtime("Column", "mlp_runtime.schema"),
    runtime("Wide", "mlp_runtime.schema"),
    runtime("Schema", "mlp_runtime.schema"),
    runtime("Input", "mlp_runtime.signature"),
    runtime("Label", "mlp_runtime.signature"),
];

/// Names that no local name of a generated file may take.
pub fn is_reserved(name: &str) -> bool {
    name == "pl" || KNOWN.iter().any(|known| known.name == name)
}

/// Imports of one file.
#[derive(Debug, Default)]
pub struct Imports {
    from: BTreeMap<(Section, String), BTreeSet<(u8, String)>>,
    polars: bool,
}

impl Imports {
    /// The imports of names that `code` uses, as far as this crate knows them.
    ///
    /// # Errors
    ///
    /// If `code` is no Python.
    pub fn of(code: &str) -> Result<Self, EmitError> {
        let used = names_used(code)?;
        let mut imports = Self { polars: used.contains("pl"), ..Self::default() };
        for known in KNOWN.iter().filter(|known| used.contains(known.name)) {
            imports.insert(known.section, known.module, known.name);
        }
        Ok(imports)
    }

    /// Adds a name of a library.
    pub fn library(&mut self, module: &str, name: &str) {
        self.insert(Section::ThirdParty, module, name);
    }

    /// Adds the module of a features block.
    pub fn features(&mut self, name: &str) {
        self.insert(Section::Own, "features", name);
    }

    /// Adds the module of a sweep.
    pub fn sweep(&mut self, name: &str) {
        self.insert(Section::Own, "sweeps", name);
    }

    fn insert(&mut self, section: Section, module: &str, name: &str) {
        let constant = name.chars().count() > 1 && !name.chars().any(|letter| letter.is_ascii_lowercase());
        let class = name.starts_with(|letter: char| letter.is_ascii_uppercase());
        let rank = if constant { 0 } else { u8::from(!class) + 1 };
        self.from.entry((section, module.to_owned())).or_default().insert((rank, name.to_owned()));
    }

    /// The lines, sections apart.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::from("from __future__ import annotations");
        for section in [Section::Standard, Section::ThirdParty, Section::Own] {
            let mut lines = Vec::new();
            if section == Section::ThirdParty && self.polars {
                lines.push("import polars as pl".to_owned());
            }
            let modules = self.from.iter().filter(|((of, _), _)| *of == section);
            lines.extend(modules.map(|((_, module), names)| line(module, names)));
            if !lines.is_empty() {
                text.push_str("\n\n");
                text.push_str(&lines.join("\n"));
            }
        }
        text
    }
}

fn line(module: &str, names: &BTreeSet<(u8, String)>) -> String {
    let names: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    let short = format!("from {module} import {}", names.join(", "));
    if short.len() <= crate::py::WIDTH {
        return short;
    }
    let long: String = names.iter().map(|name| format!("    {name},\n")).collect();
    format!("from {module} import (\n{long})")
}
