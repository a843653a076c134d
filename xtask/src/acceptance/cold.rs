//! Nothing stored: what larder's bookkeeping costs a first build, and what of
//! it is observing.

use super::figure::Figure;
use super::sides::{LARDER_AND_CARGO, Sides, interleaved};
use super::warm::walls;
use crate::bench::project::{Project, counts};
use crate::bench::tools::Tool;
use crate::measure::Cost;
use crate::setting::median;
use crate::workspace;
use anyhow::{Result, ensure};
use fs_err as fs;
use std::path::PathBuf;
use std::process::Command;

/// First builds of one application, each in a checkout of its own.
struct Cold {
    project: Project,
    place: PathBuf,
}

impl Cold {
    fn new(app: &str, dev: bool) -> Result<Cold> {
        let place = workspace::target("acceptance").join(format!("{app}-cold"));
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        Ok(Cold { project: Project::new(app, dev)?, place })
    }

    /// A build of a tool's, by a command that `change` has seen, in a new
    /// directory with an empty store. Directories stay until the end: some file
    /// systems are slow to make files for a while after many were removed.
    fn build(
        &self,
        tool: &Tool,
        name: &str,
        round: usize,
        change: impl Fn(&mut Command),
    ) -> Result<Cost> {
        let at = self.place.join(format!("{name}-{round}"));
        let store = at.with_extension("store");
        self.project.checkout(&at)?;
        let mut command = tool.build(&at, &store, self.project.dev);
        change(&mut command);
        let built = self.project.build_by(command, tool, &at, &store)?;
        if tool.name == "larder" {
            let counts = counts(&built.stderr)?;
            ensure!(counts.hits == 0, "the store was not empty: {counts:?}");
        }
        Ok(built.cost)
    }
}

/// Pairs of first builds in fresh checkouts, larder's with an empty store.
pub(super) fn cold(sides: &Sides, app: &str, rounds: usize, dev: bool) -> Result<Vec<Figure>> {
    let cold = Cold::new(app, dev)?;
    let pairs = interleaved(
        rounds,
        LARDER_AND_CARGO,
        |round| cold.build(&sides.larder, "larder", round, |_| {}),
        |round| cold.build(&sides.cargo, "cargo", round, |_| {}),
    )?;
    fs::remove_dir_all(&cold.place)?;
    let note = format!("{}; {}", times(&pairs, Cost::cpu), parts(&pairs));
    Ok(vec![
        Figure::at_most("cold, user+sys", ratio(&pairs, Cost::cpu), 1.03, "× cargo", note)
            .samples(cpus(&pairs)),
        Figure::at_most(
            "cold, wall",
            ratio(&pairs, |c| c.wall),
            1.05,
            "× cargo",
            times(&pairs, |c| c.wall),
        )
        .samples(walls(&pairs)),
    ])
}

/// Pairs of larder's first builds: observing, and not.
pub(super) fn observed(sides: &Sides, app: &str, rounds: usize, dev: bool) -> Result<Vec<Figure>> {
    let cold = Cold::new(app, dev)?;
    let pairs = interleaved(
        rounds,
        ["observing", "not"],
        |round| cold.build(&sides.larder, "observed", round, |_| {}),
        |round| {
            cold.build(&sides.larder, "unobserved", round, |command| {
                command.env("LARDER_OBSERVE", "off");
            })
        },
    )?;
    fs::remove_dir_all(&cold.place)?;
    let profile = if dev { "dev" } else { "release" };
    let note = format!("{profile}; {}; {}", times(&pairs, Cost::cpu), parts(&pairs));
    let ratio = ratio(&pairs, Cost::cpu);
    Ok(vec![
        Figure::at_most("observation, user+sys", ratio, 1.03, "× without", note)
            .samples(cpus(&pairs)),
    ])
}

type Pairs = [[Cost; 2]];

/// The median of the ratios within a pair.
fn ratio(pairs: &Pairs, part: fn(&Cost) -> f64) -> f64 {
    let ratios = pairs.iter().map(|[one, other]| part(one) / part(other)).collect();
    median(ratios).unwrap_or(f64::NAN)
}

fn seconds(pairs: &Pairs, part: fn(&Cost) -> f64, side: usize) -> f64 {
    median(pairs.iter().map(|pair| part(&pair[side])).collect()).unwrap_or(f64::NAN)
}

fn times(pairs: &Pairs, part: fn(&Cost) -> f64) -> String {
    format!("medians {:.2} s and {:.2} s", seconds(pairs, part, 0), seconds(pairs, part, 1))
}

fn parts(pairs: &Pairs) -> String {
    format!(
        "user {:.2} s and {:.2} s, sys {:.2} s and {:.2} s",
        seconds(pairs, |c| c.user, 0),
        seconds(pairs, |c| c.user, 1),
        seconds(pairs, |c| c.sys, 0),
        seconds(pairs, |c| c.sys, 1)
    )
}

fn cpus(pairs: &Pairs) -> Vec<[f64; 2]> {
    pairs.iter().map(|[one, other]| [one.cpu(), other.cpu()]).collect()
}
