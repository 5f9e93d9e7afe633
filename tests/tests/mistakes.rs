//! One slip in a whole program gives one finding: the right code, on the right words, and nothing that follows from it.

mod flights;

use flights::FLIGHTS;
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::lock::{Lock, LockedData, LockedEnvironment, LockedStdlib};
use mlpc_plan::{check_lock, wanted};
use mlpc_tests::program::{Checked, MAIN, check, check_files, system};

const PENGUINS: &str = include_str!("../../examples/penguins/penguins.mlp");
const DIABETES: &str = include_str!("../../examples/diabetes/diabetes.mlp");

/// A single edit and what it must give.
struct Mistake {
    /// What is wrong.
    about: &'static str,
    /// The program.
    program: &'static str,
    /// Text that occurs once.
    replace: &'static str,
    /// What stands there instead.
    with: &'static str,
    /// The one code.
    code: &'static str,
    /// The words that the finding is about; of several lines the first.
    span: &'static str,
    /// A part of its message.
    message: &'static str,
}

/// One slip in a program.
const fn slip(
    program: &'static str,
    about: &'static str,
    replace: &'static str,
    with: &'static str,
    code: &'static str,
    span: &'static str,
    message: &'static str,
) -> Mistake {
    Mistake { about, program, replace, with, code, span, message }
}

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    // The ten that everybody makes; a missing lock entry has a test of its own below.
    slip(PENGUINS, "an unknown column", "standardize(bill_length_mm)", "standardize(bill_lenght_mm)",
        "unknown_column", "bill_lenght_mm", "no column `bill_lenght_mm`"),
    slip(PENGUINS, "a category's wrong value", "filter is_not_null", "filter island != \"Dreem\" and is_not_null",
        "category_outside", "\"Dreem\"", "no value \"Dreem\""),
    slip(PENGUINS, "nulls into a trainer that takes none", "impute(flipper_length_mm)", "flipper_length_mm",
        "input_not_accepted", "sklearn.logistic_regression", "takes no nulls: `flipper`"),
    slip(PENGUINS, "an unknown hyperparameter", "max_iter: 500", "max_iters: 500",
        "unknown_hyperparameter", "max_iters", "no hyperparameter `max_iters`"),
    slip(PENGUINS, "a hyperparameter out of its range", "C: 2.0", "C: -2.0",
        "hyperparameter_range", "-2.0", "this is -2"),
    slip(PENGUINS, "a metric of another task", "macro_f1, log_loss]", "macro_f1, log_loss, rmse]",
        "task_mismatch", "rmse", "`rmse` is for `regression`"),
    slip(PENGUINS, "a circle of definitions", "  label  species", "  let odd  = even + 1\n  let even = odd - 1\n  label  species",
        "cycle", "odd", "depend on each other"),
    slip(PENGUINS, "a circle of blocks", "split parts of traits", "split parts of report",
        "cycle", "parts", "depend on each other"),
    slip(PENGUINS, "a block declared twice", "evaluate report of", "split parts of traits { by = random, train = 70%, test = 30% }\n\nevaluate report of",
        "duplicate_name", "parts", "`parts` is declared twice"),
    slip(PENGUINS, "an unclosed brace", "    bill_length_mm > bill_depth_mm\n  }\n}", "    bill_length_mm > bill_depth_mm\n  }\n",
        "unclosed_bracket", "{", "never closed"),
    slip(PENGUINS, "the label among the features", "  label  species", "  label  species\n  column guess = species",
        "label_leakage", "guess", "made from the label `species`"),

    // Syntax.
    slip(PENGUINS, "a bracket left open in an entry", "standardize(bill_length_mm)", "standardize(bill_length_mm",
        "unclosed_bracket", "(", "never closed"),
    slip(PENGUINS, "a stray closing brace", "  seed  = 42\n}", "  seed  = 42\n}}",
        "unclosed_bracket", "}", "closes nothing"),
    slip(PENGUINS, "a range without a verdict on its end", "rows in 300..=400", "rows in 300..400",
        "bare_range", "..", "does not say whether its end belongs"),
    slip(PENGUINS, "a field without its type", "    year:              int    in 2007..=2009", "    year:",
        "syntax_error", "", "expected"),
    slip(PENGUINS, "a string left open", "csv(\"data/penguins.csv\", null", "csv(\"data/penguins.csv, null",
        "bad_literal", "\"])", "never closed"),
    slip(PENGUINS, "a setting without its sign", "seed  = 42", "seed  42",
        "syntax_error", "42", "expected"),
    slip(PENGUINS, "one equals sign in a filter", "filter is_not_null(bill_length_mm) and", "filter year = 2008 and",
        "syntax_error", "=", "expected an operator"),
    slip(PENGUINS, "a misspelt statement", "  label  species", "  labl   species",
        "syntax_error", "species", "expected"),
    slip(PENGUINS, "how often the label is so where the row is", "  label  species\n", "  column adelies = count(species == \"Adelie\") over (by: island)\n  label  species\n",
        "own_label_statistic", "adelies", "a statistic of the label `species`"),
    slip(PENGUINS, "a mean over rows of the answer", "  label  species\n", "  let    adelie  = species == \"Adelie\"\n  column usual   = mean(bill_length_mm) over (by: island, where: adelie)\n  label  species\n",
        "own_label_statistic", "usual", "a statistic of the label `species`"),
    slip(PENGUINS, "a learned mean as a filter", "  column bill_length ", "  filter bill_length_mm > mean(bill_length_mm) over (by: island)\n  column bill_length ",
        "fitted_before_split", "mean(bill_length_mm) over (by: island)", "fitted on the training part"),
    slip(PENGUINS, "the last bird where birds have no time", "  label  species\n", "  column before = last(bill_length_mm) over (by: island)\n  label  species\n",
        "missing_timestamp", "last(bill_length_mm) over (by: island)", "needs a time"),
    slip(PENGUINS, "a line of prose between blocks", "/// Linear in the traits", "and now the model\n\n/// Linear in the traits",
        "syntax_error", "and", "expected a declaration"),
    slip(PENGUINS, "a block without its brace", "split parts of traits {", "split parts of traits",
        "syntax_error", "", "expected `{`"),
    slip(PENGUINS, "an impossible date", "  filter is_not_null", "  filter date(\"2007-13-01\") < date(\"2008-01-01\") and is_not_null",
        "bad_literal", "\"2007-13-01\"", "no date"),

    // Names.
    slip(PENGUINS, "a misspelt kind of block", "evaluate report of", "evalute report of",
        "unknown_kind", "evalute", "`evalute`"),
    slip(PENGUINS, "a misspelt pipeline", "pipeline penguin_species", "pipelin penguin_species",
        "unknown_kind", "pipelin", "`pipelin`"),
    slip(PENGUINS, "a dataset that is not there", "features traits from penguins", "features traits from pengiuns",
        "unknown_name", "pengiuns", "no `dataset` or `features` is called `pengiuns`"),
    slip(PENGUINS, "a split of something that is not there", "split parts of traits", "split parts of trait",
        "unknown_name", "trait", "no `features` is called `trait`"),
    slip(PENGUINS, "a split that is not there", "data    = parts", "data    = part",
        "unknown_name", "part", "no `split` is called `part`"),
    slip(PENGUINS, "a gate that is not there", "requires = release", "requires = relaese",
        "unknown_name", "relaese", "no `gate` is called `relaese`"),
    slip(PENGUINS, "a reference to another kind", "data    = parts", "data    = traits",
        "wrong_kind", "traits", "`traits` is a `features`"),
    slip(PENGUINS, "an unknown trainer", "sklearn.logistic_regression", "sklearn.logistic_regresion",
        "unknown_name", "sklearn.logistic_regresion", "no trainer"),
    slip(PENGUINS, "an unknown metric", "[accuracy,", "[acuracy,",
        "unknown_name", "acuracy", "no metric `acuracy`"),
    slip(PENGUINS, "an unknown way to split", "stratified(species)", "stratfied(species)",
        "unknown_name", "stratfied", "`stratfied`"),
    slip(PENGUINS, "an unknown type", "bill_length_mm:    float?", "bill_length_mm:    flaot?",
        "unknown_name", "flaot", "no type `flaot`"),
    slip(PENGUINS, "an unknown function", "standardize(bill_depth_mm)", "standardise(bill_depth_mm)",
        "unknown_function", "standardise", "no function `standardise`"),
    slip(PENGUINS, "an unknown expectation", "mean(body_mass_g)", "meen(body_mass_g)",
        "unknown_function", "meen", "no function `meen`"),
    slip(PENGUINS, "a misspelt setting that is needed", "  source = csv", "  sorce = csv",
        "unknown_setting", "sorce", "no setting `sorce`"),
    slip(PENGUINS, "a misspelt seed", "seed  = 42", "sead  = 42",
        "unknown_setting", "sead", "no setting `sead`"),
    slip(PENGUINS, "a misspelt part", "train = 70%, test = 30%", "train = 70%, tst = 30%",
        "unknown_setting", "tst", "no setting `tst`"),
    slip(PENGUINS, "a statement of another block", "  label  species", "  label  species\n  require accuracy > 0.5",
        "unknown_setting", "require", "means nothing in `features`"),
    slip(PENGUINS, "a setting left out", "  by    = stratified(species)\n", "",
        "missing_setting", "split parts of traits", "`split` needs `by`"),
    slip(PENGUINS, "a setting given twice", "seed  = 42", "seed  = 42\n  seed  = 43",
        "duplicate_name", "seed", "`seed` is declared twice"),
    slip(PENGUINS, "a column declared twice", "  label  species", "  column flipper = body_mass_g\n  label  species",
        "duplicate_name", "flipper", "`flipper` is declared twice"),
    slip(PENGUINS, "a value with a source column's name", "column bill_length  = standardize(bill_length_mm)", "column bill_length_mm = standardize(bill_length_mm)",
        "duplicate_name", "bill_length_mm", "is a column of the data already"),
    slip(PENGUINS, "a dataset that nothing uses", "/// What a field guide", "/// Others.\ndataset others { source = csv(\"a.csv\"), schema { x: int } }\n\n/// What a field guide",
        "unused_name", "others", "nothing uses the dataset `others`"),
    slip(PENGUINS, "a column renamed in the schema", "    flipper_length_mm: int?", "    fliper_length_mm:  int?",
        "unknown_column", "flipper_length_mm", "no column `flipper_length_mm`"),

    // Types and values.
    slip(PENGUINS, "arithmetic on a category", "bill_length_mm / bill_depth_mm", "bill_length_mm / island",
        "type_mismatch", "island", "needs numbers"),
    slip(PENGUINS, "a category where a number is needed", "log(coalesce(body_mass_g, 4_200))", "log(island)",
        "type_mismatch", "island", "needs"),
    slip(PENGUINS, "a filter that is no condition", "filter is_not_null", "filter bill_length_mm\n  filter is_not_null",
        "type_mismatch", "bill_length_mm", "needs a condition"),
    slip(PENGUINS, "a comparison with null", "filter is_not_null", "filter bill_length_mm != null\n  filter is_not_null",
        "type_mismatch", "bill_length_mm != null", "nothing equals null"),
    slip(PENGUINS, "a call with too few arguments", "log(coalesce(body_mass_g, 4_200))", "log()",
        "bad_arguments", "log()", "`log` needs `x`"),
    slip(PENGUINS, "a call with too many arguments", "one_hot(island)", "one_hot(island, sex)",
        "bad_arguments", "sex", "`one_hot` takes 1 argument"),
    slip(PENGUINS, "shares that do not sum", "train = 70%, test = 30%", "train = 70%, test = 40%",
        "bad_value", "40%", "sum to 110%"),
    slip(PENGUINS, "an empty range", "in 20.0..=80.0", "in 80.0..=20.0",
        "bad_value", "80.0..=20.0", "holds no number"),
    slip(PENGUINS, "a level listed twice", "category[\"female\", \"male\"]?", "category[\"female\", \"female\"]?",
        "bad_value", "category[\"female\", \"female\"]?", "listed twice"),
    slip(PENGUINS, "a filter that is never true", "filter is_not_null", "filter year > 2010\n  filter is_not_null",
        "impossible_condition", "year > 2010", "never true"),
    slip(PENGUINS, "data that nothing checks", "  expect {\n    rows in 300..=400\n    null_rate(sex) <= 5%\n    null_rate(bill_length_mm) <= 1%\n    mean(body_mass_g) in 4_000.0..=4_500.0\n    bill_length_mm > bill_depth_mm\n  }\n", "",
        "no_expectations", "penguins", "nothing checks its rows"),

    // Training and release.
    slip(PENGUINS, "a hyperparameter of another type", "C: 2.0", "C: \"two\"",
        "hyperparameter_type", "\"two\"", "takes `float"),
    slip(PENGUINS, "a trainer of another task", "sklearn.logistic_regression(C: 2.0, max_iter: 500)", "sklearn.ridge(alpha: 1.0)",
        "task_mismatch", "sklearn.ridge", "is for `regression`"),
    slip(PENGUINS, "no label", "  label  species\n", "",
        "no_label", "parts", "no label to learn"),
    slip(PENGUINS, "a fitted function in a filter", "filter is_not_null", "filter standardize(bill_length_mm) > 0.0\n  filter is_not_null",
        "fitted_before_split", "standardize(bill_length_mm)", "comes before the split"),
    slip(PENGUINS, "a slice of nothing", "slices  = [island, sex, season]", "slices  = [island, sexx, season]",
        "unknown_column", "sexx", "no column `sexx`"),
    slip(PENGUINS, "a requirement on a metric that is not computed", "require accuracy >= 0.95", "require balanced_accuracy >= 0.95",
        "metric_not_computed", "balanced_accuracy", "does not compute"),
    slip(PENGUINS, "a requirement by a slice that is not made", "require accuracy by island", "require accuracy by year",
        "metric_not_computed", "year", "not among the slices"),
    slip(PENGUINS, "a requirement that cannot fail", "require macro_f1 >= 0.93", "require macro_f1 >= 0.0",
        "gate_cannot_fail", "macro_f1 >= 0.0", "every model meets"),
    slip(PENGUINS, "a registration without a gate", "  requires = release\n", "",
        "register_without_gate", "register penguin_classifier from species_model", "without a gate"),
    slip(PENGUINS, "no seed", "  seed  = 42\n", "",
        "no_seed", "pipeline penguin_species", "has no seed"),
    slip(PENGUINS, "a block of a later version", "evaluate report of species_model", "monitor watch of penguin_classifier { every = 1h }\n\nevaluate report of species_model",
        "not_supported_yet", "monitor", "not supported"),
    slip(PENGUINS, "a sweep that only the test part could judge", "evaluate report of species_model", "sweep tuned of species_model { strategy = random(trials: 9), objective = maximize(accuracy), search { tol in log(0.0001..=0.1) } }\n\nevaluate report of tuned",
        "nothing_to_choose_by", "species_model", "neither a validation part nor folds"),
    slip(PENGUINS, "predictions for rows without a key", "evaluate report of species_model", "predict tonight of penguin_classifier { output = parquet(\"tonight.parquet\") }\n\nevaluate report of species_model",
        "predict_needs_key", "of penguin_classifier", "need a key"),
    slip(PENGUINS, "a model trained on its judges", "data    = parts", "data    = parts.test",
        "test_reused", "parts.test", "trained on the test part"),
    slip(PENGUINS, "folds beside a training share", "  train = 70%", "  folds = 5\n  train = 70%",
        "bad_value", "70%", "takes the place of `train`"),

    // Steps, environments, operations.
    slip(DIABETES, "a step's output that is not there", "csv(load.table)", "csv(load.tabel)",
        "unknown_name", "load.tabel", "`tabel`"),
    slip(DIABETES, "a step that is not there", "csv(load.table)", "csv(laod.table)",
        "unknown_name", "laod.table", "no `step` is called `laod`"),
    slip(DIABETES, "a Python file that is not there", "loader.py:main", "loader2.py:main",
        "bad_value", "\"loader2.py:main\"", "cannot read `loader2.py`"),
    slip(DIABETES, "a Python function that is not there", "loader.py:main", "loader.py:mian",
        "unknown_name", "\"loader.py:mian\"", "`mian`"),
    slip(DIABETES, "an environment that is not there", "  environment = cpu\n", "  environment = gpu\n",
        "unknown_name", "gpu", "no `environment` is called `gpu`"),
    slip(DIABETES, "a number where a duration is needed", "= 5m\n", "= 5\n",
        "bad_value", "5", "takes a duration"),
    slip(DIABETES, "an output of an unknown form", "file(\"diabetes.csv\")", "fil(\"diabetes.csv\")",
        "bad_value", "fil(\"diabetes.csv\")", "takes"),
    slip(DIABETES, "a requirement that is none", "scikit-learn>=1.9,<2", "scikit-learn>>1.9",
        "bad_value", "\"scikit-learn>>1.9\"", "no requirement"),
    slip(DIABETES, "a Python version that is none", "\"3.11\"", "\"3\"",
        "bad_value", "\"3\"", "no Python version"),
    slip(DIABETES, "an argument that retry does not have", "retry(attempts: 2", "retry(attempt: 2",
        "unknown_setting", "attempt", "no setting `attempt`"),
    slip(DIABETES, "a kind of backoff that is not there", "exponential(1s", "exponental(1s",
        "bad_value", "exponental", "`backoff` takes"),
    slip(DIABETES, "a hyperparameter below its range", "sklearn.ridge", "sklearn.ridge(tol: -5.0)",
        "hyperparameter_range", "-5.0", "`tol`"),
    slip(DIABETES, "a search on a scale that reaches zero", "log(0.1", "log(0.0",
        "bad_domain", "0.0", "has no zero"),
    slip(DIABETES, "a search for what the trainer does not have", "{ alpha in", "{ alhpa in",
        "unknown_dimension", "alhpa", "no hyperparameter `alhpa`"),
    slip(DIABETES, "a search for the worst model", "minimize(rmse)", "maximize(rmse)",
        "wrong_direction", "maximize(rmse)", "seeks the worst"),
    slip(DIABETES, "a metric of classes for a number", "[rmse, mae, r2]", "[rmse, mae, r2, accuracy]",
        "task_mismatch", "accuracy", "is for `binary` and `multiclass`"),
    slip(DIABETES, "an expectation with an argument missing", "correlation(cholesterol, ldl)", "correlation(cholesterol)",
        "bad_arguments", "correlation(cholesterol)", "needs `y`"),
    slip(DIABETES, "a number compared with a text", "age >= 60.0", "age >= \"60\"",
        "type_mismatch", "age >= \"60\"", "cannot compare a float with a string"),
    slip(DIABETES, "a constant out of its range", "bins: 5", "bins: 1",
        "bad_value", "1", "`bins` of `quantile_bin`"),
    slip(DIABETES, "one-hot of a number", "one_hot(sex)", "one_hot(age)",
        "type_mismatch", "age", "needs"),
    slip(DIABETES, "a gap without its slice", "gap(mae, by: senior)", "gap(mae)",
        "bad_value", "gap(mae)", "takes a metric and"),
    slip(DIABETES, "a gap by something that is no slice", "gap(mae, by: senior)", "gap(mae, by: seniors)",
        "metric_not_computed", "seniors", "not among the slices"),
    slip(DIABETES, "a category for a trainer that takes none", "  let    senior", "  column sex\n  let    senior",
        "input_not_accepted", "sklearn.ridge", "takes no categories: `sex`"),
    slip(DIABETES, "a label that is not there", "  label  target", "  label  targt",
        "unknown_column", "targt", "no column `targt`"),
    slip(DIABETES, "the label in an expression", "standardize(ratio)", "standardize(ratio + target)",
        "label_leakage", "ratio_z", "made from the label `target`"),
    slip(DIABETES, "the label by way of a let", "  let    senior", "  let    hint = target * 2.0\n  column hint_z = standardize(hint)\n  let    senior",
        "label_leakage", "hint_z", "made from the label `target`"),
    slip(DIABETES, "a model that is not there", "sweep tuned of progression_model", "sweep tuned of progresion_model",
        "unknown_name", "progresion_model", "`progresion_model`"),
    slip(DIABETES, "a report that is not there", "gate release on report", "gate release on reprot",
        "unknown_name", "reprot", "no `evaluate` is called `reprot`"),
    slip(DIABETES, "an environment that nothing uses", "/// Writes the table", "environment gpu { python = \"3.12\" }\n\n/// Writes the table",
        "unused_name", "gpu", "nothing uses the environment `gpu`"),
];

#[test]
fn the_examples_have_no_findings() {
    for (name, text) in [("penguins", PENGUINS), ("diabetes", DIABETES), ("flights", FLIGHTS)] {
        let checked = check(text);
        assert!(checked.findings.is_empty(), "{name}: {:#?}", checked.summary());
    }
}

#[test]
fn a_single_mistake_gives_a_single_finding() {
    let failures: Vec<String> = mistakes().filter_map(|mistake| judge(mistake).err()).collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), mistakes().count(), failures.join("\n"));
}

#[test]
fn what_comes_close_to_a_mistake_and_is_right_has_no_findings() {
    let failures: Vec<String> = flights::NEAR
        .iter()
        .filter_map(|(about, replace, with)| {
            if FLIGHTS.matches(replace).count() != 1 {
                return Some(format!("{about}: {replace:?} does not occur once"));
            }
            let checked = check(&FLIGHTS.replacen(replace, with, 1));
            let found = checked.summary();
            (!found.is_empty()).then(|| format!("{about}:\n  {}", found.join("\n  ")))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), flights::NEAR.len(), failures.join("\n"));
}

/// Every slip.
fn mistakes() -> impl Iterator<Item = &'static Mistake> {
    MISTAKES.iter().chain(flights::MISTAKES)
}

fn judge(mistake: &Mistake) -> Result<(), String> {
    let Mistake { about, program, replace, with, code, span, message } = mistake;
    if program.matches(replace).count() != 1 {
        return Err(format!("{about}: {replace:?} does not occur once"));
    }
    let checked = check(&program.replacen(replace, with, 1));
    let wrong = |why: &str| Err(format!("{about}: {why}\n  {}", checked.summary().join("\n  ")));
    let [finding] = checked.findings.as_slice() else { return wrong("not one finding") };
    if finding.code.name != *code {
        return wrong("another code");
    }
    if first_line(&checked, finding) != *span {
        return wrong("another place");
    }
    if finding.message.contains(message) { Ok(()) } else { wrong("another message") }
}

fn first_line<'a>(checked: &'a Checked, finding: &mlpc_diagnostics::Diagnostic) -> &'a str {
    let place = finding.primary().expect("every finding has a place");
    checked.text(place).lines().next().unwrap_or_default()
}

/// Every program of this file that has findings.
pub fn programs() -> impl Iterator<Item = String> {
    mistakes().map(|mistake| mistake.program.replacen(mistake.replace, mistake.with, 1))
}

/// The examples.
pub const EXAMPLES: [&str; 3] = [PENGUINS, DIABETES, FLIGHTS];

/// An example with some of the mistakes in it: those that fit beside each other.
pub fn edits(example: usize, chosen: &[usize]) -> String {
    let text = EXAMPLES[example];
    let mistakes: Vec<&Mistake> = mistakes().filter(|mistake| mistake.program == text).collect();
    chosen.iter().map(|index| mistakes[index % mistakes.len()]).fold(text.to_owned(), |text, mistake| {
        if text.matches(mistake.replace).count() == 1 { text.replacen(mistake.replace, mistake.with, 1) } else { text }
    })
}

/// What a lock of the penguins holds, but for what `leave_out` takes out of it.
fn lock_findings(leave_out: impl Fn(&mut Lock)) -> Vec<(String, String)> {
    let data = include_str!("../../examples/penguins/data/penguins.csv");
    let files = [(MAIN, PENGUINS), ("data/penguins.csv", data)];
    let checked = check_files(&files);
    let mut lock = Lock {
        stdlib: Some(LockedStdlib { version: mlpc_stdlib::version().to_owned(), sha256: mlpc_stdlib::digest() }),
        ..Lock::default()
    };
    let wanted = wanted(&checked.db, checked.project);
    for found in &wanted.data {
        let locked = LockedData {
            path: found.path.clone(),
            sha256: sha256_hex(data.as_bytes()),
            bytes: data.len() as u64,
            archive: None,
        };
        lock.data.insert(found.name.clone(), locked);
    }
    for found in &wanted.environments {
        let locked = LockedEnvironment {
            python: found.python.clone(),
            requirements: found.digest(),
            ..LockedEnvironment::default()
        };
        lock.environments.insert(found.name.clone(), locked);
    }
    leave_out(&mut lock);
    let found = check_lock(&checked.db, checked.project, Some(&lock), &system(&files));
    let shown = |finding: &mlpc_diagnostics::Diagnostic| {
        (finding.code.name.to_owned(), first_line(&checked, finding).to_owned())
    };
    found.iter().map(shown).collect()
}

#[test]
fn a_missing_or_stale_lock_entry_gives_a_single_finding() {
    let source = "csv(\"data/penguins.csv\", null: [\"NA\"])".to_owned();
    let of = |code: &str, span: &str| vec![(code.to_owned(), span.to_owned())];
    assert_eq!(lock_findings(|_| {}), []);
    assert_eq!(lock_findings(|lock| lock.data.clear()), of("missing_lock_entry", &source));
    let change = |lock: &mut Lock| lock.data.values_mut().for_each(|data| data.sha256 = sha256_hex(b"other"));
    assert_eq!(lock_findings(change), of("stale_lock", &source));
    let pipeline = "pipeline penguin_species";
    assert_eq!(lock_findings(|lock| lock.environments.clear()), of("missing_lock_entry", pipeline));
}
