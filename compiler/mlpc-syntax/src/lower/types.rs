//! Types, fields and their options.

use super::Lower;
use crate::ast::{Expr, ExprKind, Field, TypeExpr, TypeKind};
use crate::errors;
use crate::grammar::Rule;
use crate::tree::NodeId;
use mlpc_diagnostics::Span;

impl Lower<'_> {
    /// The type among a node's parts.
    pub(super) fn type_in(&mut self, node: NodeId) -> Option<TypeExpr> {
        self.part(node, Rule::type_expression).map(|part| self.type_expression(part))
    }

    fn type_expression(&mut self, node: NodeId) -> TypeExpr {
        let mut terms: Vec<TypeExpr> =
            self.parts_of(node, Rule::type_term).into_iter().map(|term| self.type_term(term)).collect();
        match terms.pop() {
            Some(only) if terms.is_empty() => only,
            last => {
                terms.extend(last);
                TypeExpr { kind: TypeKind::Union(terms), nullable: false, span: self.span(node) }
            }
        }
    }

    fn type_term(&mut self, node: NodeId) -> TypeExpr {
        let args = match self.part(node, Rule::type_args) {
            Some(args) => self.parts_of(args, Rule::type_arg).into_iter().map(|arg| self.type_arg(arg)).collect(),
            None => Vec::new(),
        };
        TypeExpr {
            kind: TypeKind::Named { path: self.path_in(node), args },
            nullable: self.part(node, Rule::nullable).is_some(),
            span: self.span(node),
        }
    }

    /// An argument of a type, with `?` where it is a type that may be null.
    fn type_arg(&mut self, node: NodeId) -> Expr {
        let arg = self.expression_in(node);
        if self.part(node, Rule::nullable).is_none() {
            return arg;
        }
        Expr { kind: ExprKind::Optional(Box::new(arg)), span: self.span(node) }
    }

    /// The expression of an option, the option being given at most once.
    pub(super) fn option(&mut self, node: NodeId, kind: Rule, what: &str) -> Option<Expr> {
        self.once(node, kind, what).map(|option| self.bounds_in(option))
    }

    /// The only part of a kind; further ones are reported.
    fn once(&mut self, node: NodeId, kind: Rule, what: &str) -> Option<NodeId> {
        let parts = self.parts_of(node, kind);
        for again in parts.iter().skip(1) {
            let span = self.span(*again);
            self.errors.push(errors::repeated_option(span, what));
        }
        parts.first().copied()
    }

    /// The value of an option.
    pub(super) fn bounds_in(&mut self, node: NodeId) -> Expr {
        match self.part(node, Rule::bounds) {
            Some(bounds) => self.expression(bounds),
            None => Expr { kind: ExprKind::Error, span: self.span(node) },
        }
    }

    pub(super) fn field(&mut self, node: NodeId, doc: Option<String>) -> Field {
        let name = self.name_in(node);
        let wide = self.part(node, Rule::wide).map(|wide| self.bounds_in(wide));
        let ty = self.type_in(node).unwrap_or_else(|| TypeExpr {
            kind: TypeKind::Union(Vec::new()),
            nullable: false,
            span: self.span(node),
        });
        Field {
            doc,
            name,
            wide,
            ty,
            constant: self.flag(node, Rule::constant, "`constant`"),
            default: self.option(node, Rule::default, "a default"),
            domain: self.option(node, Rule::domain, "a range"),
            matches: self.once(node, Rule::matches, "`matches`").map(|part| self.str_in(part)),
            unique: self.flag(node, Rule::unique, "`unique`"),
            known_after: self.option(node, Rule::known_after, "`known after`"),
            from: self.once(node, Rule::source_name, "`from`").map(|part| self.str_in(part)),
            parse_as: self.option(node, Rule::parse_as, "`as`"),
            tags: self.parts_of(node, Rule::tag).into_iter().map(|tag| self.name_in(tag)).collect(),
            span: self.span(node),
        }
    }

    fn flag(&mut self, node: NodeId, kind: Rule, what: &str) -> Option<Span> {
        self.once(node, kind, what).map(|part| self.span(part))
    }
}
