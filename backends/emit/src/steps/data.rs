//! Steps that make tables: ingest, validate, features.

use super::{Context, Parts};
use crate::error::EmitError;
use crate::exprs::{Printer, timedelta};
use crate::features::{kind, user_function};
use crate::names::module_name;
use crate::py::{Argument, Py, flat, value_literal};
use mlpc_plan::plan::{
    Against, Check, ColumnSchema, Cut, DType, Expectation, Format, Ingest, Origin, Parse, Range, Rows, Validate,
};

pub(super) fn ingest(context: &Context<'_>, ingest: &Ingest) -> Result<Parts, EmitError> {
    context.require(&["source"], &["rows", "profile", "checks"])?;
    let read = match &ingest.format {
        Format::Csv { null, delimiter, header, member } => {
            let mut arguments = vec![Argument::keyword("null", Py::strings(null))];
            if delimiter != "," {
                arguments.push(Argument::keyword("delimiter", Py::string(delimiter)));
            }
            if !header {
                arguments.push(Argument::keyword("header", Py::bool(false)));
            }
            arguments.extend(member.as_ref().map(|member| Argument::keyword("member", Py::string(member))));
            ("read_csv", arguments)
        }
        Format::Parquet => ("read_parquet", Vec::new()),
        Format::Ndjson => ("read_ndjson", Vec::new()),
        Format::Arrow => ("read_arrow", Vec::new()),
        Format::Sqlite { rows } => ("read_sqlite", vec![selection(rows)]),
        Format::Duckdb { rows } => ("read_duckdb", vec![selection(rows)]),
    };
    let mut arguments = vec![Argument::positional(Py::name("args.source")), Argument::positional(Py::name("SCHEMA"))];
    arguments.extend(read.1);
    let call = Py::name("table").attribute(read.0).call_with(arguments);
    let title = format!("Read `{}`, check its schema, put its rows in canonical order.", ingest.dataset);
    let task = match &ingest.cut {
        None => "Read the source; fail with every cell that is not as declared.",
        Some(_) => "Read the source; fail with every cell that is not as declared; keep what was known by then.",
    };
    Ok(Parts::new(title, task)
        .constant("SCHEMA", &ingest_schema(ingest))
        .line(format!("rows, found = {}", flat(&call)))
        .line("summary = checks.settle(found, args.checks, of=SCHEMA.dataset)")
        .lines(ingest.cut.as_ref().map(|cut| cut_to(cut, ingest.timezone.as_deref())))
        .line("table.write(rows, args.rows)")
        .line("profile.write(profile.of(rows, SCHEMA), args.profile)")
        .line("return step.Result(rows={\"rows\": rows.height}, summary=f\"{rows.height} rows read; {summary}\")"))
}

/// `rows = cutoff.apply(rows, "2013-06-01", time="at", cells={…})`.
fn cut_to(cut: &Cut, timezone: Option<&str>) -> String {
    let mut arguments = vec![
        Argument::positional(Py::name("rows")),
        Argument::positional(Py::name("args.as_of")),
        Argument::keyword("time", Py::string(&cut.time)),
    ];
    if cut.rows_ms != 0 {
        arguments.push(Argument::keyword("after", timedelta(cut.rows_ms)));
    }
    if !cut.cells.is_empty() {
        let cells = cut.cells.iter().map(|(name, ms)| (Py::string(name), timedelta(*ms)));
        arguments.push(Argument::keyword("cells", Py::Dict(cells.collect())));
    }
    arguments.extend(timezone.filter(|zone| *zone != "UTC").map(|zone| Argument::keyword("zone", Py::string(zone))));
    format!("rows = {}", flat(&Py::name("cutoff.apply").call_with(arguments)))
}

fn selection(rows: &Rows) -> Argument {
    match rows {
        Rows::Table(table) => Argument::keyword("table", Py::string(table)),
        Rows::Query(query) => Argument::keyword("query", Py::string(query)),
    }
}

/// What a schema says of a dataset.
struct Described<'a> {
    dataset: &'a str,
    columns: &'a [ColumnSchema],
    key: &'a [String],
    timestamp: Option<&'a str>,
    timezone: Option<&'a str>,
}

impl<'a> From<&'a Ingest> for Described<'a> {
    fn from(ingest: &'a Ingest) -> Self {
        let Ingest { dataset, schema, key, timestamp, timezone, .. } = ingest;
        Self { dataset, columns: schema, key, timestamp: timestamp.as_deref(), timezone: timezone.as_deref() }
    }
}

impl<'a> From<&'a Validate> for Described<'a> {
    fn from(validate: &'a Validate) -> Self {
        let Validate { dataset, schema, key, timestamp, .. } = validate;
        Self { dataset, columns: schema, key, timestamp: timestamp.as_deref(), timezone: None }
    }
}

/// The schema by which the rows of a dataset are read.
pub(crate) fn ingest_schema(ingest: &Ingest) -> Py {
    schema(&Described::from(ingest))
}

fn schema(described: &Described<'_>) -> Py {
    let mut arguments = vec![
        Argument::keyword("dataset", Py::string(described.dataset)),
        Argument::keyword("columns", Py::List(described.columns.iter().map(column).collect())),
    ];
    if !described.key.is_empty() {
        arguments.push(Argument::keyword("key", Py::strings(described.key)));
    }
    for (name, value) in [("timestamp", described.timestamp), ("timezone", described.timezone)] {
        arguments.extend(value.map(|value| Argument::keyword(name, Py::string(value))));
    }
    Py::name("Schema").call_with(arguments)
}

fn column(column: &ColumnSchema) -> Py {
    let (kind, levels) = kind(&column.dtype);
    let mut arguments = vec![Argument::positional(Py::string(&column.name)), Argument::positional(Py::string(kind))];
    let mut keyword = |name: &str, value: Py| arguments.push(Argument::keyword(name, value));
    if column.source_name != column.name {
        keyword("source", Py::string(&column.source_name));
    }
    let is_wide = column.wide.is_some();
    details(&column.dtype).into_iter().filter(|_| !is_wide).for_each(|(name, value)| keyword(name, value));
    if let Some(wide) = &column.wide {
        let places = [Py::integer(wide.first), Py::integer(wide.last), Py::string(kind_name(&wide.item))];
        keyword("wide", Py::name("Wide").call(places));
    }
    if column.nullable {
        keyword("nullable", Py::bool(true));
    }
    if let Some(levels) = levels {
        keyword("levels", Py::strings(levels));
    }
    if let Some(range) = &column.range {
        keyword("within", bounds(range));
    }
    if let Some(pattern) = &column.matches {
        keyword("matches", Py::string(pattern));
    }
    if column.unique {
        keyword("unique", Py::bool(true));
    }
    match &column.parse {
        Some(Parse::Format(format)) => keyword("format", Py::string(format)),
        Some(Parse::Epoch(unit)) => keyword("epoch", Py::string(unit)),
        Some(Parse::Flag(values)) => keyword("flag", Py::Tuple(values.iter().map(value_literal).collect())),
        None => {}
    }
    if !column.tags.is_empty() {
        arguments.push(Argument::keyword("tags", Py::strings(&column.tags)));
    }
    Py::name("Column").call_with(arguments)
}

/// A column of which only the type is known; one without a name is the type of a list's items.
pub(crate) fn typed_column(name: &str, dtype: &DType, nullable: bool) -> Py {
    let (kind, levels) = kind(dtype);
    let mut arguments = vec![Argument::positional(Py::string(name)), Argument::positional(Py::string(kind))];
    arguments.extend(details(dtype).into_iter().map(|(name, value)| Argument::keyword(name, value)));
    if nullable {
        arguments.push(Argument::keyword("nullable", Py::bool(true)));
    }
    arguments.extend(levels.map(|levels| Argument::keyword("levels", Py::strings(levels))));
    Py::name("Column").call_with(arguments)
}

/// What a kind alone does not say: items, digits, how many numbers.
fn details(dtype: &DType) -> Vec<(&'static str, Py)> {
    match dtype {
        DType::List { item, nullable } => vec![("item", typed_column("", item, *nullable))],
        DType::Decimal { digits, scale } => {
            vec![("digits", Py::integer(i64::from(*digits))), ("scale", Py::integer(i64::from(*scale)))]
        }
        DType::Vector { size: Some(size) } => vec![("size", Py::integer(i64::from(*size)))],
        _ => Vec::new(),
    }
}

fn kind_name(dtype: &DType) -> &'static str {
    kind(dtype).0
}

fn bounds(range: &Range) -> Py {
    let mut arguments = Vec::new();
    let sides = [("low", range.low, range.low_closed), ("high", range.high, range.high_closed)];
    for (name, bound, closed) in sides {
        let Some(bound) = bound else { continue };
        arguments.push(Argument::keyword(name, Py::float(bound)));
        if !closed {
            arguments.push(Argument::keyword(format!("{name}_closed"), Py::bool(false)));
        }
    }
    Py::name("Bounds").call_with(arguments)
}

pub(super) fn validate(context: &Context<'_>, validate: &Validate) -> Result<Parts, EmitError> {
    context.require(&["rows", "profile"], &["checks", "data_docs"])?;
    let mut printer = Printer::default();
    let expectations =
        validate.expectations.iter().map(|item| expectation(&mut printer, item)).collect::<Result<Vec<_>, _>>()?;
    let title = format!("Check what `{}` is expected to hold.", validate.dataset);
    let mut parts = Parts::new(title, "Check every expectation; fail with all that do not hold.");
    for (python, constant) in &printer.user_functions {
        parts = parts.constant(constant, &user_function(python)?);
    }
    let settle = Py::name("checks.settle").call_with(vec![
        Argument::positional(Py::name("found")),
        Argument::positional(Py::name("args.checks")),
        Argument::keyword("of", Py::string(&validate.dataset)),
    ]);
    let earlier: Vec<&str> = [Against::Reference, Against::Previous]
        .map(Against::input)
        .into_iter()
        .filter(|name| context.has_input(name))
        .collect();
    let with = |call: &str, positional: &[&str], more: &[(&str, &str)]| {
        let given = earlier.iter().map(|name| (*name, *name));
        let keywords = more.iter().copied().chain(given).map(|(name, value)| Argument::keyword(name, Py::name(value)));
        let positional = positional.iter().map(|name| Argument::positional(Py::name(*name)));
        flat(&Py::name(call).call_with(positional.chain(keywords).collect()))
    };
    let mut parts = parts
        .constant("SCHEMA", &schema(&Described::from(validate)))
        .constant("EXPECTATIONS", &Py::List(expectations))
        .line("rows = table.read(args.rows)")
        .line("present = profile.read(args.profile)");
    for name in &earlier {
        parts = parts.line(format!("{name} = profile.read(args.{name})"));
    }
    let check = with("checks.check", &["rows", "EXPECTATIONS", "SCHEMA"], &[]);
    let write = with("data_docs.write", &["args.data_docs", "SCHEMA", "found"], &[("present", "present")]);
    Ok(parts
        .line(format!("found = {check}"))
        .line(write)
        .line(format!("summary = {}", flat(&settle)))
        .line("return step.Result(rows={\"rows\": rows.height}, summary=summary)"))
}

fn expectation(printer: &mut Printer, expectation: &Expectation) -> Result<Py, EmitError> {
    let mut arguments = vec![Argument::positional(Py::string(&expectation.text))];
    let name = match &expectation.check {
        Check::Rows { condition } => {
            arguments.push(Argument::positional(printer.expression(condition)?));
            "Rows"
        }
        Check::Table { condition, measured, offending } => {
            arguments.push(Argument::positional(printer.expression(condition)?));
            for (name, value) in [("measured", measured), ("offending", offending)] {
                if let Some(value) = value {
                    arguments.push(Argument::keyword(name, printer.expression(value)?));
                }
            }
            "Table"
        }
        Check::Distance { measure, column, against, arguments: more, bound } => {
            let function = measure.rsplit_once(':').map_or(measure.as_str(), |(_, function)| function);
            arguments.push(Argument::positional(Py::name("distances").attribute(function)));
            arguments.push(Argument::positional(printer.expression(bound)?));
            arguments.push(Argument::keyword("column", Py::string(column)));
            arguments.push(Argument::keyword("against", Py::string(against.input())));
            if !more.is_empty() {
                let given = more.iter().map(|(name, value)| (Py::string(name), value_literal(value)));
                arguments.push(Argument::keyword("arguments", Py::Dict(given.collect())));
            }
            "Distance"
        }
    };
    let is_distance = matches!(expectation.check, Check::Distance { .. });
    if !expectation.columns.is_empty() && !is_distance {
        arguments.push(Argument::keyword("columns", Py::strings(&expectation.columns)));
    }
    arguments.push(Argument::keyword("origin", origin(&expectation.origin)));
    if !expectation.fails {
        arguments.push(Argument::keyword("fails", Py::bool(false)));
    }
    Ok(Py::name("checks").attribute(name).call_with(arguments))
}

/// Where something was declared.
pub(crate) fn origin(origin: &Origin) -> Py {
    Py::string(&format!("{}:{}", origin.file, origin.line))
}

pub(super) fn features(context: &Context<'_>, name: &str) -> Result<Parts, EmitError> {
    let set = context.features(name)?;
    let datasets = set.datasets();
    context.require(&datasets, &["rows"])?;
    let scans = datasets.iter().map(|dataset| Ok(Py::name("table.scan").call([super::argument(dataset)?])));
    let module = module_name(name);
    let rows = Py::name(format!("{module}.rows")).call(scans.collect::<Result<Vec<_>, EmitError>>()?);
    let title = format!("Make the rows of `{name}` from `{}`.", set.base);
    let mut parts = Parts::new(title, "Join, filter and compute what each row holds by itself.")
        .line(format!("rows = {}", flat(&Py::name("table.collect").call([rows]))))
        .line("table.write(rows, args.rows)")
        .line("return step.Result(rows={\"rows\": rows.height}, summary=f\"{rows.height} rows\")");
    parts.features = Some(module);
    Ok(parts)
}
