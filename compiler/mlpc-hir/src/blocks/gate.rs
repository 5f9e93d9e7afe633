//! `gate`: what must hold before a model goes on.

use super::release::{call_text, evaluate, metric_named};
use super::{Context, context};
use crate::blocks::dataset::dataset;
use crate::blocks::operations::pipeline;
use crate::consts::{dotted, literal};
use crate::entries::{call_of, names};
use crate::errors;
use crate::library::{body, setting};
use crate::typed::{Checked, Const, Evaluate, Gate, MetricUse, Quantity, Requirement};
use crate::types::Interval;
use mlpc_db::{Block, Db, blocks};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{Arg, BinaryOp, Entry, Expr, ExprKind, StatementKind};

/// A gate, checked.
#[salsa::tracked]
pub fn gate<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Gate> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Gate::default()) };
    let min_rows = match setting(decl, "min_rows").and_then(literal) {
        Some(Const::Int(rows)) => u64::try_from(rows).unwrap_or(0),
        _ => 100,
    };
    let Some(report) = context.connected(&["evaluate"]) else { return context.done(Gate::default()) };
    let checked = evaluate(db, report);
    let mut value = Gate { evaluate: context.qualified(report), requirements: Vec::new(), min_rows };
    let broken = checked.value.broken;
    if checked.value.part == "validation" {
        let message = "a gate judges on the test part, and this report is about validation";
        context.findings.push(errors::bad_value(message, "chosen on these rows already", decl.header));
    }
    let mut reader = Reader { context: &mut context, report: &checked.value, name: report.name(db), broken };
    for entry in &decl.entries {
        if let Entry::Statement(statement) = entry
            && let StatementKind::Require { condition, confidence } = &statement.kind
            && let Some(requirement) = reader.requirement(condition, confidence.as_ref())
        {
            value.requirements.push(requirement);
        }
    }
    let empty = value.requirements.is_empty() && context.findings.is_empty() && !broken;
    if empty && !crate::entries::has_errors(decl) {
        context.findings.push(errors::missing_setting("gate", "require", "a condition on a metric", decl.header));
    }
    context.done(value)
}

/// Reads the requirements of one gate.
struct Reader<'a, 'db> {
    context: &'a mut Context<'db>,
    report: &'a Evaluate,
    name: &'a str,
    broken: bool,
}

impl Reader<'_, '_> {
    fn requirement(&mut self, expr: &Expr, confidence: Option<&Expr>) -> Option<Requirement> {
        let ExprKind::Binary(compare, left, right) = &expr.kind else {
            self.reject(expr);
            return None;
        };
        if !compare.is_comparison() {
            self.reject(expr);
            return None;
        }
        let (left_value, right_value) = (self.quantity(left), self.quantity(right));
        let (left_value, right_value) = (left_value?, right_value?);
        let (of_left, of_right) = (unit(&left_value), unit(&right_value));
        if of_left != of_right {
            let message = format!("{} cannot be compared with {}", of_left.name(), of_right.name());
            self.context.findings.push(errors::bad_value(message, "of different kinds", expr.span));
            return None;
        }
        self.check_bound(*compare, &left_value, &right_value, expr.span);
        let confidence = match confidence {
            Some(share) => Some(self.confidence(share, *compare, [&left_value, &right_value])?),
            None => None,
        };
        let text = self.context.source(expr.span);
        Some(Requirement { text, span: expr.span, left: left_value, compare: *compare, right: right_value, confidence })
    }

    /// How sure a requirement must be, which makes sense of what is measured on rows.
    fn confidence(&mut self, share: &Expr, compare: BinaryOp, sides: [&Quantity; 2]) -> Option<f64> {
        let value = literal(share).and_then(|value| value.number()).filter(|value| (0.5..1.0).contains(value));
        if value.is_none() {
            let finding = errors::wrong_form("with confidence", "a share from 50% to less than 100%", share.span);
            self.context.findings.push(finding.help("as `with confidence 95%`"));
        } else if !sides.into_iter().any(is_of_rows) {
            let message = "only metrics may differ on other rows";
            self.context.findings.push(errors::bad_value(message, "nothing to be more or less sure of", share.span));
            return None;
        } else if matches!(compare, BinaryOp::Eq | BinaryOp::Ne) {
            let message = "a confidence is that of `<`, `<=`, `>` or `>=`";
            self.context.findings.push(errors::bad_value(message, "not of this comparison", share.span));
            return None;
        }
        value
    }

    fn reject(&mut self, expr: &Expr) {
        let help = "as `accuracy >= 0.9`";
        self.context.findings.push(errors::bad_value("a requirement compares a metric with a bound", help, expr.span));
    }

    fn quantity(&mut self, expr: &Expr) -> Option<Quantity> {
        if let Some(number) = literal(expr).filter(|_| !matches!(expr.kind, ExprKind::Name(_))) {
            return match (&number, number.number()) {
                (_, Some(number)) => Some(Quantity::Number(number)),
                (Const::Duration(ms), None) => Some(Quantity::Duration(*ms)),
                (Const::Size(bytes), None) => Some(Quantity::Size(*bytes)),
                _ => {
                    self.context.findings.push(errors::wrong_form("require", "numbers", expr.span));
                    None
                }
            };
        }
        match &expr.kind {
            ExprKind::Name(name) if name == "model_size" => Some(Quantity::ModelSize),
            ExprKind::Name(name) => self.metric(name, &[], expr.span).map(Quantity::Metric),
            ExprKind::Member(base, metric) if dotted(base).as_deref() == Some("champion") => {
                if !is_required(self.context) {
                    let gate = self.context.block.name(self.context.db).to_owned();
                    self.context.findings.push(errors::no_champion(&gate, expr.span));
                }
                self.metric(&metric.text, &[], metric.span).map(Quantity::Champion)
            }
            ExprKind::By(metric, slice) => {
                let (name, args, span) = call_of(metric)?;
                let metric = self.metric(&name, args, span)?;
                self.slice(&slice.text, slice.span).map(|slice| Quantity::MetricBy(metric, slice))
            }
            ExprKind::Call(callee, args) if dotted(callee).as_deref() == Some("gap") => self.gap(args, expr.span),
            ExprKind::Call(callee, args) if dotted(callee).as_deref() == Some("latency") => {
                self.latency(args, expr.span)
            }
            ExprKind::Call(callee, args) if dotted(callee).as_deref() == Some("freshness") => {
                self.freshness(args, expr.span)
            }
            ExprKind::Call(..) => {
                let (name, args, span) = call_of(expr)?;
                self.metric(&name, args, span).map(Quantity::Metric)
            }
            ExprKind::Binary(op, left, right)
                if matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div) =>
            {
                let (left, right) = (self.quantity(left), self.quantity(right));
                let (left, right) = (left?, right?);
                if [&left, &right].into_iter().any(|side| unit(side) != Unit::Number) {
                    let message = "arithmetic in a gate is that of metrics and numbers";
                    self.context.findings.push(errors::bad_value(message, "not of these", expr.span));
                    return None;
                }
                Some(Quantity::Binary(*op, Box::new(left), Box::new(right)))
            }
            ExprKind::Error => None,
            _ => {
                self.reject(expr);
                None
            }
        }
    }

    fn gap(&mut self, args: &[Arg], span: Span) -> Option<Quantity> {
        let metric = args.iter().find(|arg| arg.name.is_none())?;
        let by = args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.text == "by"));
        let Some(by) = by.and_then(|arg| dotted(&arg.value).map(|name| (name, arg.value.span))) else {
            self.context.findings.push(errors::wrong_form("gap", "a metric and `by: column`", span));
            return None;
        };
        let (name, args, at) = call_of(&metric.value)?;
        let metric = self.metric(&name, args, at);
        let slice = self.slice(&by.0, by.1);
        Some(Quantity::Gap(metric?, slice?))
    }

    /// `latency(p95)`.
    fn latency(&mut self, args: &[Arg], span: Span) -> Option<Quantity> {
        let percent = match args {
            [Arg { name: None, value }] => dotted(value).and_then(|word| word.strip_prefix('p')?.parse::<u8>().ok()),
            _ => None,
        };
        match percent.filter(|percent| (1..=99).contains(percent)) {
            Some(percent) => Some(Quantity::Latency(f64::from(percent) / 100.0)),
            None => {
                self.context.findings.push(errors::wrong_form("latency", "a percentile from `p1` to `p99`", span));
                None
            }
        }
    }

    /// `freshness(flights)`: of a dataset with times, by a run that knows its day.
    fn freshness(&mut self, args: &[Arg], span: Span) -> Option<Quantity> {
        let named = match args {
            [Arg { name: None, value }] => dotted(value).map(|name| (name, value.span)),
            _ => None,
        };
        let Some((name, at)) = named else {
            self.context.findings.push(errors::wrong_form("freshness", "a dataset", span));
            return None;
        };
        let block = self.context.block(&["dataset"], &name, at)?;
        if dataset(self.context.db, block).value.timestamp.is_none() {
            let finding = errors::bad_value(format!("`{name}` has no times to be fresh by"), "how old is a row?", at);
            self.context.findings.push(finding.help("add `timestamp = …` to the dataset"));
            return None;
        }
        if !knows_its_day(self.context) {
            let message = "data is fresh as of a day, and this pipeline names none";
            let finding = errors::bad_value(message, "as of when?", span);
            let help = "add `as_of = as_of` to the pipeline, with `param as_of: date = scheduled_date`";
            self.context.findings.push(finding.help(help));
            return None;
        }
        Some(Quantity::Freshness(self.context.qualified(block)))
    }

    /// The name under which the report has a metric: the only one of that name, or the call as written.
    fn metric(&mut self, name: &str, args: &[Arg], span: Span) -> Option<String> {
        let exact = if args.is_empty() { name.to_owned() } else { call_text(name, args) };
        let known = &self.report.metrics;
        if known.contains_key(&exact) {
            return Some(exact);
        }
        // Arguments that are repeated must be those of the report.
        let agrees = |used: &MetricUse| {
            args.iter().all(|arg| {
                let value = literal(&arg.value).and_then(|value| value.number());
                let of =
                    |(parameter, _): &&(String, Const)| arg.name.as_ref().is_some_and(|name| name.text == *parameter);
                used.arguments.iter().find(of).is_some_and(|(_, found)| found.number() == value)
            })
        };
        let mut same =
            known.iter().filter(|(_, used)| used.metric == name && agrees(used)).map(|(reported, _)| reported);
        if let (Some(only), None) = (same.next(), same.next()) {
            return Some(only.clone());
        }
        if !self.broken {
            let computed: Vec<String> = known.keys().cloned().collect();
            self.context.findings.push(errors::metric_not_computed(name, self.name, &computed, span));
        }
        None
    }

    fn slice(&mut self, name: &str, span: Span) -> Option<String> {
        if self.report.slices.iter().any(|slice| slice == name) {
            return Some(name.to_owned());
        }
        if !self.broken {
            let slices = &self.report.slices;
            self.context.findings.push(errors::no_such_slice(name, self.name, slices, span));
        }
        None
    }

    /// What metrics can be at all can make a requirement empty.
    fn check_bound(&mut self, compare: BinaryOp, left: &Quantity, right: &Quantity, span: Span) {
        let (of_left, of_right) = (self.range(left), self.range(right));
        let same = left == right;
        let always = match compare {
            BinaryOp::Ge => same || of_left.low >= of_right.high,
            BinaryOp::Gt => of_left.low > of_right.high,
            BinaryOp::Le => same || of_left.high <= of_right.low,
            BinaryOp::Lt => of_left.high < of_right.low,
            BinaryOp::Eq => same,
            _ => false,
        };
        let never = match compare {
            BinaryOp::Ge => of_left.high < of_right.low,
            BinaryOp::Gt => same || of_left.high <= of_right.low,
            BinaryOp::Le => of_left.low > of_right.high,
            BinaryOp::Lt => same || of_left.low >= of_right.high,
            BinaryOp::Eq => of_left.meet(of_right).is_empty(),
            BinaryOp::Ne => same,
            _ => false,
        };
        if always || never {
            let told = if same {
                "both sides are the same".to_owned()
            } else {
                let told = [(left, of_left), (right, of_right)].into_iter().filter(|(side, _)| !is_constant(side));
                let told: Vec<String> = told.map(|(side, range)| format!("{} in `{range}`", describe(side))).collect();
                told.join(", ")
            };
            self.context.findings.push(errors::gate_cannot_fail(always, told, span));
        }
    }

    /// What a quantity can be.
    fn range(&self, quantity: &Quantity) -> Interval {
        let of = |name: &str| {
            let used = self.report.metrics.get(name).and_then(|used| metric_named(self.context, &used.metric));
            used.map_or(Interval::ALL, |signature| signature.range)
        };
        let at_least_zero = Interval { low: 0.0, low_closed: true, ..Interval::ALL };
        match quantity {
            Quantity::Number(number) => Interval::point(*number),
            #[expect(clippy::cast_precision_loss, reason = "bounds of gates are no longer than that")]
            Quantity::Duration(ms) => Interval::point(*ms as f64),
            #[expect(clippy::cast_precision_loss, reason = "bounds of gates are no larger than that")]
            Quantity::Size(bytes) => Interval::point(*bytes as f64),
            Quantity::Metric(name) | Quantity::MetricBy(name, _) | Quantity::Champion(name) => of(name),
            Quantity::Gap(name, _) => {
                let range = of(name);
                let high = range.high - range.low;
                Interval { high, high_closed: high.is_finite(), ..at_least_zero }
            }
            Quantity::Latency(_) | Quantity::ModelSize | Quantity::Freshness(_) => at_least_zero,
            Quantity::Binary(op, left, right) => {
                let (left, right) = (self.range(left), self.range(right));
                match op {
                    BinaryOp::Add => left.plus(right),
                    BinaryOp::Sub => left.plus(right.negated()),
                    BinaryOp::Mul => left.times(right),
                    _ => left.divided_by(right),
                }
            }
        }
    }
}

/// What a quantity is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Number,
    Time,
    Bytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Time => "a span of time",
            Self::Bytes => "a size",
        }
    }
}

fn unit(quantity: &Quantity) -> Unit {
    match quantity {
        Quantity::Duration(_) | Quantity::Latency(_) | Quantity::Freshness(_) => Unit::Time,
        Quantity::Size(_) | Quantity::ModelSize => Unit::Bytes,
        Quantity::Number(_)
        | Quantity::Metric(_)
        | Quantity::MetricBy(..)
        | Quantity::Gap(..)
        | Quantity::Champion(_)
        | Quantity::Binary(..) => Unit::Number,
    }
}

/// Whether a quantity comes from the rows that judge.
fn is_of_rows(quantity: &Quantity) -> bool {
    match quantity {
        Quantity::Binary(_, left, right) => is_of_rows(left) || is_of_rows(right),
        other => unit(other) == Unit::Number && !is_constant(other),
    }
}

fn is_constant(quantity: &Quantity) -> bool {
    matches!(quantity, Quantity::Number(_) | Quantity::Duration(_) | Quantity::Size(_))
}

/// A quantity in a message, as the subject of what it is.
fn describe(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Metric(name) | Quantity::MetricBy(name, _) => format!("`{name}` is"),
        Quantity::Gap(name, _) => format!("a gap of `{name}` is"),
        Quantity::Champion(name) => format!("the champion's `{name}` is"),
        Quantity::Latency(_) => "`latency` is".to_owned(),
        Quantity::ModelSize => "`model_size` is".to_owned(),
        Quantity::Freshness(dataset) => format!("the age of `{dataset}` is"),
        _ => "this is".to_owned(),
    }
}

/// Whether the pipeline of the file, if it has one, says as of which day it runs.
fn knows_its_day(context: &Context<'_>) -> bool {
    let db = context.db;
    let found = blocks(db, context.file).iter().find(|block| block.keyword(db) == "pipeline").copied();
    found.is_none_or(|block| {
        let is_set = body(db, block).is_some_and(|decl| setting(decl, "as_of").is_some());
        is_set || pipeline(db, block).value.as_of.is_some()
    })
}

/// Whether a `register` block of the file requires this gate: its alias is what `champion` means.
fn is_required(context: &Context<'_>) -> bool {
    let gate = context.block.name(context.db);
    blocks(context.db, context.file).iter().filter(|block| block.keyword(context.db) == "register").any(|block| {
        let required = body(context.db, *block).and_then(|decl| setting(decl, "requires")).and_then(names);
        required.is_some_and(|required| required.iter().any(|(name, _)| name == gate))
    })
}
