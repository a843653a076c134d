//! `cargo xtask behaviour`: an application under cargo and under larder, in
//! one checkout.
//!
//! First both build it in turn: after each has built once, neither may make
//! the other compile anything. Then both run its tests, those of the
//! documentation included, and every test has to end in the same way, as does
//! the command. A difference counts only if it is there a second time: some
//! suites have tests that depend on the machine's load.

mod outcomes;

use crate::trial::Trial;
use crate::{corpus, process, tree, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use larder_schema::report::Report;
use outcomes::Outcomes;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compare what an application's tests say under cargo and under larder.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    trial: Trial,
}

/// One application's checkout.
struct Place {
    larder: PathBuf,
    project: PathBuf,
    store: PathBuf,
    report: PathBuf,
}

/// Runs `cargo xtask behaviour`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let larder = args.trial.larder()?;
    let mut differing = 0;
    for name in &args.trial.apps()? {
        differing += check(name, &larder).with_context(|| format!("behaviour of {name}"))?;
    }
    if differing > 0 {
        bail!("larder differs from cargo in {differing} places");
    }
    Ok(())
}

/// Both parts for one application; how many differences there are.
pub(crate) fn check(name: &str, larder: &Path) -> Result<usize> {
    let place = Place::new(name, larder)?;
    let rebuilt = place.alternate()?;
    println!("{name}: built in turn, rebuilt {rebuilt}");
    let mut differences = place.tests()?;
    if !differences.is_empty() {
        println!("{name}: {} differences, once more", differences.len());
        let again = place.tests()?;
        differences.retain(|difference| again.contains(difference));
    }
    for difference in &differences {
        println!("    {difference}");
    }
    println!("{name}: differing {}", differences.len());
    Ok(rebuilt + differences.len())
}

impl Place {
    fn new(name: &str, larder: &Path) -> Result<Place> {
        let root = workspace::target("behaviour").join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        let project = root.join("project");
        tree::copy(&corpus::source(name)?, &project, &["target"])?;
        let (store, report) = (root.join("store"), root.join("report.json"));
        Ok(Place { larder: larder.to_owned(), project, store, report })
    }

    fn cargo(&self) -> Command {
        let mut command = process::command("cargo");
        command.current_dir(&self.project);
        command
    }

    fn larder(&self) -> Command {
        let mut command = process::command(&self.larder);
        command.arg("larder").env("LARDER_DIR", &self.store).current_dir(&self.project);
        command
    }

    /// Builds in turn; how many units were compiled again.
    fn alternate(&self) -> Result<usize> {
        let mut rebuilt = 0;
        for round in 0..3 {
            let by_cargo = self.built_by_cargo()?;
            let by_larder = self.built_by_larder()?;
            println!("    built by cargo {by_cargo}, by larder {by_larder}");
            if round > 0 {
                rebuilt += by_cargo + by_larder;
            }
        }
        Ok(rebuilt)
    }

    /// Units that `cargo build` compiled, by its messages.
    fn built_by_cargo(&self) -> Result<usize> {
        let mut command = self.cargo();
        command.args(["build", "--locked", "--offline", "--message-format", "json"]);
        let output = process::run_quietly(&mut command)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(messages.filter(|message| message["fresh"] == false).count())
    }

    /// Units that `cargo larder build` executed, by its report.
    fn built_by_larder(&self) -> Result<usize> {
        let mut command = self.larder();
        command.args(["build", "--locked", "--offline", "--report"]).arg(&self.report);
        process::run_quietly(&mut command)?;
        let report: Report = serde_json::from_slice(&fs::read(&self.report)?)?;
        Ok(report.totals.executed)
    }

    /// Runs the tests under both; the differences in words.
    fn tests(&self) -> Result<Vec<String>> {
        let args = ["test", "--locked", "--offline", "--no-fail-fast"];
        let theirs = Outcomes::of(self.cargo().args(args))?;
        let ours = Outcomes::of(self.larder().args(args))?;
        println!("    cargo:  {}", theirs.summary());
        println!("    larder: {}", ours.summary());
        if theirs.is_empty() {
            bail!("no tests ran");
        }
        Ok(theirs.differences(&ours))
    }
}
