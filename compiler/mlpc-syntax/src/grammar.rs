//! The pest parser made from `mlp.pest`, and what its rules are called in messages.

pub(crate) use generated::Grammar;
pub use generated::Rule;

/// The derive writes no documentation, so the lint is off here alone.
#[allow(missing_docs, reason = "the enumeration is generated from mlp.pest, where each rule is described")]
mod generated {
    /// The generated parser.
    #[derive(pest_derive::Parser)]
    #[grammar = "mlp.pest"]
    pub struct Grammar;
}

/// What a rule is called in a message. One exhaustive table: a new rule does not compile without a readable name.
#[must_use]
pub fn describe(rule: Rule) -> &'static str {
    match rule {
        // Pieces and layout.
        Rule::EOI => "the end of the entry",
        Rule::WHITESPACE => "a blank",
        Rule::COMMENT => "a comment",
        Rule::gap => "blanks and comments",
        Rule::doc => "a documentation comment",
        Rule::error => "broken text",
        // Declarations and blocks.
        Rule::declaration => "a declaration",
        Rule::import_text | Rule::import => "an import",
        Rule::value_text | Rule::value_declaration => "a parameter, constant or type",
        Rule::alias_word => "`type`",
        Rule::value_word => "`param` or `const`",
        Rule::block => "a block",
        Rule::body => "entries",
        Rule::entry => "an entry",
        Rule::statement => "a statement",
        Rule::header_text | Rule::header => "the header of a block",
        Rule::block_kind => "the kind of a block",
        Rule::block_name => "the name of the block",
        Rule::connector | Rule::connector_word => "`from`, `of`, `on` or `for`",
        Rule::signature => "parameters in parentheses",
        Rule::parameter => "a parameter",
        Rule::result => "a result type",
        // Entries.
        Rule::setting_text | Rule::setting => "a setting",
        Rule::search_text | Rule::search_line => "a dimension of the search",
        Rule::spread_text | Rule::spread => "a spread",
        Rule::bare_text | Rule::bare => "a name",
        Rule::field_text | Rule::field => "a field",
        Rule::wide => "a range of columns in brackets",
        Rule::field_option => "an option of the field",
        Rule::default => "a default",
        Rule::domain => "a range",
        Rule::matches => "`matches`",
        Rule::unique => "`unique`",
        Rule::constant => "`constant`",
        Rule::known_after => "`known after`",
        Rule::source_name => "`from`",
        Rule::parse_as => "`as`",
        Rule::tag => "a tag",
        Rule::type_expression | Rule::type_term => "a type",
        Rule::type_args => "type arguments",
        Rule::type_arg => "a type argument",
        // Statements.
        Rule::column_text | Rule::column => "a `column` statement",
        Rule::column_item | Rule::column_one => "a column",
        Rule::column_all => "`*`",
        Rule::name_list => "names in parentheses",
        Rule::drop_text | Rule::drop => "a `drop` statement",
        Rule::let_text | Rule::let_value => "a `let` statement",
        Rule::label_text | Rule::label => "a `label` statement",
        Rule::weight_text | Rule::weight => "a `weight` statement",
        Rule::filter_text | Rule::filter => "a `filter` statement",
        Rule::require_text | Rule::require => "a `require` statement",
        Rule::confidence => "`with confidence`",
        Rule::warn_text | Rule::warn => "a `warn` statement",
        Rule::join_text | Rule::join => "a `join` statement",
        Rule::join_alias => "`as`",
        Rule::asof => "`asof`",
        Rule::join_key => "a join key",
        Rule::within => "`within`",
        Rule::sample_text | Rule::sample => "a `sample` statement",
        Rule::given_text | Rule::given => "a `given` statement",
        Rule::expect_text | Rule::expect | Rule::expect_error_text | Rule::expect_error => "an `expect` statement",
        Rule::allow_text | Rule::allow => "an `allow` statement",
        Rule::until => "`until`",
        Rule::for_all_text | Rule::for_all => "`for all rows of`",
        // Expressions.
        Rule::expression_text
        | Rule::expression
        | Rule::bounds
        | Rule::operand
        | Rule::primary
        | Rule::word_primary => "an expression",
        Rule::operator_start
        | Rule::tail
        | Rule::infix
        | Rule::bounds_tail
        | Rule::bounds_infix
        | Rule::operator
        | Rule::arithmetic => "an operator",
        Rule::prefix | Rule::not_in | Rule::floor_division => "an operator",
        Rule::range_operator | Rule::range_bare | Rule::range_open => "a range",
        Rule::member => "a member",
        Rule::index => "an index",
        Rule::call => "arguments",
        Rule::argument | Rule::window_argument => "an argument",
        Rule::window => "arguments",
        Rule::pairing => "`here = there`",
        Rule::pairings => "a list",
        Rule::over => "`over`",
        Rule::by => "`by`",
        Rule::paren => "an expression in parentheses",
        Rule::list => "a list",
        Rule::record => "a record",
        Rule::pair => "`name: value`",
        Rule::if_then_else => "`if … then … else …`",
        // Names and literals.
        Rule::word | Rule::quoted | Rule::name | Rule::path | Rule::variable => "a name",
        Rule::ident_char => "a letter, digit or `_`",
        Rule::reserved => "a keyword",
        Rule::boolean => "`true` or `false`",
        Rule::null => "`null`",
        Rule::number | Rule::digits | Rule::decimal | Rule::exponent | Rule::bad_number => "a number",
        Rule::int => "a whole number",
        Rule::float => "a decimal number",
        Rule::percent | Rule::percent_sign => "a percentage",
        Rule::duration => "a duration",
        Rule::size => "a size",
        Rule::string => "a string",
        Rule::raw_string => "a raw string",
        Rule::interpolated | Rule::open_quote | Rule::close_quote => "an f-string",
        Rule::text => "text",
        Rule::escape => "an escape",
        Rule::hole => "an expression in braces",
        // Punctuation.
        Rule::lparen => "`(`",
        Rule::rparen => "`)`",
        Rule::lbracket => "`[`",
        Rule::rbracket => "`]`",
        Rule::lbrace => "`{`",
        Rule::rbrace => "`}`",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::assign => "`=`",
        Rule::dot => "`.`",
        Rule::ellipsis => "`...`",
        Rule::arrow => "`->`",
        Rule::at => "`@`",
        Rule::bar => "`|`",
        Rule::star => "`*`",
        Rule::nullable => "`?`",
        // Keywords.
        Rule::kw_after => "`after`",
        Rule::kw_all => "`all`",
        Rule::kw_allow => "`allow`",
        Rule::kw_as => "`as`",
        Rule::kw_asof => "`asof`",
        Rule::kw_because => "`because`",
        Rule::kw_by => "`by`",
        Rule::kw_column => "`column`",
        Rule::kw_confidence => "`confidence`",
        Rule::kw_const => "`const`",
        Rule::kw_drop => "`drop`",
        Rule::kw_else => "`else`",
        Rule::kw_error => "`error`",
        Rule::kw_every => "`every`",
        Rule::kw_except => "`except`",
        Rule::kw_expect => "`expect`",
        Rule::kw_filter => "`filter`",
        Rule::kw_fitted => "`fitted`",
        Rule::kw_for => "`for`",
        Rule::kw_from => "`from`",
        Rule::kw_given => "`given`",
        Rule::kw_if => "`if`",
        Rule::kw_import => "`import`",
        Rule::kw_in => "`in`",
        Rule::kw_join => "`join`",
        Rule::kw_known => "`known`",
        Rule::kw_label => "`label`",
        Rule::kw_let => "`let`",
        Rule::kw_matches => "`matches`",
        Rule::kw_of => "`of`",
        Rule::kw_over => "`over`",
        Rule::kw_require => "`require`",
        Rule::kw_rows => "`rows`",
        Rule::kw_sample => "`sample`",
        Rule::kw_then => "`then`",
        Rule::kw_until => "`until`",
        Rule::kw_warn => "`warn`",
        Rule::kw_weight => "`weight`",
        Rule::kw_when => "`when`",
        Rule::kw_with => "`with`",
        Rule::kw_within => "`within`",
    }
}
