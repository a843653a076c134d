//! `cargo xtask docker`: what needs a Docker Engine, and an engine for it.
//!
//! An engine that does not start is a failure, not a reason to pass.

pub(crate) mod bench;
mod contexts;
mod engine;
mod frontend;
pub(crate) mod frontend_image;
mod generated;
mod images;
mod packages;
mod surviving;
mod trap;
mod verdicts;

use crate::process;
use anyhow::Result;
use clap::Subcommand;
use engine::Engine;

/// Tests on a Docker Engine.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run them all.
    Test,
    /// Run a command with `docker` as the tests have it: `-- docker build .`
    Exec {
        /// The arguments of `docker`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

/// Ways of keeping results that are tested.
const CACHES: &[&str] = &["layers", "mount"];

/// Runs `cargo xtask docker`.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Test => test(),
        Command::Exec { arguments } => {
            let engine = Engine::find_or_start()?;
            images::ensure(&engine)?;
            process::run(engine.docker().args(arguments))
        }
    }
}

/// All tests on an engine.
pub(crate) fn test() -> Result<()> {
    let engine = Engine::find_or_start()?;
    images::ensure(&engine)?;
    let larder = generated::larder()?;
    for cache in CACHES {
        generated::check(&engine, &larder, cache)?;
    }
    surviving::check(&engine, &larder)?;
    contexts::check(&engine, &larder)?;
    trap::check(&engine, &larder)?;
    verdicts::check(&engine, &larder)?;
    frontend::check(&engine, &larder)
}
