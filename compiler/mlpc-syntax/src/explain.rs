//! Turns pest's "expected these rules here" into a sentence about what is wrong with an entry.

use crate::entries::{Scanned, is_statement_word};
use crate::errors::{self, Finding, span_of};
use crate::grammar::{Rule, describe};
use crate::lexer::Tok;
use mlpc_diagnostics::{Applicability, Diagnostic, Span, rule};
use pest::error::{Error, ErrorVariant, InputLocation};

/// The entry that failed: its tokens, its rule and the token at which pest gave up.
struct Failure<'a> {
    scan: &'a Scanned<'a>,
    rule: Rule,
    from: usize,
    end: usize,
    at: usize,
}

/// The finding for an entry, the tokens `from..end`, that does not fit its rule.
pub(crate) fn entry(scan: &Scanned<'_>, rule: Rule, from: usize, end: usize, error: &Error<Rule>) -> Finding {
    let offset = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let position = scan.tokens.get(from).map_or(0, |token| token.start as usize) + offset;
    let at = (from..end)
        .find(|index| scan.tokens.get(*index).is_some_and(|token| token.end as usize > position))
        .unwrap_or(end);
    let failure = Failure { scan, rule, from, end, at };
    failure.well_known().unwrap_or_else(|| failure.expected(error))
}

impl Failure<'_> {
    /// Mistakes that deserve more than "expected this, found that".
    fn well_known(&self) -> Option<Finding> {
        self.bare_range()
            .or_else(|| self.foreign_symbol())
            .or_else(|| self.equality())
            .or_else(|| self.statement_inside_line())
            .or_else(|| self.entry_without_mark())
    }

    /// `1.. 5`: the grammar takes `1..` for an open range.
    fn bare_range(&self) -> Option<Finding> {
        let before = self.at.checked_sub(1).filter(|before| *before >= self.from)?;
        let starts_bound = matches!(self.kind(self.at), Some(Tok::Number | Tok::Minus | Tok::Open(b'(') | Tok::Str));
        let is_range = self.scan.kind(before) == Some(Tok::OpenRange) && starts_bound;
        is_range.then(|| {
            let open = self.scan.text(before).trim_end_matches('.');
            errors::bare_range(span_of(self.scan.tokens, before), open)
        })
    }

    /// Symbols of other languages.
    fn foreign_symbol(&self) -> Option<Finding> {
        let index = (self.at.saturating_sub(1).max(self.from)..self.end.min(self.at + 1))
            .find(|index| self.kind(*index) == Some(Tok::Junk))?;
        let symbol = self.scan.text(index);
        let help = match symbol {
            "&" => "write `and`".to_owned(),
            "!" => "write `not`, or `!=` for “differs”".to_owned(),
            ";" => "a line break or a comma ends an entry; there are no semicolons".to_owned(),
            "'" => "strings stand in double quotes: `\"text\"`".to_owned(),
            "#" => "comments start with `//`".to_owned(),
            "^" => "powers are written `a ** b`".to_owned(),
            _ if symbol.chars().any(char::is_alphabetic) => {
                format!("a name that holds `{symbol}` stands in backticks: `` `…` ``")
            }
            _ => "remove it".to_owned(),
        };
        let span = span_of(self.scan.tokens, index);
        Some(
            Diagnostic::new(rule::syntax_error, format!("`{symbol}` means nothing here"), span)
                .here("this character")
                .help(help),
        )
    }

    /// `filter a = b`.
    fn equality(&self) -> Option<Finding> {
        let compares =
            matches!(self.rule, Rule::filter_text | Rule::require_text | Rule::warn_text | Rule::expression_text);
        (compares && self.kind(self.at) == Some(Tok::Assign) && self.at > self.from).then(|| {
            let span = span_of(self.scan.tokens, self.at);
            Diagnostic::new(rule::syntax_error, "expected an operator, found `=`", span)
                .here("`=` gives a name its value")
                .help("write `==` to compare")
                .fix(Applicability::Unsafe, "write `==`", span, "==")
        })
    }

    /// `a = 1, column b`: a statement that does not start its line.
    fn statement_inside_line(&self) -> Option<Finding> {
        let word = self.scan.text(self.from);
        let is_late = self.rule == Rule::expression_text
            && self.kind(self.from) == Some(Tok::Word)
            && is_statement_word(word)
            && !self.scan.first_on_line(self.from)
            && matches!(self.kind(self.from + 1), Some(Tok::Word | Tok::Quoted));
        is_late.then(|| {
            let message = format!("a `{word}` statement must start its line");
            Diagnostic::new(rule::syntax_error, message, span_of(self.scan.tokens, self.from))
                .here("not the first word of its line")
                .help("put it on a line of its own")
        })
    }

    /// `owner "ops"`: a name and then something, without `=` or `:`.
    fn entry_without_mark(&self) -> Option<Finding> {
        let follows = matches!(self.kind(self.from + 1), Some(Tok::Word | Tok::Quoted | Tok::Str | Tok::Number));
        let is_name = matches!(self.kind(self.from), Some(Tok::Word | Tok::Quoted));
        (self.rule == Rule::expression_text && is_name && follows && self.at == self.from + 1).then(|| {
            let name = self.scan.text(self.from);
            Diagnostic::new(
                rule::syntax_error,
                format!("expected `=`, `:` or `{{` after `{name}`, found {}", self.found()),
                span_of(self.scan.tokens, self.at),
            )
            .here(format!("not part of an entry that starts with `{name}`"))
            .help(format!("a setting reads `{name} = value`, a field `{name}: type`, a nested block `{name} {{ … }}`"))
        })
    }

    fn expected(&self, error: &Error<Rule>) -> Finding {
        let rules = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
            ErrorVariant::CustomError { .. } => &[],
        };
        let after_colon =
            matches!(self.at.checked_sub(1).and_then(|before| self.kind(before)), Some(Tok::Colon | Tok::Arrow));
        let is_declared = matches!(self.rule, Rule::field_text | Rule::value_text | Rule::header_text);
        let expected = match expected_words(rules) {
            words if words == "a name" && after_colon && is_declared => "a type".to_owned(),
            words => words,
        };
        let here = match expected.as_str() {
            "" => "this does not belong here".to_owned(),
            words => format!("expected {words}"),
        };
        let message = match expected.as_str() {
            "" => format!("{} ends before {}", describe(self.rule), self.found()),
            words => format!("expected {words}, found {}", self.found()),
        };
        let finding = Diagnostic::new(rule::syntax_error, message, self.span()).here(here);
        if self.kind(self.at) == Some(Tok::Assign) && rules.contains(&Rule::colon) {
            return finding.help("in records and arguments a name and its value are joined by `:`").fix(
                Applicability::Unsafe,
                "write `:`",
                self.span(),
                ":",
            );
        }
        finding.help_opt(form(self.rule).map(str::to_owned))
    }

    fn found(&self) -> String {
        if self.at >= self.end {
            let header_ends = self.rule == Rule::header_text && self.scan.kind(self.end) == Some(Tok::Open(b'{'));
            return if header_ends { "`{`" } else { "the end of the entry" }.to_owned();
        }
        format!("`{}`", self.scan.text(self.at))
    }

    /// The token at fault, or the place after the last one.
    fn span(&self) -> Span {
        if self.at < self.end {
            return span_of(self.scan.tokens, self.at);
        }
        let end = span_of(self.scan.tokens, self.end.saturating_sub(1)).end;
        Span { start: end, end }
    }

    fn kind(&self, index: usize) -> Option<Tok> {
        if index < self.end { self.scan.kind(index) } else { None }
    }
}

/// Rules as words for a sentence: expressions, operators and options of fields as one each, layout left out.
fn expected_words(rules: &[Rule]) -> String {
    let takes_expression = rules.iter().any(|rule| starts_expression(*rule));
    let takes_operator = rules.contains(&Rule::operator) || rules.contains(&Rule::arithmetic);
    let in_field = rules.contains(&Rule::kw_matches);
    let mut words: Vec<&str> = Vec::new();
    for rule in rules {
        let word = match rule {
            Rule::WHITESPACE | Rule::COMMENT | Rule::EOI | Rule::over | Rule::by => continue,
            Rule::kw_over | Rule::kw_by if takes_operator => continue,
            rule if starts_expression(*rule) || takes_expression && may_start_expression(*rule) => "an expression",
            rule if in_field && is_field_option(*rule) => "an option of the field",
            rule if continues_expression(*rule) => "an operator",
            rule => describe(*rule),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // A missing operator is rarely what is wrong where something definite may follow.
    if words.len() > 1 {
        words.retain(|word| *word != "an operator");
    } else if words.first() == Some(&"an operator") {
        words.push("the end of the entry");
    }
    words.truncate(4);
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, head)) => format!("{} or {last}", head.join(", ")),
    }
}

/// What an expression may start with, and other things too.
fn may_start_expression(rule: Rule) -> bool {
    matches!(rule, Rule::string | Rule::open_quote | Rule::lparen | Rule::lbracket | Rule::lbrace)
}

fn is_field_option(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::assign
            | Rule::kw_in
            | Rule::kw_matches
            | Rule::unique
            | Rule::constant
            | Rule::kw_known
            | Rule::kw_from
            | Rule::kw_as
            | Rule::at
            | Rule::tag
            | Rule::type_args
            | Rule::type_arg
            | Rule::bar
            | Rule::nullable
    )
}

fn starts_expression(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::expression
            | Rule::bounds
            | Rule::prefix
            | Rule::variable
            | Rule::int
            | Rule::float
            | Rule::percent
            | Rule::duration
            | Rule::size
            | Rule::bad_number
            | Rule::list
            | Rule::paren
            | Rule::record
            | Rule::boolean
            | Rule::null
            | Rule::if_then_else
            | Rule::kw_if
            | Rule::raw_string
            | Rule::interpolated
            | Rule::argument
            | Rule::window_argument
            | Rule::pairing
            | Rule::pairings
    )
}

fn continues_expression(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::operator
            | Rule::arithmetic
            | Rule::not_in
            | Rule::floor_division
            | Rule::range_operator
            | Rule::range_bare
            | Rule::range_open
            | Rule::call
            | Rule::member
            | Rule::index
            | Rule::dot
            | Rule::type_args
            | Rule::type_arg
            | Rule::bar
            | Rule::nullable
            | Rule::lparen
            | Rule::lbracket
    )
}

/// How an entry of this rule reads.
fn form(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::import_text => "an import reads `import \"shared/data.mlp\" as shared`",
        Rule::value_text => "a parameter reads `param name: type = default in range`, a constant `const NAME = value`",
        Rule::header_text => "a block starts with `kind name { … }`, some with `from`, `of`, `on` or `for` and a name",
        Rule::setting_text => "a setting reads `name = value`",
        Rule::field_text => "a field reads `name: type = default in range`, then options such as `unique` and `@tag`",
        Rule::search_text => "a dimension reads `name in range`, with an optional `when condition`",
        Rule::spread_text => "a spread reads `...Schema`",
        Rule::for_all_text => "it reads `for all rows of NAME: condition`",
        Rule::column_text => "it reads `column name = expression`, `column a, b` or `column * except (a, b)`",
        Rule::drop_text => "it reads `drop a, b`",
        Rule::let_text => "it reads `let name = expression`",
        Rule::label_text => "it reads `label name = expression`",
        Rule::weight_text => "it reads `weight name = expression`",
        Rule::filter_text => "it reads `filter condition`",
        Rule::require_text => "it reads `require condition`",
        Rule::warn_text => "it reads `warn condition`",
        Rule::join_text => "it reads `join NAME as alias asof time by key within 2h`",
        Rule::sample_text => "it reads `sample every 7d in date(\"2025-01-01\")..=as_of`",
        Rule::given_text => "it reads `given NAME = [{ column: value }]`",
        Rule::expect_text | Rule::expect_error_text => "it reads `expect column = [values]` or `expect error CODE`",
        Rule::allow_text => "it reads `allow CODE because \"reason\"`",
        _ => return None,
    })
}
