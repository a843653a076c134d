//! `cargo xtask bench-docker`: how long `docker build` takes after a change,
//! with the Dockerfiles that people write, with cargo-chef's, and with ours.
//!
//! Every round gives every approach a builder image of its own, so nothing that
//! the engine keeps of one answers for another; the scenarios follow each other
//! on one checkout. A change is built with one approach after the other, in
//! another order each time: their times are compared in pairs. All approaches
//! share one cache mount with cargo's downloads: the network is not what is
//! measured.
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
    /// Rounds: each begins with nothing.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// How often a round edits the same source.
    #[arg(long, default_value_t = 1)]
    edits: usize,
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
        let sessions = approaches.iter().map(|approach| builder.start(*approach));
        let mut sessions = sessions.collect::<Result<Vec<_>>>()?;
        for (number, (scenario, turn)) in steps(&scenarios, args.edits).into_iter().enumerate() {
            let title = scenario.title();
            eprintln!("==> {}, round {} of {}: {title}", args.project, round + 1, args.rounds);
            for place in 0..sessions.len() {
                let first = (round + number) % sessions.len();
                let at = (first + place) % sessions.len();
                let session = &mut sessions[at];
                let approach = session.approach;
                let Some(built) = builder.step(session, scenario)? else { continue };
                build::check(approach, scenario, &built)?;
                let sample = Sample { approach, scenario, round, turn, built };
                eprintln!("    {}", sample.line());
                report.samples.push(sample);
                if !args.dry {
                    report.write(&file)?;
                }
            }
        }
        builder.finish(sessions)?;
    }
    println!("{}", report.markdown());
    if !args.dry {
        println!("written to {}", workspace::shown(&file.with_extension("md")));
    }
    Ok(())
}

/// What a round does, in order: with each scenario its turn.
fn steps(scenarios: &[Scenario], edits: usize) -> Vec<(Scenario, usize)> {
    let turns = |scenario: &Scenario| match scenario {
        Scenario::Source | Scenario::Shared => edits,
        _ => 1,
    };
    [Scenario::First]
        .iter()
        .chain(scenarios)
        .flat_map(|scenario| (0..turns(scenario)).map(|turn| (*scenario, turn)))
        .collect()
}
