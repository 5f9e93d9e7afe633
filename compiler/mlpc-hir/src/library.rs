//! Signatures of the building blocks: functions, trainers, metrics, expectations. Read from their declarations, those
//! of the standard library and those of users alike.

use crate::consts::{dotted, interval, literal};
use crate::typed::{Const, FnBody, Task};
use crate::types::{Exponent, Interval, TyKind, Unit};
use mlpc_db::{Block, Db, parse_block};
use mlpc_syntax::ast::{BlockDecl, Decl, Entry, Expr, ExprKind, Field, SigParam, TypeExpr, TypeKind};

/// A row-wise or fitted function, or an expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct FnSig {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Present if it is fitted.
    pub fit: Option<FitSig>,
    /// In order.
    pub params: Vec<FnParam>,
    /// What it gives.
    pub result: Pattern,
    /// Whether the result is declared nullable.
    pub result_nullable: bool,
    /// What numbers it gives.
    pub result_range: Interval,
    /// What nulls do.
    pub nulls: NullPolicy,
    /// What units do.
    pub units: UnitPolicy,
    /// The unit that the result is declared in.
    pub result_unit: Unit,
    /// Whether it reads the date parts of its times.
    pub zone: ZonePolicy,
    /// What range it makes of the ranges of its arguments, within the one that it declares.
    pub ranges: Option<RangeRule>,
    /// How it is done.
    pub body: FnBody,
    /// Template of a mask of rows to blame; expectations only.
    pub offending: Option<String>,
    /// What it does to tags: `removed`, `pseudonym`.
    pub tags: Option<String>,
    /// Whether it gives a count or a share of rows, which shows no value; expectations only.
    pub counts: bool,
    /// Columns whose distance from an earlier profile it measures; other expectations have none.
    pub takes: Option<Takes>,
}

/// Columns that a distance can be measured of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Numbers.
    Numbers,
    /// Categories and flags.
    Levels,
    /// Both.
    Distribution,
    /// Any column.
    Anything,
}

impl Takes {
    fn named(word: &str) -> Option<Self> {
        match word {
            "numbers" => Some(Self::Numbers),
            "levels" => Some(Self::Levels),
            "distribution" => Some(Self::Distribution),
            "anything" => Some(Self::Anything),
            _ => None,
        }
    }

    /// Whether it can be measured of a column of this type.
    #[must_use]
    pub fn fits(self, kind: &TyKind) -> bool {
        let number = matches!(kind, TyKind::Int | TyKind::Float | TyKind::Decimal(..));
        let level = matches!(kind, TyKind::Category(_) | TyKind::Bool);
        match self {
            Self::Numbers => number,
            Self::Levels => level,
            Self::Distribution => number || level,
            Self::Anything => true,
        }
    }

    /// In words: `numbers`.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Levels => "categories and flags",
            Self::Distribution => "numbers, categories and flags",
            Self::Anything => "any column",
        }
    }
}

/// How a fitted function is fitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitSig {
    /// Function of the runtime.
    pub fit: String,
    /// Names in its result.
    pub state: Vec<String>,
    /// The parameter that takes the label, which only fitting reads.
    pub target: Option<String>,
    /// Function of the runtime that gives training rows their own values, out of fold.
    pub out_of_fold: Option<String>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct FnParam {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub pattern: Pattern,
    /// Whether null is a value for it.
    pub nullable: bool,
    /// Any number of arguments.
    pub variadic: bool,
    /// Known when the program is compiled.
    pub constant: bool,
    /// Value if it is left out.
    pub default: Option<Const>,
    /// Where the function is defined.
    pub domain: Interval,
    /// The unit that it is declared in.
    pub unit: Unit,
    /// Allowed texts, for `enum[…]`.
    pub options: Vec<String>,
}

/// A type with variables.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// This type.
    Is(TyKind),
    /// Any type.
    Any,
    /// `T`: any type, the same everywhere in a signature.
    Var(String),
    /// `N`: int or float; float if any argument is.
    Number,
    /// `list[…]`.
    List(Box<Pattern>),
    /// `unit`: a unit of measure, always a constant.
    Unit,
    /// `a | b`: one of these types.
    OneOf(Vec<TyKind>),
    /// `vector[n]`, where `n` is a constant parameter.
    Sized(String),
}

/// What a null argument does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullPolicy {
    /// Makes the result null.
    Propagate,
    /// The declared types say all.
    Handled,
    /// The result is null only if all arguments are.
    Coalesce,
}

/// What a function does with the units of its arguments. Parameters of type `N` and `T` always take the same unit, and
/// results of these types have it; this says what holds of `int` and `float`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitPolicy {
    /// Takes plain numbers only.
    Plain,
    /// Takes one unit and gives that unit to a power.
    Power(i32, i32),
    /// Takes one unit and gives a plain number.
    Same,
    /// Takes any units and gives a plain number.
    Dropped,
    /// Gives the unit that the constant `to` names.
    Converted,
}

/// What a function reads of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZonePolicy {
    /// The instant.
    Instant,
    /// Parts of the date in the zone of its argument, which a date has as well.
    Calendar,
    /// The clock in the zone of its argument; of a date, at midnight.
    Clock,
}

/// How the range of a function's result follows from its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeRule {
    /// That of the first argument.
    Same,
    /// Of the distance from zero.
    Magnitude,
    /// Of the whole number below.
    Floor,
    /// Of the whole number above.
    Ceiling,
    /// Of the whole number toward zero.
    Truncated,
    /// Of the nearest whole number.
    Rounded,
    /// Of the square root.
    SquareRoot,
    /// Of the smallest argument.
    Least,
    /// Of the largest argument.
    Greatest,
    /// Held between the constants `low` and `high`.
    Held,
    /// Only what lies between the constants `low` and `high`.
    Kept,
    /// Of the first argument that is not null.
    First,
}

/// Words of the setting `ranges`, and what they mean.
const RANGE_RULES: [(&str, RangeRule); 12] = [
    ("same", RangeRule::Same),
    ("magnitude", RangeRule::Magnitude),
    ("floor", RangeRule::Floor),
    ("ceiling", RangeRule::Ceiling),
    ("truncated", RangeRule::Truncated),
    ("rounded", RangeRule::Rounded),
    ("square_root", RangeRule::SquareRoot),
    ("least", RangeRule::Least),
    ("greatest", RangeRule::Greatest),
    ("held", RangeRule::Held),
    ("kept", RangeRule::Kept),
    ("first", RangeRule::First),
];

/// Words of the setting `units`, and what they mean.
const UNIT_POLICIES: [(&str, UnitPolicy); 7] = [
    ("kept", UnitPolicy::Power(1, 1)),
    ("squared", UnitPolicy::Power(2, 1)),
    ("square_root", UnitPolicy::Power(1, 2)),
    ("cube_root", UnitPolicy::Power(1, 3)),
    ("same", UnitPolicy::Same),
    ("dropped", UnitPolicy::Dropped),
    ("converted", UnitPolicy::Converted),
];

/// A trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerSig {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// What it learns.
    pub tasks: Vec<Task>,
    /// `module:Class` or `file.py:function`.
    pub python: String,
    /// Requirement, if it needs a package.
    pub package: Option<String>,
    /// Argument that takes the seed.
    pub seed: Option<String>,
    /// Argument that takes the number of threads.
    pub threads: Option<String>,
    /// How categories are told: `mask`, `feature_types`, `indices`.
    pub categories: Option<String>,
    /// Hyperparameter that counts rounds of training: fewer of them tell early what is worth more.
    pub resource: Option<String>,
    /// Whether it predicts classes without probabilities.
    pub labels_only: bool,
    /// `nulls`, `categories`, `vectors`, `weights`, …
    pub accepts: Vec<String>,
    /// Arguments that are always given.
    pub fixed: Vec<(String, Const)>,
    /// Hyperparameters.
    pub params: Vec<HyperSig>,
}

/// A hyperparameter, or a parameter of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperSig {
    /// The library's own name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// What it takes, one of these.
    pub forms: Vec<HyperForm>,
    /// Whether `null` is a value.
    pub nullable: bool,
    /// Value if nobody sets it.
    pub default: Option<Const>,
    /// Allowed numbers.
    pub range: Interval,
}

/// What a hyperparameter takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HyperForm {
    /// True or false.
    Bool,
    /// An integer.
    Int,
    /// A number.
    Float,
    /// Any text.
    Text,
    /// One of these texts.
    Enum(Vec<String>),
    /// A list.
    List(Box<HyperForm>),
}

/// A metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSig {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Where it applies.
    pub tasks: Vec<Task>,
    /// `mlp_runtime.metrics:accuracy`.
    pub python: String,
    /// `label`, `probability`, `value`.
    pub needs: String,
    /// What it can be.
    pub range: Interval,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Its parameters.
    pub params: Vec<HyperSig>,
}

/// The signature of a `fn`, `fitted fn` or `expectation` block.
#[salsa::tracked]
pub fn fn_signature<'db>(db: &'db dyn Db, block: Block<'db>) -> Option<FnSig> {
    let decl = body(db, block)?;
    let signature = decl.signature.as_ref()?;
    let result = signature.result.as_ref();
    let fit = text(decl, "fit").map(|fit| FitSig {
        fit,
        state: state_fields(decl).map(|f| f.name.text.clone()).collect(),
        target: text(decl, "target"),
        out_of_fold: text(decl, "out_of_fold"),
    });
    let body = match (text(decl, "polars"), text(decl, "python")) {
        (Some(template), _) => FnBody::Polars(template),
        (None, Some(reference)) => FnBody::Python { reference, vectorized: flag(decl, "vectorized") },
        (None, None) => FnBody::Value(Box::new(setting(decl, "value")?.clone())),
    };
    Some(FnSig {
        name: block.name(db).to_owned(),
        doc: decl.doc.clone(),
        fit,
        params: signature.params.iter().map(param).collect(),
        result: result.map_or(Pattern::Any, pattern),
        result_nullable: result.is_some_and(|ty| ty.nullable),
        result_range: signature.domain.as_ref().and_then(interval).unwrap_or(Interval::ALL),
        // An aggregate over the table deals with nulls itself: its declared type says all.
        nulls: match text(decl, "nulls").as_deref() {
            None if decl.kind.text == "expectation" => NullPolicy::Handled,
            Some("handled") => NullPolicy::Handled,
            Some("coalesce") => NullPolicy::Coalesce,
            _ => NullPolicy::Propagate,
        },
        units: units(decl),
        result_unit: result.map_or(Unit::PLAIN, declared_unit),
        zone: match text(decl, "zone").as_deref() {
            Some("calendar") => ZonePolicy::Calendar,
            Some("clock") => ZonePolicy::Clock,
            _ => ZonePolicy::Instant,
        },
        ranges: text(decl, "ranges")
            .and_then(|word| RANGE_RULES.into_iter().find(|(name, _)| *name == word).map(|(_, rule)| rule)),
        body,
        offending: text(decl, "offending"),
        tags: text(decl, "tags"),
        counts: flag(decl, "counts"),
        takes: setting(decl, "takes").and_then(dotted).and_then(|word| Takes::named(&word)),
    })
}

/// What a declaration says of units. What is fitted, or measured over a table, is no quantity unless it says so.
fn units(decl: &BlockDecl) -> UnitPolicy {
    let word = text(decl, "units");
    let said = UNIT_POLICIES.into_iter().find(|(name, _)| word.as_deref() == Some(*name));
    let scaled = decl.kind.text == "expectation" || setting(decl, "fit").is_some();
    said.map_or(if scaled { UnitPolicy::Dropped } else { UnitPolicy::Plain }, |(_, policy)| policy)
}

/// The unit in the brackets of a number's type.
fn declared_unit(ty: &TypeExpr) -> Unit {
    match &ty.kind {
        TypeKind::Named { path, args } if matches!(path.text().as_str(), "int" | "float") => {
            args.first().and_then(crate::annotations::unit).unwrap_or_default()
        }
        _ => Unit::PLAIN,
    }
}

impl UnitPolicy {
    /// The unit of the result, where the arguments share this one.
    #[must_use]
    pub fn applied(self, shared: &Unit) -> Option<Unit> {
        match self {
            Self::Power(over, under) => shared.power(Exponent::new(over, under)?),
            Self::Plain | Self::Same | Self::Dropped | Self::Converted => Some(Unit::PLAIN),
        }
    }
}

/// The signature of a `trainer` block.
#[salsa::tracked]
pub fn trainer_signature<'db>(db: &'db dyn Db, block: Block<'db>) -> Option<TrainerSig> {
    let decl = body(db, block)?;
    Some(TrainerSig {
        name: block.name(db).to_owned(),
        doc: decl.doc.clone(),
        tasks: tasks(decl),
        python: text(decl, "python")?,
        package: text(decl, "package"),
        seed: text(decl, "seed"),
        threads: text(decl, "threads"),
        categories: text(decl, "categories"),
        resource: text(decl, "resource"),
        labels_only: text(decl, "gives").as_deref() == Some("label"),
        accepts: nested(decl, "accepts").filter_map(bare).collect(),
        fixed: nested(decl, "fixed").filter_map(named_constant).collect(),
        params: fields(decl, "params").map(hyper).collect(),
    })
}

/// The signature of a `metric` block.
#[salsa::tracked]
pub fn metric_signature<'db>(db: &'db dyn Db, block: Block<'db>) -> Option<MetricSig> {
    let decl = body(db, block)?;
    Some(MetricSig {
        name: block.name(db).to_owned(),
        doc: decl.doc.clone(),
        tasks: tasks(decl),
        python: text(decl, "python")?,
        needs: text(decl, "needs").unwrap_or_else(|| "label".to_owned()),
        range: setting(decl, "range").and_then(interval).unwrap_or(Interval::ALL),
        higher_is_better: text(decl, "better").as_deref() != Some("lower"),
        params: fields(decl, "params").map(hyper).collect(),
    })
}

/// The body of a block declaration.
pub fn body<'db>(db: &'db dyn Db, block: Block<'db>) -> Option<&'db BlockDecl> {
    match &parse_block(db, block).decl {
        Decl::Block(decl) => Some(decl),
        _ => None,
    }
}

/// The value of a setting.
#[must_use]
pub fn setting<'a>(decl: &'a BlockDecl, name: &str) -> Option<&'a Expr> {
    decl.entries.iter().find_map(|entry| match entry {
        Entry::Setting { name: path, value, .. } if path.text() == name => Some(value),
        _ => None,
    })
}

/// A setting that is a text or a word.
#[must_use]
pub fn text(decl: &BlockDecl, name: &str) -> Option<String> {
    let value = setting(decl, name)?;
    match literal(value) {
        Some(Const::Str(text)) => Some(text),
        _ => dotted(value),
    }
}

/// The entries of a nested block.
pub fn nested<'a>(decl: &'a BlockDecl, name: &'a str) -> impl Iterator<Item = &'a Entry> {
    decl.entries
        .iter()
        .filter_map(move |entry| match entry {
            Entry::Block(block) if block.kind.text == name => Some(&block.entries),
            _ => None,
        })
        .flatten()
}

fn flag(decl: &BlockDecl, name: &str) -> bool {
    setting(decl, name).and_then(literal) == Some(Const::Bool(true))
}

/// What a fitted function learns.
pub fn state_fields(decl: &BlockDecl) -> impl Iterator<Item = &Field> {
    fields(decl, "state")
}

fn fields<'a>(decl: &'a BlockDecl, name: &'a str) -> impl Iterator<Item = &'a Field> {
    nested(decl, name).filter_map(|entry| match entry {
        Entry::Field(field) => Some(field),
        _ => None,
    })
}

fn tasks(decl: &BlockDecl) -> Vec<Task> {
    decl.connector.iter().flat_map(|connector| &connector.paths).filter_map(|path| Task::named(&path.text())).collect()
}

fn bare(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Bare(name) => Some(name.text.clone()),
        _ => None,
    }
}

fn named_constant(entry: &Entry) -> Option<(String, Const)> {
    match entry {
        Entry::Setting { name, value, .. } => literal(value).map(|value| (name.text(), value)),
        _ => None,
    }
}

fn param(param: &SigParam) -> FnParam {
    let options = match param.ty.as_ref().map(|ty| &ty.kind) {
        Some(TypeKind::Named { path, args }) if path.text() == "enum" => texts(args),
        _ => Vec::new(),
    };
    FnParam {
        name: param.name.text.clone(),
        pattern: param.ty.as_ref().map_or(Pattern::Any, pattern),
        nullable: param.ty.as_ref().is_some_and(nullable),
        variadic: param.variadic,
        constant: param.constant,
        default: param.default.as_ref().and_then(literal),
        domain: param.domain.as_ref().and_then(interval).unwrap_or(Interval::ALL),
        unit: param.ty.as_ref().map_or(Unit::PLAIN, declared_unit),
        options,
    }
}

fn texts(args: &[Expr]) -> Vec<String> {
    args.iter()
        .filter_map(|arg| match &arg.kind {
            ExprKind::Str(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// `T?`, or a union one of whose types is.
fn nullable(ty: &TypeExpr) -> bool {
    let part = match &ty.kind {
        TypeKind::Union(parts) => parts.iter().any(nullable),
        TypeKind::Named { .. } => false,
    };
    ty.nullable || part
}

fn pattern(ty: &TypeExpr) -> Pattern {
    let (path, args) = match &ty.kind {
        TypeKind::Named { path, args } => (path, args),
        TypeKind::Union(parts) => {
            let kinds = parts.iter().map(|part| match pattern(part) {
                Pattern::Is(kind) => Some(kind),
                _ => None,
            });
            return kinds.collect::<Option<_>>().map_or(Pattern::Any, Pattern::OneOf);
        }
    };
    match path.text().as_str() {
        "any" => Pattern::Any,
        "N" => Pattern::Number,
        "unit" => Pattern::Unit,
        "list" => {
            let item = args.first().and_then(dotted).map_or(Pattern::Any, |name| named(&name, &[]));
            Pattern::List(Box::new(item))
        }
        name => named(name, args),
    }
}

fn named(name: &str, args: &[Expr]) -> Pattern {
    if name == "vector"
        && let Some(size) = args.first().and_then(dotted)
    {
        return Pattern::Sized(size);
    }
    if name.len() == 1 && name.chars().all(|letter| letter.is_ascii_uppercase()) {
        return if name == "N" { Pattern::Number } else { Pattern::Var(name.to_owned()) };
    }
    crate::annotations::simple_kind(name, args).map_or(Pattern::Any, Pattern::Is)
}

fn hyper(field: &Field) -> HyperSig {
    let (forms, nullable) = forms(&field.ty);
    HyperSig {
        name: field.name.text.clone(),
        doc: field.doc.clone(),
        forms,
        nullable,
        default: field.default.as_ref().and_then(literal),
        range: field.domain.as_ref().and_then(interval).unwrap_or(Interval::ALL),
    }
}

fn forms(ty: &TypeExpr) -> (Vec<HyperForm>, bool) {
    match &ty.kind {
        TypeKind::Union(parts) => {
            let parts: Vec<_> = parts.iter().map(forms).collect();
            let nullable = ty.nullable || parts.iter().any(|(_, nullable)| *nullable);
            (parts.into_iter().flat_map(|(forms, _)| forms).collect(), nullable)
        }
        TypeKind::Named { path, args } => (vec![form(&path.text(), args)], ty.nullable),
    }
}

fn form(name: &str, args: &[Expr]) -> HyperForm {
    match name {
        "bool" => HyperForm::Bool,
        "int" => HyperForm::Int,
        "float" => HyperForm::Float,
        "enum" => HyperForm::Enum(texts(args)),
        "list" => {
            let item = args.first().and_then(dotted).map_or(HyperForm::Text, |name| form(&name, &[]));
            HyperForm::List(Box::new(item))
        }
        _ => HyperForm::Text,
    }
}

impl HyperSig {
    /// As a Python annotation: `int | None`, `Literal["auto"] | bool`.
    #[must_use]
    pub fn python_type(&self) -> String {
        let mut parts: Vec<String> = self.forms.iter().map(python_form).collect();
        parts.dedup();
        if self.nullable {
            parts.push("None".to_owned());
        }
        parts.join(" | ")
    }

    /// As it is declared: `int? in 1..`.
    #[must_use]
    pub fn describe(&self) -> String {
        let parts: Vec<String> = self.forms.iter().map(describe_form).collect();
        let null = if self.nullable { "?" } else { "" };
        let range = if self.range == Interval::ALL { String::new() } else { format!(" in {}", self.range) };
        format!("{}{null}{range}", parts.join(" | "))
    }
}

fn python_form(form: &HyperForm) -> String {
    match form {
        HyperForm::Bool => "bool".to_owned(),
        HyperForm::Int => "int".to_owned(),
        HyperForm::Float => "float".to_owned(),
        HyperForm::Text => "str".to_owned(),
        HyperForm::Enum(options) => {
            let options: Vec<String> = options.iter().map(|option| format!("{option:?}")).collect();
            format!("Literal[{}]", options.join(", "))
        }
        HyperForm::List(item) => format!("list[{}]", python_form(item)),
    }
}

fn describe_form(form: &HyperForm) -> String {
    match form {
        HyperForm::Text => "string".to_owned(),
        HyperForm::Enum(options) => {
            let options: Vec<String> = options.iter().map(|option| format!("{option:?}")).collect();
            format!("enum[{}]", options.join(", "))
        }
        HyperForm::List(item) => format!("list[{}]", describe_form(item)),
        other => python_form(other),
    }
}
