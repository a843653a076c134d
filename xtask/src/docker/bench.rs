//! `cargo xtask bench-docker`: how long `docker build` takes after a change,
//! with the Dockerfiles that people write, with cargo-chef's, and with ours.
//!
//! Every round gives every approach a builder image of its own, so nothing that
//! the engine keeps of one answers for another; the scenarios follow each other
//! on one checkout. All approaches share one cache mount with cargo's downloads:
//! the network is not what is measured.
//!
//! The machine may do other things meanwhile. So besides the wall time there is
//! the user and system time of what ran in the containers: the builder's shell
//! reports it at the end of every step ([`build::SHELL`]).

mod approach;
mod build;
mod project;
mod report;

use super::engine::Engine;
use super::images;
use crate::bench::tools;
use crate::{demo, setting, workspace};
use anyhow::Result;
use approach::Approach;
use build::{Builder, Tools};
use clap::ValueEnum;
use project::{Project, Scenario};
use report::{Report, Sample};
use std::path::PathBuf;

/// Measure `docker build` with larder's Dockerfiles beside others.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Application of the corpus; two members are added to it.
    #[arg(long, default_value = "ripgrep")]
    project: String,
    /// Approaches (default: all).
    #[arg(long, value_delimiter = ',', value_enum)]
    approaches: Vec<Approach>,
    /// Scenarios (default: all); the first build is always made.
    #[arg(long, value_delimiter = ',', value_enum)]
    scenarios: Vec<Scenario>,
    /// Rounds.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Build in the dev profile (default: release).
    #[arg(long)]
    dev: bool,
    /// The dependency to bump and its version, instead of corpus.toml's.
    #[arg(long, value_name = "NAME@VERSION")]
    bump: Option<String>,
    /// This binary of larder instead of the workspace's.
    #[arg(long)]
    larder: Option<PathBuf>,
    /// Write nothing below `benches/runs`.
    #[arg(long)]
    dry: bool,
}

/// Runs `cargo xtask bench-docker`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let engine = Engine::find_or_start()?;
    images::ensure(&engine)?;
    let all = |chosen: &[Approach]| match chosen {
        [] => Approach::value_variants().to_vec(),
        chosen => chosen.to_vec(),
    };
    let approaches = all(&args.approaches);
    let mut scenarios = args.scenarios.clone();
    if scenarios.is_empty() {
        scenarios = Scenario::value_variants().to_vec();
    }
    scenarios.retain(|scenario| *scenario != Scenario::First);

    let larder = demo::larder(args.larder.as_deref())?;
    let chef = match approaches.contains(&Approach::Chef) {
        true => Some(tools::chef()?),
        false => None,
    };
    let tools = Tools::gather(&larder, chef.as_deref())?;
    let project = Project::new(&args.project, args.dev, args.bump.as_deref())?;
    let builder = Builder { engine: &engine, tools: &tools, project: &project };
    eprintln!("==> {}: cargo's downloads", args.project);
    builder.prefetch()?;

    let mut report = Report::new(&project, &larder, args.rounds)?;
    let file = setting::run_file(&report.name(), false)?;
    for round in 0..args.rounds {
        for turn in 0..approaches.len() {
            let approach = approaches[(round + turn) % approaches.len()];
            eprintln!(
                "==> {}, round {} of {}: {}",
                args.project,
                round + 1,
                args.rounds,
                approach.name()
            );
            builder.round(approach, &scenarios, &mut |scenario, built| {
                build::check(approach, scenario, &built)?;
                let sample = Sample { approach, scenario, round, built };
                eprintln!("    {}", sample.line());
                report.samples.push(sample);
                if args.dry { Ok(()) } else { report.write(&file) }
            })?;
        }
    }
    println!("{}", report.markdown());
    if !args.dry {
        println!("written to {}", workspace::shown(&file.with_extension("md")));
    }
    Ok(())
}
