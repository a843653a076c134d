//! A real application: its manifest with the lines of the frontend and nothing
//! else changed becomes an image that runs.

use super::buildable::{settings, syntax};
use super::engine::Engine;
use crate::{corpus, process, tree};
use anyhow::{Result, ensure};
use fs_err as fs;
use std::time::Instant;

/// The one that tests build.
pub(super) const TESTED: &str = "ripgrep";

/// Its image.
const IMAGE: &str = "larder-test/application";

/// Builds it; `setting` is one more line of its table.
pub(super) fn check(engine: &Engine, name: &str, setting: &str) -> Result<()> {
    let app = corpus::find(name)?;
    let sources = corpus::source(name)?;
    let scratch = tempfile::tempdir()?;
    let root = scratch.path().join(name);
    tree::copy(&sources, &root, &[])?;
    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let table = "[package.metadata.larder]";
    let settings = settings();
    let text = format!("{}{text}\n{table}\n{settings}{setting}\n", syntax());
    fs::write(&manifest, text)?;
    let started = Instant::now();
    let mut build = engine.docker();
    build.args(["build", "--progress=plain", "--network=host", "--file", "Cargo.toml"]);
    process::run_quietly(build.args(["--tag", IMAGE, "."]).current_dir(&root))?;
    let seconds = started.elapsed().as_secs();
    let mut run = engine.docker();
    run.args(["run", "--rm", "--network=none", IMAGE]).args(&app.runs[1..]);
    let said = process::run_quietly(&mut run)?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let first = said.lines().next().unwrap_or_default();
    ensure!(first.contains(&app.version), "it says {said:?}");
    println!("frontend: {name} {} is built and runs ({seconds} s): {first}", app.version);
    Ok(())
}
