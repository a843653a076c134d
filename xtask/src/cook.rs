//! `cargo xtask cook`: an application's dependencies are cooked away from it,
//! and its build then runs its own units only.
//!
//! The plan is all that the kitchen has: an empty store, and a directory that
//! holds nothing else. Dependencies come from cargo's home, where the corpus
//! has them.

use crate::{corpus, demo, process, tree, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use larder_schema::report::Report;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Cook an application's dependencies, then build it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The application of the corpus.
    #[arg(default_value = "ripgrep")]
    app: String,
    /// This binary of larder instead of the workspace's.
    #[arg(long)]
    larder: Option<PathBuf>,
    /// What to build it with.
    #[arg(last = true, default_values = ["check", "--locked"])]
    command: Vec<String>,
}

/// Runs `cargo xtask cook`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let larder = demo::larder(args.larder.as_deref())?;
    check(&args.app, &larder, &args.command)
}

/// Plans in the project, cooks elsewhere, builds in the project.
pub(crate) fn check(app: &str, larder: &Path, command: &[String]) -> Result<()> {
    let root = workspace::target("cook").join(app);
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let (project, kitchen) = (root.join("project"), root.join("kitchen"));
    tree::copy(&corpus::source(app)?, &project, &["target"])?;
    fs::create_dir_all(&kitchen)?;
    let start = |directory: &Path| -> Command {
        let mut start = process::command(larder);
        start.arg("larder").env("LARDER_DIR", root.join("store")).current_dir(directory);
        start
    };
    let report = |file: &Path| -> Result<Report> {
        serde_json::from_slice(&fs::read(file)?)
            .with_context(|| format!("{} is no report", workspace::shown(file)))
    };

    let plan = root.join("plan.json");
    process::run(start(&project).args(["plan", "-o"]).arg(&plan).arg("--").args(command))?;
    let file = root.join("cooked.json");
    process::run(start(&kitchen).arg("cook").arg(&plan).arg("--report").arg(&file))?;
    let cooked = report(&file)?.totals;
    let file = root.join("built.json");
    process::run(start(&project).args(command).arg("--report").arg(&file))?;
    let built = report(&file)?;

    if cooked.units == 0 || cooked.executed != cooked.units {
        bail!("of {} units, {} were cooked", cooked.units, cooked.executed);
    }
    let (external, local) = (&built.totals.external, &built.totals.local);
    if external.executed > 0 || external.units != cooked.units {
        for unit in built.units.iter().filter(|unit| unit.external && unit.miss.is_some()) {
            eprintln!("  {} {} ({}): {:?}", unit.package, unit.version, unit.mode, unit.miss);
        }
        let (units, executed) = (external.units, external.executed);
        bail!("the build has {units} external units and executed {executed} of them");
    }
    if local.executed != local.units {
        bail!("{} of {} local units were executed", local.executed, local.units);
    }
    let (units, own) = (cooked.units, local.units);
    println!("{app}: {units} units cooked, all of them found; {own} of its own executed");
    Ok(())
}
