//! `cargo xtask acceptance`: the figures that larder has to reach, each
//! measured beside cargo on this machine, with its target and a verdict.
//!
//! | figure | what is measured | at most |
//! |---|---|---|
//! | `warm` | fresh checkout elsewhere, nothing changed, plan cache warm: wall | 2 × cargo's no-op in a warm tree, or 100 ms |
//! | `unplanned` | the same without the plan cache: wall | cargo's `--unit-graph` + 0.2 s |
//! | `cold` | nothing stored: user+sys, and wall | 1.03 × and 1.05 × cargo |
//! | `observed` | the same, observing and not (`LARDER_OBSERVE=off`): user+sys | 1.03 × without |
//! | `leaf` | release, an edit in a fresh checkout: wall | 1.05 × cargo's rebuild in its warm tree |
//! | `dev` | dev profile, second and later edits in one checkout: wall | 1.05 × cargo |
//! | `disk` | ten worktrees in release, delivered files aside: bytes | 1.1 × one |
//! | `keys` | identities, keys and lookups of 2,000 units: user time | 0.1 s |
//! | `bits` | registry units of two builds in different places: identical files | at least 98 % |
//!
//! Every build is checked: the binary runs, and larder executed what the figure
//! is about. Times are medians of interleaved rounds; each round begins with
//! the other side. The run's file is written after every figure.

mod bits;
mod cold;
mod disk;
mod edits;
mod figure;
mod keys;
mod sides;
mod warm;

use crate::{measure, setting};
use anyhow::Result;
use clap::ValueEnum;
use figure::Run;
use sides::Sides;

/// Measure the figures that larder has to reach.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Figures (default: all).
    #[arg(value_enum)]
    figures: Vec<Name>,
    /// Applications of the corpus, instead of those that a figure is about.
    #[arg(long, value_delimiter = ',')]
    apps: Vec<String>,
    /// Interleaved rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// For `bits` and `observed`: build in release, not in the dev profile.
    #[arg(long)]
    release: bool,
    /// For `cold`: build in the dev profile, not in release.
    #[arg(long)]
    dev: bool,
    /// This binary of larder instead of the workspace's.
    #[arg(long)]
    larder: Option<std::path::PathBuf>,
    /// Print only: write nothing below `benches/runs`.
    #[arg(long)]
    dry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Warm,
    Unplanned,
    Cold,
    Observed,
    Leaf,
    Dev,
    Disk,
    Keys,
    Bits,
}

impl Name {
    /// The applications that a figure is about.
    fn apps(self) -> Result<Vec<String>> {
        Ok(match self {
            Name::Warm | Name::Unplanned | Name::Cold | Name::Leaf => {
                vec!["ripgrep".to_owned(), "miniserve".to_owned()]
            }
            Name::Observed => ["ripgrep", "hyperfine", "bat"].map(str::to_owned).to_vec(),
            Name::Dev | Name::Disk => vec!["ripgrep".to_owned()],
            Name::Keys => vec![String::new()],
            Name::Bits => crate::corpus::apps()?.into_iter().map(|app| app.name).collect(),
        })
    }
}

/// Runs `cargo xtask acceptance`.
pub(crate) fn run(args: &Args) -> Result<()> {
    measure::adopt_orphans();
    let wanted = if args.figures.is_empty() { Name::value_variants() } else { &args.figures };
    let sides = Sides::new(args.larder.as_deref())?;
    let file = setting::run_file("acceptance", false)?;
    let mut run = Run::new(args.rounds)?;
    for &name in wanted {
        let apps = match name {
            Name::Keys => name.apps()?,
            _ if args.apps.is_empty() => name.apps()?,
            _ => args.apps.clone(),
        };
        for app in apps {
            let shown = name.to_possible_value().map_or_else(String::new, |v| v.get_name().into());
            eprintln!("==> {shown} {app}");
            let figures = match name {
                Name::Warm => warm::warm(&sides, &app, args.rounds),
                Name::Unplanned => warm::unplanned(&sides, &app, args.rounds),
                Name::Cold => cold::cold(&sides, &app, args.rounds, args.dev),
                Name::Observed => cold::observed(&sides, &app, args.rounds, !args.release),
                Name::Leaf => edits::leaf(&sides, &app, args.rounds),
                Name::Dev => edits::dev(&sides, &app, args.rounds),
                Name::Disk => disk::disk(&sides, &app),
                Name::Keys => keys::keys(&sides, args.rounds),
                Name::Bits => bits::bits(&sides, &app, args.release),
            };
            run.add(&shown, &app, figures);
            if !args.dry {
                run.write(&file)?;
            }
        }
    }
    println!("{}", run.markdown());
    run.verdict()
}
