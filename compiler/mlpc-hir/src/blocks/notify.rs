//! `notify` of whatever is an entry point: who is told how a run ended.

use super::Context;
use crate::consts::{dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Channel, Const, Ending, Notify};
use mlpc_diagnostics::list_words;
use mlpc_syntax::ast::{Arg, BlockDecl, Expr, ExprKind};
use std::collections::BTreeMap;

/// A channel: how it is written, and what is made of that. Another one is another row.
struct Spec {
    name: &'static str,
    /// All of them are needed.
    settings: &'static [(&'static str, Takes)],
    example: &'static str,
    make: fn(&mut Given) -> Channel,
}

/// What a setting of a channel takes.
#[derive(Clone, Copy)]
enum Takes {
    /// `secret("NAME")`.
    Secret,
    /// The address of a letter.
    Address,
    /// Some of these.
    Addresses,
}

const CHANNELS: &[Spec] = &[
    Spec {
        name: "slack",
        settings: &[("webhook", Takes::Secret)],
        example: "slack(webhook: secret(\"SLACK_WEBHOOK\"), on: [failure, gate_refused])",
        make: |given| Channel::Slack { webhook: given.text("webhook") },
    },
    Spec {
        name: "email",
        settings: &[("to", Takes::Addresses), ("from", Takes::Address), ("server", Takes::Secret)],
        example: "email(to: [\"team@example.com\"], from: \"mlp@example.com\", server: secret(\"MAIL_SERVER\"))",
        make: |given| Channel::Email { to: given.texts("to"), from: given.text("from"), server: given.text("server") },
    },
    Spec {
        name: "webhook",
        settings: &[("url", Takes::Secret)],
        example: "webhook(url: secret(\"RUNS_WEBHOOK\"), on: [success, failure])",
        make: |given| Channel::Webhook { url: given.text("url") },
    },
];

/// What they are called.
pub const NAMES: [&str; CHANNELS.len()] = {
    let mut names = [""; CHANNELS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = CHANNELS[at].name;
        at += 1;
    }
    names
};

/// After which endings.
const ON: &str = "on";

/// What was said of a channel, all of which is there.
#[derive(Default)]
struct Given(BTreeMap<&'static str, Vec<String>>);

impl Given {
    fn texts(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> String {
        self.texts(name).pop().unwrap_or_default()
    }
}

/// `notify = slack(webhook: secret("SLACK_WEBHOOK"), on: [failure])`, or a list of such.
pub fn notify(context: &mut Context<'_>, decl: &BlockDecl) -> Vec<Notify> {
    let Some(expr) = setting(decl, "notify") else { return Vec::new() };
    items(expr).into_iter().filter_map(|one| channel(context, one)).collect()
}

fn items(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::List(items) => items.iter().collect(),
        _ => vec![expr],
    }
}

fn channel(context: &mut Context<'_>, expr: &Expr) -> Option<Notify> {
    // Another call is reported as such.
    let (name, args, _) = call_of(expr)?;
    let spec = CHANNELS.iter().find(|spec| spec.name == name)?;
    let (mut given, mut on) = (Given::default(), vec![Ending::Failure]);
    for arg in args {
        let name = arg.name.as_ref().map_or("", |name| name.text.as_str());
        if name == ON {
            on = endings(context, &arg.value)?;
            continue;
        }
        let Some((name, takes)) = spec.settings.iter().find(|(known, _)| *known == name) else {
            unknown(context, spec, name, arg);
            return None;
        };
        given.0.insert(name, takes.read(context, spec, name, &arg.value)?);
    }
    let missing: Vec<&str> =
        spec.settings.iter().map(|(name, _)| *name).filter(|name| !given.0.contains_key(name)).collect();
    if !missing.is_empty() {
        let message = format!("`{}` needs {}", spec.name, list_words(missing.iter().copied(), "and"));
        let finding = errors::bad_value(message, "does not say whom to tell", expr.span);
        context.findings.push(finding.help(format!("write it as `{}`", spec.example)));
        return None;
    }
    Some(Notify { channel: (spec.make)(&mut given), on })
}

fn unknown(context: &mut Context<'_>, spec: &Spec, name: &str, arg: &Arg) {
    let Some(place) = &arg.name else {
        let finding = errors::wrong_form(spec.name, "settings with their names", arg.value.span);
        context.findings.push(finding.help(format!("write it as `{}`", spec.example)));
        return;
    };
    let known = spec.settings.iter().map(|(name, _)| *name).chain([ON]);
    context.findings.push(errors::unknown_setting(spec.name, name, known, place.span));
}

impl Takes {
    /// The texts of a setting, if it has them.
    fn read(self, context: &mut Context<'_>, spec: &Spec, name: &str, expr: &Expr) -> Option<Vec<String>> {
        match self {
            Self::Secret => secret(context, spec, name, expr).map(|name| vec![name]),
            Self::Address => address(context, name, expr).map(|text| vec![text]),
            Self::Addresses => {
                let items = items(expr);
                if items.is_empty() {
                    let finding = errors::bad_value("a letter to nobody tells nobody", "no address", expr.span);
                    context.findings.push(finding.help(format!("write it as `{}`", spec.example)));
                    return None;
                }
                // Each of them is looked at, so that all mistakes are told at once.
                let found: Vec<Option<String>> = items.into_iter().map(|item| address(context, name, item)).collect();
                found.into_iter().collect()
            }
        }
    }
}

/// The name of `secret("NAME")`. An address that opens a channel is as good as a password.
fn secret(context: &mut Context<'_>, spec: &Spec, setting: &str, expr: &Expr) -> Option<String> {
    let name = match call_of(expr).filter(|(name, _, _)| name == "secret") {
        Some((_, [only], _)) if only.name.is_none() => literal(&only.value),
        _ => None,
    };
    match name {
        Some(Const::Str(name)) if is_variable(&name) => return Some(name),
        _ if matches!(expr.kind, ExprKind::Str(_) | ExprKind::Interpolated(_)) => {
            context.findings.push(errors::literal_channel(spec.name, setting, expr.span));
        }
        _ => {
            let finding = errors::wrong_form(setting, "the name of a secret, as `secret(\"NAME\")`", expr.span);
            let example =
                format!("it is a variable of the environment, and the secret's name elsewhere: `{}`", spec.example);
            context.findings.push(finding.note(example));
        }
    }
    None
}

/// Whether a text can be the name of a variable of the environment.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The address of a letter.
fn address(context: &mut Context<'_>, setting: &str, expr: &Expr) -> Option<String> {
    let Some(Const::Str(text)) = literal(expr) else {
        context.findings.push(errors::wrong_form(setting, "addresses, as `\"team@example.com\"`", expr.span));
        return None;
    };
    if is_address(&text) {
        return Some(text);
    }
    let finding =
        errors::bad_value(format!("{text:?} is no address of a letter"), "nobody gets what is sent there", expr.span);
    context.findings.push(finding.help("write it as `\"team@example.com\"`, without a name before it"));
    None
}

/// Whether a text is an address as mail servers know it. Marks with a meaning in headers, or in the templates of
/// orchestrators, are none of it.
fn is_address(text: &str) -> bool {
    let dotted = |text: &str, mark: fn(char) -> bool| {
        text.len() < 255
            && text
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || mark(c)))
    };
    text.rsplit_once('@').is_some_and(|(who, host)| {
        let hyphens = host.split('.').any(|part| part.starts_with('-') || part.ends_with('-'));
        dotted(who, |mark| "!#$&'*+-/=?^_~".contains(mark)) && dotted(host, |mark| mark == '-') && !hyphens
    })
}

fn endings(context: &mut Context<'_>, expr: &Expr) -> Option<Vec<Ending>> {
    let ending = |item: &Expr| {
        let word = dotted(item)?;
        Ending::NAMES.into_iter().find(|(name, _)| *name == word).map(|(_, ending)| ending)
    };
    let found: Option<Vec<Ending>> = items(expr).into_iter().map(ending).collect();
    let Some(mut found) = found.filter(|found| !found.is_empty()) else {
        context.findings.push(errors::wrong_form(ON, "a list of `success`, `failure` and `gate_refused`", expr.span));
        return None;
    };
    // Nobody wants to be told twice.
    let mut seen = Vec::new();
    found.retain(|ending| {
        !seen.contains(ending) && {
            seen.push(*ending);
            true
        }
    });
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{CHANNELS, is_address};

    #[test]
    fn addresses_of_letters() {
        for good in ["team@example.com", "a.b+ml-runs@mail.example.org", "root@localhost", "o'neil@x.y"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "team", "@x.y", "a@", "a b@x.y", "Team <a@x.y>", "a@x.y, b@x.y", "a@x.y\nBcc: b@x.y", "a@-x.y"]
        {
            assert!(!is_address(bad), "{bad}");
        }
        for template in ["{{ conn }}@x.y", "a@{{ x }}.y", "a%s@x.y", "a..b@x.y", "a@x..y"] {
            assert!(!is_address(template), "{template}");
        }
    }

    #[test]
    fn examples_say_all_that_is_needed() {
        for spec in CHANNELS {
            assert!(spec.example.starts_with(&format!("{}(", spec.name)), "{}", spec.example);
            assert!(
                spec.settings.iter().all(|(name, _)| spec.example.contains(&format!("{name}: "))),
                "{}",
                spec.example
            );
        }
    }
}
