//! `cargo xtask frontend-image`: the image of the BuildKit frontend, with
//! larder in it for the builders of projects.
//!
//! Both programs are static, and built by larder: glibc is linked in, which
//! rustup's own standard library can, so that no other target is needed.

use super::engine::Engine;
use super::images;
use crate::{process, workspace};
use anyhow::{Context, Result};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The image's name.
pub(super) const IMAGE: &str = "larder/frontend:dev";

/// How BuildKit starts it; it speaks to nobody but BuildKit.
const CONFIG: &[&str] = &[
    "ENTRYPOINT [\"/larder-frontend\"]",
    "LABEL moby.buildkit.frontend.network.none=true",
    // Without it, a client's `--build-context` is refused.
    "LABEL moby.buildkit.frontend.caps=moby.buildkit.frontend.contexts",
];

/// What is in it.
const PROGRAMS: &[&str] = &["larder-frontend", "cargo-larder"];

/// Make the image of the BuildKit frontend, `larder/frontend:dev`, and load it into the engine.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// With programs of the profile `dev`, which are larger and built sooner.
    #[arg(long)]
    dev: bool,
}

/// Runs `cargo xtask frontend-image`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let engine = Engine::find_or_start()?;
    load(&engine, &programs(PROGRAMS, if args.dev { "dev" } else { "release" })?)?;
    println!("loaded {IMAGE}");
    Ok(())
}

/// The image as tests have it: larder is the one that is tested anyway, so that
/// only the frontend has to be built.
pub(super) fn load_for_tests(engine: &Engine, larder: &Path) -> Result<()> {
    let mut built = programs(&["larder-frontend"], "dev")?;
    built.push(larder.to_path_buf());
    load(engine, &built)
}

/// Makes the image of these programs.
fn load(engine: &Engine, programs: &[PathBuf]) -> Result<()> {
    let root = tempfile::tempdir()?;
    for program in programs {
        let name = program.file_name().context("a program has a name")?;
        fs::copy(program, root.path().join(name))?;
    }
    images::import(engine, root.path(), IMAGE, CONFIG)
}

/// Builds them, static.
fn programs(names: &[&str], profile: &str) -> Result<Vec<PathBuf>> {
    let larder = super::generated::larder()?;
    let host = host()?;
    let base = workspace::target("frontend");
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", host.to_uppercase().replace('-', "_"));
    let mut build = process::command(larder);
    build
        .args(["larder", "build", "--locked", "--target", &host, "--profile", profile])
        .args(names.iter().flat_map(|name| ["--package", name, "--bin", name]))
        .env(flags, "-C target-feature=+crt-static")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo")
        .env("CARGO_TARGET_DIR", &base)
        .current_dir(workspace::root());
    process::run(&mut build).context("could not build the frontend")?;
    let directory = if profile == "dev" { "debug" } else { profile };
    Ok(names.iter().map(|name| base.join(&host).join(directory).join(name)).collect())
}

/// The triple of this machine.
fn host() -> Result<String> {
    let mut rustc = process::command("rustc");
    let output = process::run_quietly(rustc.args(["-vV"]).current_dir(workspace::root()))?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say its host")
}
