//! From the lossless tree to the abstract syntax: one function per rule, each a typed view of its node.

mod entry;
mod expr;
mod literal;
mod types;

use crate::ast::{BlockDecl, BlockName, Connector, Decl, Entry, Name, Path, SigParam, Signature, Str, ValueDecl};
use crate::errors::Finding;
use crate::grammar::Rule;
use crate::lexer::{Tok, lex};
use crate::tree::{NodeId, SyntaxTree};
use mlpc_diagnostics::Span;

/// Reads the declaration of a tree.
pub(crate) fn declaration(tree: &SyntaxTree, errors: &mut Vec<Finding>) -> Decl {
    let mut lower = Lower { tree, errors, offset: 0, holes: 0, in_require: false };
    let root = tree.root();
    let doc = lower.doc_before(root, None);
    let Some(node) = tree.parts(root).next() else { return Decl::Error(tree.span(root)) };
    match tree.kind(node) {
        Rule::import => lower.import(node),
        Rule::value_declaration => Decl::Value(lower.value_declaration(node, doc)),
        Rule::block => Decl::Block(lower.block(node, doc)),
        _ => Decl::Error(tree.span(node)),
    }
}

/// A walk over one tree.
struct Lower<'a> {
    tree: &'a SyntaxTree,
    errors: &'a mut Vec<Finding>,
    /// Where the tree's text stands in the declaration: not at its start only for the holes of f-strings.
    offset: u32,
    /// How many holes this is inside of.
    holes: usize,
    /// Inside a `require` statement, where `m by c` may stand.
    in_require: bool,
}

impl Lower<'_> {
    fn kind(&self, node: NodeId) -> Rule {
        self.tree.kind(node)
    }

    fn span(&self, node: NodeId) -> Span {
        self.tree.span(node).shifted(self.offset)
    }

    fn text(&self, node: NodeId) -> &str {
        self.tree.text_of(node)
    }

    /// The parts of a node that carry meaning.
    fn parts(&self, node: NodeId) -> Vec<NodeId> {
        self.tree.parts(node).collect()
    }

    fn part(&self, node: NodeId, kind: Rule) -> Option<NodeId> {
        self.tree.part(node, kind)
    }

    fn parts_of(&self, node: NodeId, kind: Rule) -> Vec<NodeId> {
        self.tree.parts(node).filter(|part| self.kind(*part) == kind).collect()
    }

    /// The documentation directly before `target`, or before the first part: no empty line between.
    fn doc_before(&self, parent: NodeId, target: Option<NodeId>) -> Option<String> {
        let mut lines: Vec<&str> = Vec::new();
        for child in self.tree.children(parent) {
            match self.kind(child) {
                Rule::doc => lines.push(doc_line(self.text(child))),
                Rule::WHITESPACE if is_empty_line(self.text(child)) => lines.clear(),
                Rule::WHITESPACE | Rule::COMMENT => {}
                _ if target.is_none_or(|target| target == child) => break,
                _ => lines.clear(),
            }
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn name(&self, node: NodeId) -> Name {
        Name { text: unquoted(self.text(node)).to_owned(), span: self.span(node) }
    }

    /// The first name of a node; an empty one where the grammar has none, which it always has.
    fn name_in(&self, node: NodeId) -> Name {
        self.part(node, Rule::name).map_or_else(|| self.missing_name(node), |name| self.name(name))
    }

    fn missing_name(&self, node: NodeId) -> Name {
        let start = self.span(node).start;
        Name { text: String::new(), span: Span { start, end: start } }
    }

    fn names_in(&self, node: NodeId) -> Vec<Name> {
        self.parts_of(node, Rule::name).into_iter().map(|name| self.name(name)).collect()
    }

    fn path(&self, node: NodeId) -> Path {
        Path { segments: self.names_in(node), span: self.span(node) }
    }

    fn path_in(&self, node: NodeId) -> Path {
        self.part(node, Rule::path).map_or_else(
            || Path { segments: vec![self.missing_name(node)], span: self.span(node) },
            |path| self.path(path),
        )
    }

    /// The first plain or raw string of a node.
    fn str_in(&mut self, node: NodeId) -> Str {
        let string = self.tree.parts(node).find(|part| matches!(self.kind(*part), Rule::string | Rule::raw_string));
        match string {
            Some(string) => Str { value: self.string_value(string), span: self.span(string) },
            None => Str { value: String::new(), span: self.span(node) },
        }
    }

    fn import(&mut self, node: NodeId) -> Decl {
        Decl::Import {
            path: self.str_in(node),
            alias: self.part(node, Rule::name).map(|name| self.name(name)),
            span: self.span(node),
        }
    }

    fn value_declaration(&mut self, node: NodeId, doc: Option<String>) -> ValueDecl {
        let word = self.part(node, Rule::value_word).or_else(|| self.part(node, Rule::alias_word));
        let keyword = word.map_or_else(|| self.missing_name(node), |word| self.name(word));
        ValueDecl {
            keyword,
            doc,
            name: self.name_in(node),
            ty: self.type_in(node),
            value: self.option(node, Rule::default, "a default"),
            domain: self.option(node, Rule::domain, "a range"),
            span: self.span(node),
        }
    }

    fn block(&mut self, node: NodeId, doc: Option<String>) -> BlockDecl {
        let head = self.tree.parts(node).next();
        let mut block = match head {
            Some(header) if self.kind(header) == Rule::header => self.header(header),
            Some(broken) => self.broken_header(broken),
            None => self.broken_header(node),
        };
        block.doc = doc;
        block.span = self.span(node);
        if let Some(body) = self.part(node, Rule::body) {
            block.entries = self.entries(body);
        }
        block
    }

    fn header(&mut self, node: NodeId) -> BlockDecl {
        let kind = self.part(node, Rule::block_kind).map_or_else(|| self.missing_name(node), |kind| self.name(kind));
        let modifiers = self.parts_of(node, Rule::kw_fitted).into_iter().map(|word| self.name(word)).collect();
        let name = self.part(node, Rule::block_name).map(|name| match self.part(name, Rule::path) {
            Some(path) => BlockName::Path(self.path(path)),
            None => BlockName::Title(self.str_in(name)),
        });
        BlockDecl {
            doc: None,
            modifiers,
            kind,
            name,
            signature: self.part(node, Rule::signature).map(|signature| self.signature(signature)),
            connector: self.part(node, Rule::connector).map(|connector| self.connector(connector)),
            entries: Vec::new(),
            header: self.span(node),
            span: self.span(node),
        }
    }

    /// What can be told of a header that is wrong: its first words, so that the block can still be referred to.
    fn broken_header(&self, node: NodeId) -> BlockDecl {
        let span = self.span(node);
        let text = self.text(node);
        let tokens = lex(text);
        let word = |index: usize| {
            let token = tokens.get(index).filter(|token| matches!(token.kind, Tok::Word | Tok::Quoted))?;
            let place = Span { start: token.start, end: token.end }.shifted(span.start);
            Some(Name { text: unquoted(token.text(text)).to_owned(), span: place })
        };
        let fitted = usize::from(word(0).is_some_and(|first| first.text == "fitted") && word(1).is_some());
        let name = word(fitted + 1).map(|first| {
            let dotted = (fitted + 2..tokens.len())
                .step_by(2)
                .take_while(|index| tokens.get(*index).is_some_and(|token| token.kind == Tok::Dot));
            let segments: Vec<Name> =
                std::iter::once(first).chain(dotted.filter_map(|index| word(index + 1))).collect();
            let place = segments.iter().map(|segment| segment.span).reduce(Span::to).unwrap_or(span);
            BlockName::Path(Path { segments, span: place })
        });
        BlockDecl {
            doc: None,
            modifiers: word(0).filter(|_| fitted == 1).into_iter().collect(),
            kind: word(fitted).unwrap_or_else(|| self.missing_name(node)),
            name,
            signature: None,
            connector: None,
            entries: Vec::new(),
            header: span,
            span,
        }
    }

    fn connector(&self, node: NodeId) -> Connector {
        let word = self.part(node, Rule::connector_word);
        Connector {
            word: word.map_or_else(|| self.missing_name(node), |word| self.name(word)),
            paths: self.parts_of(node, Rule::path).into_iter().map(|path| self.path(path)).collect(),
            span: self.span(node),
        }
    }

    fn signature(&mut self, node: NodeId) -> Signature {
        let result = self.part(node, Rule::result);
        Signature {
            params: self.parts_of(node, Rule::parameter).into_iter().map(|part| self.parameter(part)).collect(),
            result: result.and_then(|result| self.type_in(result)),
            domain: result.and_then(|result| self.option(result, Rule::domain, "a range")),
            span: self.span(node),
        }
    }

    fn parameter(&mut self, node: NodeId) -> SigParam {
        SigParam {
            variadic: self.part(node, Rule::ellipsis).is_some(),
            constant: self.part(node, Rule::kw_const).is_some(),
            name: self.name_in(node),
            ty: self.type_in(node),
            default: self.option(node, Rule::default, "a default"),
            domain: self.option(node, Rule::domain, "a range"),
            span: self.span(node),
        }
    }

    /// The entries of a body, each with the documentation directly before it.
    fn entries(&mut self, body: NodeId) -> Vec<Entry> {
        let tree = self.tree;
        let mut entries = Vec::new();
        let mut docs: Vec<&str> = Vec::new();
        for child in tree.children(body) {
            match tree.kind(child) {
                Rule::doc => docs.push(doc_line(tree.text_of(child))),
                Rule::WHITESPACE if is_empty_line(tree.text_of(child)) => docs.clear(),
                Rule::WHITESPACE | Rule::COMMENT | Rule::comma => {}
                _ => {
                    let doc = (!docs.is_empty()).then(|| docs.join("\n"));
                    docs.clear();
                    entries.push(self.entry(child, doc));
                }
            }
        }
        entries
    }
}

/// The text of a `///` line.
fn doc_line(text: &str) -> &str {
    let text = text.strip_prefix("///").unwrap_or(text);
    text.strip_prefix(' ').unwrap_or(text).trim_end()
}

fn is_empty_line(blank: &str) -> bool {
    blank.bytes().filter(|byte| *byte == b'\n').count() > 1
}

/// A name without its backticks.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('`').and_then(|inner| inner.strip_suffix('`')).unwrap_or(text)
}
