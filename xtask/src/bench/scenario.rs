//! The scenarios: directories, edits, and the builds that are measured.
//!
//! ```text
//! target/bench/<app>/<tool>/
//!   store/          what the tool stores
//!   first/ second/  checkouts
//! ```

use super::measure::{Cost, measure};
use super::report::{Disk, Sample};
use super::tools::Tool;
use crate::corpus::App;
use crate::{process, tree, workspace};
use anyhow::{Context, Result};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// One application, to be measured with every tool.
pub(super) struct Bench<'a> {
    pub(super) app: &'a App,
    pub(super) source: &'a Path,
    pub(super) dev: bool,
}

impl Bench<'_> {
    /// Fetches what the bumped lock file needs, so that no build waits for it.
    pub(super) fn prefetch(&self) -> Result<()> {
        let place = workspace::target("bench").join(&self.app.name).join("prefetch");
        self.checkout(&place)?;
        if self.bump(&place, false)? {
            process::run_quietly(
                process::command("cargo").args(["fetch", "--quiet"]).current_dir(&place),
            )?;
        }
        fs::remove_dir_all(&place)?;
        Ok(())
    }

    /// All scenarios once.
    pub(super) fn round(&self, tool: &Tool, round: usize) -> Result<Vec<Sample>> {
        let place = self.fresh(tool)?;
        let (first, second) = (place.join("first"), place.join("second"));
        let mut samples = Vec::new();
        let mut take = |scenario: &str, project: &Path| -> Result<()> {
            let cost = self.build(tool, project, &place.join("store"))?;
            eprintln!("    {scenario:<10} {:>8.2} s wall {:>8.2} s user+sys", cost.wall, cost.cpu);
            samples.push(Sample {
                tool: tool.name.to_owned(),
                scenario: scenario.to_owned(),
                round,
                cost,
            });
            Ok(())
        };
        self.checkout(&first)?;
        take("cold", &first)?;
        take("same", &first)?;
        self.checkout(&second)?;
        take("elsewhere", &second)?;
        self.edit_leaf(&second, round)?;
        take("leaf", &second)?;
        if self.bump(&second, true)? {
            take("bump", &second)?;
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
        let sources = tree::bytes_on_disk(self.source)?;
        fs::remove_dir_all(&place)?;
        Ok(Disk {
            tool: tool.name.to_owned(),
            worktrees,
            one: one.saturating_sub(sources),
            all: all.saturating_sub(sources * worktrees as u64),
        })
    }

    fn build(&self, tool: &Tool, project: &Path, store: &Path) -> Result<Cost> {
        let mut stop = tool.stop(store);
        measure(&mut tool.build(project, store, self.dev), stop.as_mut())
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

    fn checkout(&self, project: &Path) -> Result<()> {
        if project.exists() {
            fs::remove_dir_all(project)?;
        }
        tree::copy(self.source, project, &["target"])
    }

    /// An edit that no earlier round made.
    fn edit_leaf(&self, project: &Path, round: usize) -> Result<()> {
        let leaf = project.join(&self.app.leaf);
        let text = fs::read_to_string(&leaf).context("corpus.toml names another leaf")?;
        let edit = format!(
            "\n#[allow(dead_code)]\nfn benchmark_round_{round}() -> usize {{\n    {round}\n}}\n"
        );
        fs::write(&leaf, text + &edit)?;
        Ok(())
    }

    /// Moves the dependency, where the application has one for it.
    fn bump(&self, project: &Path, offline: bool) -> Result<bool> {
        let Some([name, version]) = &self.app.bump else { return Ok(false) };
        let mut update = process::command("cargo");
        update
            .args(["update", "--quiet", "--package", name, "--precise", version])
            .current_dir(project);
        if offline {
            update.arg("--offline");
        }
        process::run_quietly(&mut update)?;
        Ok(true)
    }
}
