//! The `mlpc` command: parses arguments, does what they say, ends with a documented exit code.
//!
//! The only crate that prints. A command is a file of [`commands`]; it is given its arguments and the [`terminal`].

mod build;
mod cli;
mod commands;
mod config;
mod coverage;
mod draft;
mod environments;
mod error;
mod exit;
mod files;
mod json;
mod lockfile;
mod markdown;
mod notify;
mod params;
mod profiles;
mod progress;
mod project;
mod reality;
mod render;
mod submit;
mod summary;
mod terminal;
mod testing;
mod text;
mod tools;
mod tracking;
mod why;

use crate::cli::Cli;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::terminal::{Colour, Terminal};
use clap::Parser;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    panic::set_hook(Box::new(report_bug));
    // The hook has said what there is to say.
    let exit = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Internal);
    exit.into()
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to say if even this cannot be printed.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Fine };
        }
    };
    let mut terminal = Terminal::new(cli.color);
    let exit = cli.command.run(&mut terminal).unwrap_or_else(|error| {
        let text = error.render(terminal.err.colour);
        terminal.print_error(&text);
        error.exit_code()
    });
    match terminal.take_trouble() {
        None => exit,
        Some(trouble) => {
            let error = ToolError::usage(format!("cannot write the output: {trouble}"));
            terminal.print_error(&error.render(false));
            error.exit_code()
        }
    }
}

/// A panic is a bug of ours: says so in words, without a trace.
fn report_bug(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    let message = payload.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("no message");
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    let mut terminal = Terminal::new(Colour::Auto);
    terminal.tell(format_args!(
        "mlpc {} has a bug: {message}{place}\nPlease report it with the command and, if you may, the program that led here.",
        env!("CARGO_PKG_VERSION")
    ));
}
