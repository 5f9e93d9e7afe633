//! `test`: rows in, values out, on the code that a run executes.

mod fitted;
mod function;
mod given;
mod literal;
pub mod needs;

use super::{Context, context};
use crate::errors::{self, tests};
use crate::infer::{Infer, Position};
use crate::library::body;
use crate::names::{Space, resolve};
use crate::typed::test::{Expected, Property, Subject, Test};
use crate::typed::{Checked, Column, Const, Features, Role};
use crate::types::{Ty, TyKind};
use given::Table;
use mlpc_db::{Block, Db, Place, Project};
use mlpc_diagnostics::{Code, Severity, Span, code, rule};
use mlpc_syntax::ast::{BlockDecl, Entry, Expr, ExprKind, Name, Path, Statement, StatementKind};
use std::collections::BTreeMap;

/// The name of what a function gives.
pub const RESULT: &str = "result";

/// A test, checked.
#[salsa::tracked]
pub fn test<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Test> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Test { broken: true, ..Test::default() }) };
    let title = decl.name.as_ref().map_or_else(String::new, mlpc_syntax::ast::BlockName::text);
    let mut value = Test { title, ..Test::default() };
    let partial = crate::entries::has_errors(decl);
    match subject(&mut context, decl) {
        // Of a test of something that is wrong nothing is said.
        Some(subject) if !partial && !subject.partial => {
            let mut checker = Checker { context: &mut context, decl, subject: &subject, value: &mut value };
            checker.run();
            value.subject = Some(subject.kind);
        }
        _ => value.broken = true,
    }
    value.broken |= context.findings.iter().any(|finding| finding.severity == Severity::Error);
    context.done(value)
}

/// What a test is about, with everything that it may name.
struct Under {
    kind: Subject,
    name: String,
    /// What the names mean.
    features: Features,
    /// Whether a part of it cannot be read, so that an unknown name may well be there.
    partial: bool,
    /// The datasets that it reads, base first.
    tables: Vec<Table>,
}

impl Under {
    /// What a test may expect: definitions, and columns of the base.
    fn columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        let defined = self.features.definitions.iter().map(|definition| (&definition.name, &definition.expr.ty));
        let base = self.tables.first().into_iter().flat_map(|table| &table.columns);
        for (name, ty) in defined.chain(base.map(|column| (&column.name, &column.ty))) {
            if !columns.iter().any(|column| column.name == *name) {
                columns.push(given::plain_column(name, ty.clone()));
            }
        }
        columns
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name || table.name.rsplit('.').next() == Some(name))
    }
}

fn subject<'db>(context: &mut Context<'db>, decl: &BlockDecl) -> Option<Under> {
    let path = decl.connector.as_ref()?.paths.first()?;
    if let Some(block) = resolve(context.db, context.file, Space::Function, &path.text())
        && resolve(context.db, context.file, Space::Block, &path.text()).is_none()
    {
        return function::subject(context, decl, block, path.span);
    }
    let block = context.block(&["features"], &path.text(), path.span)?;
    let features = super::features::features(context.db, block).value.clone();
    let partial = features.partial || super::features::features_shape(context.db, block).broken;
    let project = Project::get(context.db);
    let partial = partial || needs::datasets(&features).iter().any(|name| given::is_wrong(context.db, project, name));
    let tables = needs::datasets(&features)
        .into_iter()
        .filter_map(|name| given::Table::of(context.db, project, &name))
        .collect();
    let name = context.qualified(block);
    Some(Under { kind: Subject::Features(name.clone()), name, features, partial, tables })
}

struct Checker<'a, 'db> {
    context: &'a mut Context<'db>,
    decl: &'a BlockDecl,
    subject: &'a Under,
    value: &'a mut Test,
}

impl Checker<'_, '_> {
    fn run(&mut self) {
        let statements: Vec<&Statement> = self
            .decl
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Statement(statement) => Some(statement),
                _ => None,
            })
            .collect();
        for statement in &statements {
            if let StatementKind::ExpectError(name) = &statement.kind {
                self.refusal(name, statement.span);
            }
        }
        for statement in &statements {
            match &statement.kind {
                StatementKind::Given { fitted: true, name, value } => {
                    fitted::given(self.context, self.subject, self.value, name, value);
                }
                StatementKind::Given { fitted: false, name, value } => self.given(name, value, statement.span),
                StatementKind::Expect { name, value } => self.expect(name, value, statement.span),
                _ => {}
            }
        }
        for entry in &self.decl.entries {
            if let Entry::Expression(expr) = entry {
                self.property(expr);
            }
        }
        self.balance();
        if !self.subject.partial {
            self.completeness();
        }
    }

    /// `expect error CODE`.
    fn refusal(&mut self, name: &Name, span: Span) {
        const KNOWN: fn() -> [&'static Code; 4] =
            || [rule::type_mismatch, rule::null_use, rule::category_outside, rule::refused_value];
        match code(&name.text).filter(|code| KNOWN().contains(code)) {
            Some(code) => self.value.refused = Some((code, span)),
            None => self.context.findings.push(tests::not_of_ingest(&name.text, &KNOWN(), name.span)),
        }
    }

    fn given(&mut self, name: &Name, value: &Expr, span: Span) {
        if let Subject::Function { columns, .. } = &self.subject.kind {
            let refused = self.value.refused.map(|(code, _)| code);
            function::argument(self.context, self.subject, columns, refused, name, value, self.value);
            return;
        }
        if let Some(table) = self.subject.table(&name.text) {
            let refused = self.value.refused.map(|(code, _)| code);
            let rows = given::rows(self.context, table, refused, value, span);
            if let Some(first) = self.value.given.insert(table.name.clone(), rows) {
                self.context.findings.push(errors::duplicate(&name.text, name.span, Place::Here(first.span)));
            }
            return;
        }
        let parameter = resolve(self.context.db, self.context.file, Space::Block, &name.text)
            .filter(|block| block.keyword(self.context.db) == "param");
        match parameter {
            Some(block) => self.parameter(block, value),
            None if self.subject.partial => {}
            None => {
                let known: Vec<String> = self.subject.tables.iter().map(|table| table.name.clone()).collect();
                let finding = tests::unknown_given(&name.text, &self.subject.name, &known, name.span);
                self.context.findings.push(finding);
            }
        }
    }

    /// `given PARAM = v`.
    fn parameter(&mut self, block: Block<'_>, value: &Expr) {
        let declared = super::operations::parameter(self.context.db, block).value.clone();
        let what = format!("`{}`", block.name(self.context.db));
        match literal::value(self.context, value, &declared.ty, None, &what) {
            Ok(found) if found.number().is_some_and(|number| !declared.range.contains(number)) => {
                let message = format!("{what} is in `{}`, and this is {}", declared.range, found.describe());
                self.context.findings.push(errors::bad_value(message, "out of range", value.span));
            }
            Ok(_) => {
                let text = self.context.source(value.span);
                self.value.params.insert(block.name(self.context.db).to_owned(), text);
            }
            Err(finding) => self.context.findings.push(*finding),
        }
    }

    /// `expect NAME = [ … ]`.
    fn expect(&mut self, name: &Name, value: &Expr, span: Span) {
        let columns = self.subject.columns();
        let Some(column) = columns.iter().find(|column| column.name == name.text) else {
            if !self.subject.partial {
                let known: Vec<String> = columns.into_iter().map(|column| column.name).collect();
                let owner = format!("`{}`", self.subject.name);
                self.context.findings.push(errors::unknown_column(&name.text, &owner, &known, name.span));
            }
            return;
        };
        let ExprKind::List(items) = &value.kind else {
            let finding = errors::wrong_form("expect", "a list with one value for each row", value.span);
            self.context.findings.push(finding);
            return;
        };
        if let Some(first) = self.value.expected.iter().find(|other| other.name == name.text) {
            self.context.findings.push(errors::duplicate(&name.text, name.span, Place::Here(first.span)));
            return;
        }
        let what = format!("`{}`", name.text);
        let zone = self.subject.tables.first().and_then(|table| table.zone.as_deref());
        let mut values: Vec<Const> = Vec::new();
        for item in items {
            match literal::value(self.context, item, &column.ty, zone, &what) {
                Ok(value) => values.push(value),
                Err(finding) => {
                    self.context.findings.push(*finding);
                    // It stands for a row all the same.
                    values.push(Const::Null);
                }
            }
        }
        let text = self.context.source(span);
        self.value.expected.push(Expected { name: name.text.clone(), ty: column.ty.clone(), values, text, span });
    }

    /// `for all rows of NAME: condition`.
    fn property(&mut self, expr: &Expr) {
        let ExprKind::ForAll(path, condition) = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Error) {
                let help = "write `for all rows of DATASET: …`, or `expect NAME = [ … ]` for given rows";
                let message = "a condition alone says nothing of which rows it holds";
                self.context.findings.push(tests::bad_test(message, "of which rows?", help, expr.span));
            }
            return;
        };
        if !self.names_subject(path) {
            return;
        }
        let scope = super::dataset::TableScope::new(
            format!("`{}`", self.subject.name),
            self.subject.columns(),
            self.subject.partial,
        );
        let mut infer = Infer {
            db: self.context.db,
            file: self.context.file,
            columns: &scope,
            position: Position::Row("a property"),
            findings: &mut self.context.findings,
            refined: BTreeMap::new(),
            table: None,
        };
        let condition = infer.condition(condition, "a property");
        if !condition.ty.is_unknown() {
            let text = self.context.source(expr.span);
            self.value.properties.push(Property { text, span: expr.span, condition });
        }
    }

    /// Whether a path names the base whose rows are made up, or the function.
    fn names_subject(&mut self, path: &Path) -> bool {
        let name = path.text();
        let base = self.subject.tables.first().map(|table| table.name.clone()).unwrap_or_default();
        if self.subject.partial && base.is_empty() {
            return false;
        }
        if name == base || base.rsplit('.').next() == Some(name.as_str()) {
            return true;
        }
        let message = format!("`{}` is about the rows of `{base}`", self.subject.name);
        let help = format!("write `for all rows of {base}: …`");
        self.context.findings.push(tests::bad_test(message, "rows of something else", &help, path.span));
        false
    }

    /// Lists of one length; something to judge; nothing that excludes something else.
    fn balance(&mut self) {
        if let [first, rest @ ..] = self.value.expected.as_slice() {
            for other in rest.iter().filter(|other| other.values.len() != first.values.len()) {
                let (count, first_count) = (other.values.len(), first.values.len());
                let finding = tests::uneven(&other.name, count, &first.name, first_count, other.span, first.span);
                self.context.findings.push(finding);
            }
        }
        let judged = !self.value.expected.is_empty() || !self.value.properties.is_empty();
        let is_broken = self.context.findings.iter().any(|finding| finding.severity == Severity::Error);
        match self.value.refused {
            Some((_, span)) if judged => {
                let help = "make two tests of it";
                let message = "rows that are refused give no values";
                self.context.findings.push(tests::bad_test(message, "beside other expectations", help, span));
            }
            Some((_, span)) if matches!(self.subject.kind, Subject::Function { .. }) => {
                let message = "a function reads no data, so nothing is refused";
                self.context.findings.push(tests::bad_test(message, "never happens", "test a features block", span));
            }
            None if !judged && !is_broken => {
                let help = "add `expect NAME = [ … ]`, `expect error CODE` or `for all rows of DATASET: …`";
                let message = "this test expects nothing";
                self.context.findings.push(tests::bad_test(message, "cannot fail", help, self.decl.header));
            }
            _ => {}
        }
    }

    /// Everything that the expected names depend on is given.
    fn completeness(&mut self) {
        let features = &self.subject.features;
        let expected: Vec<String> = self.value.expected.iter().map(|expected| expected.name.clone()).collect();
        let of_properties = self.value.properties.iter().flat_map(|property| property.condition.columns());
        let all: Vec<String> = expected.iter().cloned().chain(of_properties).collect();
        let late = |definition: &&crate::typed::Definition| matches!(definition.role, Role::Label | Role::Weight);
        let closed = needs::closure(features, &all);
        self.value.labelled =
            features.definitions.iter().filter(late).any(|definition| closed.contains(&definition.name));
        for definition in features.definitions.iter().filter(|definition| closed.contains(&definition.name)) {
            for (fitted, call) in needs::fitted_calls(definition) {
                if !self.value.fitted.contains_key(&fitted) {
                    let span = self.place_of(&definition.name);
                    let finding = tests::not_given_fitted(&definition.name, &fitted, &call.state, span);
                    self.context.findings.push(finding);
                }
            }
        }
        if self.value.refused.is_some() || !self.value.expected.is_empty() {
            self.rows_are_complete(&expected);
        }
    }

    /// Where a name is expected, or something that is made from it.
    fn place_of(&self, name: &str) -> Span {
        let direct = self.value.expected.iter().find(|expected| expected.name == name);
        let through = |expected: &&Expected| {
            needs::closure(&self.subject.features, std::slice::from_ref(&expected.name)).contains(name)
        };
        let expected = direct.or_else(|| self.value.expected.iter().find(through)).map(|expected| expected.span);
        expected.or_else(|| self.value.properties.first().map(|property| property.span)).unwrap_or(self.decl.header)
    }

    fn rows_are_complete(&mut self, expected: &[String]) {
        let needs = needs::needs(&self.subject.features, expected, self.value.labelled);
        for (index, table) in self.subject.tables.iter().enumerate() {
            let needed = needs.get(&table.name);
            let Some(given) = self.value.given.get(&table.name) else {
                if index == 0 || needed.is_some() {
                    let finding = tests::no_rows(&table.name, &self.subject.name, self.decl.header);
                    self.context.findings.push(finding);
                }
                continue;
            };
            let Some(needed) = needed.filter(|_| self.value.refused.is_none()) else { continue };
            for row in &given.rows {
                let missing = table.columns.iter().find(|column| {
                    needed.contains(&column.name) && !column.ty.nullable && !row.contains_key(&column.name)
                });
                if let Some(column) = missing {
                    let finding = tests::incomplete_row(&column.name, &table.name, expected, given.span);
                    self.context.findings.push(finding);
                    break;
                }
            }
        }
    }
}

/// The type of any value: used where a type is not known yet.
fn of_values(values: &[Const]) -> Ty {
    let known = values.iter().filter(|value| **value != Const::Null);
    let joined = known
        .map(|value| crate::infer::literal_expr(value.clone(), Span::default()).ty)
        .reduce(|left, right| left.join(&right).unwrap_or_else(Ty::unknown));
    let kind = joined.map_or(TyKind::Float, |ty| ty.kind);
    Ty::new(kind).with_null(values.contains(&Const::Null))
}
