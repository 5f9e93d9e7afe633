//! The wording of every syntax finding.

use crate::brackets::{Slip, closer_of};
use crate::lexer::{Tok, Token};
use crate::split::DECLARATION_WORDS;
use mlpc_diagnostics::{Applicability, Diagnostic, Severity, Span, did_you_mean, rule};

/// A finding with a place relative to the declaration.
pub(crate) type Finding = Diagnostic<Span>;

/// The span of a token; the end of the text if there is none.
pub(crate) fn span_of(tokens: &[Token], index: usize) -> Span {
    match tokens.get(index) {
        Some(token) => Span { start: token.start, end: token.end },
        None => end_of(tokens, tokens.len()),
    }
}

/// The empty span after the token before `index`.
fn end_of(tokens: &[Token], index: usize) -> Span {
    let end = index.checked_sub(1).and_then(|last| tokens.get(last)).map_or(0, |token| token.end);
    Span { start: end, end }
}

fn text_at(source: &str, span: Span) -> &str {
    source.get(span.range()).unwrap_or_default()
}

/// A bracket without its partner.
pub(crate) fn slip(source: &str, tokens: &[Token], slip: &Slip) -> Finding {
    match slip {
        Slip::TooDeep(opener) => too_deep(tokens, *opener),
        Slip::Stray(closer) => stray_closer(source, span_of(tokens, *closer)),
        Slip::Mismatch { opener, closer } => mismatch(source, span_of(tokens, *opener), span_of(tokens, *closer)),
        Slip::Unclosed { openers, before, by_layout } => unclosed(source, tokens, openers, *before, *by_layout),
    }
}

fn stray_closer(source: &str, span: Span) -> Finding {
    let text = text_at(source, span);
    Diagnostic::new(rule::unclosed_bracket, format!("`{text}` closes nothing"), span)
        .here("no bracket is open here that this could close")
        .help(format!("remove the `{text}`, or add the bracket that it should close"))
        .fix(Applicability::Unsafe, format!("remove the `{text}`"), span, "")
}

fn mismatch(source: &str, opener: Span, closer: Span) -> Finding {
    let (open, close) = (text_at(source, opener), text_at(source, closer));
    let right = char::from(closer_of(open.bytes().next().unwrap_or(b'{')));
    Diagnostic::new(rule::unclosed_bracket, format!("this `{open}` is closed by `{close}`"), opener)
        .here("opened here")
        .label(closer, format!("this should be `{right}`"))
        .help(format!("write `{right}` for `{close}`, or close the `{open}` before it"))
        .fix(Applicability::Unsafe, format!("write `{right}`"), closer, right.to_string())
}

fn unclosed(source: &str, tokens: &[Token], openers: &[usize], before: usize, by_layout: bool) -> Finding {
    let innermost = openers.first().copied().unwrap_or_default();
    let span = span_of(tokens, innermost);
    let opener = text_at(source, span);
    let closers: String = openers.iter().map(|at| closing(source, tokens, *at)).collect();
    let mut finding =
        Diagnostic::new(rule::unclosed_bracket, format!("this `{opener}` is never closed"), span).here("opened here");
    for outer in openers.iter().skip(1) {
        finding = finding.label(span_of(tokens, *outer), "and this one is not closed either");
    }
    let place = end_of(tokens, before);
    if by_layout {
        finding = finding.label(place, format!("`{closers}` is missing here"));
    }
    finding.help(format!("add the missing `{closers}`")).fix(
        Applicability::Unsafe,
        format!("insert `{closers}`"),
        place,
        insertion(source, tokens, innermost, before, &closers),
    )
}

/// A brace that closes a block over several lines goes on its own line.
fn insertion(source: &str, tokens: &[Token], opener: usize, before: usize, closers: &str) -> String {
    let over_lines =
        (opener + 1..before.min(tokens.len())).any(|at| tokens.get(at).is_some_and(|token| token.first_on_line));
    if closers != "}" || !over_lines {
        return closers.to_owned();
    }
    let start = span_of(tokens, opener).start as usize;
    let line = source.get(..start).and_then(|text| text.rfind('\n')).map_or(0, |newline| newline + 1);
    let indent: String =
        source.get(line..).unwrap_or_default().chars().take_while(|char| matches!(char, ' ' | '\t')).collect();
    format!("\n{indent}}}")
}

fn closing(source: &str, tokens: &[Token], opener: usize) -> char {
    let byte = text_at(source, span_of(tokens, opener)).bytes().next().unwrap_or(b'{');
    char::from(closer_of(byte))
}

/// Nesting that nobody wrote by hand.
pub(crate) fn too_deep(tokens: &[Token], at: usize) -> Finding {
    Diagnostic::new(rule::too_deep, "this is nested too deep", span_of(tokens, at))
        .here("the 256th level of brackets and operators ends here")
        .help("give parts of it names, with `let` entries, and use these")
}

/// A string without its closing quote.
pub(crate) fn unclosed_string(source: &str, token: Token) -> Finding {
    let span = Span { start: token.start, end: token.end };
    let text = text_at(source, span);
    let (what, help) = if text.starts_with('`') {
        ("name", "add the closing backtick")
    } else {
        ("string", "add the closing `\"`; for a line break write `\\n`")
    };
    Diagnostic::new(rule::bad_literal, format!("this {what} is never closed"), span)
        .here("the line ends before its closing quote")
        .help(help)
}

/// `hour // 6`: a comment that was surely meant to divide.
pub(crate) fn comment_divides(span: Span) -> Finding {
    let slashes = Span { start: span.start, end: span.start + 2 };
    let mut finding = Diagnostic::new(rule::syntax_error, "this is a comment, not a division", slashes)
        .here("`//` with a blank beside it starts a comment")
        .help("to divide and round down write `a//b` without blanks; another comment needs a word in it");
    finding.severity = Severity::Warning;
    finding
}

/// A comma between no entries.
pub(crate) fn stray_comma(tokens: &[Token], at: usize) -> Finding {
    Diagnostic::new(rule::syntax_error, "expected an entry, found `,`", span_of(tokens, at))
        .here("no entry stands before this comma")
        .help("remove the comma")
        .fix(Applicability::Safe, "remove the comma", span_of(tokens, at), "")
}

/// A brace that no header stands before.
pub(crate) fn nameless_block(tokens: &[Token], at: usize) -> Finding {
    Diagnostic::new(rule::syntax_error, "expected an entry, found `{`", span_of(tokens, at))
        .here("no word says what this block is")
        .help("a nested block reads `kind { … }`, a record stands after `=`, `:`, `(`, `[` or `,`")
}

/// Text that declares nothing.
pub(crate) fn no_declaration(source: &str, tokens: &[Token]) -> Finding {
    let first = tokens.first().copied();
    let word = first.map_or("", |token| token.text(source));
    let near = first
        .filter(|token| token.kind == Tok::Word)
        .and_then(|_| did_you_mean(word, DECLARATION_WORDS.iter().map(|(word, _)| *word)));
    let finding =
        Diagnostic::new(rule::syntax_error, format!("expected a declaration, found `{word}`"), span_of(tokens, 0))
            .here("no declaration starts like this");
    match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")).fix(
            Applicability::Unsafe,
            format!("write `{near}`"),
            span_of(tokens, 0),
            near,
        ),
        None => finding.help("a declaration reads `kind name { … }`, as in `dataset flights { … }`"),
    }
}

/// A block without a body; `header` is what there is of it.
pub(crate) fn no_body(source: &str, header: &[Token]) -> Finding {
    let span = header.first().zip(header.last()).map(|(first, last)| Span { start: first.start, end: last.end });
    let span = span.unwrap_or_default();
    let end = Span { start: span.end, end: span.end };
    Diagnostic::new(rule::syntax_error, format!("expected `{{` after `{}`", text_at(source, span)), end)
        .here("the body of the block should start here")
        .help("a declaration reads `kind name { … }`")
}

/// Text behind a declaration's end.
pub(crate) fn after_end(source: &str, tokens: &[Token], at: usize) -> Finding {
    let span = span_of(tokens, at);
    let text = text_at(source, span);
    let finding = Diagnostic::new(rule::syntax_error, format!("expected a declaration, found `{text}`"), span)
        .here("the declaration before this has ended");
    match did_you_mean(text, DECLARATION_WORDS.iter().map(|(word, _)| *word)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("a declaration starts at the beginning of a line and reads `kind name { … }`"),
    }
}

/// A literal that means nothing.
pub(crate) fn bad_literal(span: Span, message: impl Into<String>, here: &str, help: &str) -> Finding {
    Diagnostic::new(rule::bad_literal, message, span).here(here).help(help)
}

/// `a..b`, which does not say whether `b` belongs to it. `open` is `<` for `a<..b`.
pub(crate) fn bare_range(operator: Span, open: &str) -> Finding {
    let (with, without) = (format!("{open}..="), format!("{open}..<"));
    Diagnostic::new(rule::bare_range, "this range does not say whether its end belongs to it", operator)
        .here("`..` needs `=` or `<` after it")
        .help(format!("write `{with}` if the end belongs to the range, `{without}` if it does not"))
        .fix(Applicability::Unsafe, format!("write `{with}`: the end belongs to the range"), operator, &with)
        .fix(Applicability::Unsafe, format!("write `{without}`: the end is left out"), operator, &without)
}

/// `a < b < c`, `a in b in c`.
pub(crate) fn chained(operator: Span, help: String) -> Finding {
    Diagnostic::new(rule::syntax_error, "comparisons do not chain", operator)
        .here("the second comparison of one expression")
        .help(help)
}

/// `a..=b..=c`.
pub(crate) fn chained_range(operator: Span) -> Finding {
    Diagnostic::new(rule::syntax_error, "a range has two ends", operator)
        .here("a second range operator")
        .help("write the lowest and the highest value only, as in `1..=12`")
}

/// `m by c` outside `require`.
pub(crate) fn misplaced_by(span: Span) -> Finding {
    Diagnostic::new(rule::syntax_error, "`by` asks for every slice, which only a `require` can do", span)
        .here("not in a `require` statement")
        .help("in a gate write `require recall by origin >= 0.5`; for groups of rows write `over (by: …)`")
}

/// Two entries of a record on one line without a comma.
pub(crate) fn missing_comma(place: Span) -> Finding {
    Diagnostic::new(rule::syntax_error, "expected `,` between the entries of a record", place)
        .here("a comma or a line break is missing here")
        .help("separate the entries by `,`")
        .fix(Applicability::Safe, "insert `,`", place, ",")
}

/// A field option given twice.
pub(crate) fn repeated_option(span: Span, what: &str) -> Finding {
    Diagnostic::new(rule::syntax_error, format!("this field has {what} twice"), span)
        .here("the second one")
        .help("keep one of them")
}

/// A construct without its operand, where the grammar's tree is incomplete. Only reached through a grammar slip.
pub(crate) fn incomplete(span: Span) -> Finding {
    Diagnostic::new(rule::syntax_error, "this expression is incomplete", span)
        .here("a part is missing here")
        .help("complete the expression")
}
