//! The two sides, cargo and larder, and what they keep between figures.
//!
//! ```text
//! target/acceptance/<app>[-dev]/
//!   cargo/      a warm tree of cargo's
//!   store/      a store that has everything
//!   first/      the checkout that filled it
//!   fresh/      checkouts that come and go
//! ```

use crate::bench::project::{Counts, Project, counts};
use crate::bench::tools::{self, Tool};
use crate::measure::{Cost, Measured, measure};
use crate::{process, workspace};
use anyhow::{Result, ensure};
use fs_err as fs;
use std::path::{Path, PathBuf};

pub(super) struct Sides {
    pub(super) cargo: Tool,
    pub(super) larder: Tool,
}

/// A project with a warm tree and a filled store.
pub(super) struct Warm {
    pub(super) project: Project,
    pub(super) place: PathBuf,
}

impl Sides {
    pub(super) fn new(larder: Option<&Path>) -> Result<Sides> {
        let mut tools = tools::install(&["cargo".to_owned(), "larder".to_owned()], larder)?;
        let larder = tools.pop();
        let (Some(cargo), Some(larder)) = (tools.pop(), larder) else {
            anyhow::bail!("cargo and larder are not there")
        };
        Ok(Sides { cargo, larder })
    }

    /// Builds what is not there from an earlier figure, without measuring.
    pub(super) fn warm(&self, app: &str, dev: bool) -> Result<Warm> {
        let project = Project::new(app, dev)?;
        let name = format!("{app}{}", if dev { "-dev" } else { "" });
        let warm = Warm { project, place: workspace::target("acceptance").join(name) };
        for tree in [warm.tree(), warm.place.join("first")] {
            if tree.exists() {
                // The leaf as it was, and nothing else touched.
                let leaf = &warm.project.app.leaf;
                fs::copy(warm.project.source.join(leaf), tree.join(leaf))?;
            } else {
                warm.project.checkout(&tree)?;
            }
        }
        warm.project.build(&self.cargo, &warm.tree(), &warm.store())?;
        warm.project.build(&self.larder, &warm.place.join("first"), &warm.store())?;
        Ok(warm)
    }
}

impl Warm {
    /// Cargo's warm tree.
    pub(super) fn tree(&self) -> PathBuf {
        self.place.join("cargo")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.place.join("store")
    }

    /// A new checkout that nothing was built in.
    pub(super) fn fresh(&self) -> Result<PathBuf> {
        let place = self.place.join("fresh");
        self.project.checkout(&place)?;
        Ok(place)
    }

    /// A build of larder's in a checkout, with what it did.
    pub(super) fn larder(&self, sides: &Sides, at: &Path) -> Result<(Cost, Counts)> {
        let built = self.project.build(&sides.larder, at, &self.store())?;
        Ok((built.cost, counts(&built.stderr)?))
    }

    /// A build of cargo's in its warm tree.
    pub(super) fn cargo(&self, sides: &Sides) -> Result<Cost> {
        Ok(self.project.build(&sides.cargo, &self.tree(), &self.store())?.cost)
    }

    /// A build of larder's that has to execute nothing.
    pub(super) fn nothing(&self, sides: &Sides, at: &Path) -> Result<Cost> {
        let (cost, counts) = self.larder(sides, at)?;
        ensure!(counts.executed == 0, "larder executed something: {counts:?}");
        Ok(cost)
    }

    /// Cargo planning in a checkout, without any cache of its own.
    pub(super) fn plan(&self, at: &Path) -> Result<Cost> {
        let mut command = process::command("cargo");
        command.args(["build", "--offline", "--unit-graph", "-Zunstable-options"]);
        if !self.project.dev {
            command.arg("--release");
        }
        command.env("RUSTC_BOOTSTRAP", "1").current_dir(at);
        let Measured { cost, .. } = measure(&mut command, None, None)?;
        Ok(cost)
    }
}

/// Who is compared, unless it is something else.
pub(super) const LARDER_AND_CARGO: [&str; 2] = ["larder", "cargo"];

/// The rounds of two sides, each round beginning with the other one.
pub(super) fn interleaved(
    rounds: usize,
    names: [&str; 2],
    mut one: impl FnMut(usize) -> Result<Cost>,
    mut other: impl FnMut(usize) -> Result<Cost>,
) -> Result<Vec<[Cost; 2]>> {
    let mut pairs = Vec::new();
    for round in 0..rounds {
        let pair = if round % 2 == 0 {
            let first = one(round)?;
            [first, other(round)?]
        } else {
            let first = other(round)?;
            [one(round)?, first]
        };
        eprintln!(
            "    round {}: {} {:.3} s wall {:.3} s user+sys, {} {:.3} s and {:.3} s",
            round + 1,
            names[0],
            pair[0].wall,
            pair[0].cpu(),
            names[1],
            pair[1].wall,
            pair[1].cpu()
        );
        pairs.push(pair);
    }
    Ok(pairs)
}
