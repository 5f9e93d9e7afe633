//! Text to tokens, for the scanner alone: enough to match brackets, to see where an entry ends and what shape it has.
//! Pest reads each entry's text again by the grammar. Comments and blanks make no tokens; [`gap_pieces`] finds them.

/// What a token is, as far as the scanner cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tok {
    /// A word, keyword or not.
    Word,
    /// A name in backticks.
    Quoted,
    /// Digits and what clings to them: `1_000`, `0.5`, `70%`, `1h30m`, `8Gi`.
    Number,
    /// A string of any kind, closed.
    Str,
    /// A string or backtick that the end of the line cuts off.
    Unclosed,
    /// `(`, `[` or `{`.
    Open(u8),
    /// `)`, `]` or `}`.
    Close(u8),
    /// `,`.
    Comma,
    /// `=`.
    Assign,
    /// `:`.
    Colon,
    /// `.`.
    Dot,
    /// A binary operator that is no word and not `-`.
    Operator,
    /// `-`, binary or not.
    Minus,
    /// A range with a bound to come: `..=`, `..<`, `<..=`, `<..<`.
    Range,
    /// `..` or `<..`.
    OpenRange,
    /// `...`.
    Ellipsis,
    /// `->`.
    Arrow,
    /// `@`.
    At,
    /// `?`.
    Question,
    /// A character that begins nothing.
    Junk,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: Tok,
    /// Its first byte.
    pub start: u32,
    /// After its last byte.
    pub end: u32,
    /// A newline stands between it and the token before it, or it is the first.
    pub first_on_line: bool,
}

impl Token {
    /// Its text.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Whether a binary operator may follow it.
    pub fn ends_operand(self) -> bool {
        matches!(
            self.kind,
            Tok::Word
                | Tok::Quoted
                | Tok::Number
                | Tok::Str
                | Tok::Close(_)
                | Tok::Unclosed
                | Tok::OpenRange
                | Tok::Question
        )
    }
}

/// All tokens of a text.
pub(crate) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { bytes: source.as_bytes(), at: 0, fresh_line: true, tokens: Vec::new() };
    lexer.tokens.reserve(source.len() / 5);
    while lexer.step() {}
    lexer.tokens
}

/// Symbols, longest first, with what they are.
const SYMBOLS: [(&[u8], Tok); 28] = [
    (b"...", Tok::Ellipsis),
    (b"<..=", Tok::Range),
    (b"<..<", Tok::Range),
    (b"<..", Tok::OpenRange),
    (b"..=", Tok::Range),
    (b"..<", Tok::Range),
    (b"..", Tok::OpenRange),
    (b"->", Tok::Arrow),
    (b"**", Tok::Operator),
    (b"==", Tok::Operator),
    (b"!=", Tok::Operator),
    (b"<=", Tok::Operator),
    (b">=", Tok::Operator),
    (b"//", Tok::Operator),
    (b"<", Tok::Operator),
    (b">", Tok::Operator),
    (b"+", Tok::Operator),
    (b"*", Tok::Operator),
    (b"/", Tok::Operator),
    (b"%", Tok::Operator),
    (b"|", Tok::Operator),
    (b"-", Tok::Minus),
    (b"=", Tok::Assign),
    (b":", Tok::Colon),
    (b",", Tok::Comma),
    (b".", Tok::Dot),
    (b"@", Tok::At),
    (b"?", Tok::Question),
];

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    fresh_line: bool,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Reads one token or one piece of layout; false at the end.
    fn step(&mut self) -> bool {
        let Some(byte) = self.peek(0) else { return false };
        match byte {
            b'\n' => {
                self.fresh_line = true;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if self.peek(1) == Some(b'/') && !self.at_floor_division() => self.at = self.line_end(),
            0xEF if self.at == 0 && self.bytes.starts_with(b"\xEF\xBB\xBF") => self.at = 3,
            _ => self.token(byte),
        }
        true
    }

    fn token(&mut self, byte: u8) {
        let start = self.at;
        let kind = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' => self.string(start + 1),
            b'`' => self.quoted(),
            b'(' | b'[' | b'{' => self.single(Tok::Open(byte)),
            b')' | b']' | b'}' => self.single(Tok::Close(byte)),
            _ => self.symbol(),
        };
        self.tokens.push(Token { kind, start: offset(start), end: offset(self.at), first_on_line: self.fresh_line });
        self.fresh_line = false;
    }

    fn single(&mut self, kind: Tok) -> Tok {
        self.at += 1;
        kind
    }

    fn symbol(&mut self) -> Tok {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if let Some((text, kind)) = SYMBOLS.iter().find(|(text, _)| rest.starts_with(text)) {
            self.at += text.len();
            return *kind;
        }
        // A whole character, so that every token's text is valid.
        self.at += 1;
        while self.peek(0).is_some_and(|byte| byte & 0xC0 == 0x80) {
            self.at += 1;
        }
        Tok::Junk
    }

    fn word(&mut self) -> Tok {
        let start = self.at;
        self.skip_while(is_word_byte);
        let prefix = self.bytes.get(start..self.at).unwrap_or_default();
        if self.peek(0) == Some(b'"') {
            match prefix {
                b"r" => return self.raw_string(),
                b"f" => return self.interpolated(),
                _ => {}
            }
        }
        Tok::Word
    }

    /// Digits with `_`, a fraction, an exponent, a unit; nothing is checked here.
    fn number(&mut self) -> Tok {
        loop {
            self.skip_while(is_word_byte);
            let next_is_digit = self.peek(1).is_some_and(|byte| byte.is_ascii_digit());
            let after_exponent = self
                .at
                .checked_sub(1)
                .and_then(|at| self.bytes.get(at))
                .is_some_and(|byte| matches!(byte, b'e' | b'E'));
            match self.peek(0) {
                Some(b'.') if next_is_digit => self.at += 1,
                Some(b'+' | b'-') if next_is_digit && after_exponent => self.at += 1,
                Some(b'%') if !self.peek(1).is_some_and(|byte| is_word_byte(byte) || byte == b'(') => {
                    self.at += 1;
                    return Tok::Number;
                }
                _ => return Tok::Number,
            }
        }
    }

    /// A plain string from its first inner byte on.
    fn string(&mut self, inner: usize) -> Tok {
        self.at = inner;
        loop {
            match self.peek(0) {
                Some(b'"') => return self.single(Tok::Str),
                Some(b'\\') if self.peek(1).is_some_and(|byte| byte != b'\n') => self.at += 2,
                None | Some(b'\n') => return self.cut_off(),
                Some(_) => self.at += 1,
            }
        }
    }

    fn raw_string(&mut self) -> Tok {
        self.at += 1;
        self.skip_while(|byte| byte != b'"' && byte != b'\n');
        if self.peek(0) == Some(b'"') { self.single(Tok::Str) } else { self.cut_off() }
    }

    /// An f-string; in its holes plain strings may stand.
    fn interpolated(&mut self) -> Tok {
        self.at += 1;
        let mut in_hole = false;
        loop {
            match self.peek(0) {
                None | Some(b'\n') => return self.cut_off(),
                Some(b'"') if !in_hole => return self.single(Tok::Str),
                Some(b'"') => {
                    if self.string(self.at + 1) == Tok::Unclosed {
                        return Tok::Unclosed;
                    }
                }
                Some(b'\\') if !in_hole && self.peek(1).is_some_and(|byte| byte != b'\n') => self.at += 2,
                Some(b'{') if !in_hole && self.peek(1) == Some(b'{') => self.at += 2,
                Some(byte) => {
                    in_hole = if in_hole { byte != b'}' } else { byte == b'{' };
                    self.at += 1;
                }
            }
        }
    }

    fn quoted(&mut self) -> Tok {
        self.at += 1;
        let inner = self.at;
        self.skip_while(|byte| byte != b'`' && byte != b'\n');
        if self.peek(0) != Some(b'`') {
            return self.cut_off();
        }
        let empty = self.at == inner;
        self.at += 1;
        if empty { Tok::Junk } else { Tok::Quoted }
    }

    /// The token ends with the line, trailing blanks left out.
    fn cut_off(&mut self) -> Tok {
        let mut end = self.line_end();
        while end > 0 && self.bytes.get(end - 1).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            end -= 1;
        }
        self.at = end;
        Tok::Unclosed
    }

    /// `//` directly between two operands, without a blank, divides; anywhere else it starts a comment.
    fn at_floor_division(&self) -> bool {
        let touches = self.tokens.last().is_some_and(|token| {
            token.end as usize == self.at
                && token.ends_operand()
                && !matches!(token.kind, Tok::OpenRange | Tok::Question | Tok::Close(b'}'))
        });
        touches && self.peek(2).is_some_and(|byte| is_word_byte(byte) || byte == b'(' || byte == b'`')
    }

    fn line_end(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
    }

    fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&keep) {
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }
}

/// A letter, digit or `_`.
pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Chunks beyond 4 GiB do not occur: files of that size are refused when they are read.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A piece of the text between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Blanks and newlines.
    Blank,
    /// `// …`.
    Comment,
    /// `/// …`.
    Doc,
}

/// Cuts the text between two tokens, which holds blanks and comments only, into pieces.
pub(crate) fn gap_pieces(source: &str, from: usize, to: usize) -> Vec<(Layout, usize, usize)> {
    let mut pieces = Vec::new();
    let mut at = from;
    while at < to {
        let rest = source.get(at..to).unwrap_or_default();
        let (kind, length) = if rest.starts_with('/') {
            let length = rest.find('\n').unwrap_or(rest.len());
            let doc = rest.starts_with("///") && !rest.starts_with("////");
            (if doc { Layout::Doc } else { Layout::Comment }, length)
        } else {
            (Layout::Blank, rest.find('/').unwrap_or(rest.len()))
        };
        let length = if length == 0 { to - at } else { length };
        pieces.push((kind, at, at + length));
        at += length;
    }
    pieces
}
