//! One application of the corpus: checkouts of it, edits, and builds that are
//! checked before they count.

use super::tools::Tool;
use crate::corpus::{self, App};
use crate::measure::{Measured, measure};
use crate::{process, tree, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One application in one profile.
pub(crate) struct Project {
    pub(crate) app: App,
    pub(crate) source: PathBuf,
    pub(crate) dev: bool,
}

/// What larder says at the end of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) units: usize,
    pub(crate) hits: usize,
    pub(crate) executed: usize,
}

impl Project {
    pub(crate) fn new(name: &str, dev: bool) -> Result<Project> {
        Ok(Project { app: corpus::find(name)?, source: corpus::source(name)?, dev })
    }

    /// A fresh checkout.
    pub(crate) fn checkout(&self, place: &Path) -> Result<()> {
        if place.exists() {
            fs::remove_dir_all(place)?;
        }
        tree::copy(&self.source, place, &["target"])
    }

    /// Builds a checkout, and checks that what was asked for is there and runs.
    pub(crate) fn build(&self, tool: &Tool, place: &Path, store: &Path) -> Result<Measured> {
        self.build_by(tool.build(place, store, self.dev), tool, place, store)
    }

    /// The same, by a command of the tool's that may be changed.
    pub(crate) fn build_by(
        &self,
        mut command: Command,
        tool: &Tool,
        place: &Path,
        store: &Path,
    ) -> Result<Measured> {
        let measured = measure(&mut command, tool.asked(place, store), tool.stop(store))?;
        self.run(place).with_context(|| format!("after a build with {}", tool.name))?;
        Ok(measured)
    }

    /// The application's executable in a checkout.
    pub(crate) fn binary(&self, place: &Path) -> Result<PathBuf> {
        let program = self.app.runs.first().context("the application runs nothing")?;
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        let profile = if self.dev { "debug" } else { "release" };
        Ok(place.join("target").join(profile).join(name))
    }

    fn run(&self, place: &Path) -> Result<()> {
        let mut command = process::command(self.binary(place)?);
        process::run_quietly(command.args(self.app.runs.iter().skip(1)))?;
        Ok(())
    }

    /// Adds a function to the leaf source file; another one for each `number`.
    pub(crate) fn edit_leaf(&self, place: &Path, number: u64) -> Result<()> {
        let leaf = place.join(&self.app.leaf);
        let text = fs::read_to_string(self.source.join(&self.app.leaf))
            .context("corpus.toml names another leaf")?;
        let edit =
            format!("\n#[allow(dead_code)]\nfn benchmark_{number}() -> u64 {{\n    {number}\n}}\n");
        fs::write(&leaf, text + &edit)?;
        Ok(())
    }

    /// Moves the dependency to the version of corpus.toml. `false` where the
    /// application has none.
    pub(crate) fn bump(&self, place: &Path, offline: bool) -> Result<bool> {
        let Some([name, version]) = &self.app.bump else { return Ok(false) };
        let mut update = process::command("cargo");
        update
            .args(["update", "--quiet", "--package", name, "--precise", version])
            .current_dir(place);
        if offline {
            update.arg("--offline");
        }
        process::run_quietly(&mut update)?;
        Ok(true)
    }

    /// Fetches what the bumped lock file needs, so that no build waits for it.
    pub(crate) fn prefetch(&self) -> Result<()> {
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
}

/// Reads larder's last line: `Larder 45 units: 44 from the store, 1 executed`.
pub(crate) fn counts(stderr: &str) -> Result<Counts> {
    let line = stderr.lines().rev().find_map(|line| line.trim_start().strip_prefix("Larder "));
    let numbers: Vec<usize> = line
        .unwrap_or_default()
        .split('(')
        .next()
        .unwrap_or_default()
        .split([' ', ','])
        .filter_map(|word| word.parse().ok())
        .collect();
    match numbers[..] {
        [units, hits, executed] => Ok(Counts { units, hits, executed }),
        _ => bail!("larder said no counts:\n{stderr}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larders_line_is_read() {
        let said =
            "    Finished x\n      Larder 45 units: 44 from the store, 1 executed (2 s saved)\n";
        assert_eq!(counts(said).unwrap(), Counts { units: 45, hits: 44, executed: 1 });
        assert!(counts("    Finished `dev` profile\n").is_err());
    }
}
