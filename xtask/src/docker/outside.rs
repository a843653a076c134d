//! A path dependency outside of the workspace, `../common`, whose files have
//! times that say nothing of what changed:
//!
//! | times | as |
//! |---|---|
//! | kept | an archive that is unpacked restores them: older than the last build |
//! | truncated | a file system without them, all of 1970 |
//! | normalised | one time for all, such as that of the commit |
//!
//! In each case the image has what the sources say, and only the crate that was
//! edited and the binary are compiled.

use super::engine::Engine;
use super::generated::executed;
use super::images::{BUILDER, RUNTIME};
use crate::process;
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use std::path::Path;

/// Name of the image.
const IMAGE: &str = "larder-test/app-outside";

/// Of files of the workspace and beside it, after every edit.
#[derive(Clone, Copy, Debug)]
enum Times {
    Kept,
    Truncated,
    Normalised,
}

/// A generated Dockerfile, in all three cases.
pub(super) fn check(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let app = scratch.path().join("app");
    write(scratch.path())?;
    let mut generate = process::command(larder);
    generate.args(["larder", "dockerfile", "--cache", "mount", "--builder", BUILDER]);
    generate.args(["--base", RUNTIME, "-o", "Dockerfile"]).current_dir(&app);
    process::run_quietly(&mut generate)?;
    let mut number = 0;
    for times in [Times::Kept, Times::Truncated, Times::Normalised] {
        for first in [true, false] {
            number += 1;
            // Another length: a client that sees neither another size nor
            // another time sends nothing at all.
            let word = "a".repeat(number);
            say(scratch.path(), &word, times)?;
            let log = build(engine, &app, larder)?;
            let said = process::run_quietly(engine.docker().args([
                "run",
                "--rm",
                "--network=none",
                IMAGE,
            ]))?;
            let said = String::from_utf8(said.stdout)?;
            ensure!(said.trim() == word, "{times:?}: the image says {said:?}, not {word}:\n{log}");
            let units = executed(&log);
            ensure!(first || units == Some(2), "{times:?}: {units:?} units were compiled:\n{log}");
        }
    }
    println!(
        "outside: a crate beside the workspace, with times that are older, none, or all equal"
    );
    Ok(())
}

fn write(scratch: &Path) -> Result<()> {
    let package = "version = \"0.1.0\"\nedition = \"2024\"\n";
    for (path, text) in [
        (
            "app/Cargo.toml",
            format!(
                "[package]\nname = \"app\"\n{package}\n[dependencies]\ncommon.path = \"../common\"\n\n\
                 [workspace]\n"
            ),
        ),
        // Of this run only: the mount is there from earlier ones.
        (
            "app/src/main.rs",
            format!(
                "// {}\nfn main() {{\n    println!(\"{{}}\", common::WORD);\n}}\n",
                scratch.display()
            ),
        ),
        ("common/Cargo.toml", format!("[package]\nname = \"common\"\n{package}")),
        ("common/src/lib.rs", "pub const WORD: &str = \"\";\n".to_owned()),
    ] {
        let path = scratch.join(path);
        fs::create_dir_all(path.parent().context("a parent")?)?;
        fs::write(path, text)?;
    }
    let mut lock = process::command("cargo");
    process::run_quietly(lock.arg("generate-lockfile").current_dir(scratch.join("app")))?;
    Ok(())
}

fn say(scratch: &Path, word: &str, times: Times) -> Result<()> {
    let file = scratch.join("common/src/lib.rs");
    let text = format!("// {}\npub const WORD: &str = \"{word}\";\n", scratch.display());
    fs::write(&file, text)?;
    let date = match times {
        Times::Kept => "2001-01-01",
        Times::Truncated => "@0",
        Times::Normalised => "@1700000000",
    };
    let mut touch = process::command("find");
    match times {
        Times::Kept => touch.arg(&file),
        _ => touch.args([scratch.join("app"), scratch.join("common")]),
    };
    process::run_quietly(touch.args(["-exec", "touch", "-hd", date, "{}", "+"]))?;
    Ok(())
}

fn build(engine: &Engine, app: &Path, larder: &Path) -> Result<String> {
    let context = larder.parent().context("the directory of cargo-larder")?;
    let mut command = engine.docker();
    command
        .args(["build", "--progress=plain", "--network=host", "--tag", IMAGE])
        .arg(format!("--build-context=larder={}", context.display()))
        .args(["--build-context=crate-common=../common", "."])
        .current_dir(app);
    let output = process::run_quietly(&mut command)?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}
