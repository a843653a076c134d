//! `cargo xtask demo`: the first command of the README. A pinned real project
//! is built twice in different directories; the second build executes nothing.

use crate::{corpus, process, tree, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use larder_schema::report::Report;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Build a real project cold, then in a second directory from the store.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The application of the corpus to build.
    #[arg(default_value = "ripgrep")]
    app: String,
}

/// Runs `cargo xtask demo`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let app = corpus::find(&args.app)?;
    let demo = workspace::target("demo");
    if demo.exists() {
        fs::remove_dir_all(&demo)?;
    }

    println!("==> larder itself");
    let larder = build_larder()?;
    println!("==> {} {} and its dependencies", app.name, app.version);
    let source = corpus::source(&app.name)?;

    let store = demo.join("store");
    let mut builds = Vec::new();
    for (directory, what) in [("first", "cold"), ("second", "in a second directory")] {
        let project = demo.join(directory);
        tree::copy(&source, &project, &["target"])?;
        println!("==> cargo larder build --release, {what}");
        builds.push(build(
            &larder,
            &project,
            &store,
            &demo.join(directory).with_extension("json"),
        )?);
    }
    let [(first_time, first), (second_time, second)] = builds.as_slice() else {
        bail!("two builds were made")
    };

    let [program, arguments @ ..] = app.runs.as_slice() else { bail!("{} runs nothing", app.name) };
    let binary = demo.join("second/target/release").join(program);
    let output = process::run_quietly(process::command(&binary).args(arguments))
        .context("the binary of the second build does not run")?;
    let says = String::from_utf8_lossy(&output.stdout);

    println!();
    println!(
        "  first build    {:>7}   executed {:>3} of {} units",
        seconds(*first_time),
        first.totals.executed,
        first.totals.units
    );
    println!(
        "  second build   {:>7}   executed {}, reused {} of {} units",
        seconds(*second_time),
        second.totals.executed,
        second.totals.hits,
        second.totals.units
    );
    println!("  {program:<14} {}", says.lines().next().unwrap_or_default());
    println!();
    if second.totals.executed > 0 {
        for unit in second.units.iter().filter(|unit| unit.miss.is_some()) {
            eprintln!("  {} {} ({}): {:?}", unit.package, unit.version, unit.mode, unit.miss);
        }
        bail!("the second build executed {} units; it should reuse all", second.totals.executed);
    }
    println!("Nothing was compiled twice. In a project of yours: cargo larder build");
    Ok(())
}

/// The larder to try: the binary that was named, or the workspace's.
pub(crate) fn larder(named: Option<&Path>) -> Result<PathBuf> {
    named.map_or_else(build_larder, |named| Ok(fs::canonicalize(named)?))
}

/// The release binary of `cargo-larder`, built into the workspace's target.
fn build_larder() -> Result<PathBuf> {
    let target = workspace::target("");
    process::run(
        process::command("cargo")
            .args(["build", "--release", "--locked", "--package", "cargo-larder", "--target-dir"])
            .arg(&target)
            .current_dir(workspace::root()),
    )?;
    Ok(target.join("release").join(format!("cargo-larder{}", std::env::consts::EXE_SUFFIX)))
}

fn build(larder: &Path, project: &Path, store: &Path, report: &Path) -> Result<(Duration, Report)> {
    let started = Instant::now();
    process::run(
        process::command(larder)
            .args(["larder", "build", "--release", "--report"])
            .arg(report)
            .env("LARDER_DIR", store)
            .current_dir(project),
    )?;
    let elapsed = started.elapsed();
    let text = fs::read(report)?;
    let report = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no report", workspace::shown(report)))?;
    Ok((elapsed, report))
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
