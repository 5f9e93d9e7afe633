//! What a program's schemas would have to say to fit their data today: edits of its text, and nothing else of it.

use super::numbers::around;
use super::{Draft, Drafted, Source, category, look};
use crate::error::ToolError;
use crate::project::Session;
use crate::reality;
use crate::terminal::Terminal;
use mlpc_db::Block;
use mlpc_diagnostics::{Span, did_you_mean, list_words};
use mlpc_hir::block_named;
use mlpc_hir::library::{body, nested};
use mlpc_plan::plan::{ColumnSchema, DType, Format, Range, Rows};
use mlpc_plan::{DataFrom, Declared, declared};
use mlpc_syntax::ast::{Entry, Field};
use similar::TextDiff;
use std::collections::BTreeMap;

/// Files that would change, and what cannot be told by a change.
#[derive(Debug, Default)]
pub struct Drift {
    /// In the order of their paths.
    pub files: Vec<Changed>,
    /// For people.
    pub notes: Vec<String>,
}

/// A file that would change.
#[derive(Debug)]
pub struct Changed {
    /// Relative to the project's root.
    pub path: String,
    old: String,
    /// Its new text.
    pub new: String,
}

impl Changed {
    /// As a unified diff; `shown` is what people know the file as.
    #[must_use]
    pub fn diff(&self, shown: &str) -> String {
        let diff = TextDiff::from_lines(&self.old, &self.new);
        diff.unified_diff().header(&format!("a/{shown}"), &format!("b/{shown}")).to_string()
    }
}

/// A replacement in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit {
    span: Span,
    text: String,
}

/// Compares every schema, or that of one dataset, with what is there.
pub fn drift(
    session: &Session,
    only: Option<&str>,
    limit: Option<usize>,
    terminal: &mut Terminal,
) -> Result<Drift, ToolError> {
    let all = declared(&session.db, session.project);
    let chosen: Vec<Declared> =
        all.iter().filter(|declared| only.is_none_or(|name| declared.data.name == name)).cloned().collect();
    if let (Some(name), true) = (only, chosen.is_empty()) {
        let near = did_you_mean(name, all.iter().map(|declared| declared.data.name.as_str()));
        return Err(ToolError::usage(format!("the program has no dataset `{name}` whose data is there"))
            .help_opt(near.map(|near| format!("did you mean `{near}`?"))));
    }
    let requests = reality::requests(session, &chosen, terminal)?;
    let sources: Vec<Source> =
        chosen.iter().zip(requests).map(|(declared, request)| source(declared, request.path, limit)).collect();
    let names: Vec<String> = chosen.iter().map(|declared| declared.data.name.clone()).collect();
    let drafts = if sources.is_empty() { Vec::new() } else { look(&sources, &names, terminal)? };
    Ok(changes(session, &chosen, &drafts))
}

/// How a declared dataset is looked at.
fn source(declared: &Declared, path: Option<std::path::PathBuf>, limit: Option<usize>) -> Source {
    let source = Source { path, limit, header: true, ..Source::default() };
    let of = |kind, rows: &Rows, source: Source| match rows.clone() {
        Rows::Table(table) => Source { kind, table: Some(table), ..source },
        Rows::Query(query) => Source { kind, query: Some(query), ..source },
    };
    if let DataFrom::Server { variable, rows } = &declared.data.from {
        return of("postgres", rows, Source { variable: Some(variable.clone()), ..source });
    }
    match &declared.ingest.format {
        Format::Csv { null, delimiter, header, member } => Source {
            kind: "csv",
            null: Some(null.clone()),
            delimiter: Some(delimiter.clone()),
            header: *header,
            member: member.clone(),
            ..source
        },
        Format::Parquet => Source { kind: "parquet", ..source },
        Format::Ndjson => Source { kind: "ndjson", ..source },
        Format::Arrow => Source { kind: "arrow", ..source },
        Format::Sqlite { rows } => of("sqlite", rows, source),
        Format::Duckdb { rows } => of("duckdb", rows, source),
    }
}

fn changes(session: &Session, chosen: &[Declared], drafts: &[Draft]) -> Drift {
    let db = &session.db;
    let mut drift = Drift::default();
    let mut edits: BTreeMap<String, (String, Vec<Edit>)> = BTreeMap::new();
    for (declared, draft) in chosen.iter().zip(drafts) {
        let Some(block) = block_named(db, session.project, "dataset", &declared.data.name) else { continue };
        let file = block.file(db);
        let found = of_dataset(session, block, declared, draft, &mut drift.notes);
        let entry = edits.entry(file.path(db).to_owned()).or_insert_with(|| (file.text(db).to_string(), Vec::new()));
        let start = block.start(db);
        entry.1.extend(found.into_iter().map(|edit| Edit { span: edit.span.shifted(start), ..edit }));
    }
    for (path, (old, mut edits)) in edits {
        edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.start, edit.span.end)));
        let mut new = old.clone();
        for Edit { span, text } in edits {
            new.replace_range(span.start as usize..span.end as usize, &text);
        }
        if new != old {
            drift.files.push(Changed { path, old, new });
        }
    }
    drift
}

/// The edits of one dataset's own schema.
fn of_dataset(
    session: &Session,
    block: Block<'_>,
    declared: &Declared,
    draft: &Draft,
    notes: &mut Vec<String>,
) -> Vec<Edit> {
    let name = &declared.data.name;
    let fields: BTreeMap<&str, &Field> = body(&session.db, block)
        .into_iter()
        .flat_map(|decl| nested(decl, "schema"))
        .filter_map(|entry| match entry {
            Entry::Field(field) => Some((field.name.text.as_str(), field)),
            _ => None,
        })
        .collect();
    let by_order = matches!(declared.ingest.format, Format::Csv { header: false, .. });
    let mut read = Vec::new();
    let mut edits = Vec::new();
    for (at, column) in declared.ingest.schema.iter().enumerate() {
        let found = if by_order {
            draft.columns.get(at)
        } else {
            draft.columns.iter().find(|found| found.name == column.source_name)
        };
        read.extend(found.map(|found| found.name.as_str()));
        // A wide column is many of the source, and has no type of its own to compare.
        if column.wide.is_some() {
            continue;
        }
        let Some(field) = fields.get(column.name.as_str()) else {
            notes.push(format!("`{name}`: `{}` comes from a schema that is spread; look at it there", column.name));
            continue;
        };
        match found {
            None => edits.push(Edit { span: whole_line(block.text(&session.db), field.span), text: String::new() }),
            Some(found) => edits.extend(of_column(column, field, found)),
        }
    }
    let unread: Vec<&str> = draft.columns.iter().map(|found| found.name.as_str()).collect();
    let unread: Vec<&str> = unread.into_iter().filter(|found| !read.contains(found)).collect();
    let is_wide = declared.ingest.schema.iter().any(|column| column.wide.is_some());
    if !unread.is_empty() && !by_order && !is_wide {
        notes.push(format!("`{name}` does not declare {} of its data", list_words(unread.into_iter(), "and")));
    }
    edits
}

/// A field and, if nothing else is on its lines, those lines; else the field and the comma after or before it.
fn whole_line(text: &str, span: Span) -> Span {
    let (start, end) = (span.start as usize, span.end as usize);
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let indent = before.get(line..).unwrap_or_default();
    let rest = after.find('\n').map_or(after, |at| after.get(..at).unwrap_or_default());
    let tail = rest.trim();
    let (mut line, tail_end) = (line, end + rest.len() + 1);
    // Its documentation goes with it.
    while let Some(above) = text.get(..line.saturating_sub(1)).map(|above| above.rfind('\n').map_or(0, |at| at + 1)) {
        if line == 0 || !text.get(above..line).is_some_and(|line| line.trim_start().starts_with("///")) {
            break;
        }
        line = above;
    }
    let (from, to) = if indent.trim().is_empty() && (tail.is_empty() || tail == "," || tail.starts_with("//")) {
        (line, tail_end)
    } else if let Some(spaces) = rest.trim_start().strip_prefix(',') {
        (start, end + rest.len() - spaces.trim_start().len())
    } else {
        let kept = before.trim_end();
        (kept.strip_suffix(',').unwrap_or(kept).len(), end)
    };
    let offset = |at: usize| u32::try_from(at.min(text.len())).unwrap_or(u32::MAX);
    Span { start: offset(from), end: offset(to) }
}

/// The edits of one column: another type, nulls, more values, a wider range.
fn of_column(column: &ColumnSchema, field: &Field, found: &Drafted) -> Vec<Edit> {
    let mut edits = Vec::new();
    let fits = column.parse.is_some() || fits(&column.dtype, found);
    let question = if field.ty.nullable || found.nulls > 0.0 { "?" } else { "" };
    if !fits {
        let Some(ty) = found.type_text() else { return edits };
        let end =
            field.domain.as_ref().filter(|_| !found.is_number()).map_or(field.ty.span.end, |domain| domain.span.end);
        edits.push(Edit { span: Span { start: field.ty.span.start, end }, text: format!("{ty}{question}") });
    } else if let Some(ty) = more_levels(&column.dtype, found) {
        edits.push(Edit { span: field.ty.span, text: format!("{ty}{question}") });
    } else if found.nulls > 0.0 && !field.ty.nullable {
        let end = field.ty.span.end;
        edits.push(Edit { span: Span { start: end, end }, text: "?".to_owned() });
    }
    if let (Some(domain), Some(range)) = (&field.domain, &column.range)
        && found.is_number()
        && let Some(text) = wider(range, found, field)
    {
        edits.push(Edit { span: domain.span, text });
    }
    edits
}

/// Whether values of the kind that is there can be read as declared.
fn fits(declared: &DType, found: &Drafted) -> bool {
    let kind = found.kind.as_str();
    match declared {
        _ if kind == "null" || kind == "other" => true,
        DType::Bool => kind == "bool",
        DType::Int => kind == "int",
        DType::Float | DType::Decimal { .. } => matches!(kind, "int" | "float" | "decimal"),
        // Any text of a text file may be one; of other files only what is stored as one.
        DType::String | DType::Category { .. } => found.is_text(),
        DType::Date => kind == "date",
        DType::Timestamp => matches!(kind, "timestamp" | "date"),
        DType::Bytes => matches!(kind, "bytes" | "image"),
        DType::Image => kind == "image",
        _ => true,
    }
}

/// A closed category with the values that came since.
fn more_levels(declared: &DType, found: &Drafted) -> Option<String> {
    let DType::Category { levels: Some(levels) } = declared else { return None };
    let Some(present) = &found.levels else { return found.kind.eq("string").then(|| "category".to_owned()) };
    let fresh: Vec<&String> = present.iter().filter(|level| !levels.contains(level)).collect();
    if fresh.is_empty() {
        return None;
    }
    // So many that nobody would list them.
    if levels.len() + fresh.len() > 50 {
        return Some("category".to_owned());
    }
    Some(category(&levels.iter().chain(fresh).cloned().collect::<Vec<_>>()))
}

/// A range that holds what is there, where the declared one does not; a side that holds stays as it is.
fn wider(range: &Range, found: &Drafted, field: &Field) -> Option<String> {
    let (low, high) = (found.low?, found.high?);
    let whole = found.kind == "int" && is_int(field);
    let below = range.low.is_some_and(|bound| low < bound || (low <= bound && !range.low_closed));
    let above = range.high.is_some_and(|bound| high > bound || (high >= bound && !range.high_closed));
    if !below && !above {
        return None;
    }
    let bounds = around(low.min(range.low.unwrap_or(low)), high.max(range.high.unwrap_or(high)), whole)?;
    let declared = |bound: f64| if whole { format!("{bound:.0}") } else { format!("{bound:?}") };
    let from = match range.low {
        None => String::new(),
        Some(_) if below => bounds.0,
        Some(bound) => format!("{}{}", declared(bound), if range.low_closed { "" } else { "<" }),
    };
    let to = match range.high {
        None => String::new(),
        Some(_) if above => format!("={}", bounds.1),
        Some(bound) => format!("{}{}", if range.high_closed { "=" } else { "<" }, declared(bound)),
    };
    Some(format!("{from}..{to}"))
}

fn is_int(field: &Field) -> bool {
    matches!(&field.ty.kind, mlpc_syntax::ast::TypeKind::Named { path, .. } if path.text() == "int")
}
