//! The BuildKit frontend on a real engine: a manifest becomes an image, and a
//! second build compiles only what changed.

use super::engine::Engine;
use super::frontend_image::IMAGE;
use super::generated::{Project, executed, was_reused};
use super::images::{BUILDER, RUNTIME};
use crate::process;
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use std::path::Path;
use std::process::Command;

/// Name of the image that is built.
const APP: &str = "larder-test/app-frontend";

/// Builds, edits, targets and errors.
pub(super) fn check(engine: &Engine, _: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let project = Project::write(scratch.path(), "frontend")?;
    settings(&project.root)?;

    image(engine, &project)?;
    ensure!(run(engine, &["second"])? == "one 42", "the image says something else");
    project.edit("app/src/main.rs", "one", "two")?;
    let edited = image(engine, &project)?;
    ensure!(run(engine, &[])? == "two 42", "an edit did not reach the image");
    // The library has the same key, and the builder's store has it.
    reused(&edited, "an edit", 1)?;
    project.edit("lib/Cargo.toml", "0.1.0", "0.2.0")?;
    project.lock(&["update", "--workspace"])?;
    reused(&image(engine, &project)?, "a version of a member", 2)?;

    let inspected = process::run_quietly(engine.docker().args(["inspect", APP]))?;
    let config: serde_json::Value = serde_json::from_slice(&inspected.stdout)?;
    let config = &config[0]["Config"];
    ensure!(config["User"] == "1000" && config["ExposedPorts"]["80/tcp"].is_object(), "{config}");

    targets(engine, &project, scratch.path())?;
    errors(engine, &project)?;
    println!("frontend: a manifest becomes an image, and only what changed is compiled");
    Ok(())
}

/// The lines that make the project's manifest buildable.
pub(super) fn settings(root: &Path) -> Result<()> {
    let path = root.join("Cargo.toml");
    let text = fs::read_to_string(&path)?;
    let settings = format!(
        "# syntax={IMAGE}\n{text}\n[workspace.metadata.larder]\nbuilder = \"{BUILDER}\"\n\
         base = \"{RUNTIME}\"\nuser = \"1000\"\nexpose = [80]\n"
    );
    fs::write(path, settings)?;
    // A test that passes, and is seen to run.
    let lib = root.join("lib/src/lib.rs");
    let text = fs::read_to_string(&lib)?;
    fs::write(
        lib,
        format!("{text}\n#[test]\nfn answers() {{\n    assert_eq!(answer(), \"42\");\n}}\n"),
    )?;
    Ok(())
}

fn build(engine: &Engine, project: &Project, arguments: &[&str]) -> Command {
    let mut command = engine.docker();
    command.args(["build", "--progress=plain", "--network=host", "--file", "Cargo.toml"]);
    command.args(arguments).arg(".").current_dir(&project.root);
    command
}

/// Builds the image; what the build printed.
fn image(engine: &Engine, project: &Project) -> Result<String> {
    let output = process::run_quietly(&mut build(engine, project, &["--tag", APP]))?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn run(engine: &Engine, arguments: &[&str]) -> Result<String> {
    let mut command = engine.docker();
    command.args(["run", "--rm", "--network=none", APP]).args(arguments);
    Ok(String::from_utf8(process::run_quietly(&mut command)?.stdout)?.trim().to_owned())
}

/// The external units were in a layer, and `units` of the workspace were run.
fn reused(log: &str, change: &str, units: usize) -> Result<()> {
    ensure!(was_reused(log, "[cook] "), "{change} made the cook layer new:\n{log}");
    let executed = executed(log);
    ensure!(executed == Some(units), "{change} executed {executed:?} units, not {units}:\n{log}");
    Ok(())
}

/// `--target`, into a directory.
fn targets(engine: &Engine, project: &Project, scratch: &Path) -> Result<()> {
    let into = |target: &str| {
        let dir = scratch.join(target);
        let output = format!("type=local,dest={}", dir.display());
        let arguments = ["--target", target, "--output", &output];
        let done = process::run_quietly(&mut build(engine, project, &arguments))?;
        anyhow::Ok((dir, String::from_utf8_lossy(&done.stderr).into_owned()))
    };
    let (dir, _) = into("binaries")?;
    let said = process::run_quietly(&mut process::command(dir.join("app")))?;
    ensure!(String::from_utf8_lossy(&said.stdout).trim() == "two 42", "the bare binary is wrong");

    let (dir, _) = into("plan")?;
    let plan = fs::read_to_string(dir.join("larder.plan"))?;
    ensure!(plan.contains("itoa") && !plan.contains("\"app\""), "the plan is wrong:\n{plan}");

    let (dir, log) = into("test")?;
    ensure!(log.contains("test answers ... ok"), "the test did not run:\n{log}");
    let report = fs::read_to_string(dir.join("report.json")).context("no report")?;
    ensure!(report.contains("itoa"), "the report is wrong:\n{report}");
    Ok(())
}

/// What is wrong with a setting is shown with its line.
fn errors(engine: &Engine, project: &Project) -> Result<()> {
    let manifest = project.root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let line = text.lines().position(|line| line.starts_with("user")).context("a line")? + 1;
    for (wrong, wanted) in [
        ("usr = \"1000\"", "unknown field `usr`"),
        ("cache = \"none\"", "`cache` is `layers` or `mount`"),
        // Cargo says this one, in a step of the build.
        ("bins = [\"none\"]", "no bin target named `none`"),
    ] {
        fs::write(&manifest, text.replace("user = \"1000\"", wrong))?;
        let output = build(engine, project, &[]).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "`{wrong}` made an image");
        ensure!(
            said.contains(&format!("Cargo.toml:{line}\n")) && said.contains(wanted),
            "`{wrong}` is not shown with line {line}:\n{said}"
        );
        ensure!(said.contains(&format!(">>> {wrong}")), "the line is not shown:\n{said}");
    }
    fs::write(manifest, text)?;
    Ok(())
}
