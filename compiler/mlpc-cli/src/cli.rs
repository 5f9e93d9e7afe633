//! The command line. Texts here are what `--help`, the reference and the completions say.

use crate::commands;
use crate::terminal::Colour;
use clap::{Parser, Subcommand};

/// Compiler and runner of MLP, a typed language for ML pipelines
#[derive(Debug, Parser)]
#[command(name = "mlpc", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Colour,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 fine, 1 the program has errors or a test failed, 2 wrong usage, 3 a gate refused, 4 a step failed,
101 a bug of mlpc, 130 interrupted";

macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident($module:ident),)*) => {
        /// One variant per command; each is a file of [`commands`].
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[$meta])* $name(commands::$module::Args),)*
        }

        impl Command {
            /// Does it.
            pub fn run(
                &self,
                terminal: &mut crate::terminal::Terminal,
            ) -> Result<crate::exit::Exit, crate::error::ToolError> {
                match self {
                    $(Self::$name(args) => commands::$module::run(args, terminal),)*
                }
            }
        }
    };
}

commands! {
    /// Start a project: a small program with data that runs
    Init(init),
    /// Find errors in a program
    Check(check),
    /// Write a dataset block from data, or show what changed since
    Infer(infer),
    /// Write the skeleton of a program from a pipeline of DVC, Kubeflow Pipelines or Airflow
    Import(import),
    /// Pin data, code and packages in `mlp.lock`
    Lock(lock),
    /// Show what a run would do, and why
    Plan(plan),
    /// Write the programs that a run executes
    Build(build),
    /// List the targets, and what each of them does
    Targets(targets),
    /// Run a program on this machine
    Run(run),
    /// Run the tests of a program
    Test(test),
    /// Draw the steps of a program
    Graph(graph),
    /// Show where values come from and what they reach
    Lineage(lineage),
    /// Explain a code, or list all
    Explain(explain),
    /// List runs, or show one
    Runs(runs),
    /// Compare two runs
    Compare(compare),
    /// List registered models, show their versions, and move aliases
    Registry(registry),
    /// Print completions for a shell
    Completions(completions),
    /// Show what a stage of the compiler makes of a program
    #[command(hide = true)]
    Debug(debug),
}
