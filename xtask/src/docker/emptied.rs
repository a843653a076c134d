//! A builder that has lost everything, and a cache that was exported before:
//! nothing external is compiled again.

use super::engine::Engine;
use super::generated::{Project, executed, was_reused};
use super::{frontend, frontend_image, images};
use crate::process;
use anyhow::{Result, ensure};
use std::path::Path;

/// With a generated Dockerfile, and with the frontend.
pub(super) fn check(larder: &Path) -> Result<()> {
    // Never the engine that DOCKER_HOST names: its cache is not ours to lose.
    let has = |name: &str| std::env::var_os(name).is_some();
    if has("DOCKER_HOST") && !has("CI") && !nix::unistd::geteuid().is_root() {
        println!(
            "skipped: what empties a builder wants one of its own, and starting it wants root"
        );
        return Ok(());
    }
    let engine = Engine::exporting()?;
    images::ensure(&engine)?;
    frontend_image::load_for_tests(&engine, larder)?;

    let scratch = tempfile::tempdir()?;
    let project = Project::write(&scratch.path().join("dockerfile"), "emptied")?;
    project.generate(larder, &["--cache", "layers"])?;
    emptied(&engine, larder, &project, &[], "[cook ")?;

    let project = Project::write(&scratch.path().join("manifest"), "emptied-frontend")?;
    frontend::settings(&project.root)?;
    emptied(&engine, larder, &project, &["--file=Cargo.toml"], "[cook] ")
}

/// Builds, exports, loses all, and builds after an edit.
fn emptied(
    engine: &Engine,
    larder: &Path,
    project: &Project,
    flags: &[&str],
    cook: &str,
) -> Result<()> {
    let cache = project.root.with_file_name("cache");
    let (to, from) = (
        format!("--cache-to=type=local,mode=max,dest={}", cache.display()),
        format!("--cache-from=type=local,src={}", cache.display()),
    );
    let build = |extra: &str| {
        let arguments: Vec<&str> = flags.iter().copied().chain([extra, "."]).collect();
        project.build_with(engine, larder, &arguments)
    };
    let what = &project.image;
    build(&to)?.says(what, "one 42")?;
    process::run_quietly(engine.docker().args(["image", "rm", "--force", what]))?;
    process::run_quietly(engine.docker().args(["builder", "prune", "--all", "--force"]))?;

    project.edit("app/src/main.rs", "one", "two")?;
    let built = build(&from)?;
    built.says(what, "two 42")?;
    ensure!(was_reused(&built.log, cook), "{what}: the layer was cooked anew:\n{}", built.log);
    // The library's results were in a mount, and are gone with it.
    let executed = executed(&built.log);
    ensure!(executed == Some(2), "{what}: executed {executed:?} units, not 2:\n{}", built.log);
    println!("{what}: an emptied builder with an exported cache compiles nothing external");
    Ok(())
}
