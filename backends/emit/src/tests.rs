//! Tests: one module of cases per features module, on the same code as the steps.

use crate::error::EmitError;
use crate::features;
use crate::imports::Imports;
use crate::layout::Layout;
use crate::py::{Argument, Py, flat, is_identifier, value_literal};
use crate::steps::{ingest_schema, origin, typed_column};
use crate::text::header;
use crate::{FileTree, shared};
use indexmap::IndexMap;
use mlpc_plan::plan::{ExpectedColumn, Property, TestCase, TestPlan};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Serialize)]
struct View {
    doc: String,
    imports: String,
    constants: Vec<String>,
}

/// Prints tests with everything that they run on. Each is found as `tests.MODULE` and its place in `CASES`.
///
/// # Errors
///
/// If a name or an expression can't be printed.
pub fn tests(tests: &TestPlan, user_files: &BTreeMap<String, String>) -> Result<FileTree, EmitError> {
    let layout = Layout::new()?;
    let mut tree = shared(user_files);
    for (module, set) in &tests.features {
        if !is_identifier(module) {
            return Err(EmitError::Name(module.clone()));
        }
        tree.insert(format!("features/{module}.py"), features::module(&layout, &tests.plan, set)?);
        tree.insert(format!("tests/{module}.py"), cases(&layout, tests, module)?);
    }
    tree.insert("tests/__init__.py".to_owned(), "\"\"\"Tests: one module per module of features.\"\"\"\n".to_owned());
    Ok(tree)
}

/// The place of each case: its module, and its index there.
#[must_use]
pub fn addresses(tests: &TestPlan) -> Vec<(String, usize)> {
    let mut counts: IndexMap<&str, usize> = IndexMap::new();
    let mut address = |module| {
        let count = counts.entry(module).or_default();
        *count += 1;
        *count - 1
    };
    tests.cases.iter().map(|case| (format!("tests.{}", case.module), address(case.module.as_str()))).collect()
}

fn cases(layout: &Layout, tests: &TestPlan, module: &str) -> Result<String, EmitError> {
    let own: Vec<&TestCase> = tests.cases.iter().filter(|case| case.module == module).collect();
    let reads = tests.datasets.get(module).into_iter().flatten();
    let schemas = Py::Dict(reads.map(|read| (Py::string(&read.dataset), ingest_schema(read))).collect());
    let cases = Py::List(own.iter().map(|case| printed(case, module)).collect());
    let constants = vec![format!("SCHEMAS = {}", flat(&schemas)), format!("CASES = {}", flat(&cases))];
    let mut imports = Imports::of(&constants.join("\n"))?;
    imports.features(module);
    let first = own.first().ok_or_else(|| EmitError::Name(module.to_owned()))?;
    let title = format!("Tests of `{}`.", first.subject);
    let doc = header(&tests.plan.compiler, &first.origin, &title, None);
    layout.python("tests.py", &View { doc, imports: imports.lines(), constants })
}

fn printed(case: &TestCase, module: &str) -> Py {
    let mut arguments = vec![
        Argument::positional(Py::string(&case.title)),
        Argument::keyword("features", Py::name(module)),
        Argument::keyword("schemas", Py::name("SCHEMAS")),
    ];
    let mut keyword = |name: &str, value: Py| arguments.push(Argument::keyword(name, value));
    for (name, is_so) in [("labelled", case.labelled), ("function", case.function)] {
        if is_so {
            keyword(name, Py::bool(true));
        }
    }
    let rows = |rows: &Vec<Map<String, Value>>| Py::List(rows.iter().map(record).collect());
    if !case.given.is_empty() {
        keyword("given", Py::Dict(case.given.iter().map(|(name, given)| (Py::string(name), rows(given))).collect()));
    }
    if !case.fitted.is_empty() {
        keyword(
            "fitted",
            Py::Dict(case.fitted.iter().map(|(name, state)| (Py::string(name), record(state))).collect()),
        );
    }
    if !case.expected.is_empty() {
        keyword("expected", Py::List(case.expected.iter().map(expected).collect()));
    }
    if let Some(refusal) = &case.refused {
        keyword("refused", Py::string(&refusal.code));
    }
    if !case.properties.is_empty() {
        keyword("properties", Py::List(case.properties.iter().map(property).collect()));
    }
    Py::name("testing").attribute("Case").call_with(arguments)
}

fn record(fields: &Map<String, Value>) -> Py {
    Py::Dict(fields.iter().map(|(name, value)| (Py::string(name), value_literal(value))).collect())
}

fn expected(column: &ExpectedColumn) -> Py {
    Py::name("testing").attribute("Expected").call([
        typed_column(&column.name, &column.dtype, true),
        Py::List(column.values.iter().map(value_literal).collect()),
        origin(&column.origin),
    ])
}

fn property(property: &Property) -> Py {
    Py::name("testing").attribute("Property").call([
        Py::string(&property.column),
        Py::strings(&property.names),
        Py::integer(i64::from(property.seed)),
        origin(&property.origin),
    ])
}
