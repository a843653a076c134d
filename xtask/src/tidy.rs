//! `cargo xtask tidy`

use anyhow::Result;

/// Tidy.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<()> {
    Ok(())
}
