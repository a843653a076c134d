//! Something changed: what a rebuild costs beside cargo's.

use super::figure::Figure;
use super::sides::{LARDER_AND_CARGO, Sides, interleaved};
use super::warm::walls;
use crate::measure::Cost;
use crate::setting::median;
use anyhow::{Result, ensure};
use std::time::{SystemTime, UNIX_EPOCH};

/// Release: the leaf edited in a fresh checkout; cargo edits its warm tree.
pub(super) fn leaf(sides: &Sides, app: &str, rounds: usize) -> Result<Vec<Figure>> {
    let warm = sides.warm(app, false)?;
    let first = unheard_of();
    let pairs = interleaved(
        rounds,
        LARDER_AND_CARGO,
        |round| {
            let place = warm.fresh()?;
            warm.project.edit_leaf(&place, first + round as u64)?;
            let (cost, counts) = warm.larder(sides, &place)?;
            ensure!(counts.executed > 0 && counts.hits > 0, "larder {counts:?}");
            Ok(cost)
        },
        |round| {
            warm.project.edit_leaf(&warm.tree(), first + round as u64)?;
            warm.cargo(sides)
        },
    )?;
    Ok(vec![rebuilt("leaf edit, release, fresh checkout", &pairs)])
}

/// Dev profile: edits in a checkout that was built and edited before.
pub(super) fn dev(sides: &Sides, app: &str, rounds: usize) -> Result<Vec<Figure>> {
    let warm = sides.warm(app, true)?;
    let first = unheard_of();
    let checkout = warm.place.join("first");
    let larder = |number: u64| {
        warm.project.edit_leaf(&checkout, number)?;
        let (cost, counts) = warm.larder(sides, &checkout)?;
        ensure!(counts.executed > 0 && counts.hits > 0, "larder {counts:?}");
        Ok(cost)
    };
    let cargo = |number: u64| {
        warm.project.edit_leaf(&warm.tree(), number)?;
        warm.cargo(sides)
    };
    larder(first)?;
    cargo(first)?;
    let number = |round: usize| first + 1 + round as u64;
    let pairs = interleaved(
        rounds,
        LARDER_AND_CARGO,
        |round| larder(number(round)),
        |round| cargo(number(round)),
    )?;
    Ok(vec![rebuilt("edit after edit, dev profile", &pairs)])
}

fn rebuilt(what: &str, pairs: &[[Cost; 2]]) -> Figure {
    let ratio = |part: fn(&Cost) -> f64| {
        let ratios = pairs.iter().map(|[larder, cargo]| part(larder) / part(cargo)).collect();
        median(ratios).unwrap_or(f64::NAN)
    };
    let wall = |side: usize| {
        median(pairs.iter().map(|pair| pair[side].wall).collect()).unwrap_or(f64::NAN)
    };
    let note = format!(
        "medians {:.2} s and {:.2} s; user+sys {:.3} × cargo",
        wall(0),
        wall(1),
        ratio(Cost::cpu)
    );
    Figure::at_most(what, ratio(|cost| cost.wall), 1.05, "× cargo", note).samples(walls(pairs))
}

/// A number that no earlier run used in its edits: the store remembers them.
fn unheard_of() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() * 1_000
}
