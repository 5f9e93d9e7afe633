//! Puts a declaration together: the scanner says where its pieces are, pest reads each of them, and what neither
//! understands becomes one error node.

use crate::ast::Decl;
use crate::brackets::{Bracket, Slip, match_brackets};
use crate::depth::too_deep;
use crate::entries::{Extent, Scanned};
use crate::errors;
use crate::explain;
use crate::grammar::{Grammar, Rule};
use crate::lexer::{Layout, Tok, gap_pieces, lex};
use crate::lower;
use crate::tree::{SyntaxTree, TreeBuilder};
use mlpc_diagnostics::{Diagnostic, Span};
use pest::Parser as _;

/// Blocks nested deeper than this are refused.
const MAX_BLOCKS: usize = 64;

/// What a declaration's text says: always a tree, always a declaration, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// Every byte of the text.
    pub tree: SyntaxTree,
    /// What later passes read.
    pub decl: Decl,
    /// Findings, by position.
    pub errors: Vec<Diagnostic<Span>>,
}

/// Parses the text of one declaration, as [`crate::split`] gives it. Spans are relative to the text.
#[must_use]
pub fn parse(text: &str) -> Parse {
    let tokens = lex(text);
    let brackets = match_brackets(text, &tokens);
    let scan = Scanned { source: text, tokens: &tokens, of: &brackets.of };
    let mut parser = Parser { scan, slips: brackets.slips, builder: TreeBuilder::new(text), at: 0, errors: Vec::new() };
    parser.builder.open(Rule::declaration, 0);
    parser.declaration();
    parser.trivia_to(text.len());
    parser.builder.close_whole(text.len());
    let Parser { builder, mut errors, slips, .. } = parser;
    errors.extend(slips.iter().map(|slip| errors::slip(text, &tokens, slip)));
    let tree = builder.finish(text);
    let decl = lower::declaration(&tree, &mut errors);
    errors.extend(dividing_comments(&tree));
    errors.sort_by_key(|error| error.primary().copied());
    Parse { tree, decl, errors }
}

/// What a declaration's first words say that it is.
enum Start {
    Import,
    Value,
    Block(Extent),
    /// A block's header without its brace; the header's extent.
    Headless(usize),
    Unknown,
}

struct Parser<'a> {
    scan: Scanned<'a>,
    slips: Vec<Slip>,
    builder: TreeBuilder,
    /// Up to where the tree has leaves.
    at: usize,
    errors: Vec<Diagnostic<Span>>,
}

impl Parser<'_> {
    fn declaration(&mut self) {
        let Some(first) = self.scan.tokens.first() else { return };
        self.trivia_to(first.start as usize);
        let count = self.scan.tokens.len();
        if let Some(Slip::TooDeep(_)) = self.slips.first() {
            self.error_leaf(0, count);
            return;
        }
        let end = match self.start(count) {
            Start::Import => self.line(Rule::import_text, count),
            Start::Value => self.line(Rule::value_text, count),
            Start::Block(extent) => self.block(0, extent, count, 0),
            Start::Headless(end) => self.headless(end, count),
            Start::Unknown => {
                self.errors.push(errors::no_declaration(self.scan.source, self.scan.tokens));
                self.slips.clear();
                self.error_leaf(0, count);
                count
            }
        };
        self.rest(end, count);
    }

    fn start(&self, count: usize) -> Start {
        let word = self.scan.text(0);
        let next_is_value = matches!(self.scan.kind(1), Some(Tok::Assign | Tok::Colon | Tok::Dot));
        if self.scan.kind(0) != Some(Tok::Word) || next_is_value {
            return Start::Unknown;
        }
        match word {
            "import" => return Start::Import,
            "param" | "const" | "type" => return Start::Value,
            _ => {}
        }
        let extent = self.scan.extent(0, count, true);
        if extent.brace.is_some() {
            return Start::Block(extent);
        }
        if crate::split::is_block_word(word) { Start::Headless(extent.end) } else { Start::Unknown }
    }

    /// An import, parameter or constant: one entry, whose further lines are indented, closing brackets apart.
    fn line(&mut self, rule: Rule, count: usize) -> usize {
        let starts_line = |index: &usize| {
            let start = self.scan.tokens.get(*index).map_or(0, |token| token.start as usize);
            let is_closer = matches!(self.scan.kind(*index), Some(Tok::Close(_)));
            self.scan.first_on_line(*index)
                && !is_closer
                && self.scan.source.get(..start).is_some_and(|text| text.ends_with('\n'))
        };
        let limit = (1..count).find(starts_line).unwrap_or(count);
        let extent = self.scan.extent(0, limit, false);
        self.piece(rule, 0, extent);
        extent.end
    }

    /// A header that no brace follows. If there is a brace too many at the end, it closes the block all the same.
    fn headless(&mut self, end: usize, count: usize) -> usize {
        self.errors.push(errors::no_body(self.scan.source, self.scan.tokens.get(..end).unwrap_or_default()));
        let stray = |slip: &Slip| match slip {
            Slip::Stray(closer) if *closer >= end && self.scan.kind(*closer) == Some(Tok::Close(b'}')) => Some(*closer),
            _ => None,
        };
        let closer = self.slips.iter().find_map(stray);
        self.slips.retain(|slip| stray(slip).is_none_or(|at| Some(at) != closer));
        let limit = closer.unwrap_or(count);
        self.builder.open(Rule::block, self.at);
        let kind = self.header(0, end, false);
        self.body(&kind, end, limit, 0);
        if let Some(closer) = closer {
            self.token_leaf(Rule::rbrace, closer);
        }
        self.builder.close(self.at);
        closer.map_or(count, |closer| closer + 1)
    }

    /// What stands after the declaration's end.
    fn rest(&mut self, from: usize, count: usize) {
        let Some(first) = self.scan.tokens.get(from) else { return };
        self.trivia_to(first.start as usize);
        let is_line = matches!(self.scan.text(0), "import" | "param" | "const" | "type");
        let told = is_line && !self.errors.is_empty()
            || self.slips.iter().any(|slip| matches!(slip, Slip::Stray(at) if *at >= from));
        if !told {
            self.slips.retain(|slip| slip.bracket() < from);
            self.errors.push(errors::after_end(self.scan.source, self.scan.tokens, from));
        }
        self.error_leaf(from, count);
    }

    /// A block from the start of its header to its closing brace; gives the token after it.
    fn block(&mut self, from: usize, extent: Extent, limit: usize, depth: usize) -> usize {
        let Some(brace) = extent.brace else { return extent.end };
        if depth > MAX_BLOCKS {
            self.errors.push(errors::too_deep(self.scan.tokens, brace));
            self.error_leaf(from, extent.end);
            return extent.end;
        }
        self.builder.open(Rule::block, self.at);
        let kind = self.header(from, brace, extent.broken);
        self.token_leaf(Rule::lbrace, brace);
        let (end, closer) = match self.scan.of.get(brace) {
            Some(Bracket::ClosedAt(closer)) if *closer < limit => (*closer, Some(*closer)),
            _ => (extent.end, None),
        };
        self.body(&kind, brace + 1, end, depth);
        if let Some(closer) = closer {
            self.token_leaf(Rule::rbrace, closer);
        }
        self.builder.close(self.at);
        extent.end
    }

    /// The header; gives the kind of the block.
    fn header(&mut self, from: usize, end: usize, broken: bool) -> String {
        let kind_at =
            from + usize::from(self.scan.text(from) == "fitted" && self.scan.kind(from + 1) == Some(Tok::Word));
        let kind = self.scan.text(kind_at).to_owned();
        self.piece(Rule::header_text, from, Extent { end, brace: None, broken });
        kind
    }

    fn body(&mut self, kind: &str, from: usize, limit: usize, depth: usize) {
        self.builder.open(Rule::body, self.at);
        let mut at = from;
        let mut after_entry = false;
        while let Some(token) = self.scan.tokens.get(at).filter(|_| at < limit) {
            self.trivia_to(token.start as usize);
            let is_comma = token.kind == Tok::Comma;
            match token.kind {
                Tok::Comma if after_entry => at = self.token_leaf(Rule::comma, at),
                Tok::Comma => {
                    self.errors.push(errors::stray_comma(self.scan.tokens, at));
                    self.error_leaf(at, at + 1);
                    at += 1;
                }
                Tok::Close(_) => {
                    self.error_leaf(at, at + 1);
                    at += 1;
                }
                _ => at = self.entry(kind, at, limit, depth),
            }
            after_entry = !is_comma;
        }
        self.builder.close(self.at);
    }

    fn entry(&mut self, kind: &str, from: usize, limit: usize, depth: usize) -> usize {
        let statement = self.scan.statement(from);
        let extent = self.scan.extent(from, limit, statement.is_some());
        if extent.brace.is_some() {
            return self.block(from, extent, limit, depth + 1);
        }
        if self.scan.kind(from) == Some(Tok::Open(b'{')) {
            if !extent.broken {
                self.errors.push(errors::nameless_block(self.scan.tokens, from));
            }
            self.error_leaf(from, extent.end);
            return extent.end;
        }
        let rule = statement.unwrap_or_else(|| self.scan.shape(from, extent.end, kind));
        self.piece(rule, from, extent);
        extent.end
    }

    /// One piece by one rule of the grammar; one error node if it does not fit.
    fn piece(&mut self, rule: Rule, from: usize, extent: Extent) {
        let tokens = self.scan.tokens.get(from..extent.end).unwrap_or_default();
        if let Some(cut) = tokens.iter().find(|token| token.kind == Tok::Unclosed) {
            self.errors.push(errors::unclosed_string(self.scan.source, *cut));
        } else if extent.broken {
            // Its slip is told with the others.
        } else if let Some(at) = too_deep(self.scan.source, tokens) {
            self.errors.push(errors::too_deep(tokens, at));
        } else if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
            let (start, end) = (first.start as usize, last.end as usize);
            let text = self.scan.source.get(start..end).unwrap_or_default();
            match Grammar::parse(rule, text) {
                Ok(pairs) => {
                    append(&mut self.builder, pairs.tokens(), start);
                    self.at = end;
                    return;
                }
                Err(error) => self.errors.push(explain::entry(&self.scan, rule, from, extent.end, &error)),
            }
        }
        self.error_leaf(from, extent.end);
    }

    /// The layout up to a position, as leaves.
    fn trivia_to(&mut self, to: usize) {
        for (kind, start, end) in gap_pieces(self.scan.source, self.at, to) {
            let rule = match kind {
                Layout::Blank => Rule::WHITESPACE,
                Layout::Comment => Rule::COMMENT,
                Layout::Doc => Rule::doc,
            };
            self.builder.leaf(rule, start, end);
        }
        self.at = self.at.max(to);
    }

    fn token_leaf(&mut self, rule: Rule, index: usize) -> usize {
        if let Some(token) = self.scan.tokens.get(index) {
            self.trivia_to(token.start as usize);
            self.builder.leaf(rule, token.start as usize, token.end as usize);
            self.at = token.end as usize;
        }
        index + 1
    }

    /// The tokens `from..end`, with what lies between them, as one error node.
    fn error_leaf(&mut self, from: usize, end: usize) {
        let tokens = self.scan.tokens.get(from..end).unwrap_or_default();
        if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
            self.trivia_to(first.start as usize);
            self.builder.leaf(Rule::error, first.start as usize, last.end as usize);
            self.at = last.end as usize;
        }
    }
}

/// Comments after an operand that hold nothing but numbers and operators: `hour // 6`.
fn dividing_comments(tree: &SyntaxTree) -> Vec<Diagnostic<Span>> {
    let mut findings = Vec::new();
    let mut after_operand = false;
    for leaf in tree.leaves() {
        match tree.kind(leaf) {
            Rule::WHITESPACE if !tree.text_of(leaf).contains('\n') => {}
            Rule::COMMENT if after_operand => {
                let tokens = lex(tree.text_of(leaf).trim_start_matches('/'));
                let divides = tokens.first().is_some_and(|token| token.kind == Tok::Number)
                    && tokens
                        .iter()
                        .all(|token| matches!(token.kind, Tok::Number | Tok::Operator | Tok::Minus | Tok::Close(_)));
                if divides {
                    findings.push(errors::comment_divides(tree.span(leaf)));
                }
                after_operand = false;
            }
            Rule::variable | Rule::name | Rule::int | Rule::float | Rule::rparen => after_operand = true,
            _ => after_operand = false,
        }
    }
    findings
}

/// Adds what pest found, moved right by `offset`. What no rule covers, which should be nothing, becomes an error leaf.
pub(crate) fn append(builder: &mut TreeBuilder, tokens: pest::iterators::Tokens<'_, Rule>, offset: usize) {
    let mut covered = offset;
    // For each open node: where it starts and whether it has parts.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for token in tokens {
        match token {
            pest::Token::Start { rule: Rule::EOI, .. } | pest::Token::End { rule: Rule::EOI, .. } => {}
            pest::Token::Start { rule, pos } => {
                let start = offset + pos.pos();
                builder.leaf(Rule::error, covered, start);
                covered = start;
                if let Some(parent) = open.last_mut() {
                    parent.1 = true;
                }
                open.push((start, false));
                builder.open(rule, start);
            }
            pest::Token::End { pos, .. } => {
                let end = offset + pos.pos();
                let has_parts = open.pop().is_some_and(|(_, has_parts)| has_parts);
                if has_parts {
                    builder.leaf(Rule::error, covered, end);
                }
                covered = end;
                builder.close(end);
            }
        }
    }
}

/// The tokens of a text that holds an expression alone, as the holes of f-strings do.
pub(crate) fn parse_expression(text: &str) -> Result<SyntaxTree, Box<pest::error::Error<Rule>>> {
    let pairs = Grammar::parse(Rule::expression_text, text).map_err(Box::new)?;
    let mut builder = TreeBuilder::new(text);
    builder.open(Rule::expression_text, 0);
    append(&mut builder, pairs.tokens(), 0);
    builder.close_whole(text.len());
    Ok(builder.finish(text))
}
