//! `cargo xtask test`: every test there is, and one line for what was left out.

use crate::{
    behaviour, cook, corpus, docker, drivers, musl, parity, process, synthetic, workspace,
};
use anyhow::{Result, bail};

/// Applications of more units than this are compared shallowly in a normal run.
const WHOLE: usize = 100;

/// Run all tests, parity with cargo included.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave parity with cargo out: it takes most of the time.
    #[arg(long, conflicts_with = "full")]
    no_parity: bool,
    /// Leave out what needs a Docker Engine, which wants root, or `DOCKER_HOST`.
    #[arg(long)]
    no_docker: bool,
    /// Leave the tools that call cargo out: they have to be installed.
    #[arg(long)]
    no_drivers: bool,
    /// Compare with cargo on the whole corpus, every unit compiled. Takes hours.
    #[arg(long)]
    full: bool,
    /// Passed to the test runner: a filter, for example. Only tests run then.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs `cargo xtask test`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut skipped = Vec::new();
    skipped.extend(musl::install()?);
    if process::exists("cargo", &["nextest", "--version"]) {
        step("tests, by cargo-nextest");
        cargo(&["nextest", "run", "--workspace", "--no-tests=warn"], &args.rest)?;
    } else {
        step("tests, by cargo test (cargo-nextest is not installed)");
        cargo(&["test", "--workspace", "--all-targets", "--quiet", "--"], &args.rest)?;
    }
    if args.rest.is_empty() {
        step("doctests");
        cargo(&["test", "--workspace", "--doc", "--quiet"], &[])?;
    } else {
        skipped.push("doctests: a filter was given".to_owned());
    }

    if args.no_drivers || !args.rest.is_empty() {
        skipped.push("tools that call cargo: left out by --no-drivers, or by a filter".to_owned());
    } else {
        step("tools that call cargo");
        skipped.extend(drivers::check(false, None)?);
    }
    if args.full || (!args.no_parity && args.rest.is_empty()) {
        synthetic::parity(&step)?;
        let left_out = corpus_parity(args.full)?;
        if left_out > 0 {
            skipped.push(format!("parity for {left_out} commands of the corpus: --full"));
        }
    } else {
        skipped.push("parity with cargo: left out by --no-parity, or by a filter".to_owned());
    }
    if args.no_docker || !args.rest.is_empty() {
        skipped
            .push("tests on a Docker Engine: left out by --no-docker, or by a filter".to_owned());
    } else {
        step("generated Dockerfiles and the BuildKit frontend on a Docker Engine");
        docker::test(None)?;
    }
    if args.rest.is_empty() && !args.no_parity {
        // The smallest application; the others are for `cargo xtask behaviour`.
        step("behaviour of ripgrep: builds in turn, and its tests");
        let larder = process::own_executable()?.with_file_name("cargo-larder");
        if behaviour::check("ripgrep", &larder)? > 0 {
            bail!("ripgrep's tests or builds differ from cargo's");
        }
        skipped.push("behaviour of other applications: cargo xtask behaviour".to_owned());
        step("ripgrep's dependencies, cooked away from it");
        cook::check("ripgrep", &larder, &["check".to_owned(), "--locked".to_owned()])?;
    }
    for line in skipped {
        println!("skipped: {line}");
    }
    println!("all tests passed");
    Ok(())
}

/// Parity over the corpus; returns how many commands were left out.
fn corpus_parity(full: bool) -> Result<usize> {
    let mut left_out = 0;
    for app in corpus::apps()? {
        let commands = if full { &app.commands } else { &app.short };
        left_out += app.commands.len() - commands.len();
        if commands.is_empty() {
            continue;
        }
        let shallow = !full && app.units > WHOLE;
        let source = corpus::source(&app.name)?;
        for command in commands {
            let how = if shallow { ", shallow" } else { "" };
            step(&format!("parity of {}{how}: cargo {command}", app.name));
            parity::check(&source.join("Cargo.toml"), command, shallow)?;
        }
    }
    Ok(left_out)
}

fn step(what: &str) {
    println!("==> {what}");
}

fn cargo(args: &[&str], rest: &[String]) -> Result<()> {
    let mut command = process::command("cargo");
    // The tests are larder's own build: it stays where `cargo xtask` built.
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        command.env("CARGO_TARGET_DIR", target);
    }
    process::run(command.args(args).args(rest).current_dir(workspace::root()))
}
