//! `cargo xtask bench`: larder beside cargo and its peers, in one run.
//!
//! Every round does every scenario with every tool, and each round begins with
//! another tool, so that a machine that gets slower does so for all. What is
//! compared is the median over the rounds, and the median of the ratios to
//! cargo within a round. The scenarios are [`scenario::Scenario`]'s.
//!
//! The run's file is written after every tool of every round; `--resume` goes
//! on where an interrupted run stopped.

pub(crate) mod project;
mod report;
mod said;
mod scenario;
pub(crate) mod tools;

use crate::{measure, setting};
use anyhow::{Result, ensure};
use project::Project;
use report::Report;
use scenario::Scenario;

/// Measure larder beside cargo and its peers.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Applications of the corpus.
    #[arg(default_value = "ripgrep")]
    apps: Vec<String>,
    /// Rounds; medians of fewer than five say little.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Tools, in the order of the table.
    #[arg(long, value_delimiter = ',', default_values_t = tools::names())]
    tools: Vec<String>,
    /// Scenarios (default: all).
    #[arg(long, value_delimiter = ',', value_enum)]
    scenarios: Vec<Scenario>,
    /// Worktrees whose disk space is measured.
    #[arg(long, default_value_t = 10)]
    worktrees: usize,
    /// Build in the dev profile (default: release).
    #[arg(long)]
    dev: bool,
    /// This binary of larder instead of the workspace's.
    #[arg(long)]
    larder: Option<std::path::PathBuf>,
    /// Go on with the last run of today.
    #[arg(long)]
    resume: bool,
}

/// Runs `cargo xtask bench`.
pub(crate) fn run(args: &Args) -> Result<()> {
    use clap::ValueEnum;
    measure::adopt_orphans();
    let tools = tools::install(&args.tools, args.larder.as_deref())?;
    let all = Scenario::value_variants().to_vec();
    let scenarios = if args.scenarios.is_empty() { all } else { args.scenarios.clone() };
    for name in &args.apps {
        let project = Project::new(name, args.dev)?;
        if scenarios.contains(&Scenario::Bump) {
            project.prefetch()?;
        }
        let mut report = Report::new(&project.app, &tools, args.dev)?;
        let file = setting::run_file(&report.name(), args.resume)?;
        if let Some(before) = args.resume.then(|| Report::read(&file)).transpose()?.flatten() {
            ensure!(
                before.is_like(&report),
                "{} is of other versions: it cannot be resumed",
                file.display()
            );
            report = before;
        }
        if scenarios.iter().any(|scenario| *scenario != Scenario::Disk) {
            for round in 0..args.rounds {
                for turn in 0..tools.len() {
                    let tool = &tools[(round + turn) % tools.len()];
                    if report.has(tool.name, round) {
                        continue;
                    }
                    eprintln!("==> {name}, round {} of {}: {}", round + 1, args.rounds, tool.name);
                    report.samples.extend(project.round(tool, round, &scenarios)?);
                    report.write(&file)?;
                }
            }
        }
        if scenarios.contains(&Scenario::Disk) && args.worktrees > 0 {
            for tool in tools.iter().filter(|tool| !report.has_disk(tool.name)).collect::<Vec<_>>()
            {
                eprintln!("==> {name}, {} worktrees: {}", args.worktrees, tool.name);
                report.disk.push(project.disk(tool, args.worktrees)?);
                report.write(&file)?;
            }
        }
        println!("{}", report.markdown());
        println!("written to {}", crate::workspace::shown(&file.with_extension("md")));
    }
    Ok(())
}
