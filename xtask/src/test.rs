//! `cargo xtask test`: every test there is, and one line for what was left out.

use crate::{corpus, parity, process, synthetic, workspace};
use anyhow::Result;
use larder_test::synthetic::Shape;

/// Run all tests.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also compare with cargo on the synthetic workspace and the corpus's short set, as continuous integration does.
    #[arg(long)]
    corpus: bool,
    /// Also compare with cargo on the whole corpus. Takes an hour.
    #[arg(long)]
    full: bool,
    /// Passed to the test runner: a filter, for example.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs `cargo xtask test`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut skipped = Vec::new();
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

    if args.corpus || args.full {
        for shape in [Shape::Virtual, Shape::Rooted] {
            for command in synthetic::COMMANDS {
                step(&format!("parity of the synthetic workspace ({shape:?}): cargo {command}"));
                synthetic::parity(shape, command)?;
            }
        }
    } else {
        skipped.push("parity over the synthetic workspace: --corpus".to_owned());
    }
    let mut left_out = 0;
    for app in corpus::apps()? {
        let wanted = args.full || (args.corpus && app.short);
        if !wanted {
            left_out += 1;
            continue;
        }
        let source = corpus::source(&app.name)?;
        for command in &app.commands {
            step(&format!("parity of {}: cargo {command}", app.name));
            parity::check(&source.join("Cargo.toml"), command)?;
        }
    }
    if left_out > 0 {
        skipped
            .push(format!("parity over {left_out} applications of the corpus: --corpus, --full"));
    }
    for line in skipped {
        println!("skipped: {line}");
    }
    println!("all tests passed");
    Ok(())
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
