//! Nothing stored: what larder's bookkeeping costs a first build.

use super::figure::Figure;
use super::sides::{Sides, interleaved};
use super::warm::walls;
use crate::bench::project::{Project, counts};
use crate::bench::tools::Tool;
use crate::measure::Cost;
use crate::setting::median;
use crate::workspace;
use anyhow::{Result, ensure};
use fs_err as fs;

/// Pairs of first builds in fresh checkouts, larder's with an empty store.
pub(super) fn cold(sides: &Sides, app: &str, rounds: usize) -> Result<Vec<Figure>> {
    let project = Project::new(app, false)?;
    let place = workspace::target("acceptance").join(format!("{app}-cold"));
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    // Directories of their own, removed at the end: some file systems are slow
    // to make files for a while after many were removed.
    let build = |tool: &Tool, round: usize| -> Result<Cost> {
        let at = place.join(format!("{}-{round}", tool.name));
        let store = at.with_extension("store");
        project.checkout(&at)?;
        let built = project.build(tool, &at, &store)?;
        if tool.name == sides.larder.name {
            let counts = counts(&built.stderr)?;
            ensure!(counts.hits == 0, "the store was not empty: {counts:?}");
        }
        Ok(built.cost)
    };
    let pairs = interleaved(
        rounds,
        |round| build(&sides.larder, round),
        |round| build(&sides.cargo, round),
    )?;
    fs::remove_dir_all(&place)?;
    let ratio = |part: fn(&Cost) -> f64| {
        let ratios = pairs.iter().map(|[larder, cargo]| part(larder) / part(cargo)).collect();
        median(ratios).unwrap_or(f64::NAN)
    };
    let seconds = |part: fn(&Cost) -> f64, side: usize| {
        median(pairs.iter().map(|pair| part(&pair[side])).collect()).unwrap_or(f64::NAN)
    };
    let note = |part: fn(&Cost) -> f64| {
        format!("medians {:.2} s and {:.2} s", seconds(part, 0), seconds(part, 1))
    };
    let parts = format!(
        "; user {:.2} s and {:.2} s, sys {:.2} s and {:.2} s",
        seconds(|c| c.user, 0),
        seconds(|c| c.user, 1),
        seconds(|c| c.sys, 0),
        seconds(|c| c.sys, 1)
    );
    let cpus = pairs.iter().map(|[larder, cargo]| [larder.cpu(), cargo.cpu()]).collect();
    Ok(vec![
        Figure::at_most(
            "cold, user+sys",
            ratio(Cost::cpu),
            1.03,
            "× cargo",
            note(Cost::cpu) + &parts,
        )
        .samples(cpus),
        Figure::at_most("cold, wall", ratio(|c| c.wall), 1.05, "× cargo", note(|c| c.wall))
            .samples(walls(&pairs)),
    ])
}
