//! `cargo xtask docker`: what needs a Docker Engine, and an engine for it.
//!
//! An engine that does not start is a failure, not a reason to pass.

mod application;
pub(crate) mod bench;
mod buildable;
mod contexts;
mod emptied;
mod engine;
mod frontend;
pub(crate) mod frontend_image;
mod frontend_layers;
mod frontend_options;
mod generated;
mod images;
mod outside;
mod packages;
mod surviving;
mod trap;
mod verdicts;

use crate::process;
use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use engine::Engine;
use std::path::Path;
use std::time::Instant;

/// Tests on a Docker Engine.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run them all, or those whose name contains a filter.
    Test {
        /// Part of a name: `generated`, `surviving`, `contexts`, `trap`, `verdicts`, `outside`,
        /// `frontend`, `layers`, `options`, `emptied`, `application`.
        filter: Option<String>,
    },
    /// Build applications of the corpus with the frontend, in the dev profile, and run them.
    Applications {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
    },
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
        Command::Test { filter } => test(filter.as_deref()),
        Command::Applications { names } => {
            let engine = Engine::find_or_start()?;
            images::ensure(&engine)?;
            frontend_image::load_for_tests(&engine, &generated::larder()?)?;
            names.iter().try_for_each(|name| application::check(&engine, name, ""))
        }
        Command::Exec { arguments } => {
            let engine = Engine::find_or_start()?;
            images::ensure(&engine)?;
            process::run(engine.docker().args(arguments))
        }
    }
}

/// One of the tests.
type Check = fn(&Engine, &Path) -> Result<()>;

/// All of them, in the order in which they run.
const CHECKS: &[(&str, Check)] = &[
    ("generated", |engine, larder| {
        CACHES.iter().try_for_each(|cache| generated::check(engine, larder, cache))
    }),
    ("surviving", surviving::check),
    ("contexts", contexts::check),
    ("trap", trap::check),
    ("verdicts", verdicts::check),
    ("outside", outside::check),
    ("frontend", frontend::check),
    ("layers", |engine, _| frontend_layers::check(engine)),
    ("options", |engine, _| frontend_options::check(engine)),
    ("emptied", |_, larder| emptied::check(larder)),
    ("application", |engine, _| {
        application::check(engine, application::TESTED, "layers = \"crates\"")
    }),
];

/// Those that build with the frontend.
const WITH_FRONTEND: &[&str] = &["frontend", "layers", "options", "application"];

/// All tests on an engine, or some of them.
pub(crate) fn test(filter: Option<&str>) -> Result<()> {
    let wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    let checks: Vec<_> = CHECKS.iter().filter(|(name, _)| wanted(name)).collect();
    ensure!(!checks.is_empty(), "no test on an engine has that name");
    let engine = Engine::find_or_start()?;
    images::ensure(&engine)?;
    let larder = generated::larder()?;
    if checks.iter().any(|(name, _)| WITH_FRONTEND.contains(name)) {
        frontend_image::load_for_tests(&engine, &larder)?;
    }
    for (name, check) in checks {
        let started = Instant::now();
        check(&engine, &larder).with_context(|| format!("the test `{name}` failed"))?;
        println!("  {name}: {} s", started.elapsed().as_secs());
    }
    Ok(())
}
