//! What each block is: one table that drives the checker, completion, hover and the reference.

use crate::blocks::CHANNELS;
use NameForm::{Dotted, Plain, Title};
use ValueForm::{Any, Block, Blocks, Bool, Call, Calls, Duration, Int, Name, Names, Text, Texts, Word};

/// What a function may do with units.
const UNIT_WORDS: &[&str] = &["kept", "squared", "square_root", "cube_root", "same", "dropped", "converted"];

/// How the range of a function's result may follow from its arguments.
const RANGE_WORDS: &[&str] = &[
    "same",
    "magnitude",
    "floor",
    "ceiling",
    "truncated",
    "rounded",
    "square_root",
    "least",
    "greatest",
    "held",
    "kept",
    "first",
];

/// A kind of block.
#[derive(Debug)]
pub struct BlockSpec {
    /// The keyword.
    pub keyword: &'static str,
    /// What it declares, in one line.
    pub doc: &'static str,
    /// How it is named.
    pub name: NameForm,
    /// What ties it to others.
    pub connector: Option<ConnectorSpec>,
    /// What stands between its braces.
    pub content: Content,
}

/// How a block is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// `flights`.
    Plain,
    /// `sklearn.ridge`.
    Dotted,
    /// `"a night flight"`.
    Title,
}

/// The word and references in a header.
#[derive(Debug)]
pub struct ConnectorSpec {
    /// `from`, `of`, `on`, `for`.
    pub word: &'static str,
    /// Keywords of what it may name; empty for tasks.
    pub kinds: &'static [&'static str],
    /// Whether several may be named.
    pub many: bool,
}

/// What stands between braces.
#[derive(Debug)]
pub struct Content {
    /// `name = value`.
    pub settings: &'static [SettingSpec],
    /// `name { … }`.
    pub nested: &'static [NestedSpec],
    /// Keyword statements; `allow` is always one.
    pub statements: &'static [&'static str],
    /// `name: type`.
    pub fields: bool,
    /// Bare expressions.
    pub expressions: bool,
    /// Bare names.
    pub bare: bool,
    /// `...Schema`.
    pub spreads: bool,
    /// `name in domain`.
    pub search: bool,
    /// Settings of any name.
    pub open: bool,
}

/// A setting.
#[derive(Debug)]
pub struct SettingSpec {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub value: ValueForm,
    /// Whether the block needs it.
    pub required: bool,
    /// What it is for, in one line.
    pub doc: &'static str,
}

/// What a setting takes.
#[derive(Debug)]
pub enum ValueForm {
    /// Anything; the block's own check looks closer.
    Any,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// An integer.
    Int,
    /// True or false.
    Bool,
    /// A duration.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A name, dotted or not.
    Name,
    /// A name or a list of names.
    Names,
    /// The name of a block.
    Block,
    /// The name of a block, or a list of them.
    Blocks,
    /// One of these calls.
    Call(&'static [&'static str]),
    /// One of these calls, or a list of them.
    Calls(&'static [&'static str]),
}

/// A nested block.
#[derive(Debug)]
pub struct NestedSpec {
    /// The word before its brace.
    pub keyword: &'static str,
    /// Whether a name follows.
    pub named: bool,
    /// What stands in it.
    pub content: &'static Content,
    /// What it is for, in one line.
    pub doc: &'static str,
}

const EMPTY: Content = Content {
    settings: &[],
    nested: &[],
    statements: &[],
    fields: false,
    expressions: false,
    bare: false,
    spreads: false,
    search: false,
    open: false,
};
const OPEN: Content = Content { open: true, ..EMPTY };
const FIELDS: Content = Content { fields: true, ..EMPTY };
const SCHEMA: Content = Content { fields: true, spreads: true, ..EMPTY };
const BARE: Content = Content { bare: true, ..EMPTY };
const EXAMPLES: Content = Content { expressions: true, ..EMPTY };
const EXPECT: Content = Content { expressions: true, statements: &["warn"], ..EMPTY };

const fn setting(name: &'static str, value: ValueForm, doc: &'static str) -> SettingSpec {
    SettingSpec { name, value, required: false, doc }
}

const fn required(name: &'static str, value: ValueForm, doc: &'static str) -> SettingSpec {
    SettingSpec { name, value, required: true, doc }
}

const fn nested(keyword: &'static str, content: &'static Content, doc: &'static str) -> NestedSpec {
    NestedSpec { keyword, named: false, content, doc }
}

const fn connector(word: &'static str, kinds: &'static [&'static str]) -> Option<ConnectorSpec> {
    Some(ConnectorSpec { word, kinds, many: false })
}

const fn connectors(word: &'static str, kinds: &'static [&'static str]) -> Option<ConnectorSpec> {
    Some(ConnectorSpec { word, kinds, many: true })
}

const RETRY: SettingSpec =
    setting("retry", Call(&["retry"]), "how often and how patiently a failed step is tried again");
const TIMEOUT: SettingSpec = setting("timeout", Duration, "how long a step may take");
const ENVIRONMENT: SettingSpec = setting("environment", Block, "the environment it runs in");
const SCHEDULE: SettingSpec = setting("schedule", Call(&["cron"]), "when it runs");
const NOTIFY: SettingSpec = setting("notify", Calls(&CHANNELS), "who is told how a run ended");
const RESOURCES: Content = Content {
    settings: &[
        setting("cpu", Int, "threads"),
        setting("memory", Any, "memory, as `8Gi`"),
        setting("accelerator", Any, "accelerators, as `gpu(1)`"),
    ],
    ..EMPTY
};
const RESOURCES_BLOCK: NestedSpec = nested("resources", &RESOURCES, "what it may use");

const PIPELINE_SETTINGS: &[SettingSpec] = &[
    setting("owner", Text, "who answers for it"),
    setting("seed", Int, "from which every step's seed is derived"),
    ENVIRONMENT,
    setting("tracking", Any, "where runs are recorded"),
    setting("storage", Any, "where artifacts are kept that machines share: `s3(…)`, `gcs(…)`, `azure(…)`, `local(…)`"),
    SCHEDULE,
    setting("catch_up", Bool, "whether missed schedules are made up for"),
    RETRY,
    TIMEOUT,
    NOTIFY,
    setting("as_of", Any, "a day or an instant: cuts every dataset to what was known then"),
];

/// Every kind of block.
pub const BLOCKS: &[BlockSpec] = &[
    BlockSpec {
        keyword: "pipeline",
        doc: "the program itself: owner, seed and defaults",
        name: Plain,
        connector: None,
        content: Content {
            settings: PIPELINE_SETTINGS,
            nested: &[NestedSpec {
                keyword: "profile",
                named: true,
                content: &OPEN,
                doc: "overrides for one place to run",
            }],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "environment",
        doc: "where steps run: Python, packages, image",
        name: Plain,
        connector: None,
        content: Content {
            settings: &[
                setting("python", Text, "the Python version, as `\"3.11\"`"),
                setting("packages", Texts, "requirements, resolved in `mlp.lock`"),
                setting("image", Text, "the container image; its digest is in `mlp.lock`"),
                setting("accelerator", Any, "the accelerator that the image is built for"),
            ],
            nested: &[nested("env", &OPEN, "environment variables")],
            ..EMPTY
        },
    },
    BlockSpec { keyword: "schema", doc: "a reusable record type", name: Plain, connector: None, content: SCHEMA },
    BlockSpec {
        keyword: "dataset",
        doc: "rows from outside: source, schema, expectations",
        name: Plain,
        connector: None,
        content: Content {
            settings: &[
                required(
                    "source",
                    Call(&[
                        "csv", "parquet", "ndjson", "arrow", "sqlite", "duckdb", "postgres", "sql", "delta", "iceberg",
                    ]),
                    "where the rows are",
                ),
                setting("access", Call(&["production", "public", "internal"]), "who may read it"),
                setting("key", Names, "columns that identify a row"),
                setting("timestamp", Name, "the row's time"),
                setting("timezone", Text, "the zone of times without an offset"),
                setting("valid", Any, "columns between which a version of a row holds"),
                setting("version", Any, "how the data is pinned"),
            ],
            nested: &[
                nested("schema", &SCHEMA, "its columns"),
                nested("expect", &EXPECT, "what must hold before training"),
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "features",
        doc: "what the model reads and learns",
        name: Plain,
        connector: connector("from", &["dataset", "features"]),
        content: Content {
            statements: &["column", "let", "label", "weight", "join", "filter", "drop", "sample"],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "split",
        doc: "which rows train, tune and judge",
        name: Plain,
        connector: connector("of", &["features"]),
        content: Content {
            settings: &[
                required("by", Any, "`random`, `stratified(column)`, `group(column)` or `time`"),
                setting("train", Any, "the training part's share"),
                setting("validation", Any, "the validation part's share"),
                required("test", Any, "the test part's share, or from when"),
                setting("folds", Any, "how many folds, or `walk_forward(…)`"),
                setting("gap", Duration, "how far apart parts are in time"),
                setting("group", Name, "rows that stay together under `by = time`"),
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "train",
        doc: "one training job",
        name: Plain,
        connector: None,
        content: Content {
            settings: &[
                required("trainer", Any, "what is trained, with its hyperparameters"),
                required("data", Block, "the split, or a part of it"),
                setting("label", Name, "which label, if there are several"),
                setting("calibrate", Word(&["isotonic", "sigmoid"]), "how probabilities are corrected"),
                setting("threshold", Any, "how the decision threshold is chosen"),
                setting("early_stopping", Any, "when training stops by itself"),
                setting("distributed", Any, "how it is spread over machines"),
                ENVIRONMENT,
                RETRY,
                TIMEOUT,
            ],
            nested: &[RESOURCES_BLOCK],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "sweep",
        doc: "a search for hyperparameters",
        name: Plain,
        connector: connectors("of", &["train"]),
        content: Content {
            settings: &[
                required("strategy", Any, "how candidates are chosen"),
                required("objective", Any, "what is sought, on the validation part"),
                setting("prune", Any, "which trials stop early"),
                setting("refit", Bool, "whether the winner is fitted again on all but test"),
                setting("budget", Any, "when the search ends"),
                setting("warm_start", Any, "a sweep to start from"),
                ENVIRONMENT,
                RETRY,
                TIMEOUT,
            ],
            nested: &[
                NestedSpec {
                    keyword: "search",
                    named: true,
                    content: &Content { search: true, ..EMPTY },
                    doc: "the dimensions",
                },
                RESOURCES_BLOCK,
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "ensemble",
        doc: "several models as one",
        name: Plain,
        connector: connectors("of", &["train", "sweep"]),
        content: Content { settings: &[setting("method", Any, "`vote` or `stack`")], ..EMPTY },
    },
    BlockSpec {
        keyword: "evaluate",
        doc: "metrics on the part that judges",
        name: Plain,
        connector: connector("of", &["train", "sweep", "ensemble"]),
        content: Content {
            settings: &[
                required("metrics", Any, "what is measured"),
                setting("slices", Names, "columns by whose values it is also measured"),
                setting("on", Word(&["test", "validation"]), "the part that judges"),
                setting("confidence", Any, "how sure the intervals around the numbers are, as `95%`"),
                setting("curves", Names, "plots of the report"),
                setting(
                    "explain",
                    Calls(&["permutation", "shap"]),
                    "how much each input matters, as `permutation(repeats: 5)`",
                ),
                setting("min_rows", Int, "smaller slices are shown, and left out of gaps"),
                ENVIRONMENT,
                RETRY,
                TIMEOUT,
            ],
            nested: &[RESOURCES_BLOCK],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "predict",
        doc: "batch scoring with a registered model",
        name: Plain,
        connector: connector("of", &["register"]),
        content: Content {
            settings: &[
                setting("rows", Word(&["all", "new", "unlabelled"]), "which rows are scored"),
                required("output", Call(&["parquet", "csv"]), "where predictions go, as `parquet(\"late.parquet\")`"),
                SCHEDULE,
                ENVIRONMENT,
                RETRY,
                TIMEOUT,
                NOTIFY,
            ],
            nested: &[RESOURCES_BLOCK],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "gate",
        doc: "what a model must meet before anything follows",
        name: Plain,
        connector: connector("on", &["evaluate"]),
        content: Content {
            settings: &[setting("min_rows", Int, "smaller slices are shown, not judged")],
            statements: &["require"],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "register",
        doc: "a versioned model in a registry",
        name: Plain,
        connector: connector("from", &["train", "sweep", "ensemble"]),
        content: Content {
            settings: &[
                setting("requires", Blocks, "the gate that lets it through"),
                setting("registry", Any, "which registry"),
                setting("alias", Text, "the alias that moves to the new version"),
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "deploy",
        doc: "a registered model put to work",
        name: Plain,
        connector: connector("of", &["register"]),
        content: Content {
            settings: &[
                required("target", Any, "where it serves"),
                setting("strategy", Any, "how it is rolled out"),
                setting("refresh", Duration, "how often looked-up values are renewed"),
                setting("store", Any, "the online store"),
                ENVIRONMENT,
            ],
            nested: &[RESOURCES_BLOCK],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "monitor",
        doc: "what is watched after a deployment",
        name: Plain,
        connector: connector("of", &["deploy"]),
        content: Content {
            settings: &[required("every", Duration, "how often"), NOTIFY, ENVIRONMENT],
            statements: &["require"],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "step",
        doc: "any other work: a Python function or a shell command",
        name: Plain,
        connector: None,
        content: Content {
            settings: &[
                required("run", Call(&["python", "shell"]), "what runs"),
                setting("after", Blocks, "steps that come first"),
                setting("when", Any, "the condition under which it runs"),
                setting("role", Text, "the role under which it runs, to read data of production"),
                ENVIRONMENT,
                RETRY,
                TIMEOUT,
            ],
            nested: &[
                nested("inputs", &OPEN, "what it reads"),
                nested("outputs", &FIELDS, "what it writes"),
                RESOURCES_BLOCK,
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "test",
        doc: "example rows in, expected values out",
        name: Title,
        connector: connector("of", &["features", "fn"]),
        content: Content { statements: &["given", "expect"], expressions: true, ..EMPTY },
    },
    BlockSpec {
        keyword: "trainer",
        doc: "a component that trains: its hyperparameters and what it accepts",
        name: Dotted,
        connector: connectors("for", &[]),
        content: Content {
            settings: &[
                required("python", Text, "`module:Class` or `file.py:function`"),
                setting("package", Text, "the package that it needs"),
                setting("seed", Name, "the argument that takes the seed"),
                setting("threads", Name, "the argument that takes the number of threads"),
                setting(
                    "categories",
                    Word(&["mask", "feature_types", "indices"]),
                    "how it learns which inputs are categories",
                ),
                setting("resource", Name, "what a sweep may ration"),
                setting(
                    "gives",
                    Word(&["label", "probability"]),
                    "whether it predicts classes only, or probabilities too",
                ),
                setting("deterministic", Word(&["exact", "close"]), "whether runs repeat to the bit"),
            ],
            nested: &[
                nested("accepts", &BARE, "of nulls, categories, vectors, sparse, text, weights, validation"),
                nested("params", &FIELDS, "its hyperparameters"),
                nested("fixed", &OPEN, "arguments that are always given"),
                nested("example", &OPEN, "settings with which its test trains"),
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "fn",
        doc: "a row-wise function",
        name: Plain,
        connector: None,
        content: Content {
            settings: &[
                setting("polars", Text, "a template that gives a Polars expression"),
                setting("python", Text, "`file.py:function`"),
                setting("value", Any, "an expression over the parameters, in place of the two"),
                setting("vectorized", Bool, "whether the function takes whole columns"),
                setting("nulls", Word(&["handled", "coalesce"]), "what null arguments do"),
                setting("units", Word(UNIT_WORDS), "what it does with units; without it takes plain numbers"),
                setting("ranges", Word(RANGE_WORDS), "what range it makes of the ranges of its arguments"),
                setting("zone", Word(&["calendar", "clock"]), "what it reads of times, in the zone of the data"),
                setting("fit", Text, "the function that fits its state"),
                setting("target", Name, "the parameter that takes the label: fitting reads it, applying does not"),
                setting("out_of_fold", Text, "the function that gives training rows values learned from other folds"),
                setting("tags", Any, "what it does to tags"),
            ],
            nested: &[
                nested("state", &FIELDS, "what fitting gives"),
                nested("examples", &EXAMPLES, "conditions that hold"),
                nested("example", &OPEN, "a column and what it gives"),
            ],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "metric",
        doc: "a measure of predictions",
        name: Plain,
        connector: connectors("for", &[]),
        content: Content {
            settings: &[
                required("python", Text, "`module:function` or `file.py:function`"),
                required("needs", Word(&["label", "probability", "value"]), "what it reads"),
                setting("range", Any, "what it can be"),
                setting("better", Word(&["higher", "lower"]), "which way is better"),
            ],
            nested: &[nested("params", &FIELDS, "its parameters"), nested("example", &OPEN, "rows and what it gives")],
            ..EMPTY
        },
    },
    BlockSpec {
        keyword: "expectation",
        doc: "a check on a table",
        name: Plain,
        connector: None,
        content: Content {
            settings: &[
                setting("polars", Text, "a template that gives one value over the table"),
                setting("python", Text, "a measure of the distance from an earlier profile"),
                setting(
                    "takes",
                    Word(&["numbers", "levels", "distribution", "anything"]),
                    "columns that the distance is measured of",
                ),
                setting("counts", Bool, "whether it gives a count or a share of rows"),
                setting("offending", Text, "a template of the rows to blame"),
                setting("nulls", Word(&["handled", "coalesce"]), "what null arguments do"),
                setting("units", Word(UNIT_WORDS), "what it does with units; without it gives a plain number"),
            ],
            nested: &[nested("example", &OPEN, "a column and what it gives")],
            ..EMPTY
        },
    },
];

/// The kind of block with this keyword.
#[must_use]
pub fn block_spec(keyword: &str) -> Option<&'static BlockSpec> {
    let keyword = if keyword == "fitted" { "fn" } else { keyword };
    BLOCKS.iter().find(|spec| spec.keyword == keyword)
}
