//! The command line: arguments, settings, reporters, exit codes, and the
//! composition of everything below.
//!
//! | module | holds |
//! |---|---|
//! | `shim` | what the binary does when it stands in for rustc during planning |
//! | `host` | the only reader of environment, arguments and working directory |
//! | `env_vars` | every variable that is read, and its reference page |
//! | `settings` | the user's configuration file and variables, resolved |
//! | `args` | the command line as clap sees it, and cargo's arguments taken out of it |
//! | `commands` | one file per subcommand |
//! | `building` | what all building commands do |
//! | `cargo` | giving a command to plain cargo |
//! | `cargo_config` | cargo's `[term]` and `[alias]` |
//! | `history` | what earlier builds reported, for `explain` and `stats` |
//! | `launch` | starting what was built: `run`, `test`, `bench` |
//! | `interrupt` | signals during a build |
//! | `terminal`, `console`, `progress`, `reporter` | everything that is printed |
//! | `session` | the seam to the engine and the store |
//! | `project` | what a Dockerfile has to know of a project |
//! | `errors`, `exit` | how failures are shown, and which code they end with |
//!
//! It refuses to decide anything about a build: that is the engine's.

mod args;
mod asked_command;
mod building;
mod cargo;
mod cargo_config;
mod commands;
mod console;
mod cooking;
mod env_vars;
mod errors;
mod exit;
mod flow;
mod history;
mod host;
mod interrupt;
mod launch;
mod layer_directories;
mod part_files;
mod progress;
mod project;
mod quantity;
mod reason;
mod reporter;
mod session;
mod settings;
mod shell;
mod shim;
mod terminal;
mod verifying;

pub use env_vars::reference_page;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    shim::run_if_asked().unwrap_or_else(|| flow::run(&host::Host::read())).into()
}
