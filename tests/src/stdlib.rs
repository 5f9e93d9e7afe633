//! The standard library's declarations as JSON, read by the compiler's own passes, for the checks of `stdlib/tests`.
//! What the JSON holds is written in `stdlib/tests/declarations.py`.

use crate::program::{Checked, check};
use mlpc_db::{Block, SourceFile, blocks};
use mlpc_hir::consts::{dotted, literal};
use mlpc_hir::infer::{Columns, Infer, Lookup, Position, literal_expr};
use mlpc_hir::library::{FnSig, Pattern, body, fn_signature, nested};
use mlpc_hir::typed::{Const, FnBody, TExpr, TKind};
use mlpc_hir::types::{Ty, TyKind};
use mlpc_syntax::ast::{Arg, BlockDecl, Entry, Expr, ExprKind, Field, Name, Range, TypeExpr, TypeKind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Every declaration of the standard library but its constants.
#[must_use]
pub fn declarations() -> Value {
    let checked = check("pipeline p { seed = 1 }\n");
    let library = checked.project.library(&checked.db).clone();
    let declared = |file: &SourceFile| -> Vec<Value> {
        let all = blocks(&checked.db, *file).iter();
        all.filter_map(|block| Some(declaration(&checked, *file, *block, body(&checked.db, *block)?))).collect()
    };
    library.iter().flat_map(declared).collect()
}

fn declaration(checked: &Checked, file: SourceFile, block: Block<'_>, decl: &BlockDecl) -> Value {
    let kind = if decl.modifiers.iter().any(|word| word.text == "fitted") { "fitted" } else { &decl.kind.text };
    let signature = decl.signature.as_ref();
    let args = signature.iter().flat_map(|signature| &signature.params).map(|param| {
        let mut shown = value(param.ty.as_ref(), param.default.as_ref(), param.domain.as_ref());
        shown.insert("name".to_owned(), json!(param.name.text));
        shown.insert("const".to_owned(), json!(param.constant));
        shown.insert("variadic".to_owned(), json!(param.variadic));
        Value::Object(shown)
    });
    let connector = decl.connector.iter().flat_map(|connector| &connector.paths);
    json!({
        "kind": kind,
        "name": block.name(&checked.db),
        "doc": decl.doc,
        "tasks": connector.map(|path| path.text()).collect::<Vec<_>>(),
        "settings": settings(&decl.entries),
        "args": args.collect::<Vec<_>>(),
        "result": signature.and_then(|signature| signature.result.as_ref()).map(type_text),
        "result_range": signature.and_then(|signature| signature.domain.as_ref()).map(range),
        "params": fields(decl, "params"),
        "state": fields(decl, "state"),
        "accepts": nested(decl, "accepts").filter_map(bare).collect::<Vec<_>>(),
        "fixed": Value::Object(nested(decl, "fixed").filter_map(plain_setting).collect()),
        "examples": examples(checked, file, block, decl, kind),
    })
}

fn examples(checked: &Checked, file: SourceFile, block: Block<'_>, decl: &BlockDecl, kind: &str) -> Vec<Value> {
    if kind == "fn" {
        let conditions = nested(decl, "examples").filter_map(|entry| match entry {
            Entry::Expression(expr) => Some(expr),
            _ => None,
        });
        return conditions.map(|expr| json!(printed(&inferred(checked, file, &Table::default(), expr)))).collect();
    }
    let records = decl.entries.iter().filter_map(|entry| match entry {
        Entry::Block(block) if block.kind.text == "example" => Some(&block.entries),
        _ => None,
    });
    records
        .map(|entries| {
            let record: Map<String, Value> = entries.iter().filter_map(plain_setting).collect();
            if kind != "expectation" {
                return Value::Object(record);
            }
            let signature = fn_signature(&checked.db, block).as_ref().expect("the declaration is whole");
            expectation(checked, file, signature, entries, &record)
        })
        .collect()
}

/// An expectation's example: the call that a program would make of it, over columns of the example's values.
fn expectation(
    checked: &Checked,
    file: SourceFile,
    signature: &FnSig,
    entries: &[Entry],
    record: &Map<String, Value>,
) -> Value {
    let mut table = Table::default();
    let mut columns = Map::new();
    for (name, values) in record.iter().filter(|(_, value)| value.is_array()) {
        let declared = signature.params.iter().find(|param| param.name == *name);
        let ty = match declared.map(|param| &param.pattern) {
            Some(Pattern::Is(kind)) => kind.clone(),
            _ => kind_of(values),
        };
        columns.insert(name.clone(), json!({"type": ty.to_string(), "values": values}));
        table.0.insert(name.clone(), Ty::new(ty).with_null(true));
    }
    if signature.takes.is_some() {
        // What it measures is Python, called with the columns themselves.
        return json!({"columns": columns, "polars": null, "offending": null, "value": record["value"]});
    }
    let several = signature.params.iter().any(|param| param.variadic);
    let all = table.0.keys().filter(|_| several);
    let variadic = all.map(|name| Arg { name: None, value: named_expr(name) });
    let arguments = signature.params.iter().filter(|param| !param.variadic).filter_map(|param| {
        let name = Name { text: param.name.clone(), span: Default::default() };
        let value = match entries.iter().find_map(|entry| named_value(entry, &param.name)) {
            Some(value) if param.constant => value.clone(),
            None if param.constant => return None,
            _ => named_expr(&param.name),
        };
        Some(Arg { name: Some(name), value })
    });
    let callee = named_expr(&signature.name);
    let kind = ExprKind::Call(Box::new(callee), variadic.chain(arguments).collect());
    let call = inferred(checked, file, &table, &Expr { kind, span: Default::default() });
    let offending = signature.offending.as_ref().map(|template| {
        let TKind::Call { function, args, constants, .. } = call.kind.clone() else { panic!("a call stays a call") };
        let body = FnBody::Polars(template.clone());
        let kind = TKind::Call { function, body, args, constants, finite: false };
        printed(&TExpr { kind, ty: Ty::new(TyKind::Bool), span: call.span })
    });
    json!({"columns": columns, "polars": printed(&call), "offending": offending, "value": record["value"]})
}

fn named_expr(name: &str) -> Expr {
    Expr { kind: ExprKind::Name(name.to_owned()), span: Default::default() }
}

/// What the values of an example are, where the declaration leaves it open.
fn kind_of(values: &Value) -> TyKind {
    match values.as_array().and_then(|values| values.iter().find(|value| !value.is_null())) {
        Some(Value::Bool(_)) => TyKind::Bool,
        Some(Value::Number(number)) if number.is_i64() => TyKind::Int,
        Some(Value::Number(_)) => TyKind::Float,
        _ => TyKind::String,
    }
}

/// Columns of an example.
#[derive(Default)]
struct Table(BTreeMap<String, Ty>);

impl Columns for Table {
    fn lookup(&self, name: &str) -> Lookup {
        self.0.get(name).map_or(Lookup::Missing(Default::default()), |ty| Lookup::Found(name.to_owned(), ty.clone()))
    }

    fn describe(&self) -> String {
        "the example".to_owned()
    }
}

fn inferred(checked: &Checked, file: SourceFile, columns: &Table, expr: &Expr) -> TExpr {
    let mut findings = Vec::new();
    let (position, refined) = (Position::Expectation, BTreeMap::new());
    let mut infer = Infer { db: &checked.db, file, columns, position, findings: &mut findings, refined, table: None };
    let typed = infer.expr(expr);
    let told: Vec<&String> = findings.iter().map(|finding| &finding.message).collect();
    assert!(told.is_empty(), "{}: {told:?} in {expr:?}", file.path(&checked.db));
    typed
}

fn printed(typed: &TExpr) -> String {
    mlpc_emit::expression(&mlpc_plan::expression(typed)).expect("examples can be printed")
}

fn settings(entries: &[Entry]) -> Map<String, Value> {
    entries.iter().filter_map(plain_setting).collect()
}

fn plain_setting(entry: &Entry) -> Option<(String, Value)> {
    match entry {
        Entry::Setting { name, value, .. } => Some((name.text(), constant(value)?)),
        _ => None,
    }
}

fn named_value<'a>(entry: &'a Entry, wanted: &str) -> Option<&'a Expr> {
    match entry {
        Entry::Setting { name, value, .. } if name.text() == wanted => Some(value),
        _ => None,
    }
}

fn bare(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Bare(name) => Some(name.text.clone()),
        _ => None,
    }
}

fn fields(decl: &BlockDecl, block: &str) -> Vec<Value> {
    let field = |field: &Field| {
        let mut shown = value(Some(&field.ty), field.default.as_ref(), field.domain.as_ref());
        shown.insert("name".to_owned(), json!(field.name.text));
        Value::Object(shown)
    };
    let found = nested(decl, block).filter_map(|entry| match entry {
        Entry::Field(found) => Some(field(found)),
        _ => None,
    });
    found.collect()
}

/// Type, default and range of a parameter or field.
fn value(ty: Option<&TypeExpr>, default: Option<&Expr>, domain: Option<&Expr>) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("type".to_owned(), json!(ty.map(type_text)));
    shown.insert("default".to_owned(), default.and_then(constant).unwrap_or_default());
    shown.insert("has_default".to_owned(), json!(default.is_some()));
    shown.insert("range".to_owned(), domain.map(range).unwrap_or_default());
    shown
}

fn type_text(ty: &TypeExpr) -> String {
    let text = match &ty.kind {
        TypeKind::Union(parts) => parts.iter().map(type_text).collect::<Vec<_>>().join(" | "),
        TypeKind::Named { path, args } if args.is_empty() => path.text(),
        TypeKind::Named { path, args } => {
            let args = args.iter().map(|arg| match &arg.kind {
                ExprKind::Str(text) => format!("{text:?}"),
                _ => dotted(arg).expect("a type's argument is a text or a name"),
            });
            format!("{}[{}]", path.text(), args.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{text}{}", if ty.nullable { "?" } else { "" })
}

/// A literal, or a word as its text, or a range.
fn constant(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Range(_) => Some(range(expr)),
        _ => literal(expr).map(|value| plain(&value)).or_else(|| dotted(expr).map(Value::from)),
    }
}

fn plain(value: &Const) -> Value {
    match value {
        Const::Null => Value::Null,
        Const::Bool(value) => json!(value),
        Const::Int(value) => json!(value),
        Const::Float(value) => json!(value),
        Const::Str(value) => json!(value),
        Const::List(items) => items.iter().map(plain).collect(),
        Const::Date(_) => {
            let printed = mlpc_plan::expression(&literal_expr(value.clone(), Default::default()));
            let mlpc_plan::plan::Expr::Date { iso } = printed else { panic!("a date stays a date") };
            json!(iso)
        }
        Const::Duration(_) | Const::Size(_) | Const::Instant(_) => panic!("no declaration holds {}", value.describe()),
    }
}

fn range(expr: &Expr) -> Value {
    let ExprKind::Range(Range { low, high }) = &expr.kind else { panic!("no range: {expr:?}") };
    let bound = |side: &Option<(Box<Expr>, bool)>| side.as_ref().and_then(|(bound, _)| constant(bound));
    let open = |side: &Option<(Box<Expr>, bool)>| side.as_ref().is_some_and(|(_, closed)| !closed);
    json!({"low": bound(low), "low_open": open(low), "high": bound(high), "high_open": open(high)})
}
