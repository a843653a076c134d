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
    project.generate(larder, cache)?;

    let first = project.build(engine, larder)?;
    ensure!(first.ran == "one 42\n", "{cache}: the image says {:?}", first.ran);

    project.edit("one", "two")?;
    let edited = project.build(engine, larder)?;
    ensure!(edited.ran == "two 42\n", "{cache}: after an edit the image says {:?}", edited.ran);
    ensure!(
        edited.executed == Some(1),
        "{cache}: an edit of the binary executed {:?} units, not 1",
        edited.executed
    );

    // The same text with older times: cargo would keep the last binary.
    project.edit("two", "one")?;
    let back = project.build(engine, larder)?;
    ensure!(back.ran == "one 42\n", "{cache}: back again, the image says {:?}", back.ran);
    println!(
        "{cache}: first build {:?} units, after an edit {:?}, back again {:?}",
        first.executed, edited.executed, back.executed
    );
    Ok(())
}

struct Project {
    root: PathBuf,
    image: String,
}

struct Built {
    /// What the image prints.
    ran: String,
    /// Units that the last larder build of the log executed; absent where the
    /// layer was reused.
    executed: Option<usize>,
}

impl Project {
    /// A workspace of a binary, a library and a crate from the registry.
    fn write(scratch: &Path, cache: &str) -> Result<Project> {
        let root = scratch.join("project");
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
            fs::write(path, text)?;
        }
        process::run_quietly(
            process::command("cargo").arg("generate-lockfile").current_dir(&root),
        )?;
        Ok(Project { root, image: format!("larder-test/app-{cache}") })
    }

    fn generate(&self, larder: &Path, cache: &str) -> Result<()> {
        let mut command = process::command(larder);
        command.args(["larder", "dockerfile", "--bin", "app", "--cache", cache, "--libc", "gnu"]);
        command.args(["--builder", BUILDER, "--base", RUNTIME, "-o", "Dockerfile"]);
        process::run_quietly(command.current_dir(&self.root))?;
        let mut lint = process::command(larder);
        process::run_quietly(lint.args(["larder", "lint"]).current_dir(&self.root))?;
        Ok(())
    }

    fn edit(&self, from: &str, to: &str) -> Result<()> {
        let path = self.root.join("app/src/main.rs");
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "nothing to edit");
        fs::write(&path, text.replace(from, to))?;
        // Older than anything that was built.
        process::run_quietly(process::command("touch").args(["-d", "2001-01-01"]).arg(&path))?;
        Ok(())
    }

    fn build(&self, engine: &Engine, larder: &Path) -> Result<Built> {
        let context = larder.parent().context("the directory of cargo-larder")?;
        let mut command = engine.docker();
        command
            .args(["build", "--progress=plain", "--network=host", "--tag", &self.image])
            .arg(format!("--build-context=larder={}", context.display()))
            .arg(".")
            .current_dir(&self.root);
        let output = process::run_quietly(&mut command)?;
        let log = String::from_utf8_lossy(&output.stderr);
        let mut run = engine.docker();
        run.args(["run", "--rm", "--network=none", &self.image]);
        let ran = process::run_quietly(&mut run)?;
        Ok(Built { ran: String::from_utf8(ran.stdout)?, executed: executed(&log) })
    }
}

/// The number in larder's last line: `45 units: 43 from the store, 2 executed`.
fn executed(log: &str) -> Option<usize> {
    let line = log.lines().rev().find(|line| line.contains(" from the store, "))?;
    let before = line.split(" executed").next()?;
    before.rsplit(' ').next()?.parse().ok()
}

/// `cargo-larder`, alone in a directory: that is sent to the builder whole.
pub(super) fn larder() -> Result<PathBuf> {
    let mut build = process::command("cargo");
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        build.env("CARGO_TARGET_DIR", target);
    }
    build.args(["build", "-p", "cargo-larder", "--message-format=json-render-diagnostics"]);
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
    use super::executed;

    #[test]
    fn the_last_line_of_larder_counts() {
        let log = "#9 1.0 Larder 4 units: 0 from the store, 4 executed\n\
                   #9 2.0 Larder 45 units: 43 from the store, 2 executed (3 s saved)\n#10 done\n";
        assert_eq!(executed(log), Some(2));
        assert_eq!(executed("#9 CACHED"), None);
    }
}
