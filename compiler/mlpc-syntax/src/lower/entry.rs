//! Entries and statements.

use super::Lower;
use crate::ast::{ColumnItem, Entry, Expr, ExprKind, Join, Name, Statement, StatementKind};
use crate::grammar::Rule;
use crate::tree::NodeId;

impl Lower<'_> {
    pub(super) fn entry(&mut self, node: NodeId, doc: Option<String>) -> Entry {
        match self.kind(node) {
            Rule::setting => {
                Entry::Setting { doc, name: self.path_in(node), value: self.expression_in(node), span: self.span(node) }
            }
            Rule::field => Entry::Field(self.field(node, doc)),
            Rule::search_line => Entry::Search {
                name: self.path_in(node),
                domain: self.bounds_in(node),
                when: self.part(node, Rule::expression).map(|when| self.expression(when)),
                span: self.span(node),
            },
            Rule::block => Entry::Block(self.block(node, doc)),
            Rule::spread => Entry::Spread(self.path_in(node)),
            Rule::bare => Entry::Bare(self.name_in(node)),
            Rule::expression => Entry::Expression(self.expression(node)),
            Rule::for_all => {
                let kind = ExprKind::ForAll(self.path_in(node), Box::new(self.expression_in(node)));
                Entry::Expression(Expr { kind, span: self.span(node) })
            }
            _ => match self.statement_kind(node) {
                Some(kind) => {
                    Entry::Statement(Statement { doc, kind, keyword: self.keyword(node), span: self.span(node) })
                }
                None => Entry::Error(self.span(node)),
            },
        }
    }

    /// The first word of a statement.
    fn keyword(&self, node: NodeId) -> Name {
        self.tree.parts(node).next().map_or_else(|| self.missing_name(node), |word| self.name(word))
    }

    /// The first expression of a node.
    pub(super) fn expression_in(&mut self, node: NodeId) -> Expr {
        match self.part(node, Rule::expression) {
            Some(expression) => self.expression(expression),
            None => Expr { kind: ExprKind::Error, span: self.span(node) },
        }
    }

    fn optional_expression(&mut self, node: NodeId) -> Option<Expr> {
        self.part(node, Rule::expression).map(|value| self.expression(value))
    }

    fn statement_kind(&mut self, node: NodeId) -> Option<StatementKind> {
        let name = self.name_in(node);
        Some(match self.kind(node) {
            Rule::column => StatementKind::Column(self.column_items(node)),
            Rule::drop => StatementKind::Drop(self.names_in(node)),
            Rule::let_value => StatementKind::Let { name, value: self.expression_in(node) },
            Rule::label => StatementKind::Label { name, value: self.optional_expression(node) },
            Rule::weight => StatementKind::Weight { name, value: self.optional_expression(node) },
            Rule::filter => StatementKind::Filter(self.expression_in(node)),
            Rule::require => {
                self.in_require = true;
                let condition = self.expression_in(node);
                self.in_require = false;
                let confidence = self.part(node, Rule::confidence).map(|part| self.bounds_in(part));
                StatementKind::Require { condition, confidence }
            }
            Rule::warn => StatementKind::Warn(self.expression_in(node)),
            Rule::join => StatementKind::Join(self.join(node)),
            Rule::sample => self.sample(node),
            Rule::given => StatementKind::Given {
                fitted: self.part(node, Rule::kw_fitted).is_some(),
                name,
                value: self.expression_in(node),
            },
            Rule::expect => StatementKind::Expect { name, value: self.expression_in(node) },
            Rule::expect_error => StatementKind::ExpectError(name),
            Rule::allow => StatementKind::Allow {
                code: name,
                columns: self.part(node, Rule::name_list).map_or_else(Vec::new, |list| self.names_in(list)),
                because: self.str_in(node),
                until: self.part(node, Rule::until).map(|until| self.bounds_in(until)),
            },
            _ => return None,
        })
    }

    fn sample(&mut self, node: NodeId) -> StatementKind {
        let mut bounds = self.parts_of(node, Rule::bounds).into_iter();
        let mut next = |lower: &mut Self| match bounds.next() {
            Some(part) => lower.expression(part),
            None => Expr { kind: ExprKind::Error, span: lower.span(node) },
        };
        StatementKind::Sample { every: next(self), range: next(self) }
    }

    fn column_items(&mut self, node: NodeId) -> Vec<ColumnItem> {
        let mut items = Vec::new();
        for part in self.parts(node) {
            match self.kind(part) {
                Rule::column_one => {
                    items.push(ColumnItem::One { name: self.name_in(part), value: self.optional_expression(part) });
                }
                Rule::column_all => items.push(ColumnItem::All {
                    span: self.part(part, Rule::star).map_or(self.span(part), |star| self.span(star)),
                    except: self.part(part, Rule::name_list).map_or_else(Vec::new, |list| self.names_in(list)),
                }),
                _ => {}
            }
        }
        items
    }

    fn join(&mut self, node: NodeId) -> Join {
        let asof = self.part(node, Rule::asof).map(|asof| {
            let keyword = self.part(asof, Rule::kw_asof).unwrap_or(asof);
            (self.span(keyword), self.part(asof, Rule::name).map(|name| self.name(name)))
        });
        let keys = self.parts_of(node, Rule::join_key);
        Join {
            dataset: self.path_in(node),
            alias: self.part(node, Rule::join_alias).map(|alias| self.name_in(alias)),
            asof,
            by: keys
                .into_iter()
                .map(|key| (self.path_in(key), self.part(key, Rule::name).map(|name| self.name(name))))
                .collect(),
            within: self.part(node, Rule::within).map(|within| self.bounds_in(within)),
        }
    }
}
