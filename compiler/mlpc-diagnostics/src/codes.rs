//! The table of codes. A code is stable; its page in `codes/` shows a failing and a mended example, both tested.

use crate::Severity;
use serde::{Serialize, Serializer};

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `MLP` and four digits; the first two name the family.
    pub id: &'static str,
    /// What an `allow` would say, in snake case.
    pub name: &'static str,
    /// The level without any configuration.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

/// The pass that a code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// First two digits.
    pub number: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// All families, in order.
pub const FAMILIES: [Family; 13] = [
    Family { number: "01", name: "syntax" },
    Family { number: "02", name: "names" },
    Family { number: "03", name: "types" },
    Family { number: "04", name: "datasets" },
    Family { number: "05", name: "lineage" },
    Family { number: "06", name: "training" },
    Family { number: "07", name: "sweeps" },
    Family { number: "08", name: "release" },
    Family { number: "09", name: "reproducibility" },
    Family { number: "10", name: "security" },
    Family { number: "11", name: "operations" },
    Family { number: "12", name: "backend" },
    Family { number: "13", name: "style" },
];

impl Code {
    /// Whether `allow` may silence it.
    #[must_use]
    pub fn can_be_allowed(&self) -> bool {
        ALLOWABLE.iter().any(|code| code.id == self.id)
    }

    /// The family, by the first two digits.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        FAMILIES.into_iter().find(|family| self.id.get(3..5) == Some(family.number))
    }
}

/// What an `allow` may silence: rules of good practice, without which a program still means something.
const ALLOWABLE: &[&Code] = &[
    constants::no_expectations,
    constants::label_leakage,
    constants::future_leakage,
    constants::lag_too_short,
    constants::not_constant,
    constants::tagged_flow,
    constants::selection_bias,
    constants::own_label_statistic,
    constants::asof_without_within,
    constants::gap_too_small,
    constants::random_split_in_time,
    constants::random_split_with_time,
    constants::group_overlap,
    constants::register_without_gate,
    constants::gate_cannot_fail,
    constants::no_seed,
    constants::undocumented,
];

/// Every code, in order.
#[must_use]
pub fn codes() -> &'static [&'static Code] {
    constants::ALL
}

/// The code with this identifier or name.
#[must_use]
pub fn code(text: &str) -> Option<&'static Code> {
    codes().iter().copied().find(|code| code.id.eq_ignore_ascii_case(text) || code.name == text)
}

/// Declares the codes: identifier, name, level, summary. The page is `codes/<identifier>.md`.
macro_rules! declare_codes {
    ($($id:ident $name:ident $severity:ident $summary:literal;)*) => {
        /// One constant per code, named by its rule.
        #[allow(non_upper_case_globals, reason = "a rule is named in snake case wherever it appears")]
        pub mod constants {
            use super::{Code, Severity};
            $(
                #[doc = $summary]
                pub static $name: &Code = &Code {
                    id: stringify!($id),
                    name: stringify!($name),
                    severity: Severity::$severity,
                    summary: $summary,
                    page: include_str!(concat!("../codes/", stringify!($id), ".md")),
                };
            )*
            pub(super) static ALL: &[&Code] = &[$($name),*];
        }
    };
}

declare_codes! {
    // 01: syntax
    MLP0101 syntax_error Error "text that is no entry or declaration";
    MLP0102 unclosed_bracket Error "a bracket or brace that is never closed";
    MLP0103 bad_literal Error "a literal that means nothing";
    MLP0104 bare_range Error "a range that does not say whether its end belongs to it";
    MLP0105 too_deep Error "brackets nested beyond any use";
    // 02: names
    MLP0201 unknown_name Error "a name that nothing declares";
    MLP0202 duplicate_name Error "two declarations of one name";
    MLP0203 wrong_kind Error "a reference to a declaration of another kind";
    MLP0204 unknown_setting Error "a setting or statement that the block does not have";
    MLP0205 missing_setting Error "a setting that the block needs";
    MLP0206 unknown_function Error "a function that neither the program nor the standard library has";
    MLP0207 bad_import Error "an import that cannot be read";
    MLP0208 import_cycle Error "files that import each other";
    MLP0209 no_pipeline Error "a program without a pipeline, or with several";
    MLP0210 unknown_kind Error "a declaration of an unknown kind";
    MLP0211 unused_name Warning "a declaration that nothing uses";
    MLP0212 unused_allow Warning "an `allow` that silences nothing";
    // 03: types
    MLP0301 type_mismatch Error "a value of another type than is needed";
    MLP0302 null_use Error "a value that may be null where none may be";
    MLP0303 category_outside Error "a category compared with a value outside its set";
    MLP0304 bad_arguments Error "a call whose arguments do not fit";
    MLP0305 bad_value Error "a setting whose value makes no sense";
    MLP0306 impossible_condition Warning "a condition that is always or never true";
    MLP0307 unit_mismatch Error "quantities whose units do not go together";
    MLP0308 constant_column Warning "a feature that is the same in every row";
    MLP0309 wider_override Error "a column that allows more than the one it overrides";
    MLP0313 bad_test Error "a test that cannot be judged";
    MLP0314 incomplete_row Error "given rows without a column that something expected depends on";
    MLP0315 unfitted_column Error "a fitted column expected without what it has learned";
    MLP0316 refused_value Error "given rows that the declared schema refuses";
    // 04: datasets
    MLP0401 unknown_column Error "a column that the data does not have";
    MLP0402 ambiguous_column Error "a column that two sources have";
    MLP0403 missing_timezone Error "times read from text without a zone";
    MLP0404 no_expectations Error "training on data that nothing checks";
    MLP0405 join_needs_key Error "a join on columns that are not the other side's key";
    MLP0406 missing_timestamp Error "a construct that needs a time, on data that has none";
    MLP0407 schema_mismatch Error "a schema that the data does not have";
    MLP0408 unreadable_source Error "data that cannot be looked at";
    MLP0409 literal_credentials Error "a password in an address";
    MLP0413 wrong_distance Error "a distance measured where it cannot be";
    MLP0414 unknown_profile Error "a comparison with a profile that there is not";
    MLP0415 expectation_cannot_fail Error "an expectation that all data meet, or none";
    MLP0416 tagged_reference Error "a reference that would keep values of a tagged column";
    // 05: lineage
    MLP0501 label_leakage Error "a feature that is made from the label";
    MLP0502 cycle Error "definitions that depend on each other";
    MLP0503 fitted_before_split Error "a fitted column where rows are not yet split";
    MLP0504 future_leakage Error "a feature that is known only after the prediction";
    MLP0505 lag_too_short Error "a window that ends before its values are known";
    MLP0506 not_constant Error "today's value in rows of earlier moments";
    MLP0507 tagged_flow Error "tagged data that reaches a model, a report or an artifact";
    MLP0508 selection_bias Error "rows chosen by what is known only later";
    MLP0509 own_label_statistic Error "a statistic of the label that each row's own label is part of";
    MLP0511 asof_without_within Warning "an as-of join that takes rows of any age";
    MLP0512 asof_from_future Error "a join as of another time than the row's own";
    MLP0521 gap_too_small Error "a gap that lets training rows tell of a later part";
    MLP0522 random_split_in_time Error "a split by chance of rows that know of other times";
    MLP0523 random_split_with_time Warning "a split by chance of rows that have a time";
    MLP0524 group_overlap Error "rows that belong together and can fall into several parts";
    MLP0525 test_reused Error "a test part that trains, or decides a second time";
    MLP0527 no_target Error "a fitted function that needs a label, without one";
    // 06: training
    MLP0601 unknown_hyperparameter Error "a hyperparameter that the trainer does not have";
    MLP0602 hyperparameter_range Error "a hyperparameter outside its range";
    MLP0603 hyperparameter_type Error "a hyperparameter of the wrong type";
    MLP0604 task_mismatch Error "a trainer or metric for another task";
    MLP0605 input_not_accepted Error "a model input that the trainer cannot take";
    MLP0606 no_label Error "training without a label";
    // 07: sweeps
    MLP0701 unknown_dimension Error "a dimension that the trainer does not have";
    MLP0702 dimension_range Error "a dimension with values that the trainer cannot take";
    MLP0703 bad_domain Error "a dimension with nothing to choose from";
    MLP0704 set_and_searched Error "a hyperparameter that is both set and searched";
    MLP0705 nothing_to_choose_by Error "a sweep without rows that could choose";
    MLP0706 wrong_direction Error "an objective that seeks the worst";
    MLP0707 grid_too_large Error "a grid larger than its budget";
    MLP0708 strategy_misfit Error "a strategy that cannot search this space";
    MLP0709 candidates_differ Error "models of one sweep that learn from different rows";
    // 08: release
    MLP0801 metric_not_computed Error "a gate on a metric that its report does not compute";
    MLP0802 register_without_gate Error "a model registered without a gate";
    MLP0803 gate_cannot_fail Error "a gate that every model passes";
    MLP0804 predict_needs_key Error "predictions for rows that nothing tells apart";
    MLP0805 output_clash Error "an output that the program reads or writes elsewhere";
    // 09: reproducibility
    MLP0901 missing_lock_entry Error "something that mlp.lock does not hold";
    MLP0902 stale_lock Error "something that differs from mlp.lock";
    MLP0903 bad_lock Error "a lock that cannot be read";
    MLP0904 no_seed Error "a pipeline without a seed";
    MLP0905 unpinned_image Error "a container image that can change";
    // 10: security
    MLP1001 production_access Error "production data read without its role";
    MLP1002 open_production Error "production data without a role or an approval";
    MLP1003 plain_http Warning "a server that is reached without encryption";
    // 12: backend
    MLP1201 not_supported_yet Error "a construct that this target or version cannot express";
    MLP1202 fixed_parameter Note "a parameter that a run on a target cannot be given";
    // 13: style
    MLP1301 undocumented Note "a declaration without a documentation comment";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_code_has_a_family_and_a_page() {
        let ids: Vec<&str> = codes().iter().map(|code| code.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
        for code in codes() {
            assert!(code.family().is_some(), "{}", code.id);
            assert!(code.page.starts_with(&format!("# {} ", code.id)), "{}", code.id);
            assert!(code.page.contains("```mlp error"), "{} has no failing example", code.id);
        }
    }
}
