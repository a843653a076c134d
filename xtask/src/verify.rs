//! `cargo xtask verify`: applications of the corpus, built from nothing and
//! then unit by unit once more in another place (`cargo larder verify`).
//!
//! Fails where a unit differs or cannot be built although its verdict promises
//! the same bits. Says which runs of build scripts have no complete path set,
//! and why.

use crate::trial::Trial;
use crate::{corpus, process, tree, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use larder_schema::record::Verdict;
use larder_schema::report::{Report, UnitReport};
use larder_schema::verification::{Repeated, Verification, VerifiedUnit};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Build applications of the corpus, and verify all their units.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    trial: Trial,
    /// What is built.
    #[arg(last = true, default_values = ["build", "--locked"])]
    command: Vec<String>,
}

/// Runs `cargo xtask verify`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let larder = args.trial.larder()?;
    let mut wrong = 0;
    for name in &args.trial.apps()? {
        wrong += check(name, &larder, &args.command).with_context(|| format!("app {name}"))?;
    }
    if wrong > 0 {
        bail!("{wrong} units are not what their verdicts promise");
    }
    Ok(())
}

/// One application; how many units are not what their verdicts promise.
fn check(name: &str, larder: &Path, command: &[String]) -> Result<usize> {
    let root = workspace::target("verify").join(name);
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let project = root.join("project");
    tree::copy(&corpus::source(name)?, &project, &["target"])?;
    let start = || {
        let mut start = process::command(larder);
        start.arg("larder").env("LARDER_DIR", root.join("store")).current_dir(&project);
        start
    };
    let (built, verified) = (root.join("built.json"), root.join("verified.json"));
    process::run_quietly(start().args(command).arg("--report").arg(&built))?;
    let mut verify = start();
    verify.args(["verify", "--all", "--report"]).arg(&verified).arg("--").args(command);
    // Broken promises end it with an error; the document says which.
    let output = verify.output().with_context(|| process::shown(&verify))?;
    if !verified.is_file() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let built: Report = read(&built)?;
    let verified: Verification = read(&verified)?;
    print!("{}", text(name, &built, &verified));
    Ok(verified.units.iter().filter(|unit| unit.is_wrong()).count())
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    serde_json::from_slice(&fs::read(file)?)
        .with_context(|| format!("{} cannot be read", workspace::shown(file)))
}

fn text(name: &str, built: &Report, verified: &Verification) -> String {
    let totals = &verified.totals;
    let mut text = format!(
        "{name}: {} of {} units again: {} equal, {} different as their verdict says, \
         {} against it, {} failed; {} read something else\n",
        totals.checked,
        built.totals.units,
        totals.equal,
        totals.varying,
        totals.different,
        totals.failed,
        totals.reading_more,
    );
    for unit in &verified.units {
        text.push_str(&remarkable(unit));
    }
    let runs: Vec<&UnitReport> =
        built.units.iter().filter(|unit| unit.mode == "run-custom-build").collect();
    let lacking: Vec<&&UnitReport> = runs.iter().filter(|run| lacks_path_set(run)).collect();
    text.push_str(&format!(
        "{name}: {} runs of build scripts, {} without a complete path set\n",
        runs.len(),
        lacking.len()
    ));
    for run in lacking {
        let verdict = run.verdict.map_or("no verdict", Verdict::word);
        text.push_str(&format!("    {} {} ({verdict})\n", run.package, run.version));
        run.evidence.iter().for_each(|line| text.push_str(&format!("        {line}\n")));
    }
    text
}

/// Whether something that a run used may be unknown, or is in no key.
fn lacks_path_set(run: &UnitReport) -> bool {
    run.key.is_none() || matches!(run.verdict, None | Some(Verdict::Unobserved | Verdict::Volatile))
}

/// What is worth saying of a unit; nothing of most.
fn remarkable(unit: &VerifiedUnit) -> String {
    let VerifiedUnit { outcome, read_only_again, .. } = unit;
    if *outcome == Repeated::Equal && read_only_again.is_empty() {
        return String::new();
    }
    let against = if unit.is_wrong() { ", AGAINST ITS VERDICT" } else { "" };
    let outcome = match outcome {
        Repeated::Equal => "equal",
        Repeated::Different => "different",
        Repeated::Failed => "failed",
    };
    let mut text = format!("    {} ({}): {outcome}{against}\n", unit.unit, unit.verdict.word());
    if let Some(difference) = &unit.difference {
        let (file, stored, rebuilt) = (&difference.file, &difference.stored, &difference.rebuilt);
        text.push_str(&format!("        `{file}`: `{stored}`, then `{rebuilt}`\n"));
    }
    for line in unit.detail.iter().flat_map(|detail| detail.lines()).take(3) {
        text.push_str(&format!("        {line}\n"));
    }
    for name in read_only_again.iter().take(5) {
        text.push_str(&format!("        read in the second run only: `{name}`\n"));
    }
    text
}
