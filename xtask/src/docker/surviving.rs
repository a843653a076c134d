//! What survives from one build to another, and what must not show: two builds
//! at once on one cache mount, a Dockerfile with both ways of keeping results,
//! layers of workspace crates, and an image that is the same to the byte.

use super::engine::Engine;
use super::generated::Project;
use crate::process;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// All of them.
pub(super) fn check(engine: &Engine, larder: &Path) -> Result<()> {
    at_once(engine, larder)?;
    either(engine, larder)?;
    layers(engine, larder)
}

/// Two commits of one project, built at the same time with one mount: each
/// image is its own commit's, twice.
fn at_once(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let mut projects = Vec::new();
    for word in ["one", "two"] {
        let place = scratch.path().join(word);
        let project = Project::write(&place, &format!("at-once-{word}"))?;
        project.generate(larder, &["--cache", "mount"])?;
        if word != "one" {
            project.edit("app/src/main.rs", "one", word)?;
        }
        projects.push((word, project));
    }
    for round in 0..2 {
        let built: Vec<Result<()>> = std::thread::scope(|scope| {
            let builds: Vec<_> = projects
                .iter()
                .map(|(word, project)| {
                    scope.spawn(move || {
                        // Another value makes the step run again; without
                        // the engine's cache the mount would be empty.
                        let epoch = format!("--build-arg=SOURCE_DATE_EPOCH={round}");
                        let built = project.build_with(engine, larder, &[&epoch, "."])?;
                        built.says("mount", &format!("{word} 42"))
                    })
                })
                .collect();
            let ended = builds.into_iter().map(|build| build.join());
            ended.map(|build| build.unwrap_or_else(|_| Err(anyhow::anyhow!("panicked")))).collect()
        });
        built.into_iter().collect::<Result<()>>()?;
    }
    println!("mount: two builds at once, of two commits, make two images");
    Ok(())
}

/// `--cache auto`: the mount unless a build argument says otherwise. And the
/// image is a function of the sources and `SOURCE_DATE_EPOCH`.
fn either(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let project = Project::write(scratch.path(), "auto")?;
    project.generate(larder, &["--cache", "auto"])?;
    let epoch = "--build-arg=SOURCE_DATE_EPOCH=1700000000";
    let mounted = project.build_with(engine, larder, &[epoch, "."])?;
    mounted.says("auto", "one 42")?;
    ensure!(
        mounted.log.contains("[build-mount ") && !mounted.log.contains("[cook "),
        "without a build argument the mount is used:\n{}",
        mounted.log
    );
    let first = id(engine, &project.image)?;
    let again = ["--no-cache-filter=build-mount", epoch, "."];
    // The mount is empty then, too: everything is compiled once more.
    project.build_with(engine, larder, &again)?.executed("auto", "no cache", 3)?;
    let second = id(engine, &project.image)?;
    ensure!(first == second, "built again, the image has another id: {first}, {second}");

    let layered = project.build_with(engine, larder, &["--build-arg=LARDER_CACHE=layers", "."])?;
    layered.says("auto", "one 42")?;
    ensure!(
        layered.log.contains("[cook ") && !layered.log.contains("[build-mount "),
        "the build argument chooses the layer:\n{}",
        layered.log
    );
    println!("auto: a build argument chooses; with SOURCE_DATE_EPOCH the image is reproducible");
    Ok(())
}

/// An edit of the binary compiles the binary; the library has a layer.
fn layers(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let project = Project::write(scratch.path(), "layered")?;
    project.generate(larder, &["--cache", "layers", "--layers", "1"])?;
    project.build_with(engine, larder, &["."])?.says("layered", "one 42")?;
    project.edit("app/src/main.rs", "one", "two")?;
    let edited = project.build_with(engine, larder, &["."])?;
    edited.says("layered", "two 42")?;
    edited.executed("layered", "an edit of the binary", 1)?;
    println!("layers: a crate of the workspace that did not change comes from its layer");
    Ok(())
}

fn id(engine: &Engine, image: &str) -> Result<String> {
    let mut command = engine.docker();
    command.args(["image", "inspect", "--format", "{{.Id}}", image]);
    let output = process::run_quietly(&mut command)?;
    String::from_utf8(output.stdout).context("the id is text")
}
