//! The columns that a features block sees: its base, what it joined, what it defined.

use crate::errors;
use crate::infer::{Columns, Lookup};
use crate::typed::{Column, Finding, TExpr};
use crate::types::Ty;
use mlpc_diagnostics::Span;
use std::collections::BTreeMap;

/// A joined dataset.
pub struct Joined {
    /// The name behind which its columns are.
    pub alias: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its key.
    pub keys: Vec<String>,
    /// Columns that equal this side's of the same name, by which it is joined.
    pub shared: Vec<String>,
    /// Where its name stands.
    pub place: Span,
}

/// Columns by where they come from.
pub struct FeatureScope {
    base_name: String,
    /// Columns of the base.
    pub base: Vec<Column>,
    /// In order.
    pub joined: Vec<Joined>,
    defined: BTreeMap<String, Ty>,
    /// Whether a schema cannot be read in full, so that an unknown name may well be a column.
    pub partial: bool,
}

impl FeatureScope {
    /// The scope before any join.
    pub fn new(base_name: &str, base: Vec<Column>, partial: bool) -> Self {
        Self { base_name: base_name.to_owned(), base, joined: Vec::new(), defined: BTreeMap::new(), partial }
    }

    /// Adds a definition.
    pub fn define(&mut self, name: &str, ty: Ty) {
        self.defined.insert(name.to_owned(), ty);
    }

    /// Where the joined dataset with this name is named, if there is one.
    pub fn place_of(&self, alias: &str) -> Option<Span> {
        self.joined.iter().find(|joined| joined.alias == alias).map(|joined| joined.place)
    }

    /// Whether a source has a column of this plain name.
    pub fn has_source(&self, name: &str) -> bool {
        !self.sources(name).is_empty()
    }

    /// The name of a joined column in the table: plain, unless another source has it.
    pub fn table_name(&self, joined: &Joined, column: &str) -> String {
        let unique = self.sources(column).len() == 1;
        if unique && !joined.keys.contains(&column.to_owned()) {
            column.to_owned()
        } else {
            format!("{}.{column}", joined.alias)
        }
    }

    /// The finding for a name that is no column.
    pub fn unknown(&self, name: &str, span: Span) -> Option<Finding> {
        (!self.partial).then(|| errors::unknown_column(name, &self.describe(), &self.known(None), span))
    }

    /// Tags of the source columns that an expression reads.
    pub fn tags(&self, expr: &TExpr) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let names = expr.columns();
        for column in self.base.iter().chain(self.joined.iter().flat_map(|joined| &joined.columns)) {
            if names.contains(&column.name) {
                tags.extend(column.tags.iter().filter(|tag| !tags.contains(tag)).cloned().collect::<Vec<_>>());
            }
        }
        tags
    }

    /// Where a plain name could come from: the name in the table as it would be written, and its type.
    fn sources(&self, name: &str) -> Vec<(String, Ty)> {
        let mut found: Vec<(String, Ty)> = Vec::new();
        if let Some(column) = self.base.iter().find(|column| column.name == name) {
            found.push((format!("{}.{name}", self.base_name), column.ty.clone()));
        }
        for joined in &self.joined {
            let column = joined.columns.iter().find(|column| column.name == name);
            // Where both sides are equal there is no choice to make.
            if let Some(column) = column
                && (found.is_empty() || !joined.shared.contains(&column.name))
            {
                found.push((format!("{}.{name}", joined.alias), column.ty.clone().with_null(true)));
            }
        }
        found
    }

    fn qualified(&self, source: &str, name: &str) -> Option<Lookup> {
        if source == self.base_name
            && let Some(column) = self.base.iter().find(|column| column.name == name)
        {
            return Some(Lookup::Found(name.to_owned(), column.ty.clone()));
        }
        let joined = self.joined.iter().find(|joined| joined.alias == source)?;
        let column = joined.columns.iter().find(|column| column.name == name)?;
        Some(Lookup::Found(self.table_name(joined, name), column.ty.clone().with_null(true)))
    }

    /// A name that is no column, of one source if it says which.
    fn missing(&self, source: Option<&str>) -> Lookup {
        if self.partial { Lookup::Broken } else { Lookup::Missing(self.known(source)) }
    }

    /// Every name that could be written: plain ones, or those behind the name of a source.
    fn known(&self, source: Option<&str>) -> Vec<String> {
        let joined = self.joined.iter().map(|joined| (joined.alias.as_str(), &joined.columns));
        let sources = std::iter::once((self.base_name.as_str(), &self.base)).chain(joined);
        let mut names: Vec<String> = Vec::new();
        for (owner, columns) in sources {
            for column in columns {
                let name = source.map_or_else(|| column.name.clone(), |_| format!("{owner}.{}", column.name));
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if source.is_none() {
            names.extend(self.defined.keys().filter(|name| !self.has_source(name)).cloned());
        }
        names
    }
}

impl Columns for FeatureScope {
    fn lookup(&self, name: &str) -> Lookup {
        match self.defined.get(name) {
            Some(ty) if ty.is_unknown() => return Lookup::Broken,
            Some(ty) => return Lookup::Found(name.to_owned(), ty.clone()),
            None => {}
        }
        if let Some((source, column)) = name.split_once('.') {
            return self.qualified(source, column).unwrap_or_else(|| self.missing(Some(source)));
        }
        let mut sources = self.sources(name);
        match (sources.len(), sources.pop()) {
            (0, _) | (_, None) => self.missing(None),
            (1, Some((_, ty))) if ty.is_unknown() => Lookup::Broken,
            (1, Some((_, ty))) => Lookup::Found(name.to_owned(), ty),
            (_, Some(last)) => {
                let mut options: Vec<String> = sources.into_iter().map(|(name, _)| name).collect();
                options.push(last.0);
                Lookup::Ambiguous(options)
            }
        }
    }

    fn describe(&self) -> String {
        let names: Vec<&str> = std::iter::once(self.base_name.as_str())
            .chain(self.joined.iter().map(|joined| joined.alias.as_str()))
            .collect();
        match names.as_slice() {
            [only] => format!("`{only}`"),
            many => format!("none of {}", mlpc_diagnostics::list_words(many.iter().copied(), "and")),
        }
    }
}
