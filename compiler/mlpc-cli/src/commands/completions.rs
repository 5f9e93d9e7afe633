//! `mlpc completions`: completions for a shell.

use crate::cli::Cli;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::terminal::Terminal;
use clap::CommandFactory;
use clap_complete::Shell;

/// Which shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mlpc", &mut script);
    terminal.print(&String::from_utf8_lossy(&script));
    Ok(Exit::Fine)
}
