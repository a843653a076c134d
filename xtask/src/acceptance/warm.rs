//! Nothing changed: how near larder comes to doing nothing.

use super::figure::Figure;
use super::sides::{LARDER_AND_CARGO, Sides, interleaved};
use crate::measure::Cost;
use crate::setting::median;
use anyhow::Result;
use fs_err as fs;

/// A fresh checkout elsewhere, with everything in the store, the plan too.
pub(super) fn warm(sides: &Sides, app: &str, rounds: usize) -> Result<Vec<Figure>> {
    let warm = sides.warm(app, false)?;
    // The plan of the command as it is measured.
    warm.nothing(sides, &warm.fresh()?)?;
    let pairs = interleaved(
        rounds,
        LARDER_AND_CARGO,
        |_| warm.nothing(sides, &warm.fresh()?),
        |_| warm.cargo(sides),
    )?;
    let (larder, cargo) = medians(&pairs);
    let limit = (2.0 * cargo).max(0.1);
    let note = format!("cargo's no-op in its warm tree: {cargo:.3} s");
    let figure = Figure::at_most("fresh checkout elsewhere, warm plan", larder, limit, "s", note);
    Ok(vec![figure.samples(walls(&pairs))])
}

/// The same, the plan cache emptied before every build.
pub(super) fn unplanned(sides: &Sides, app: &str, rounds: usize) -> Result<Vec<Figure>> {
    let warm = sides.warm(app, false)?;
    let pairs = interleaved(
        rounds,
        LARDER_AND_CARGO,
        |_| {
            let place = warm.fresh()?;
            let plans = warm.store().join("v1/plans");
            anyhow::ensure!(plans.is_dir(), "the store keeps its plans elsewhere");
            fs::remove_dir_all(plans)?;
            warm.nothing(sides, &place)
        },
        |_| warm.plan(&warm.fresh()?),
    )?;
    let (larder, cargo) = medians(&pairs);
    let note = format!("cargo's planning (`--unit-graph`): {cargo:.3} s");
    let figure =
        Figure::at_most("fresh checkout elsewhere, no plan", larder, cargo + 0.2, "s", note);
    Ok(vec![figure.samples(walls(&pairs))])
}

fn medians(pairs: &[[Cost; 2]]) -> (f64, f64) {
    let side = |side: usize| {
        median(pairs.iter().map(|pair| pair[side].wall).collect()).unwrap_or(f64::NAN)
    };
    (side(0), side(1))
}

pub(super) fn walls(pairs: &[[Cost; 2]]) -> Vec<[f64; 2]> {
    pairs.iter().map(|[larder, cargo]| [larder.wall, cargo.wall]).collect()
}
