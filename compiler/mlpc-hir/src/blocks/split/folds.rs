//! `folds = 5`, `repeated(…)`, `nested(…)`, `walk_forward(…)`.

use super::fixed;
use crate::blocks::Context;
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Folds, SplitBy};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{Arg, BlockDecl, Expr};

const WAYS: [&str; 3] = ["repeated", "nested", "walk_forward"];
const FORMS: &str = "a number, `repeated(k, times: n)`, `nested(outer: k, inner: m)` or `walk_forward(k, test: 30d, window: expanding)`";
/// Each fold is a model of its own; more of them say nothing more.
const MOST: i64 = 200;

/// How the training part is divided, if it is; reports what cannot be done.
pub(super) fn folds(context: &mut Context<'_>, decl: &BlockDecl, by: &SplitBy) -> Option<Folds> {
    let expr = setting(decl, "folds")?;
    let found = match fixed(context, expr) {
        Some(value) if value.number().is_some() => count(context, expr).map(Folds::KFold),
        _ => called(context, expr),
    }?;
    let in_time = matches!(by, SplitBy::Time { .. });
    match found {
        Folds::WalkForward { .. } if !in_time => {
            let help = "split `by = time`, or write `folds = 5`";
            context.findings.push(errors::folds_misfit("`walk_forward`", by.way(), help, expr.span));
            None
        }
        Folds::WalkForward { .. } => Some(found),
        _ if in_time => {
            let help =
                "write `folds = walk_forward(5, test: 30d, window: expanding)`: a fold never trains on later rows";
            context.findings.push(errors::folds_misfit("this way of folding", by.way(), help, expr.span));
            None
        }
        _ if i64::from(found.count()) > MOST => {
            let message = format!("{} folds are too many: at most {MOST}", found.count());
            context.findings.push(errors::bad_value(message, "a model each", expr.span));
            None
        }
        _ => Some(found),
    }
}

fn called(context: &mut Context<'_>, expr: &Expr) -> Option<Folds> {
    let Some((way, args, span)) = call_of(expr) else {
        context.findings.push(errors::wrong_form("folds", FORMS, expr.span));
        return None;
    };
    let mut reader = Reader { context, args, span: expr.span };
    match way.as_str() {
        "repeated" => {
            reader.takes(&["times"], true);
            Some(Folds::Repeated { folds: reader.count(None)?, times: reader.count(Some("times"))? })
        }
        "nested" => {
            reader.takes(&["outer", "inner"], false);
            Some(Folds::Nested { outer: reader.count(Some("outer"))?, inner: reader.count(Some("inner"))? })
        }
        "walk_forward" => {
            reader.takes(&["test", "window"], true);
            let (folds, test_ms) = (reader.count(None)?, reader.duration("test")?);
            let window_ms = reader.window()?;
            Some(Folds::WalkForward { folds, test_ms, window_ms })
        }
        _ => {
            let near = did_you_mean(&way, WAYS).map(str::to_owned);
            context.findings.push(errors::unknown_component("way to fold called", &way, near, span));
            None
        }
    }
}

/// A number of folds.
fn count(context: &mut Context<'_>, expr: &Expr) -> Option<u32> {
    match fixed(context, expr) {
        Some(Const::Int(count)) if (2..=MOST).contains(&count) => u32::try_from(count).ok(),
        _ => {
            let message = format!("a number of folds is from 2 to {MOST}");
            context.findings.push(errors::bad_value(message, "not such a number", expr.span));
            None
        }
    }
}

/// Reads the arguments of one way to fold.
struct Reader<'a, 'c, 'db> {
    context: &'c mut Context<'db>,
    args: &'a [Arg],
    span: Span,
}

impl<'a> Reader<'a, '_, '_> {
    /// Reports arguments that the way does not take.
    fn takes(&mut self, names: &[&str], first: bool) {
        for (at, arg) in self.args.iter().enumerate() {
            let known = match &arg.name {
                Some(name) => names.contains(&name.text.as_str()),
                None => first && at == 0,
            };
            if !known {
                self.context.findings.push(errors::wrong_form("folds", FORMS, arg.value.span));
            }
        }
    }

    /// The argument of this name; the first one, which has none.
    fn argument(&mut self, name: Option<&str>) -> Option<&'a Expr> {
        let found = self.args.iter().find(|arg| arg.name.as_ref().map(|name| name.text.as_str()) == name);
        if found.is_none() {
            self.context.findings.push(errors::wrong_form("folds", FORMS, self.span));
        }
        found.map(|arg| &arg.value)
    }

    fn count(&mut self, name: Option<&str>) -> Option<u32> {
        let expr = self.argument(name)?;
        count(self.context, expr)
    }

    fn duration(&mut self, name: &str) -> Option<i64> {
        let expr = self.argument(Some(name))?;
        match fixed(self.context, expr) {
            Some(Const::Duration(ms)) if ms > 0 => Some(ms),
            _ => {
                let message = format!("`{name}` is a duration, as `30d`");
                self.context.findings.push(errors::bad_value(message, "no duration", expr.span));
                None
            }
        }
    }

    /// `window: expanding`, which is also the default, or how far back training reaches.
    fn window(&mut self) -> Option<Option<i64>> {
        let given = self.args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.text == "window"));
        match given {
            None => Some(None),
            Some(arg) if crate::consts::dotted(&arg.value).as_deref() == Some("expanding") => Some(None),
            Some(_) => self.duration("window").map(Some),
        }
    }
}
