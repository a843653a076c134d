//! The trap that ships wrong binaries: a reused layer brings older
//! modification times than those in a cache mount on `target/`.
//!
//! 1. Some other Dockerfile copies a tree that says `two`: its layer stays.
//! 2. The tree says `one`, and is built with `target/` in a cache mount.
//! 3. The tree says `two` again. `COPY` reuses the layer of step 1 by content;
//!    its files are older than the build of step 2.
//!
//! Cargo then compiles nothing and ships `one`. With `cargo larder build` in
//! the same line of the same Dockerfile the image says `two`.

use super::engine::Engine;
use super::generated::Project;
use super::images::BUILDER;
use crate::process;
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use std::path::Path;

/// Shows it for cargo, and its absence for larder.
pub(super) fn check(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let project = Project::write(scratch.path(), "trap")?;
    // The layer counts for both, so both go through the same steps at once.
    let copy = format!(
        "FROM {BUILDER}\nCOPY --chmod=755 --from=larder /cargo-larder /usr/local/bin/cargo-larder\n\
         ENV LARDER_DIR=/larder CARGO_HOME=/cargo\nWORKDIR /app\nCOPY . .\n"
    );
    // Mounts of this run only.
    let run_id = scratch.path().file_name().context("a name")?.to_string_lossy().into_owned();
    let build = |name: &str, command: &str| {
        format!(
            "{copy}RUN --mount=type=cache,id=larder-trap-home,target=/cargo \\\n    \
             --mount=type=cache,id=larder-trap-store,target=/larder \\\n    \
             --mount=type=cache,id=larder-trap-{name}-{run_id},target=/app/target \\\n    \
             {command} build && cp target/debug/app /app/said\nCMD [\"/app/said\"]\n"
        )
    };
    fs::write(project.root.join(".dockerignore"), "*.Dockerfile\n.dockerignore\n")?;
    let files = [
        ("other", copy.clone()),
        ("cargo", build("cargo", "cargo")),
        ("larder", build("larder", "cargo larder")),
    ];
    for (name, text) in &files {
        fs::write(project.root.join(format!("{name}.Dockerfile")), text)?;
    }
    let run = |name: &str| said(engine, &project.root, larder, name);

    fs::write(project.root.join("run"), &run_id)?;
    write(&project.root, "two")?;
    image(engine, &project.root, larder, "other")?;
    write(&project.root, "one")?;
    for name in ["cargo", "larder"] {
        ensure!(run(name)?.trim() == "one 42", "{name}: the first build is wrong");
    }
    write(&project.root, "two")?;
    let cargo = run("cargo")?;
    ensure!(
        cargo.trim() == "one 42",
        "the trap is gone: cargo with a mounted `target` says {cargo:?}; is the test still about it?"
    );
    let larder = run("larder")?;
    ensure!(larder.trim() == "two 42", "larder with a mounted `target` says {larder:?}");
    println!(
        "trap: a reused layer with older times ships the old binary with cargo, not with larder"
    );
    Ok(())
}

/// The source, with times of now, as an editor writes it.
fn write(root: &Path, word: &str) -> Result<()> {
    let text = format!("fn main() {{\n    println!(\"{word} {{}}\", lib::answer());\n}}\n");
    fs::write(root.join("app/src/main.rs"), text)?;
    Ok(())
}

fn image(engine: &Engine, root: &Path, larder: &Path, name: &str) -> Result<String> {
    let tag = format!("larder-test/trap-{name}");
    let context = larder.parent().context("the directory of cargo-larder")?;
    let mut command = engine.docker();
    command
        .args(["build", "--progress=plain", "--network=host", "--tag", &tag])
        .arg(format!("--build-context=larder={}", context.display()))
        .args(["--file", &format!("{name}.Dockerfile"), "."])
        .current_dir(root);
    process::run_quietly(&mut command)?;
    Ok(tag)
}

fn said(engine: &Engine, root: &Path, larder: &Path, name: &str) -> Result<String> {
    let tag = image(engine, root, larder, name)?;
    let output =
        process::run_quietly(engine.docker().args(["run", "--rm", "--network=none", &tag]))?;
    Ok(String::from_utf8(output.stdout)?)
}
