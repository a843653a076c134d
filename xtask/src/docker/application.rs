//! A real application: its manifest with the lines of the frontend and nothing
//! else changed becomes an image that runs.

use super::buildable::{settings, syntax};
use super::engine::Engine;
use crate::{corpus, process, tree};
use anyhow::{Result, ensure};
use fs_err as fs;
use std::time::Instant;

/// Which one of the corpus.
const APP: &str = "ripgrep";

/// Its image.
const IMAGE: &str = "larder-test/application";

/// Builds it, with a layer for each crate.
pub(super) fn check(engine: &Engine) -> Result<()> {
    let app = corpus::find(APP)?;
    let sources = corpus::source(APP)?;
    let scratch = tempfile::tempdir()?;
    let root = scratch.path().join(APP);
    tree::copy(&sources, &root, &[])?;
    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let table = "[package.metadata.larder]";
    let settings = settings();
    let text = format!("{}{text}\n{table}\n{settings}layers = \"crates\"\n", syntax());
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
    ensure!(said.starts_with(&format!("{APP} {}", app.version)), "it says {said:?}");
    println!("frontend: {APP} {} is built and runs ({seconds} s)", app.version);
    Ok(())
}
