//! The columns that a features block sees: its base, what it joined, what it defined.

use crate::errors;
use crate::infer::{Columns, Lookup};
use crate::typed::{Column, DatasetShape, Finding, SAMPLED_AT};
use crate::types::{Ty, TyKind};
use mlpc_db::{BlockRef, Place};
use mlpc_diagnostics::{Span, list_words};
use std::collections::BTreeMap;

/// Where a column of the table comes from.
pub struct Origin<'a> {
    /// The dataset's name in the plan.
    pub dataset: &'a str,
    /// Where it is declared.
    pub block: &'a BlockRef,
    /// The column there.
    pub column: &'a Column,
    /// How long after the row's time it is known here, in milliseconds.
    pub known_ms: i64,
    /// The role under which it may be read.
    pub role: Option<&'a String>,
}

/// A joined dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Its name in the plan.
    pub dataset: String,
    /// Where it is declared.
    pub block: BlockRef,
    /// The role under which it may be read.
    pub role: Option<String>,
    /// Whether only rows that are known at this row's time match.
    pub in_time: bool,
    /// The name behind which its columns are.
    pub alias: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its key.
    pub keys: Vec<String>,
    /// Columns that equal this side's of the same name, by which it is joined.
    pub shared: Vec<String>,
    /// Where its name stands.
    pub place: Place,
}

/// Columns by where they come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureScope {
    /// The base's name in the text.
    pub base_name: String,
    /// The base's name in the plan, and where it is declared.
    pub base_block: Option<(String, BlockRef)>,
    /// The role under which the base may be read.
    pub role: Option<String>,
    /// Columns of the base.
    pub base: Vec<Column>,
    /// The columns that identify a row of the base.
    pub key: Vec<String>,
    /// The row's time.
    pub time: Option<String>,
    /// The base's own time, which a sampled row does not go by.
    pub base_time: Option<String>,
    /// Whether the base holds versions of its rows.
    pub versioned: bool,
    /// In order.
    pub joined: Vec<Joined>,
    defined: BTreeMap<String, Ty>,
    /// Definitions that were taken over from other features, and where those are.
    pub taken: Vec<(String, Place)>,
    /// Names of the labels; `None` if a part of the block cannot be read.
    pub labels: Option<Vec<String>>,
    /// Whether a schema cannot be read in full, so that an unknown name may well be a column.
    pub partial: bool,
}

impl FeatureScope {
    /// The scope of a dataset before any join.
    pub fn new(name: &str, qualified: String, block: BlockRef, shape: &DatasetShape) -> Self {
        Self {
            base_name: name.to_owned(),
            base_block: Some((qualified, block)),
            role: shape.role.clone(),
            base: shape.columns.clone(),
            key: shape.key.clone(),
            time: shape.timestamp.clone(),
            base_time: shape.timestamp.clone(),
            versioned: shape.valid.is_some(),
            joined: Vec::new(),
            defined: BTreeMap::new(),
            taken: Vec::new(),
            labels: None,
            partial: shape.partial,
        }
    }

    /// Where a definition that was taken over stands.
    pub fn taken_over(&self, name: &str) -> Option<&Place> {
        self.taken.iter().find(|(taken, _)| taken == name).map(|(_, place)| place)
    }

    /// Whether its rows are sampled moments.
    pub fn sampled(&self) -> bool {
        self.time.as_deref() == Some(SAMPLED_AT)
    }

    /// Whether a column of the base means the same at whatever moment it is looked at.
    pub fn steady(&self, column: &Column) -> bool {
        let lasting = self.versioned || column.constant || self.key.contains(&column.name);
        !self.sampled() || lasting || self.base_time.as_ref() == Some(&column.name)
    }

    /// Where a column of the table comes from, by its name there; none for definitions and the sampled moment.
    pub fn origin(&self, name: &str) -> Option<Origin<'_>> {
        if let Some(column) = self.base.iter().find(|column| column.name == name) {
            let (dataset, block) = self.base_block.as_ref()?;
            let known_ms = column.known_ms.unwrap_or_default();
            return Some(Origin { dataset, block, column, known_ms, role: self.role.as_ref() });
        }
        self.joined.iter().find_map(|joined| {
            let column = joined.columns.iter().find(|column| self.table_name(joined, &column.name) == name)?;
            let known_ms = if joined.in_time { 0 } else { column.known_ms.unwrap_or_default() };
            Some(Origin {
                dataset: &joined.dataset,
                block: &joined.block,
                column,
                known_ms,
                role: joined.role.as_ref(),
            })
        })
    }

    /// The names of the base and of what is joined.
    pub fn tables(&self) -> Vec<String> {
        std::iter::once(&self.base_name).chain(self.joined.iter().map(|joined| &joined.alias)).cloned().collect()
    }

    /// Adds a definition.
    pub fn define(&mut self, name: &str, ty: Ty) {
        self.defined.insert(name.to_owned(), ty);
    }

    /// Where the joined dataset with this name is named, if there is one.
    pub fn place_of(&self, alias: &str) -> Option<Place> {
        self.joined.iter().find(|joined| joined.alias == alias).map(|joined| joined.place.clone())
    }

    /// Whether a source has a column of this plain name.
    pub fn has_source(&self, name: &str) -> bool {
        !self.sources(name).is_empty()
    }

    /// The name of a joined column in the table: plain, unless another source has it.
    pub fn table_name(&self, joined: &Joined, column: &str) -> String {
        let of_base = self.base.iter().any(|other| other.name == column);
        let others = self.joined.iter().filter(|other| other.columns.iter().any(|other| other.name == column));
        if !of_base && others.count() == 1 && !joined.keys.iter().any(|key| key == column) {
            column.to_owned()
        } else {
            format!("{}.{column}", joined.alias)
        }
    }

    /// The finding for a name that is no column.
    pub fn unknown(&self, name: &str, span: Span) -> Option<Finding> {
        (!self.partial).then(|| errors::unknown_column(name, &self.describe(), &self.known(None), span))
    }

    /// Where a plain name could come from: the name in the table as it would be written, and its type.
    fn sources(&self, name: &str) -> Vec<(String, Ty)> {
        let mut found: Vec<(String, Ty)> = Vec::new();
        if self.sampled() && name == SAMPLED_AT {
            found.push((name.to_owned(), Ty::new(TyKind::Timestamp)));
        }
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
            if !self.steady(column) {
                return Some(Lookup::NotSteady(name.to_owned()));
            }
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
    fn labels(&self) -> Option<Vec<String>> {
        self.labels.clone()
    }

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
            (1, Some(_)) if self.base.iter().any(|column| column.name == name && !self.steady(column)) => {
                Lookup::NotSteady(name.to_owned())
            }
            (1, Some((_, ty))) => Lookup::Found(name.to_owned(), ty),
            (_, Some(last)) => {
                let mut options: Vec<String> = sources.into_iter().map(|(name, _)| name).collect();
                options.push(last.0);
                Lookup::Ambiguous(options)
            }
        }
    }

    fn describe(&self) -> String {
        let base = format!("`{}`", self.base_name);
        if self.joined.is_empty() {
            return base;
        }
        format!("{base} with {}", list_words(self.joined.iter().map(|joined| joined.alias.as_str()), "and"))
    }
}
