//! Where an entry ends and what shape it has, told from tokens alone: a newline ends an entry unless something binds
//! the lines together, a comma ends it unless it is a statement, and the first few tokens give the grammar rule.

use crate::brackets::{Bracket, opens_block};
use crate::grammar::Rule;
use crate::lexer::{Tok, Token};

/// A declaration's tokens with their brackets matched.
pub(crate) struct Scanned<'a> {
    pub source: &'a str,
    pub tokens: &'a [Token],
    pub of: &'a [Bracket],
}

/// How far an entry reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The token after its last.
    pub end: usize,
    /// The brace that opens its body, if it is a nested block.
    pub brace: Option<usize>,
    /// It holds an unclosed bracket or string or a stray bracket.
    pub broken: bool,
}

/// What must follow a statement's keyword for it to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    /// A name.
    Name,
    /// A name or `*`.
    NameOrStar,
    /// An expression.
    Expression,
    /// The word `every`.
    Every,
}

/// The keyword statements: keyword, rule, what follows.
const STATEMENTS: [(&str, Rule, Fits); 13] = [
    ("column", Rule::column_text, Fits::NameOrStar),
    ("drop", Rule::drop_text, Fits::Name),
    ("let", Rule::let_text, Fits::Name),
    ("label", Rule::label_text, Fits::Name),
    ("weight", Rule::weight_text, Fits::Name),
    ("filter", Rule::filter_text, Fits::Expression),
    ("require", Rule::require_text, Fits::Expression),
    ("warn", Rule::warn_text, Fits::Expression),
    ("join", Rule::join_text, Fits::Name),
    ("sample", Rule::sample_text, Fits::Every),
    ("given", Rule::given_text, Fits::Name),
    ("expect", Rule::expect_text, Fits::Name),
    ("allow", Rule::allow_text, Fits::Name),
];

/// Words that are operators or clauses after an operand, so no name follows a keyword with them.
const INFIX_WORDS: [&str; 7] = ["and", "or", "in", "not", "over", "when", "by"];
/// A line that starts with one of these goes on with the entry before.
const CONTINUING_WORDS: [&str; 8] = ["and", "or", "in", "over", "when", "because", "then", "else"];
/// An entry that breaks off after one of these goes on with the next line.
const TRAILING_WORDS: [&str; 4] = ["and", "or", "in", "not"];

/// Whether a word starts a statement, somewhere.
pub(crate) fn is_statement_word(word: &str) -> bool {
    STATEMENTS.iter().any(|(keyword, ..)| *keyword == word)
}

impl Scanned<'_> {
    /// The extent of the entry at `from`, in a body that ends before `limit`.
    pub fn extent(&self, from: usize, limit: usize, takes_commas: bool) -> Extent {
        let mut extent = Extent { end: limit, brace: None, broken: false };
        let mut at = from;
        while at < limit {
            if at > from && self.first_on_line(at) && !self.continues(from, at, takes_commas) {
                extent.end = at;
                return extent;
            }
            match self.kind(at) {
                Some(Tok::Comma) if !takes_commas && at > from => {
                    extent.end = at;
                    return extent;
                }
                Some(Tok::Open(_)) => {
                    let is_block = at > from && opens_block(self.tokens, at) && !self.has_value(from, at);
                    let (next, closed) = self.after_bracket(at, limit);
                    if is_block {
                        return Extent { end: next, brace: Some(at), broken: extent.broken };
                    }
                    extent.broken = extent.broken || !closed;
                    let goes_on = matches!(self.kind(next), Some(Tok::Open(_) | Tok::Close(_) | Tok::Arrow))
                        && !self.first_on_line(next);
                    if !closed && !goes_on {
                        extent.end = next;
                        return extent;
                    }
                    at = next;
                    continue;
                }
                Some(Tok::Close(_) | Tok::Unclosed) => extent.broken = true,
                _ => {}
            }
            at += 1;
        }
        extent
    }

    /// The token after the bracket's partner, or before which it counts as closed, and whether it has a partner.
    pub fn after_bracket(&self, opener: usize, limit: usize) -> (usize, bool) {
        match self.of.get(opener) {
            Some(Bracket::ClosedAt(closer)) if *closer < limit => (closer + 1, true),
            Some(Bracket::MissingBefore(before)) => ((*before).clamp(opener + 1, limit.max(opener + 1)), false),
            _ => (limit.max(opener + 1), false),
        }
    }

    /// `=` or `:` stands between these tokens outside brackets: what follows is a value, not a body.
    fn has_value(&self, from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to {
            match self.kind(at) {
                Some(Tok::Assign | Tok::Colon) => return true,
                Some(Tok::Open(_)) => at = self.after_bracket(at, to).0,
                _ => at += 1,
            }
        }
        false
    }

    /// Whether these tokens read like a block's header: words, names and what stands in brackets.
    fn is_header(&self, from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to {
            match self.kind(at) {
                Some(Tok::Open(b'(' | b'[')) => at = self.after_bracket(at, to).0,
                Some(Tok::Word | Tok::Quoted | Tok::Str | Tok::Dot | Tok::Comma | Tok::Arrow | Tok::Question) => {
                    at += 1
                }
                _ => return false,
            }
        }
        self.statement(from).is_none()
    }

    /// Whether the line that starts with token `at` belongs to the entry that starts with `from`.
    pub fn continues(&self, from: usize, at: usize, is_statement: bool) -> bool {
        let operand_before = |index: usize| {
            // In `column *` the keyword is no operand.
            let first = from + usize::from(is_statement);
            index.checked_sub(1).filter(|before| *before >= first).and_then(|before| self.tokens.get(before))
        };
        // Whatever hangs, the next entry is not swallowed.
        if self.statement(at).is_some() {
            return false;
        }
        let last = at - 1;
        // In these, `name = value` may follow a comma.
        let lists_values = self.kind(last) == Some(Tok::Comma)
            && self.kind(at + 1) == Some(Tok::Assign)
            && matches!(self.text(from), "column" | "join");
        if self.gives_value(at) && !lists_values {
            return false;
        }
        let hangs = match self.kind(last) {
            Some(Tok::Comma) => true,
            Some(Tok::Operator | Tok::Minus) => operand_before(last).is_some_and(|token| token.ends_operand()),
            Some(Tok::Word) if TRAILING_WORDS.contains(&self.text(last)) => {
                self.text(last) == "not" && last > from
                    || operand_before(last).is_some_and(|token| token.ends_operand())
            }
            _ => false,
        };
        hangs || self.starts_continuation(from, at)
    }

    /// `name =` or `name:`.
    fn gives_value(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Tok::Word | Tok::Quoted))
            && matches!(self.kind(at + 1), Some(Tok::Assign | Tok::Colon))
    }

    fn starts_continuation(&self, from: usize, at: usize) -> bool {
        match self.kind(at) {
            Some(Tok::Operator | Tok::Arrow) => true,
            Some(Tok::Open(b'{')) => self.is_header(from, at),
            Some(Tok::Word) if self.text(at) == "not" => self.text(at + 1) == "in",
            Some(Tok::Word) => CONTINUING_WORDS.contains(&self.text(at)),
            _ => false,
        }
    }

    /// The rule of the keyword statement at `at`, if one stands there. It must start its line or follow `{`.
    pub fn statement(&self, at: usize) -> Option<Rule> {
        let after_brace = at.checked_sub(1).is_some_and(|before| self.kind(before) == Some(Tok::Open(b'{')));
        if self.kind(at) != Some(Tok::Word) || !(self.first_on_line(at) || after_brace) {
            return None;
        }
        let word = self.text(at);
        let (_, rule, fits) = STATEMENTS.iter().find(|(keyword, ..)| *keyword == word)?;
        if self.first_on_line(at + 1) || opens_block(self.tokens, at + 2) || !self.fits(*fits, at + 1) {
            return None;
        }
        let expects_error =
            *rule == Rule::expect_text && self.text(at + 1) == "error" && self.kind(at + 2) == Some(Tok::Word);
        Some(if expects_error && !self.first_on_line(at + 2) { Rule::expect_error_text } else { *rule })
    }

    fn fits(&self, fits: Fits, at: usize) -> bool {
        let name = match self.kind(at) {
            Some(Tok::Quoted) => true,
            Some(Tok::Word) => !INFIX_WORDS.contains(&self.text(at)),
            _ => false,
        };
        match fits {
            Fits::Name => name,
            Fits::NameOrStar => name || self.text(at) == "*",
            Fits::Every => self.text(at) == "every",
            Fits::Expression => {
                let starts = matches!(self.kind(at), Some(Tok::Number | Tok::Str | Tok::Open(b'(' | b'[')));
                let negates = self.text(at) == "not" && self.text(at + 1) != "in";
                name || starts || negates || self.is_unary_minus(at)
            }
        }
    }

    /// `filter -x`: a blank before the minus and none after it.
    fn is_unary_minus(&self, at: usize) -> bool {
        let place = |index: usize| self.tokens.get(index).map(|token| (token.start, token.end));
        let apart = at.checked_sub(1).and_then(place).zip(place(at)).is_some_and(|(before, minus)| before.1 < minus.0);
        let joined = place(at).zip(place(at + 1)).is_some_and(|(minus, after)| minus.1 == after.0);
        self.kind(at) == Some(Tok::Minus) && apart && joined
    }

    /// The rule for an entry that is no statement and no block, in a block of this kind.
    pub fn shape(&self, from: usize, end: usize, block_kind: &str) -> Rule {
        let kind = |index: usize| if index < end { self.kind(index) } else { None };
        match kind(from) {
            Some(Tok::Ellipsis) => return Rule::spread_text,
            Some(Tok::Word) if self.text(from) == "for" && kind(from + 1) == Some(Tok::Word) => {
                return Rule::for_all_text;
            }
            Some(Tok::Word | Tok::Quoted) => {}
            _ => return Rule::expression_text,
        }
        if end == from + 1 {
            return Rule::bare_text;
        }
        match kind(from + 1) {
            Some(Tok::Colon) => return Rule::field_text,
            Some(Tok::Open(b'[')) if kind(self.after_bracket(from + 1, end).0) == Some(Tok::Colon) => {
                return Rule::field_text;
            }
            _ => {}
        }
        let after = self.path_end(from, end);
        match kind(after) {
            Some(Tok::Assign) => Rule::setting_text,
            Some(Tok::Word) if block_kind == "search" && self.text(after) == "in" => Rule::search_text,
            _ => Rule::expression_text,
        }
    }

    /// The token after the dotted path at `from`.
    fn path_end(&self, from: usize, end: usize) -> usize {
        let is_name = |index: usize| matches!(self.kind(index), Some(Tok::Word | Tok::Quoted));
        let mut at = from + 1;
        while at + 1 < end && self.kind(at) == Some(Tok::Dot) && is_name(at + 1) {
            at += 2;
        }
        at
    }

    pub fn kind(&self, index: usize) -> Option<Tok> {
        self.tokens.get(index).map(|token| token.kind)
    }

    pub fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.text(self.source))
    }

    pub fn first_on_line(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(|token| token.first_on_line)
    }
}
