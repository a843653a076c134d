//! `cargo xtask deny`: licences, advisories, sources, by cargo-deny.
//!
//! The tool is too large to build in every run of continuous integration, so it
//! is used where it is installed, and its absence is said.

use crate::{process, workspace};
use anyhow::{Result, bail};

/// Check licences, advisories and sources of the dependencies (deny.toml).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fail where cargo-deny is not installed.
    #[arg(long)]
    required: bool,
}

/// Runs `cargo xtask deny`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !process::exists("cargo-deny", &["--version"]) {
        if args.required {
            bail!("cargo-deny is not installed: cargo install --locked cargo-deny");
        }
        println!("skipped: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(());
    }
    process::run(process::command("cargo").args(["deny", "check"]).current_dir(workspace::root()))
}
