//! Variables that are the same wherever a step runs: the executor of this machine sets them, and the launcher, for which
//! `cargo dev gen` writes them to `mlp_runtime/variables.py`.

/// The same in every run: no telemetry, no dependence on hash seeds, time zone or buffering.
pub const FIXED: &[(&str, &str)] = &[
    ("TZ", "UTC"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONUTF8", "1"),
    // What a step prints shows at once, and its last words come last in the log.
    ("PYTHONUNBUFFERED", "1"),
    ("DO_NOT_TRACK", "true"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
    ("WANDB_MODE", "offline"),
    ("WANDB_SILENT", "true"),
    ("WANDB_ERROR_REPORTING", "false"),
    ("WANDB_CONSOLE", "off"),
    ("DVC_NO_ANALYTICS", "1"),
    ("GX_ANALYTICS_ENABLED", "false"),
    ("RAY_USAGE_STATS_ENABLED", "0"),
    ("BENTOML_DO_NOT_TRACK", "True"),
];

/// Set to the step's `cpu`, because each library has its own name for it.
pub const THREADS: &[&str] = &[
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
];
