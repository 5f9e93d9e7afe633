//! The dimensions of a search: hyperparameters with domains that the trainer takes.

use super::{Model, when};
use crate::blocks::Context;
use crate::blocks::train::{Misfit, judge};
use crate::consts::{constant, dotted, interval};
use crate::errors;
use crate::library::{HyperForm, HyperSig, TrainerSig};
use crate::typed::{Const, Dimension, Domain};
use mlpc_db::Place;
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{Arg, BlockDecl, Entry, Expr, ExprKind};

/// The dimensions of a search block, those that are wrong left out.
pub(super) fn dimensions(
    context: &mut Context<'_>,
    search: &BlockDecl,
    model: &Model<'_>,
    trainer: &TrainerSig,
) -> Vec<Dimension> {
    let mut found = Vec::new();
    for entry in &search.entries {
        let Entry::Search { name: path, domain, when: condition, .. } = entry else { continue };
        let name = path.text();
        let Some(param) = trainer.params.iter().find(|param| param.name == name) else {
            let known = trainer.params.iter().map(|param| param.name.as_str());
            context.findings.push(errors::unknown_dimension(&trainer.name, &name, known, path.span));
            continue;
        };
        if is_set(context, model, &name) {
            let place = Place::There(model.block.reference(context.db), String::new());
            context.findings.push(errors::set_and_searched(&name, &model.name, place, path.span));
        }
        let when = condition.as_ref().and_then(|condition| when::when(context, condition));
        let mut reader = Reader { context, trainer, param };
        if let Some(domain) = reader.domain(domain) {
            found.push(Dimension { name, domain, when });
        }
    }
    found
}

fn is_set(context: &Context<'_>, model: &Model<'_>, name: &str) -> bool {
    let given = &crate::blocks::train::train(context.db, model.block).value.hyperparameters;
    given.iter().any(|parameter| parameter.name == name && !parameter.default)
}

/// Reads the domain of one hyperparameter.
struct Reader<'a, 'db> {
    context: &'a mut Context<'db>,
    trainer: &'a TrainerSig,
    param: &'a HyperSig,
}

impl Reader<'_, '_> {
    fn domain(&mut self, expr: &Expr) -> Option<Domain> {
        match &expr.kind {
            ExprKind::List(items) => self.choice(items, expr.span),
            ExprKind::Range(_) => self.range(expr, false),
            ExprKind::Call(callee, args) => match &callee.kind {
                // `(1..=9).steps(5)`.
                ExprKind::Member(base, member) if member.text == "steps" => self.steps(base, args, expr.span),
                _ if dotted(callee).as_deref() == Some("log") => match args.as_slice() {
                    [Arg { name: None, value }] if matches!(value.kind, ExprKind::Range(_)) => self.range(value, true),
                    _ => self.no_domain(expr.span),
                },
                _ => self.no_domain(expr.span),
            },
            _ => self.no_domain(expr.span),
        }
    }

    fn no_domain(&mut self, span: Span) -> Option<Domain> {
        let help = "write a range, `log(range)`, `(range).steps(5)`, or a list of values";
        self.context.findings.push(errors::bad_domain("this is no set of values", "not a domain", help, span));
        None
    }

    fn choice(&mut self, items: &[Expr], span: Span) -> Option<Domain> {
        let mut values: Vec<Const> = Vec::new();
        let mut whole = true;
        for item in items {
            let Some(value) = constant(self.context.db, self.context.file, item) else {
                let shown = format!("`{}`", self.context.source(item.span));
                self.misfit_type(&shown, item.span);
                whole = false;
                continue;
            };
            match self.judged(value, item.span) {
                Some(value) if values.contains(&value) => {
                    let message = format!("{} is listed twice", value.describe());
                    let finding = errors::bad_domain(message, "again", "take it out", item.span);
                    self.context.findings.push(finding);
                    whole = false;
                }
                Some(value) => values.push(value),
                None => whole = false,
            }
        }
        if whole && values.len() < 2 {
            return self.one_point(span);
        }
        Some(Domain::Choice(values))
    }

    fn one_point(&mut self, span: Span) -> Option<Domain> {
        let message = format!("`{}` has one value only", self.param.name);
        let help = format!("set it in the train block: `{}({}: …)`", self.trainer.name, self.param.name);
        self.context.findings.push(errors::bad_domain(message, "nothing to choose from", &help, span));
        None
    }

    fn range(&mut self, expr: &Expr, log: bool) -> Option<Domain> {
        let (low, high) = self.bounds(expr, log)?;
        match (low, high) {
            (Const::Int(low), Const::Int(high)) if !self.is_float() => Some(Domain::Int { low, high, log }),
            (low, high) => Some(Domain::Float { low: low.number()?, high: high.number()?, log }),
        }
    }

    /// Both bounds, which must be values of the hyperparameter.
    fn bounds(&mut self, expr: &Expr, log: bool) -> Option<(Const, Const)> {
        let ExprKind::Range(range) = &expr.kind else { return None };
        let bound = |side: &Option<(Box<Expr>, bool)>| {
            side.as_ref()
                .map(|(bound, closed)| (constant(self.context.db, self.context.file, bound), *closed, bound.span))
        };
        let (low, high) = (bound(&range.low), bound(&range.high));
        let (Some((Some(low), true, low_span)), Some((Some(high), true, high_span))) = (low, high) else {
            let help = "write both bounds: `0.01..=0.3`";
            self.context.findings.push(errors::bad_domain("both ends must be known values", "open", help, expr.span));
            return None;
        };
        if !self.param.forms.iter().any(|form| matches!(form, HyperForm::Int | HyperForm::Float)) {
            let shown = format!("a range, `{}`", self.context.source(expr.span));
            self.misfit_type(&shown, expr.span);
            return None;
        }
        let interval = interval(expr)?;
        if log && interval.low <= 0.0 {
            let help = "begin above zero: `log(0.001..=1.0)`";
            let finding = errors::bad_domain("a scale of magnitudes has no zero", "zero or less", help, low_span);
            self.context.findings.push(finding);
            return None;
        }
        if interval.is_empty() || interval.low == interval.high {
            return match interval.is_empty() {
                true => {
                    let finding =
                        errors::bad_domain("this range is empty", "holds nothing", "swap its ends", expr.span);
                    self.context.findings.push(finding);
                    None
                }
                false => self.one_point(expr.span).and(None),
            };
        }
        let low = self.judged(low, low_span);
        let high = self.judged(high, high_span);
        low.zip(high)
    }

    /// So many values at equal distances, on a scale of magnitudes if it is one; whole numbers are rounded.
    fn steps(&mut self, base: &Expr, args: &[Arg], span: Span) -> Option<Domain> {
        let count = match args {
            [Arg { name: None, value }] => constant(self.context.db, self.context.file, value),
            _ => None,
        };
        let Some(Const::Int(count @ 2..=10_000)) = count else {
            let help = "write how many: `(8..=256).steps(5)`";
            self.context.findings.push(errors::bad_domain(
                "`steps` takes a number from 2 to 10,000",
                "how many?",
                help,
                span,
            ));
            return None;
        };
        match self.domain(base)? {
            domain @ (Domain::Int { .. } | Domain::Float { .. }) => Some(Domain::Choice(stepped(&domain, count))),
            Domain::Choice(_) => self.no_domain(span),
        }
    }

    fn is_float(&self) -> bool {
        !self.param.forms.contains(&HyperForm::Int)
    }

    fn judged(&mut self, value: Const, span: Span) -> Option<Const> {
        match judge(self.param, value) {
            Ok(value) => Some(value),
            Err(Misfit::Range(value)) => {
                let Self { trainer, param, .. } = self;
                let finding = errors::dimension_range(&trainer.name, &param.name, param.range, &value, span);
                self.context.findings.push(finding);
                None
            }
            Err(Misfit::Type(value)) => {
                self.misfit_type(&value.describe(), span);
                None
            }
        }
    }

    fn misfit_type(&mut self, value: &str, span: Span) {
        let Self { trainer, param, .. } = self;
        let finding = errors::dimension_type(&trainer.name, &param.name, &param.describe(), value, span);
        self.context.findings.push(finding);
    }
}

/// Values of a range at equal distances, each once.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounds of hyperparameters are small")]
fn stepped(domain: &Domain, count: i64) -> Vec<Const> {
    let at = |low: f64, high: f64, log: bool, step: i64| {
        let share = step as f64 / (count - 1) as f64;
        if log { low * (high / low).powf(share) } else { low + (high - low) * share }
    };
    let mut values: Vec<Const> = (0..count)
        .filter_map(|step| match *domain {
            Domain::Int { low, high, log } => {
                Some(Const::Int((at(low as f64, high as f64, log, step).round() as i64).clamp(low, high)))
            }
            Domain::Float { low, high, log } => {
                Some(Const::Float(crate::numbers::shortened(at(low, high, log, step)).clamp(low, high)))
            }
            Domain::Choice(_) => None,
        })
        .collect();
    values.dedup();
    values
}
