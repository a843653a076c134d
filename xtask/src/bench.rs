//! `cargo xtask bench`: larder beside cargo and its peers, in one run.
//!
//! Every round does every scenario with every tool, and each round begins with
//! another tool, so that a machine that gets slower does so for all. What is
//! compared is the median over the rounds, and the median of the ratios to
//! cargo within a round.
//!
//! | scenario | what is measured |
//! |---|---|
//! | `cold` | a build with nothing stored and no target directory |
//! | `same` | the same build again |
//! | `elsewhere` | the same build in a fresh checkout in another directory |
//! | `leaf` | then a function added to the leaf source file, there |
//! | `bump` | then one dependency in another version, there |
//! | disk | bytes of everything but the sources, for one and for ten worktrees |

mod measure;
mod report;
mod scenario;
mod tools;

use crate::{corpus, workspace};
use anyhow::Result;
use fs_err as fs;
use report::Report;

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
    /// Worktrees whose disk space is measured; 0 leaves that out.
    #[arg(long, default_value_t = 10)]
    worktrees: usize,
    /// Build in the dev profile (default: release).
    #[arg(long)]
    dev: bool,
}

/// Runs `cargo xtask bench`.
pub(crate) fn run(args: &Args) -> Result<()> {
    measure::adopt_orphans();
    let tools = tools::install(&args.tools)?;
    for name in &args.apps {
        let app = corpus::find(name)?;
        let source = corpus::source(name)?;
        let bench = scenario::Bench { app: &app, source: &source, dev: args.dev };
        bench.prefetch()?;
        let mut report = Report::new(&app, &tools, args.dev)?;
        for round in 0..args.rounds {
            for turn in 0..tools.len() {
                let tool = &tools[(round + turn) % tools.len()];
                eprintln!("==> {name}, round {} of {}: {}", round + 1, args.rounds, tool.name);
                report.samples.extend(bench.round(tool, round)?);
            }
        }
        if args.worktrees > 0 {
            for tool in &tools {
                eprintln!("==> {name}, {} worktrees: {}", args.worktrees, tool.name);
                report.disk.push(bench.disk(tool, args.worktrees)?);
            }
        }
        let stem = workspace::root().join("benches/runs").join(report.stem());
        fs::create_dir_all(stem.parent().unwrap_or(&stem))?;
        fs::write(stem.with_extension("json"), serde_json::to_string_pretty(&report)? + "\n")?;
        let text = report.markdown();
        fs::write(stem.with_extension("md"), &text)?;
        println!("{text}");
    }
    Ok(())
}
