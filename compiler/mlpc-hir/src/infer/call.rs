//! Calls: which function, which argument is which parameter, and what comes out.

use super::{Infer, Position, causes, inline, joined, literal_expr, ranges, time};
use crate::annotations;
use crate::consts::{constant, dotted};
use crate::errors;
use crate::library::{FnParam, FnSig, NullPolicy, Pattern, UnitPolicy, fn_signature};
use crate::names::{Space, nearest, resolve};
use crate::typed::{Const, Finding, FittedCall, FnBody, TExpr, TKind};
use crate::types::{Detail, Interval, Ty, TyKind, Unit};
use indexmap::IndexMap;
use mlpc_db::{Block, Db, SourceFile};
use mlpc_diagnostics::{Span, did_you_mean, list_words};
use mlpc_syntax::ast::{Arg, Expr, ExprKind};
use std::collections::BTreeMap;

/// Arguments by parameter.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) values: IndexMap<String, Vec<TExpr>>,
    pub(super) constants: IndexMap<String, Const>,
    /// Units of constants, and where they stand.
    pub(super) units: IndexMap<String, (Unit, Span)>,
    /// The label, of a function that is fitted on it.
    pub(super) learned_from: IndexMap<String, TExpr>,
    broken: bool,
}

impl Bound {
    fn has(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.constants.contains_key(name) || self.learned_from.contains_key(name)
    }
}

/// Whether the parameter takes the label.
fn is_target(signature: &FnSig, param: &FnParam) -> bool {
    signature.fit.as_ref().is_some_and(|fit| fit.target.as_ref() == Some(&param.name))
}

impl Infer<'_> {
    pub(super) fn call(&mut self, callee: &Expr, args: &[Arg], span: Span) -> TExpr {
        let Some(name) = dotted(callee) else {
            self.findings.push(errors::bad_value("only a function can be called", "not a function", callee.span));
            return TExpr::error(span);
        };
        let Some((block, signature)) = function(self.db, self.file, self.position, &name) else {
            // The arguments are looked at all the same, so that their own mistakes show.
            for arg in args {
                self.expr(&arg.value);
            }
            if let Some(aggregate) = super::aggregates::aggregate(&name) {
                self.findings.push(errors::aggregate_without_over(aggregate.name, callee.span));
                return TExpr::error(span);
            }
            let near = nearest(self.db, self.file, Space::Function, &[], &name);
            self.findings.push(errors::unknown_function(&name, near, callee.span));
            return TExpr::error(span);
        };
        let bound = self.bind(&signature, args, span);
        if bound.broken {
            return TExpr::error(span);
        }
        let called = self.apply(&signature, bound, span);
        let FnBody::Value(value) = &signature.body else { return called };
        // A circle is reported where the functions are declared.
        if inline::circle(self.db, block).is_some() {
            return TExpr::error(span);
        }
        self.inlined(&signature, value, block.file(self.db), called)
    }

    fn bind(&mut self, signature: &FnSig, args: &[Arg], span: Span) -> Bound {
        let mut bound = Bound::default();
        let mut position = 0;
        for arg in args {
            let param = match &arg.name {
                Some(name) => signature.params.iter().find(|param| param.name == name.text),
                None => {
                    let param = signature.params.get(position);
                    position += usize::from(param.is_none_or(|param| !param.variadic));
                    param
                }
            };
            let Some(param) = param else {
                self.findings.push(no_parameter(signature, arg));
                bound.broken = true;
                continue;
            };
            self.bind_one(signature, param, arg, &mut bound);
        }
        for param in &signature.params {
            let given = bound.has(&param.name);
            if !given && !bound.broken && is_target(signature, param) {
                self.bind_target(signature, param, None, span, &mut bound);
                continue;
            }
            match &param.default {
                _ if given || bound.broken => {}
                Some(value) if param.constant => {
                    bound.constants.insert(param.name.clone(), value.clone());
                }
                Some(value) => {
                    bound.values.insert(param.name.clone(), vec![literal_expr(value.clone(), span)]);
                }
                None if param.variadic => {
                    bound.values.insert(param.name.clone(), Vec::new());
                }
                None => {
                    let message = format!("`{}` needs `{}`", signature.name, param.name);
                    let here = format!("`{}` is missing", param.name);
                    self.findings.push(errors::bad_arguments(message, &here, &describe(signature), span));
                    bound.broken = true;
                }
            }
        }
        // Templates and signatures go by the order of the parameters.
        let order = |name: &String| signature.params.iter().position(|param| param.name == *name);
        bound.values.sort_by(|left, _, right, _| order(left).cmp(&order(right)));
        bound.constants.sort_by(|left, _, right, _| order(left).cmp(&order(right)));
        bound
    }

    fn bind_one(&mut self, signature: &FnSig, param: &FnParam, arg: &Arg, bound: &mut Bound) {
        if !param.variadic && bound.has(&param.name) {
            let message = format!("`{}` of `{}` is given twice", param.name, signature.name);
            self.findings.push(errors::bad_arguments(message, "the second one", &describe(signature), arg.value.span));
            bound.broken = true;
        } else if is_target(signature, param) {
            self.bind_target(signature, param, Some(&arg.value), arg.value.span, bound);
        } else if param.constant {
            match self.constant_argument(signature, param, &arg.value) {
                Some((value, unit)) => {
                    bound.constants.insert(param.name.clone(), value);
                    bound.units.insert(param.name.clone(), (unit, arg.value.span));
                }
                None => bound.broken = true,
            }
        } else {
            let value = self.expr(&arg.value);
            bound.broken |= value.ty.is_unknown();
            bound.values.entry(param.name.clone()).or_default().push(value);
        }
    }

    /// The label that a fitted function learns from: the one that is named, else the only one.
    fn bind_target(&mut self, signature: &FnSig, param: &FnParam, given: Option<&Expr>, span: Span, bound: &mut Bound) {
        let labels = self.columns.labels();
        let chosen = match (given.map(dotted), &labels) {
            (_, None) => None,
            (Some(name), Some(labels)) => name.filter(|name| labels.contains(name)),
            (None, Some(labels)) => labels.first().filter(|_| labels.len() == 1).cloned(),
        };
        bound.broken |= chosen.is_none();
        match (chosen, labels) {
            (Some(label), _) => {
                let value = self.name(&label, span);
                bound.broken |= value.ty.is_unknown();
                bound.learned_from.insert(param.name.clone(), value);
            }
            (None, Some(labels)) => {
                self.findings.push(errors::no_target(&signature.name, &param.name, given.is_some(), &labels, span));
            }
            (None, None) => {}
        }
    }

    fn constant_argument(&mut self, signature: &FnSig, param: &FnParam, expr: &Expr) -> Option<(Const, Unit)> {
        let what = format!("`{}` of `{}`", param.name, signature.name);
        if signature.takes.is_some() && !param.options.is_empty() {
            return self.profile(param, expr).map(|name| (name, Unit::PLAIN));
        }
        if param.pattern == Pattern::Unit {
            let unit = annotations::unit(expr);
            if unit.is_none() {
                self.findings.push(errors::bad_unit(expr.span));
            }
            return unit.map(|unit| (Const::Str(unit.to_string()), unit));
        }
        // `100.0[mi]`.
        let (expr, unit) = match &expr.kind {
            ExprKind::Index(number, unit) => match annotations::unit(unit) {
                Some(unit) => (&**number, unit),
                None => (expr, Unit::PLAIN),
            },
            _ => (expr, Unit::PLAIN),
        };
        let Some(value) = constant(self.db, self.file, expr) else {
            let message = format!("{what} must be known when the program is compiled");
            self.findings.push(errors::bad_arguments(message, "not a constant", &describe(signature), expr.span));
            return None;
        };
        let fits = match (&value, &param.pattern) {
            (Const::Str(text), _) if !param.options.is_empty() => param.options.contains(text),
            (_, Pattern::Any | Pattern::Var(_)) => true,
            (Const::Int(_) | Const::Float(_), Pattern::Number | Pattern::Is(TyKind::Float))
            | (Const::Int(_), Pattern::Is(TyKind::Int))
            | (Const::Bool(_), Pattern::Is(TyKind::Bool))
            | (Const::Duration(_), Pattern::Is(TyKind::Duration))
            | (Const::Date(_), Pattern::Is(TyKind::Date | TyKind::Timestamp))
            | (Const::Instant(_), Pattern::Is(TyKind::Timestamp))
            | (Const::List(_), Pattern::List(_)) => true,
            (Const::Str(_), Pattern::Is(TyKind::String)) => param.options.is_empty(),
            (Const::Null, _) => param.nullable,
            _ => false,
        };
        if !fits {
            let message = format!("{what} cannot be {}", value.describe());
            self.findings.push(errors::bad_arguments(message, "does not fit", &describe(signature), expr.span));
            return None;
        }
        if value.number().is_some_and(|number| !param.domain.contains(number)) {
            let message = format!("{what} is in `{}`, and this is {}", param.domain, value.describe());
            self.findings.push(errors::bad_value(message, "out of range", expr.span));
            return None;
        }
        Some((value, unit))
    }

    /// The name of an earlier profile.
    fn profile(&mut self, param: &FnParam, expr: &Expr) -> Option<Const> {
        let name = dotted(expr).unwrap_or_default();
        if param.options.contains(&name) {
            return Some(Const::Str(name));
        }
        self.findings.push(errors::unknown_profile(&name, &param.options, expr.span));
        None
    }

    fn apply(&mut self, signature: &FnSig, bound: Bound, span: Span) -> TExpr {
        let mut variables: BTreeMap<String, Ty> = BTreeMap::new();
        let mut number: Option<Ty> = None;
        let mut proven = true;
        let Some(shared) = self.shared_unit(signature, &bound) else { return TExpr::error(span) };
        let mut fine = true;
        for param in &signature.params {
            for value in bound.values.get(&param.name).into_iter().flatten() {
                fine &= self.check_argument(signature, param, value, &mut variables);
                if let Some(item) = number_of(&param.pattern, &value.ty) {
                    number = Some(match number.take() {
                        Some(seen) => seen.join(&item).unwrap_or(item),
                        None => item,
                    });
                }
                let inside = param.domain == Interval::ALL || value.ty.range.within(param.domain);
                proven &= inside || !value.ty.is_number();
            }
        }
        if !fine {
            return TExpr::error(span);
        }
        let kind = result_kind(signature, &bound, &variables, number.as_ref());
        let nullable = result_nullable(signature, &bound);
        let range = match &signature.result {
            Pattern::Var(name) if signature.ranges.is_none() && signature.result_range == Interval::ALL => {
                variables.get(name).map_or(Interval::ALL, |ty| ty.range)
            }
            _ => ranges::of_call(signature, &bound),
        };
        if signature.units == UnitPolicy::Converted {
            return self.converted(bound, &shared, span);
        }
        let unit = number.map_or(shared, |ty| ty.unit());
        let detail = result_detail(signature, &bound, &variables, &unit);
        let ty = Ty { kind, nullable: nullable || !proven, range: Interval::ALL, detail };
        let ty = if ty.is_number() { ty.in_range(range) } else { ty };
        let finite = !proven && ty.kind == TyKind::Float;
        let mut bound = bound;
        for (name, values) in &mut bound.values {
            let Some(param) = signature.params.iter().find(|param| param.name == *name) else { continue };
            let given = std::mem::take(values).into_iter();
            *values = given.map(|value| time::argument(signature, &param.pattern, value, &variables)).collect();
        }
        self.finish(signature, bound, ty, finite, span)
    }

    fn finish(&mut self, signature: &FnSig, bound: Bound, ty: Ty, finite: bool, span: Span) -> TExpr {
        let Some(fit) = &signature.fit else {
            let kind = TKind::Call {
                function: signature.name.clone(),
                body: signature.body.clone(),
                args: bound.values,
                constants: bound.constants,
                finite,
            };
            let typed = TExpr { kind, ty, span };
            self.decided(&typed);
            return typed;
        };
        if !self.after_split(&signature.name, span) {
            return TExpr::error(span);
        }
        let FnBody::Polars(polars) = &signature.body else {
            self.findings.push(errors::not_supported("a fitted function in Python", span));
            return TExpr::error(span);
        };
        let mut call = FittedCall {
            function: signature.name.clone(),
            fit: fit.fit.clone(),
            state: fit.state.clone(),
            polars: polars.clone(),
            args: bound.values,
            learned_from: bound.learned_from,
            aggregate: false,
            out_of_fold: fit.out_of_fold.clone(),
            constants: bound.constants,
            finite,
        };
        let target = call.learned_from.values().next().map(|label| label.ty.kind.clone());
        let first = call.args.values().flatten().next().map(|arg| &arg.ty.kind);
        let ty = match (&ty.kind, first, target) {
            // One number per class of the label.
            (_, _, Some(TyKind::Category(levels))) => {
                let classes = levels.map(|levels| levels.into_iter().map(Const::Str).collect::<Vec<_>>());
                let size = classes.as_ref().and_then(|classes| u32::try_from(classes.len()).ok());
                call.constants.extend(classes.map(|classes| ("classes".to_owned(), Const::List(classes))));
                Ty { kind: TyKind::Vector(size), range: Interval::ALL, ..ty }
            }
            // One column per level where the levels are declared.
            (TyKind::Vector(None), Some(TyKind::Category(Some(levels))), _) => {
                Ty { kind: TyKind::Vector(u32::try_from(levels.len()).ok()), ..ty }
            }
            _ => ty,
        };
        TExpr { kind: TKind::Fitted(Box::new(call)), ty, span }
    }

    /// Whether a fitted value may stand here, which is reported if not.
    pub(super) fn after_split(&mut self, name: &str, span: Span) -> bool {
        let before = match self.position {
            Position::Row(place) => place,
            Position::Expectation => "an expectation",
            Position::Column => return true,
        };
        self.findings.push(errors::fitted_before_split(name, before, span));
        false
    }

    fn check_argument(
        &mut self,
        signature: &FnSig,
        param: &FnParam,
        value: &TExpr,
        variables: &mut BTreeMap<String, Ty>,
    ) -> bool {
        let what = format!("`{}` of `{}`", param.name, signature.name);
        let wanted = match &param.pattern {
            Pattern::List(item) => return self.check_item(&what, item, value, variables),
            Pattern::Is(kind) if !value.ty.fits(kind) => Some(format!("`{kind}`")),
            Pattern::OneOf(kinds) if !kinds.iter().any(|kind| value.ty.fits(kind)) => {
                let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
                Some(list_words(names.iter().map(String::as_str), "or"))
            }
            Pattern::Number if !value.ty.is_number() && value.ty.kind != TyKind::Null => Some("a number".to_owned()),
            Pattern::Var(name) => {
                match variables.get(name).map_or(Some(value.ty.clone()), |seen| joined(seen, value)) {
                    Some(joined) => {
                        variables.insert(name.clone(), joined);
                        None
                    }
                    None => variables.get(name).map(|seen| format!("`{}`", seen.kind)),
                }
            }
            _ => None,
        };
        if let Some(wanted) = wanted {
            self.findings.push(errors::mismatch(&what, &wanted, &value.ty, value.span));
            return false;
        }
        if !self.same_size(signature, value, variables) {
            return false;
        }
        if signature.nulls == NullPolicy::Handled && !param.nullable && value.ty.nullable {
            let help = "use `coalesce(x, …)` or `filter is_not_null(x)`";
            let finding = errors::null_use(&what, &value.ty, help, value.span);
            self.findings.push(errors::caused(finding, causes::cause(value).as_ref()));
            return false;
        }
        true
    }
}

/// The number that a parameter of type `N` or `list[N]` gets.
fn number_of(pattern: &Pattern, ty: &Ty) -> Option<Ty> {
    match (pattern, &ty.kind) {
        (Pattern::Number, _) if ty.is_number() => Some(ty.clone()),
        (Pattern::List(item), TyKind::List(ty)) => number_of(item, ty),
        _ => None,
    }
}

/// What kind of value comes out.
fn result_kind(signature: &FnSig, bound: &Bound, variables: &BTreeMap<String, Ty>, number: Option<&Ty>) -> TyKind {
    let float = signature.params.iter().any(|param| {
        param.pattern == Pattern::Number && matches!(bound.constants.get(&param.name), Some(Const::Float(_)))
    });
    match &signature.result {
        Pattern::Is(kind) => kind.clone(),
        Pattern::Number if float => TyKind::Float,
        Pattern::Number => number.map_or(TyKind::Int, |ty| ty.kind.clone()),
        Pattern::Var(name) => variables.get(name).map_or(TyKind::Unknown, |ty| ty.kind.clone()),
        Pattern::Sized(size) => match bound.constants.get(size) {
            Some(Const::Int(size)) => TyKind::Vector(u32::try_from(*size).ok()),
            _ => TyKind::Vector(None),
        },
        Pattern::Any | Pattern::List(_) | Pattern::Unit | Pattern::OneOf(_) => TyKind::Unknown,
    }
}

/// Whether null may come out.
fn result_nullable(signature: &FnSig, bound: &Bound) -> bool {
    let mut values = bound.values.values().flatten();
    match signature.nulls {
        NullPolicy::Handled => signature.result_nullable,
        NullPolicy::Coalesce => values.all(|value| value.ty.nullable),
        NullPolicy::Propagate => signature.result_nullable || values.any(|value| value.ty.nullable),
    }
}

/// The unit or zone of a function's result.
fn result_detail(signature: &FnSig, bound: &Bound, variables: &BTreeMap<String, Ty>, shared: &Unit) -> Detail {
    let measured = |unit: Unit| Ty::new(TyKind::Float).with_unit(unit).detail;
    match &signature.result {
        Pattern::Number => measured(shared.clone()),
        Pattern::Var(name) => variables.get(name).map(|ty| ty.detail.clone()).unwrap_or_default(),
        Pattern::Is(TyKind::Int | TyKind::Float) if !signature.result_unit.is_plain() => {
            measured(signature.result_unit.clone())
        }
        Pattern::Is(TyKind::Int | TyKind::Float) => measured(signature.units.applied(shared).unwrap_or_default()),
        Pattern::Is(TyKind::Date | TyKind::Timestamp) => {
            let times = bound.values.values().flatten().find(|value| value.ty.is_time());
            times.map(|value| value.ty.detail.clone()).unwrap_or_default()
        }
        _ => Detail::None,
    }
}

/// The function of that name, which in an expectation may be one over the whole table.
fn function<'db>(db: &'db dyn Db, file: SourceFile, position: Position, name: &str) -> Option<(Block<'db>, FnSig)> {
    let spaces: &[Space] = match position {
        Position::Expectation => &[Space::Expectation, Space::Function],
        Position::Column | Position::Row(_) => &[Space::Function],
    };
    let block = spaces.iter().find_map(|space| resolve(db, file, *space, name))?;
    Some((block, fn_signature(db, block).clone()?))
}

/// An argument for which there is no parameter.
fn no_parameter(signature: &FnSig, arg: &Arg) -> Finding {
    let shown = describe(signature);
    let Some(name) = &arg.name else {
        let count = signature.params.len();
        let plural = if count == 1 { "" } else { "s" };
        let message = format!("`{}` takes {count} argument{plural}", signature.name);
        return errors::bad_arguments(message, "one too many", &shown, arg.value.span);
    };
    let near = did_you_mean(&name.text, signature.params.iter().map(|param| param.name.as_str())).map(str::to_owned);
    let message = format!("`{}` has no parameter `{}`", signature.name, name.text);
    errors::suggest(errors::bad_arguments(message, "unknown parameter", &shown, name.span), near, name.span)
}

/// A signature as it is declared: `log1p(x: float in -1<..) -> float`.
#[must_use]
pub fn describe(signature: &FnSig) -> String {
    let params: Vec<String> = signature
        .params
        .iter()
        .map(|param| {
            let dots = if param.variadic { "..." } else { "" };
            let null = if param.nullable { "?" } else { "" };
            let range = if param.domain == Interval::ALL { String::new() } else { format!(" in {}", param.domain) };
            let default = param.default.as_ref().map_or(String::new(), |value| format!(" = {}", value.describe()));
            let ty = if param.options.is_empty() {
                pattern(&param.pattern)
            } else {
                let options: Vec<String> = param.options.iter().map(|option| format!("{option:?}")).collect();
                format!("enum[{}]", options.join(", "))
            };
            format!("{dots}{}: {ty}{null}{default}{range}", param.name)
        })
        .collect();
    let null = if signature.result_nullable { "?" } else { "" };
    format!("{}({}) -> {}{null}", signature.name, params.join(", "), pattern(&signature.result))
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Is(kind) => kind.to_string(),
        Pattern::Any => "any".to_owned(),
        Pattern::Var(name) => name.clone(),
        Pattern::Number => "N".to_owned(),
        Pattern::Unit => "unit".to_owned(),
        Pattern::List(item) => format!("list[{}]", self::pattern(item)),
        Pattern::OneOf(kinds) => kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
        Pattern::Sized(size) => format!("vector[{size}]"),
    }
}
