//! A project with settings of the frontend in its manifest, as tests build it.

use super::engine::Engine;
use super::frontend_image::IMAGE;
use super::images::{BUILDER, RUNTIME};
use crate::process;
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a manifest that is built begins with.
pub(super) fn syntax() -> String {
    format!("# syntax={IMAGE}\n")
}

/// The images that there are here; small and quick programs. Lines of a table.
pub(super) fn settings() -> String {
    format!("builder = \"{BUILDER}\"\nbase = \"{RUNTIME}\"\nprofile = \"dev\"\n")
}

/// A project on disk.
pub(super) struct Buildable<'a> {
    engine: &'a Engine,
    /// Its directory.
    pub(super) root: PathBuf,
    /// `-f`.
    file: String,
    tag: String,
}

impl<'a> Buildable<'a> {
    /// Writes it, with flags for all units that no other run has: what the
    /// engine kept of one must not answer for this one.
    pub(super) fn write(
        engine: &'a Engine,
        scratch: &Path,
        name: &str,
        files: &[(&str, &str)],
    ) -> Result<Self> {
        let root = scratch.join(name);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let nonce: String = root.to_string_lossy().chars().map(plain).collect();
        let flags = format!("[build]\nrustflags = [\"--cfg\", \"run{nonce}\"]\n");
        for (path, text) in files.iter().copied().chain([(".cargo/config.toml", flags.as_str())]) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().context("a parent")?)?;
            fs::write(path, text)?;
        }
        let file = "Cargo.toml".to_owned();
        let tag = format!("larder-test/frontend-{name}");
        let written = Self { engine, root, file, tag };
        written.cargo(&["generate-lockfile"])?;
        Ok(written)
    }

    /// Another manifest of it is built from here on.
    pub(super) fn of_file(mut self, file: &str) -> Self {
        file.clone_into(&mut self.file);
        self
    }

    /// Cargo in its directory.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Result<()> {
        process::run_quietly(process::command("cargo").args(arguments).current_dir(&self.root))?;
        Ok(())
    }

    /// Replaces a text that must be there.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.root.join(file);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "no {from:?} in {file}");
        fs::write(path, text.replace(from, to))?;
        Ok(())
    }

    /// `docker build`, with a context that may be another one.
    pub(super) fn build(&self, arguments: &[&str], context: &str) -> Command {
        let mut command = self.engine.docker();
        command.args(["build", "--progress=plain", "--network=host", "--file", &self.file]);
        command.args(["--tag", &self.tag]).args(arguments).arg(context).current_dir(&self.root);
        command
    }

    /// Builds its image; what the build printed.
    pub(super) fn image(&self, arguments: &[&str]) -> Result<String> {
        let output = process::run_quietly(&mut self.build(arguments, "."))?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Fails to build; what the build printed.
    pub(super) fn failure(&self, arguments: &[&str]) -> Result<String> {
        let output = self.build(arguments, ".").output()?;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success(), "this should not have become an image:\n{log}");
        Ok(log)
    }

    /// What its image prints.
    pub(super) fn says(&self, text: &str) -> Result<()> {
        let mut command = self.engine.docker();
        command.args(["run", "--rm", "--network=none", &self.tag]);
        let output = process::run_quietly(&mut command)?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(said.trim() == text, "{} says {said:?}, not {text:?}", self.tag);
        Ok(())
    }
}
