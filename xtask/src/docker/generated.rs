//! The generated Dockerfile on a real engine: it builds, the image runs, and a
//! second build compiles only what changed.

use super::engine::Engine;
use super::images::{BUILDER, RUNTIME};
use crate::{process, workspace};
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// One way of keeping results, and the builds that show it.
pub(super) fn check(engine: &Engine, larder: &Path, cache: &str) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let project = Project::write(scratch.path(), cache)?;
    project.generate(larder, &["--cache", cache])?;

    project.build(engine, larder)?.says(cache, "one 42")?;

    project.edit("app/src/main.rs", "one", "two")?;
    let edited = project.build(engine, larder)?;
    edited.says(cache, "two 42")?;
    edited.executed(cache, "an edit of the binary", 1)?;

    // The first text again, older than what was built since: cargo with a
    // mounted `target` keeps the second binary.
    project.edit("app/src/main.rs", "two", "one")?;
    project.build(engine, larder)?.says(cache, "one 42")?;

    project.edit("lib/Cargo.toml", "0.1.0", "0.2.0")?;
    project.lock(&["update", "--workspace"])?;
    let bumped = project.build(engine, larder)?;
    bumped.says(cache, "one 42")?;
    bumped.executed(cache, "a version of a member", 2)?;

    if cache == "layers" {
        ensure!(edited.cook_was_reused, "an edit made the cook layer new:\n{}", edited.log);
        ensure!(
            bumped.cook_was_reused,
            "a member's version made the cook layer new:\n{}",
            bumped.log
        );
        // A builder that has the layers and none of its mounts.
        let mounts = ["builder", "prune", "--force", "--filter", "type=exec.cachemount"];
        process::run_quietly(engine.docker().args(mounts))?;
        project.edit("app/src/main.rs", "one", "three")?;
        let emptied = project.build(engine, larder)?;
        emptied.says(cache, "three 42")?;
        ensure!(emptied.cook_was_reused, "without mounts the layer was new:\n{}", emptied.log);
        ensure!(
            emptied.log.contains("Imported 1 results"),
            "nothing was imported:\n{}",
            emptied.log
        );
        emptied.executed(cache, "an edit, without mounts", 2)?;
    }
    println!("{cache}: the generated Dockerfile builds, and only what changed is compiled");
    Ok(())
}

/// A project to build.
pub(super) struct Project {
    /// Its directory.
    pub(super) root: PathBuf,
    /// Tag of its image.
    pub(super) image: String,
}

/// An image that was built, and run.
pub(super) struct Built {
    /// What the image prints.
    pub(super) ran: String,
    /// What the build printed.
    pub(super) log: String,
    /// Whether the layer with the external crates was there already.
    cook_was_reused: bool,
}

impl Built {
    pub(super) fn says(&self, cache: &str, text: &str) -> Result<()> {
        ensure!(self.ran.trim() == text, "{cache}: the image says {:?}, not {text}", self.ran);
        Ok(())
    }

    pub(super) fn executed(&self, cache: &str, change: &str, units: usize) -> Result<()> {
        let executed = executed(&self.log);
        ensure!(
            executed == Some(units),
            "{cache}: {change} executed {executed:?} units, not {units}:\n{}",
            self.log
        );
        Ok(())
    }
}

impl Project {
    /// A workspace of a binary, a library and a crate from the registry. The
    /// sources are those of no other run: what the engine kept of one must not
    /// answer for this one.
    pub(super) fn write(scratch: &Path, cache: &str) -> Result<Project> {
        let root = scratch.join("project");
        let nonce = format!("// {}\n", scratch.display());
        for (path, text) in [
            ("Cargo.toml", "[workspace]\nmembers = [\"app\", \"lib\"]\nresolver = \"3\"\n"),
            (
                "app/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [dependencies]\nlib = { path = \"../lib\" }\n",
            ),
            ("app/src/main.rs", "fn main() {\n    println!(\"one {}\", lib::answer());\n}\n"),
            (
                "lib/Cargo.toml",
                "[package]\nname = \"lib\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [dependencies]\nitoa = \"=1.0.11\"\n",
            ),
            (
                "lib/src/lib.rs",
                "pub fn answer() -> String {\n    itoa::Buffer::new().format(42).to_owned()\n}\n",
            ),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().context("a parent")?)?;
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            fs::write(path, if is_source { format!("{nonce}{text}") } else { text.to_owned() })?;
        }
        process::run_quietly(
            process::command("cargo").arg("generate-lockfile").current_dir(&root),
        )?;
        Ok(Project { root, image: format!("larder-test/app-{cache}") })
    }

    /// Writes its Dockerfile, which has no findings.
    pub(super) fn generate(&self, larder: &Path, flags: &[&str]) -> Result<()> {
        let mut command = process::command(larder);
        command.args(["larder", "dockerfile", "--bin", "app", "--libc", "gnu"]).args(flags);
        command.args(["--builder", BUILDER, "--base", RUNTIME, "-o", "Dockerfile"]);
        process::run_quietly(command.current_dir(&self.root))?;
        let mut lint = process::command(larder);
        process::run_quietly(lint.args(["larder", "lint"]).current_dir(&self.root))?;
        Ok(())
    }

    /// Cargo's command that writes the lock file.
    pub(super) fn lock(&self, arguments: &[&str]) -> Result<()> {
        process::run_quietly(process::command("cargo").args(arguments).current_dir(&self.root))?;
        Ok(())
    }

    /// An edit with a time in the past.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.root.join(file);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "nothing to edit");
        fs::write(&path, text.replace(from, to))?;
        // Older than anything that was built.
        process::run_quietly(process::command("touch").args(["-d", "2001-01-01"]).arg(&path))?;
        Ok(())
    }

    fn build(&self, engine: &Engine, larder: &Path) -> Result<Built> {
        self.build_with(engine, larder, &["."])
    }

    /// Builds with these arguments, the context among them, and runs the image.
    pub(super) fn build_with(
        &self,
        engine: &Engine,
        larder: &Path,
        arguments: &[&str],
    ) -> Result<Built> {
        let context = larder.parent().context("the directory of cargo-larder")?;
        let mut command = engine.docker();
        command
            .args(["build", "--progress=plain", "--network=host", "--tag", &self.image])
            .arg(format!("--build-context=larder={}", context.display()))
            .args(arguments)
            .current_dir(&self.root);
        let output = process::run_quietly(&mut command)?;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut run = engine.docker();
        run.args(["run", "--rm", "--network=none", &self.image]);
        let ran = process::run_quietly(&mut run)?;
        Ok(Built {
            ran: String::from_utf8(ran.stdout)?,
            cook_was_reused: was_reused(&log, "[cook "),
            log,
        })
    }
}

/// The number in larder's last line: `45 units: 43 from the store, 2 executed`.
pub(super) fn executed(log: &str) -> Option<usize> {
    let line = log.lines().rev().find(|line| line.contains(" from the store, "))?;
    let before = line.split(" executed").next()?;
    before.rsplit(' ').next()?.parse().ok()
}

/// Whether the last step of a stage came from the builder's cache: the log has
/// `#7 [cook 1/1] RUN …`, and then `#7 CACHED`.
pub(super) fn was_reused(log: &str, stage: &str) -> bool {
    let step = log.lines().rev().find(|line| line.contains(stage));
    let number = step.and_then(|line| line.split(' ').next());
    number.is_some_and(|number| log.lines().any(|line| line == format!("{number} CACHED")))
}

/// `cargo-larder`, alone in a directory: that is sent to the builder whole.
pub(super) fn larder() -> Result<PathBuf> {
    let mut build = process::command("cargo");
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        build.env("CARGO_TARGET_DIR", target);
    }
    // With the features that the tests were built with.
    build.args(["build", "--workspace", "--bin", "cargo-larder"]);
    build.arg("--message-format=json-render-diagnostics");
    let output = process::run_quietly(build.current_dir(workspace::root()))?;
    let text = String::from_utf8(output.stdout)?;
    let exe = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(message["executable"].as_str()?.to_owned()))
        .find(|path| path.ends_with("cargo-larder"))
        .context("cargo named no executable")?;
    let dir = workspace::target("docker/larder");
    fs::create_dir_all(&dir)?;
    let copy = dir.join("cargo-larder");
    fs::copy(exe, &copy)?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::{executed, was_reused};

    #[test]
    fn the_last_line_of_larder_counts() {
        let log = "#9 1.0 Larder 4 units: 0 from the store, 4 executed\n\
                   #9 2.0 Larder 45 units: 43 from the store, 2 executed (3 s saved)\n#10 done\n";
        assert_eq!(executed(log), Some(2));
        assert_eq!(executed("#9 CACHED"), None);
        let log = "#7 [cook 1/1] RUN x\n#7 CACHED\n#8 [build 1/1] RUN y\n#8 DONE 1.0s\n";
        assert!(was_reused(log, "[cook ") && !was_reused(log, "[build "));
    }
}
