//! The abstract syntax of a declaration: what later passes read. Owned, without comments or layout; the lossless tree
//! keeps those. Every span is relative to the start of the declaration's text, so that moving a declaration changes
//! nothing in it.

use mlpc_diagnostics::Span;

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, without backticks.
    pub text: String,
    /// With backticks, where there are any.
    pub span: Span,
}

/// A dotted path: `sklearn.ridge`, `parts.train`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// At least one segment.
    pub segments: Vec<Name>,
    /// All of it.
    pub span: Span,
}

impl Path {
    /// The segments joined by dots.
    #[must_use]
    pub fn text(&self) -> String {
        self.segments.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
    }
}

/// A dotted path as the expression that it spells.
#[must_use]
pub fn path_expr(path: &Path) -> Expr {
    let mut segments = path.segments.iter();
    let first = segments.next();
    let base = Expr { kind: ExprKind::Name(first.map_or_else(String::new, |name| name.text.clone())), span: path.span };
    segments.fold(base, |base, name| Expr { kind: ExprKind::Member(Box::new(base), name.clone()), span: path.span })
}

/// One declaration of a file, or an import.
#[derive(Clone, Debug, PartialEq)]
pub enum Decl {
    /// `import "shared/data.mlp" as shared`.
    Import {
        /// The file, relative to this one.
        path: Str,
        /// The prefix; the file's stem if left out.
        alias: Option<Name>,
        /// All of it.
        span: Span,
    },
    /// `param NAME: type = value in range`, `const NAME = literal` or `type NAME = type in range`.
    Value(ValueDecl),
    /// Everything with a body: `kind name connector reference { entries }`.
    Block(BlockDecl),
    /// Text that is no declaration; its errors say why.
    Error(Span),
}

/// A `param` or `const`, or a `type` without a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueDecl {
    /// `param`, `const` or `type`.
    pub keyword: Name,
    /// The `///` lines before it, joined by newlines.
    pub doc: Option<String>,
    /// Its name.
    pub name: Name,
    /// `: type`; of a `type` what it stands for.
    pub ty: Option<TypeExpr>,
    /// `= value`.
    pub value: Option<Expr>,
    /// `in range`.
    pub domain: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// A block: a declaration, or one nested in another.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockDecl {
    /// The `///` lines before it, joined by newlines.
    pub doc: Option<String>,
    /// Words before the kind: `fitted` in `fitted fn`.
    pub modifiers: Vec<Name>,
    /// `dataset`, `features`, …
    pub kind: Name,
    /// `flights`, `sklearn.ridge`, `"a test"`; nested blocks may have none.
    pub name: Option<BlockName>,
    /// `(x: float, …) -> float` of a `fn`, `metric` or `expectation`.
    pub signature: Option<Signature>,
    /// `from trips`, `of a, b`, `for binary, multiclass`.
    pub connector: Option<Connector>,
    /// What stands between the braces.
    pub entries: Vec<Entry>,
    /// From the first modifier to the end of the header, without the brace.
    pub header: Span,
    /// All of it, documentation left out.
    pub span: Span,
}

/// How a block is called.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockName {
    /// A name or a dotted one.
    Path(Path),
    /// A quoted title, for tests.
    Title(Str),
}

impl BlockName {
    /// The name as text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Path(path) => path.text(),
            Self::Title(title) => title.value.clone(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Path(path) => path.span,
            Self::Title(title) => title.span,
        }
    }
}

/// The word and references that tie a block to others.
#[derive(Clone, Debug, PartialEq)]
pub struct Connector {
    /// `from`, `of`, `on`, `for`.
    pub word: Name,
    /// What it names.
    pub paths: Vec<Path>,
    /// All of it.
    pub span: Span,
}

/// `(x: float, ...more: float, const digits: int = 0) -> float in 0.0..`.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// In order.
    pub params: Vec<SigParam>,
    /// `-> type`.
    pub result: Option<TypeExpr>,
    /// `in range` after the result.
    pub domain: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// One parameter of a signature.
#[derive(Clone, Debug, PartialEq)]
pub struct SigParam {
    /// `...more`: any number of arguments.
    pub variadic: bool,
    /// `const digits`: a value known when the program is compiled.
    pub constant: bool,
    /// Its name.
    pub name: Name,
    /// `: type`.
    pub ty: Option<TypeExpr>,
    /// `= default`.
    pub default: Option<Expr>,
    /// `in range`.
    pub domain: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// An entry of a block.
#[expect(clippy::large_enum_variant, reason = "an entry is made once and read in its place")]
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// `name = value`; the name may be dotted in a profile.
    Setting {
        /// The `///` lines before it.
        doc: Option<String>,
        /// What is set.
        name: Path,
        /// To what.
        value: Expr,
        /// All of it.
        span: Span,
    },
    /// `name: type …`.
    Field(Field),
    /// `name in domain [when condition]`.
    Search {
        /// The dimension.
        name: Path,
        /// Its values.
        domain: Expr,
        /// `when …`.
        when: Option<Expr>,
        /// All of it.
        span: Span,
    },
    /// A keyword statement.
    Statement(Statement),
    /// A bare expression: an expectation, an example.
    Expression(Expr),
    /// A nested block.
    Block(BlockDecl),
    /// `...Flight`.
    Spread(Path),
    /// `name`, alone.
    Bare(Name),
    /// Text that is no entry; its errors say why.
    Error(Span),
}

/// `name[0..=63]: type? unit = default in range matches s unique known after d from s as f @tag`.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The `///` lines before it.
    pub doc: Option<String>,
    /// The column or hyperparameter.
    pub name: Name,
    /// `[0..=63]`: that many columns of one name.
    pub wide: Option<Expr>,
    /// Its type.
    pub ty: TypeExpr,
    /// `constant`: never changes for a key.
    pub constant: Option<Span>,
    /// `= value`.
    pub default: Option<Expr>,
    /// `in range`.
    pub domain: Option<Expr>,
    /// `matches "…"`.
    pub matches: Option<Str>,
    /// `unique`.
    pub unique: Option<Span>,
    /// `known after 1d`.
    pub known_after: Option<Expr>,
    /// `from "Column"`.
    pub from: Option<Str>,
    /// `as "%Y%m%d"`, `as ["no", "yes"]`, `as epoch(s)`.
    pub parse_as: Option<Expr>,
    /// `@pii @sensitive`.
    pub tags: Vec<Name>,
    /// All of it.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// What is written.
    pub kind: TypeKind,
    /// `?`.
    pub nullable: bool,
    /// All of it.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `float`, `category["a", "b"]`, `float[mi]`, `vector[64]`, `decimal(10, 2)`, `enum["auto"]`, `list[int]`.
    Named {
        /// The type's name; dotted if imported.
        path: Path,
        /// What stands in brackets or parentheses; a type argument is a name expression.
        args: Vec<Expr>,
    },
    /// `bool | enum["auto"]`.
    Union(Vec<TypeExpr>),
}

/// A keyword statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The `///` lines before it.
    pub doc: Option<String>,
    /// Which, and what it says.
    pub kind: StatementKind,
    /// The keyword.
    pub keyword: Name,
    /// All of it.
    pub span: Span,
}

/// The keyword statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `column a, b = e` or `column * except (a, b)`.
    Column(Vec<ColumnItem>),
    /// `drop a, b`.
    Drop(Vec<Name>),
    /// `let name = e`.
    Let {
        /// The value's name.
        name: Name,
        /// The value.
        value: Expr,
    },
    /// `label name = e`, or `label name`.
    Label {
        /// The label's name.
        name: Name,
        /// The value, the column of that name if left out.
        value: Option<Expr>,
    },
    /// `weight name = e`.
    Weight {
        /// The weight's name.
        name: Name,
        /// The value, the column of that name if left out.
        value: Option<Expr>,
    },
    /// `filter e`.
    Filter(Expr),
    /// `join D [as x] [asof [t]] by k[, a = b] [within W]`.
    Join(Join),
    /// `sample every D in A..=B`.
    Sample {
        /// The distance between moments.
        every: Expr,
        /// From and to.
        range: Expr,
    },
    /// `require e` or `require e with confidence 95%`; `m by c` inside `e` is [`ExprKind::By`].
    Require {
        /// What must hold.
        condition: Expr,
        /// How sure that must be.
        confidence: Option<Expr>,
    },
    /// `given name = value` or `given fitted name = value`.
    Given {
        /// `fitted`.
        fitted: bool,
        /// The dataset, column or parameter.
        name: Name,
        /// The rows or value.
        value: Expr,
    },
    /// `expect name = value`, in tests.
    Expect {
        /// The column.
        name: Name,
        /// Its values.
        value: Expr,
    },
    /// `expect error CODE`.
    ExpectError(Name),
    /// `warn expectation`.
    Warn(Expr),
    /// `allow CODE[(a, b)] because "…" [until date]`.
    Allow {
        /// The code or its name.
        code: Name,
        /// The columns it covers.
        columns: Vec<Name>,
        /// Why.
        because: Str,
        /// Until when.
        until: Option<Expr>,
    },
}

/// What follows `column`.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnItem {
    /// `name` or `name = e`.
    One {
        /// The feature's name.
        name: Name,
        /// The value; the column of that name if left out.
        value: Option<Expr>,
    },
    /// `* except (a, b)`.
    All {
        /// The star.
        span: Span,
        /// What is left out.
        except: Vec<Name>,
    },
}

/// A join statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// What is joined.
    pub dataset: Path,
    /// `as x`.
    pub alias: Option<Name>,
    /// `asof` with an optional column.
    pub asof: Option<(Span, Option<Name>)>,
    /// `by k`, `by a = b`: left and right side.
    pub by: Vec<(Path, Option<Name>)>,
    /// `within W`.
    pub within: Option<Expr>,
}

/// A plain string with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Str {
    /// Escapes resolved.
    pub value: String,
    /// With its quotes.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// All of it.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// `1_000`.
    Int(i64),
    /// `0.5`, `1e-3`.
    Float(f64),
    /// `70%`, as a share: 0.7.
    Percent(f64),
    /// `"text"` or `r"raw"`.
    Str(String),
    /// `f"dt={as_of}"`.
    Interpolated(Vec<StrPart>),
    /// `30m`, in milliseconds.
    Duration(i64),
    /// `16Gi`, in bytes.
    Size(u64),
    /// `date("2013-01-01")`, days since 1970-01-01, when the call has one plain string that is a date.
    Date(i32),
    /// A name.
    Name(String),
    /// `base.member`.
    Member(Box<Expr>, Name),
    /// `base[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `f(a, name: b)`.
    Call(Box<Expr>, Vec<Arg>),
    /// `aggregate over (by: k, window: W)`.
    Over(Box<Expr>, Vec<Arg>),
    /// `metric by column`, in `require` only.
    By(Box<Expr>, Name),
    /// `customer = buyer`, in `by` of a window only: a name of this side and one of that side.
    Pair(Path, Path),
    /// `-a`, `not a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a in b`, `a not in b`.
    In {
        /// What is looked for.
        item: Box<Expr>,
        /// A range, list or type.
        set: Box<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `if c then a else b`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a..=b` and its kin.
    Range(Range),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ name: a, name: b }`.
    Record(Vec<(Name, Expr)>),
    /// `int?`, as an argument of a type.
    Optional(Box<Expr>),
    /// `for all rows of flights: condition`, in tests.
    ForAll(Path, Box<Expr>),
    /// Parse error within; already reported.
    Error,
}

/// A part of an interpolated string.
#[derive(Clone, Debug, PartialEq)]
pub enum StrPart {
    /// Plain text.
    Text(String),
    /// `{expression}`.
    Expr(Expr),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `name:`.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// A range; a missing bound is open to infinity.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Lower bound and whether it belongs to the range.
    pub low: Option<(Box<Expr>, bool)>,
    /// Upper bound and whether it belongs to the range.
    pub high: Option<(Box<Expr>, bool)>,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`.
    Neg,
    /// `not`.
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`.
    Or,
    /// `and`.
    And,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `//`.
    FloorDiv,
    /// `%`.
    Rem,
    /// `**`.
    Pow,
}

impl BinaryOp {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::FloorDiv => "//",
            Self::Rem => "%",
            Self::Pow => "**",
        }
    }

    /// `==` and its kin.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }
}
