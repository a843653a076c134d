//! Ten worktrees: what they occupy beyond the first.

use super::figure::Figure;
use super::sides::Sides;
use crate::bench::project::{Project, counts};
use crate::{tree, workspace};
use anyhow::{Result, ensure};
use fs_err as fs;

const WORKTREES: usize = 10;

/// Release builds in ten checkouts over one store. Counted is everything that
/// was not there before: the store and the target directories, without the
/// executable that was asked for.
pub(super) fn disk(sides: &Sides, app: &str) -> Result<Vec<Figure>> {
    let project = Project::new(app, false)?;
    let place = workspace::target("acceptance").join(format!("{app}-disk"));
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let store = place.join("store");
    let (mut targets, mut one) = (0, 0);
    for number in 0..WORKTREES {
        let checkout = place.join(format!("worktree-{number}"));
        project.checkout(&checkout)?;
        let built = project.build(&sides.larder, &checkout, &store)?;
        let counts = counts(&built.stderr)?;
        ensure!(number == 0 || counts.executed == 0, "worktree {number}: larder {counts:?}");
        fs::remove_file(project.binary(&checkout)?)?;
        targets += tree::bytes_on_disk(&checkout.join("target"))?;
        if number == 0 {
            one = tree::bytes_on_disk(&store)? + targets;
        }
    }
    let all = tree::bytes_on_disk(&store)? + targets;
    fs::remove_dir_all(&place)?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let note =
        format!("{:.1} MB with one, {:.1} MB with {WORKTREES}", megabytes(one), megabytes(all));
    let ratio = all as f64 / one.max(1) as f64;
    Ok(vec![Figure::at_most("disk of ten worktrees", ratio, 1.1, "× one", note)])
}
