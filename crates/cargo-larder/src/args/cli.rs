//! The whole command line for clap.

use super::flags::Common;
use super::mistakes;
use crate::building::Building as _;
use crate::commands;
use clap::builder::Styles;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::ffi::OsString;

/// Cargo's commands, answered from a store of everything that was built before
///
/// Cargo plans, larder executes: every unit of the build is looked up in a store that all
/// checkouts on this machine share, and only what is missing runs. Flags, output and exit codes
/// are cargo's. Commands that are not listed here go to cargo.
#[derive(Debug, Parser)]
#[command(
    name = "larder",
    bin_name = "cargo larder",
    override_usage = "cargo larder [+toolchain] [OPTIONS] <COMMAND>",
    styles = styles(),
    max_term_width = 100,
    next_display_order = 800,
    disable_version_flag = true,
    subcommand_required = false,
    arg_required_else_help = false
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Print larder's version
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    /// Directory to change to first (unstable); such a command is cargo's
    #[arg(short = 'C', value_name = "DIRECTORY")]
    pub(crate) directory: Option<OsString>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
#[command(next_display_order = 0)]
pub(crate) enum Command {
    #[command(visible_alias = "b")]
    Build(commands::build::Build),
    #[command(visible_alias = "c")]
    Check(commands::check::Check),
    Clippy(commands::clippy::Clippy),
    #[command(visible_alias = "t")]
    Test(commands::test::Test),
    Bench(commands::bench::Bench),
    #[command(visible_alias = "r")]
    Run(commands::run::Run),
    Rustc(commands::rustc::Rustc),
    Plan(commands::plan::Plan),
    Cook(commands::cook::Cook),
    Export(commands::archive::Export),
    Import(commands::archive::Import),
    Exec(commands::exec::Exec),
    Dockerfile(commands::dockerfile::Dockerfile),
    Lint(commands::lint::Lint),
    Explain(commands::explain::Explain),
    Stats(commands::stats::Stats),
    Gc(commands::gc::Gc),
    Doctor(commands::doctor::Doctor),
    Verify(commands::verify::Verify),
    Version(commands::version::Version),
    /// Any other command of cargo.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

impl Command {
    /// Cargo's general flags, where the command has them.
    pub(crate) fn common(&self) -> Option<&Common> {
        match self {
            Command::Build(it) => Some(it.asked().common),
            Command::Check(it) => Some(it.asked().common),
            Command::Clippy(it) => Some(it.asked().common),
            Command::Test(it) => Some(it.asked().common),
            Command::Bench(it) => Some(it.asked().common),
            Command::Run(it) => Some(it.asked().common),
            Command::Rustc(it) => Some(it.asked().common),
            Command::Plan(it) => Some(&it.common),
            Command::Cook(it) => Some(&it.common),
            Command::Verify(it) => Some(&it.common),
            _ => None,
        }
    }
}

/// The command line with answers to common mistakes.
fn command() -> clap::Command {
    mistakes::answered(Cli::command())
}

/// The names of larder's commands.
pub(crate) fn commands() -> Vec<String> {
    let names = |command: &clap::Command| {
        let aliases = command.get_all_aliases().map(str::to_owned);
        std::iter::once(command.get_name().to_owned()).chain(aliases).collect::<Vec<_>>()
    };
    Cli::command().get_subcommands().flat_map(names).chain(["help".to_owned()]).collect()
}

/// Parses the tokens that follow `cargo larder`, `+toolchain` aside.
pub(crate) fn parse(tokens: &[OsString]) -> Result<Cli, clap::Error> {
    let name = OsString::from("larder");
    let matches = command().try_get_matches_from(std::iter::once(&name).chain(tokens))?;
    Cli::from_arg_matches(&matches)
}

fn styles() -> Styles {
    use anstyle::{AnsiColor, Effects};
    let bold = |color: AnsiColor| color.on_default().effects(Effects::BOLD);
    Styles::styled()
        .header(bold(AnsiColor::BrightGreen))
        .usage(bold(AnsiColor::BrightGreen))
        .literal(bold(AnsiColor::BrightCyan))
        .placeholder(AnsiColor::Cyan.on_default())
        .error(bold(AnsiColor::BrightRed))
        .valid(bold(AnsiColor::BrightCyan))
        .invalid(bold(AnsiColor::Yellow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_nothing_wrong() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_and_command_is_explained() {
        for command in command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments().filter(|a| !a.is_hide_set()) {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
        }
    }
}
