//! `cargo xtask bench`

use anyhow::Result;

/// Benchmark.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<()> {
    Ok(())
}
