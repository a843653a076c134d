//! The scenarios: directories, edits, and the builds that are measured.
//!
//! ```text
//! target/bench/<app>/<tool>/
//!   store/          what the tool stores
//!   first/ second/  checkouts
//! ```

use super::project::{Project, counts};
use super::report::{Disk, Sample};
use super::tools::Tool;
use crate::measure::Measured;
use crate::{tree, workspace};
use anyhow::{Result, ensure};
use clap::ValueEnum;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is measured. Those before a chosen one are built too, unmeasured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// A build with nothing stored and no target directory.
    Cold,
    /// The same build again.
    Same,
    /// The same build in a fresh checkout in another directory.
    Elsewhere,
    /// Then a function added to the leaf source file, there.
    Leaf,
    /// Then one dependency in another version, there.
    Bump,
    /// Bytes of everything but the sources, for one and for many worktrees.
    Disk,
}

impl Scenario {
    /// For tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Scenario::Cold => "cold",
            Scenario::Same => "nothing changed, same directory",
            Scenario::Elsewhere => "nothing changed, fresh checkout elsewhere",
            Scenario::Leaf => "leaf edit",
            Scenario::Bump => "one dependency bumped",
            Scenario::Disk => "disk",
        }
    }
}

impl Project {
    /// The chosen scenarios once. What a build must have done for its time to
    /// count is checked: the binary runs; larder executed all, nothing, or
    /// something in between; a cache answers the second checkout.
    pub(super) fn round(
        &self,
        tool: &Tool,
        round: usize,
        chosen: &[Scenario],
    ) -> Result<Vec<Sample>> {
        let place = self.fresh(tool)?;
        let (first, second) = (place.join("first"), place.join("second"));
        let last = chosen.iter().filter(|s| **s != Scenario::Disk).max().copied();
        let mut samples = Vec::new();
        for scenario in Scenario::value_variants().iter().copied().filter(|s| *s != Scenario::Disk)
        {
            if Some(scenario) > last {
                break;
            }
            let at = match scenario {
                Scenario::Cold | Scenario::Same => &first,
                _ => &second,
            };
            match scenario {
                Scenario::Cold => self.checkout(&first)?,
                Scenario::Elsewhere => self.checkout(&second)?,
                Scenario::Leaf => self.edit_leaf(&second, round as u64)?,
                Scenario::Bump if !self.bump(&second, true)? => continue,
                _ => {}
            }
            let built = self.build(tool, at, &place.join("store"))?;
            check(tool, scenario, &built)?;
            if !chosen.contains(&scenario) {
                continue;
            }
            let (wall, cpu) = (built.cost.wall, built.cost.cpu());
            let said = tool.said(&built);
            eprintln!(
                "    {:<42} {wall:>8.2} s wall {cpu:>8.2} s user+sys  {said}",
                scenario.title()
            );
            samples.push(Sample {
                tool: tool.name.to_owned(),
                scenario,
                round,
                cost: built.cost,
                said,
            });
        }
        Ok(samples)
    }

    /// Bytes of one and of `worktrees` built checkouts, and of the store.
    pub(super) fn disk(&self, tool: &Tool, worktrees: usize) -> Result<Disk> {
        let place = self.fresh(tool)?;
        let mut one = 0;
        for number in 0..worktrees {
            let project = place.join(format!("worktree-{number}"));
            self.checkout(&project)?;
            self.build(tool, &project, &place.join("store"))?;
            if number == 0 {
                one = tree::bytes_on_disk(&place)?;
            }
        }
        let all = tree::bytes_on_disk(&place)?;
        let sources = tree::bytes_on_disk(&self.source)?;
        fs::remove_dir_all(&place)?;
        Ok(Disk {
            tool: tool.name.to_owned(),
            worktrees,
            one: one.saturating_sub(sources),
            all: all.saturating_sub(sources * worktrees as u64),
        })
    }

    /// The tool's directory, empty.
    fn fresh(&self, tool: &Tool) -> Result<PathBuf> {
        let place = workspace::target("bench").join(&self.app.name).join(tool.name);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::create_dir_all(place.join("store"))?;
        Ok(place)
    }
}

/// Whether the build was of the kind that its scenario is about.
fn check(tool: &Tool, scenario: Scenario, built: &Measured) -> Result<()> {
    if tool.name == "larder" {
        let counts = counts(&built.stderr)?;
        let right = match scenario {
            Scenario::Cold => counts.hits == 0,
            Scenario::Same | Scenario::Elsewhere => counts.executed == 0,
            _ => counts.executed > 0 && counts.hits > 0,
        };
        ensure!(right, "{}: larder {counts:?}", scenario.title());
    } else if scenario == Scenario::Elsewhere
        && let Some(hits) = tool.hits(built)
    {
        ensure!(
            hits > 0,
            "{} answered nothing: it is not set up. It said:\n{}",
            tool.name,
            built.answer
        );
    }
    Ok(())
}
