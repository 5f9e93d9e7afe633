//! Which closing bracket belongs to which opening one, and which are missing or too many.
//!
//! A balanced text needs one pass. For any other the culprit is looked for by indentation, so that one slip gives one
//! finding, at the bracket that a person would point at, and everything around it keeps its structure.

use crate::lexer::{Tok, Token};
use std::collections::{BTreeMap, BTreeSet};

/// Brackets nested deeper than this are refused.
pub(crate) const MAX_DEPTH: usize = 256;
/// Texts with more slips than this many rounds can mend keep the plain reading of the rest.
const MAX_ROUNDS: usize = 12;

/// What a token has to do with brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// No bracket, or a closing one that has its opening one.
    Fine,
    /// Opens; its closing bracket is this token.
    ClosedAt(usize),
    /// Opens and is never closed; it counts as closed before this token.
    MissingBefore(usize),
    /// Closes nothing.
    Stray,
}

/// A slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Opening brackets that are never closed, the innermost first, and the token before which they should have been.
    Unclosed {
        /// The opening brackets' tokens.
        openers: Vec<usize>,
        /// The token before which they should have been closed.
        before: usize,
        /// Whether the layout tells that place; otherwise it is where reading had to stop.
        by_layout: bool,
    },
    /// A closing bracket without an opening one.
    Stray(usize),
    /// An opening bracket and a closing one of another kind on its line.
    Mismatch {
        /// The opening one.
        opener: usize,
        /// The closing one.
        closer: usize,
    },
    /// This opening bracket is nested too deep.
    TooDeep(usize),
}

impl Slip {
    /// The bracket that a finding about it points at.
    pub fn bracket(&self) -> usize {
        match self {
            Self::Unclosed { openers, .. } => openers.first().copied().unwrap_or_default(),
            Self::Stray(bracket) | Self::Mismatch { opener: bracket, .. } | Self::TooDeep(bracket) => *bracket,
        }
    }
}

/// The result for a text.
#[derive(Debug)]
pub(crate) struct Brackets {
    /// For each token.
    pub of: Vec<Bracket>,
    /// In the order they were found.
    pub slips: Vec<Slip>,
}

/// Whether the brace at `index` opens a block; after `= : ( [ ,` and at the start it opens a record.
pub(crate) fn opens_block(tokens: &[Token], index: usize) -> bool {
    let is_brace = tokens.get(index).is_some_and(|token| token.kind == Tok::Open(b'{'));
    let before = index.checked_sub(1).and_then(|before| tokens.get(before)).map(|token| token.kind);
    is_brace && !matches!(before, None | Some(Tok::Assign | Tok::Colon | Tok::Comma | Tok::Open(_)))
}

/// Matches the brackets of a declaration.
pub(crate) fn match_brackets(source: &str, tokens: &[Token]) -> Brackets {
    let mut repair =
        Repair { tokens, lines: Vec::new(), missing: BTreeMap::new(), strays: BTreeSet::new(), slips: Vec::new() };
    let mut pass = repair.pass();
    if let Some(opener) = pass.too_deep.filter(|_| !pass.failures.is_empty()) {
        return Brackets { of: pass.of, slips: vec![Slip::TooDeep(opener)] };
    }
    if !pass.failures.is_empty() {
        repair.lines = lines(source, tokens);
    }
    for _ in 0..MAX_ROUNDS {
        if pass.failures.is_empty() {
            break;
        }
        repair.blame(&pass);
        pass = repair.pass();
    }
    let mut slips = repair.slips;
    slips.extend(pass.failures.iter().map(|failure| match *failure {
        Failure::Unclosed { opener, at } => Slip::Unclosed { openers: vec![opener], before: at, by_layout: false },
        Failure::Stray(closer) => Slip::Stray(closer),
    }));
    Brackets { of: pass.of, slips }
}

/// The closing bracket for an opening one.
pub(crate) fn closer_of(opener: u8) -> u8 {
    match opener {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    Unclosed { opener: usize, at: usize },
    Stray(usize),
}

struct Pass {
    of: Vec<Bracket>,
    failures: Vec<Failure>,
    too_deep: Option<usize>,
}

/// The line a token stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    /// Its first token.
    first: usize,
    /// Bytes before that.
    indent: usize,
}

/// The line of each token.
fn lines(source: &str, tokens: &[Token]) -> Vec<Line> {
    let mut line = Line::default();
    let place = |(index, token): (usize, &Token)| {
        if token.first_on_line {
            let before = source.get(..token.start as usize).unwrap_or_default();
            line = Line { first: index, indent: before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) };
        }
        line
    };
    tokens.iter().enumerate().map(place).collect()
}

struct Repair<'a> {
    tokens: &'a [Token],
    /// For each token, once something fails.
    lines: Vec<Line>,
    /// Opening brackets blamed so far, and before which token each counts as closed.
    missing: BTreeMap<usize, usize>,
    /// Closing brackets blamed so far.
    strays: BTreeSet<usize>,
    slips: Vec<Slip>,
}

impl Repair<'_> {
    /// Matches with a stack, taking the blamed brackets out.
    fn pass(&self) -> Pass {
        let mut pass = Pass { of: vec![Bracket::Fine; self.tokens.len()], failures: Vec::new(), too_deep: None };
        let mut stack: Vec<usize> = Vec::new();
        let mut due: BTreeSet<usize> = BTreeSet::new();
        for (index, token) in self.tokens.iter().enumerate() {
            if due.remove(&index) {
                self.close_missing(index, &mut stack, &mut pass);
            }
            match token.kind {
                Tok::Open(_) => {
                    stack.push(index);
                    due.extend(self.missing.get(&index));
                    if stack.len() > MAX_DEPTH && pass.too_deep.is_none() {
                        pass.too_deep = Some(index);
                    }
                }
                Tok::Close(_) if self.strays.contains(&index) => set(&mut pass.of, index, Bracket::Stray),
                Tok::Close(closer) => self.close(closer, index, &mut stack, &mut pass),
                Tok::Unclosed => self.cut_off(index, &mut stack, &mut pass),
                _ => {}
            }
        }
        let end = self.tokens.len();
        for opener in stack.into_iter().rev() {
            set(&mut pass.of, opener, Bracket::MissingBefore(end));
            if !self.missing.contains_key(&opener) {
                pass.failures.push(Failure::Unclosed { opener, at: end });
            }
        }
        pass
    }

    /// Closes the blamed brackets that are due before `index`, with all that they hold.
    fn close_missing(&self, index: usize, stack: &mut Vec<usize>, pass: &mut Pass) {
        let Some(lowest) = stack.iter().position(|opener| self.missing.get(opener) == Some(&index)) else { return };
        for opener in stack.drain(lowest..) {
            set(&mut pass.of, opener, Bracket::MissingBefore(index));
        }
    }

    fn close(&self, closer: u8, index: usize, stack: &mut Vec<usize>, pass: &mut Pass) {
        let matches = |opener: &usize| self.kind(*opener).is_some_and(|kind| closer_of(kind) == closer);
        // A parenthesis does not reach out of the block it stands in. The search is bounded, for texts of brackets only.
        let matching = stack
            .iter()
            .enumerate()
            .rev()
            .take(2 * MAX_DEPTH)
            .find(|(_, opener)| matches(opener) || opens_block(self.tokens, **opener))
            .filter(|(_, opener)| matches(opener))
            .map(|(at, _)| at);
        let Some(at) = matching else {
            set(&mut pass.of, index, Bracket::Stray);
            pass.failures.push(Failure::Stray(index));
            return;
        };
        for opener in stack.drain(at + 1..).rev() {
            set(&mut pass.of, opener, Bracket::MissingBefore(index));
            pass.failures.push(Failure::Unclosed { opener, at: index });
        }
        if let Some(opener) = stack.pop() {
            set(&mut pass.of, opener, Bracket::ClosedAt(index));
        }
    }

    /// An unclosed string took the rest of its line with it, closing brackets too: no finding of their own.
    fn cut_off(&self, index: usize, stack: &mut Vec<usize>, pass: &mut Pass) {
        let first = (0..=index).rev().find(|at| self.first_on_line(*at)).unwrap_or(0);
        while let Some(opener) = stack.last().copied().filter(|opener| *opener >= first) {
            if opens_block(self.tokens, opener) {
                break;
            }
            set(&mut pass.of, opener, Bracket::MissingBefore(index + 1));
            stack.pop();
        }
    }

    /// Decides who is at fault for the failures of a pass. Of braces at most one a round, since each shifts the others.
    fn blame(&mut self, pass: &Pass) {
        let mut brace_blamed = self.blame_mismatches(pass);
        for failure in &pass.failures {
            match *failure {
                Failure::Unclosed { opener: bracket, .. } | Failure::Stray(bracket) if self.is_blamed(bracket) => {}
                Failure::Unclosed { opener, at } if opens_block(self.tokens, opener) => {
                    if !std::mem::replace(&mut brace_blamed, true) {
                        self.blame_block(pass, opener, at);
                    }
                }
                Failure::Unclosed { opener, at } => self.blame_opener(opener, at),
                Failure::Stray(closer) if self.kind(closer) == Some(b'}') => {
                    if !std::mem::replace(&mut brace_blamed, true) {
                        self.blame_closing_brace(pass, closer);
                    }
                }
                Failure::Stray(closer) => self.blame_closer(closer),
            }
        }
    }

    /// `[1, 2)`: one slip, not two. A brace that closes the wrong thing leaves another one over at the end; whether any
    /// brace was blamed so is the result.
    fn blame_mismatches(&mut self, pass: &Pass) -> bool {
        let is_brace_over =
            |failure: &Failure| matches!(failure, Failure::Stray(closer) if self.kind(*closer) == Some(b'}'));
        let brace_over = pass.failures.iter().any(is_brace_over);
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for failure in &pass.failures {
            let Failure::Unclosed { opener, at } = *failure else { continue };
            let same_line = |closer: usize| closer > opener && self.line(closer) == self.line(opener);
            let by_brace = Some(at).filter(|at| brace_over && self.kind(*at) == Some(b'}') && same_line(*at));
            let by_other = self.rest_of_line(opener).find(|closer| {
                *closer < at && pass.of.get(*closer) == Some(&Bracket::Stray) && !self.strays.contains(closer)
            });
            if let Some(closer) = by_other.or(by_brace).filter(|_| !opens_block(self.tokens, opener)) {
                pairs.push((opener, closer));
            }
        }
        let mut brace_blamed = false;
        for (opener, closer) in pairs {
            if self.strays.insert(closer) {
                brace_blamed = brace_blamed || self.kind(closer) == Some(b'}');
                self.missing.insert(opener, closer);
                self.slips.push(Slip::Mismatch { opener, closer });
            }
        }
        brace_blamed
    }

    fn is_blamed(&self, bracket: usize) -> bool {
        self.missing.contains_key(&bracket) || self.strays.contains(&bracket)
    }

    /// A parenthesis, square bracket or record: closed before the first line that is not indented deeper than its own,
    /// before the arrow or brace of a header, or where reading stopped.
    fn blame_opener(&mut self, opener: usize, at: usize) {
        let line = self.line_not_deeper(opener, at);
        let ends = |index: &usize| self.tokens.get(*index).is_some_and(|token| token.kind == Tok::Arrow);
        let block = (opener + 1..at).find(|index| ends(index) || opens_block(self.tokens, *index));
        let before = line.into_iter().chain(block).min();
        self.add_unclosed(opener, before.unwrap_or(at), before.is_some());
    }

    /// A block: a brace inside it that seems to be closed by a brace further out has taken that brace.
    fn blame_block(&mut self, pass: &Pass, opener: usize, at: usize) {
        let thief = (opener + 1..at).find(|index| match pass.of.get(*index) {
            Some(Bracket::ClosedAt(closer)) => {
                self.kind(*index) == Some(b'{')
                    && self.first_on_line(*closer)
                    && self.indent(*closer) < self.indent(*index)
            }
            _ => false,
        });
        match thief.and_then(|thief| self.line_not_deeper(thief, at).map(|line| (thief, line))) {
            Some((thief, line)) => self.add_unclosed(thief, line, true),
            None => self.add_unclosed(opener, at, false),
        }
    }

    /// A brace too many: rather one before it that closes a block of several lines and stands deeper than the block, or
    /// not at the start of its line.
    fn blame_closing_brace(&mut self, pass: &Pass, closer: usize) {
        let early = pass.of.iter().enumerate().find_map(|(opener, bracket)| match bracket {
            Bracket::ClosedAt(early)
                if *early < closer
                    && opens_block(self.tokens, opener)
                    && self.line(*early) != self.line(opener)
                    && (!self.first_on_line(*early) || self.indent(*early) > self.indent(opener)) =>
            {
                Some(*early)
            }
            _ => None,
        });
        self.blame_closer(early.unwrap_or(closer));
    }

    fn blame_closer(&mut self, closer: usize) {
        if self.strays.insert(closer) {
            self.slips.push(Slip::Stray(closer));
        }
    }

    /// Several brackets of one line that miss their end at one place are one slip.
    fn add_unclosed(&mut self, opener: usize, before: usize, by_layout: bool) {
        self.missing.insert(opener, before);
        if self
            .rest_of_line(opener)
            .any(|index| self.tokens.get(index).is_some_and(|token| token.kind == Tok::Unclosed))
        {
            return;
        }
        let line = self.line(opener);
        let same_line = |openers: &[usize]| openers.first().is_some_and(|first| self.line(*first) == line);
        match self.slips.last() {
            Some(Slip::Unclosed { openers, before: other, .. }) if *other == before && same_line(openers) => {
                if let Some(Slip::Unclosed { openers, .. }) = self.slips.last_mut() {
                    openers.push(opener);
                }
            }
            _ => self.slips.push(Slip::Unclosed { openers: vec![opener], before, by_layout }),
        }
    }

    /// The first token after `opener`, at `limit` at the latest, that starts a line not indented deeper than its own.
    fn line_not_deeper(&self, opener: usize, limit: usize) -> Option<usize> {
        let indent = self.indent(opener);
        (opener + 1..self.tokens.len().min(limit + 1))
            .find(|index| self.first_on_line(*index) && self.indent(*index) <= indent)
    }

    fn kind(&self, index: usize) -> Option<u8> {
        match self.tokens.get(index).map(|token| token.kind) {
            Some(Tok::Open(byte) | Tok::Close(byte)) => Some(byte),
            _ => None,
        }
    }

    fn first_on_line(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(|token| token.first_on_line)
    }

    /// The tokens after one on its line.
    fn rest_of_line(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        (index + 1..self.tokens.len()).take_while(|at| !self.first_on_line(*at))
    }

    fn line(&self, index: usize) -> Line {
        self.lines.get(index).copied().unwrap_or_default()
    }

    fn indent(&self, index: usize) -> usize {
        self.line(index).indent
    }
}

fn set(of: &mut [Bracket], index: usize, bracket: Bracket) {
    if let Some(slot) = of.get_mut(index) {
        *slot = bracket;
    }
}
