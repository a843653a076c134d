//! What is observed inside of containers: a project whose build script compiles
//! C with the system's headers gets the same verdicts in a step of a build, in
//! `docker run` as an ordinary user, and on this machine.
//!
//! All three have the engine's default profiles; observing needs nothing else.

use super::engine::Engine;
use super::images::BUILDER;
use crate::process;
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use larder_schema::record::Verdict;
use larder_schema::report::Report;
use std::collections::BTreeMap;
use std::path::Path;

/// The files of the project. Nothing is fetched.
const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        // What is compiled incrementally is volatile everywhere.
        "[workspace]\nmembers = [\"app\", \"csys\"]\nresolver = \"3\"\n\n[profile.dev]\nincremental = false\n",
    ),
    (
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [dependencies]\ncsys = { path = \"../csys\" }\n",
    ),
    ("app/src/main.rs", "fn main() {\n    println!(\"{}\", csys::answer());\n}\n"),
    (
        "csys/Cargo.toml",
        "[package]\nname = \"csys\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlinks = \"answer\"\n",
    ),
    (
        "csys/src/answer.c",
        "#include <stdint.h>\n#include <string.h>\nint32_t answer(void) { return (int32_t)strlen(\"the answer\") + 32; }\n",
    ),
    (
        "csys/src/lib.rs",
        "unsafe extern \"C\" {\n    #[link_name = \"answer\"]\n    fn c_answer() -> i32;\n}\n\n\
         pub fn answer() -> i32 {\n    unsafe { c_answer() }\n}\n",
    ),
    (
        "csys/build.rs",
        r#"use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/answer.c");
    let out = std::env::var("OUT_DIR").unwrap();
    let (object, library) = (format!("{out}/answer.o"), format!("{out}/libanswer.a"));
    run(Command::new("cc").args(["-c", "-o", &object, "src/answer.c"]));
    run(Command::new("ar").args(["crsD", &library, &object]));
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=answer");
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success());
}
"#,
    ),
];

/// The build, everywhere the same.
const BUILD: &str = "cargo larder build --offline --report";

type Verdicts = BTreeMap<String, Option<Verdict>>;

/// Builds the project in three places and compares.
pub(super) fn check(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let root = scratch.path().join("project");
    for (path, text) in FILES {
        let path = root.join(path);
        fs::create_dir_all(path.parent().context("a parent")?)?;
        fs::write(path, text)?;
    }
    process::run_quietly(
        process::command("cargo").args(["generate-lockfile", "--offline"]).current_dir(&root),
    )?;
    let here = here(larder, &root, scratch.path())?;
    for (unit, verdict) in &here {
        let seen = matches!(verdict, Some(Verdict::Portable | Verdict::HostKeyed));
        ensure!(seen, "{unit} is {verdict:?} on this machine");
    }
    ensure!(
        here.get("csys build-script-build run-custom-build") == Some(&Some(Verdict::HostKeyed)),
        "the script was not seen to use the machine's compiler: {here:?}"
    );
    let step = in_a_step(engine, larder, &root, scratch.path())?;
    ensure!(step == here, "in a step of a build: {step:?}\nhere: {here:?}");
    let user = as_a_user(engine, larder, &root, scratch.path())?;
    ensure!(user == here, "in a container, as a user: {user:?}\nhere: {here:?}");
    println!("verdicts: the same in a build step, in a container as a user, and here");
    Ok(())
}

fn here(larder: &Path, root: &Path, scratch: &Path) -> Result<Verdicts> {
    let report = scratch.join("here.json");
    let mut command = process::command(larder);
    command.args(["larder", "build", "--offline", "--report"]).arg(&report);
    command.arg("--target-dir").arg(scratch.join("target")).current_dir(root);
    process::run_quietly(command.env("LARDER_DIR", scratch.join("store")))?;
    read(&report)
}

fn in_a_step(engine: &Engine, larder: &Path, root: &Path, scratch: &Path) -> Result<Verdicts> {
    let file = scratch.join("Dockerfile");
    // The directory is that of no other run, so no step is answered by one.
    fs::write(
        &file,
        format!(
            "FROM {BUILDER} AS build\nWORKDIR /project\n\
             ENV LARDER_DIR=/larder CARGO_HOME=/cargo CARGO_TARGET_DIR=/target\n\
             RUN --mount=type=bind,target=/project \\\n    \
             --mount=type=bind,from=larder,source=/cargo-larder,target=/usr/local/bin/cargo-larder \\\n    \
             : {} && {BUILD} /report.json\n\
             FROM scratch\nCOPY --from=build /report.json /step.json\n",
            scratch.display()
        ),
    )?;
    let context = larder.parent().context("the directory of cargo-larder")?;
    let mut command = engine.docker();
    command.args(["build", "--network=host", "--file"]).arg(&file);
    command.arg(format!("--build-context=larder={}", context.display()));
    command.arg(format!("--output=type=local,dest={}", scratch.display())).arg(root);
    process::run_quietly(&mut command)?;
    read(&scratch.join("step.json"))
}

/// As a user without rights, who may write only to a temporary file system.
fn as_a_user(engine: &Engine, larder: &Path, root: &Path, scratch: &Path) -> Result<Verdicts> {
    let mut command = engine.docker();
    command.args(["run", "--rm", "--network=none", "--user=1000:1000", "--workdir=/project"]);
    command.args(["--read-only", "--tmpfs=/tmp:exec,mode=1777", "--env=HOME=/tmp"]);
    for variable in ["LARDER_DIR=/tmp/l", "CARGO_HOME=/tmp/c", "CARGO_TARGET_DIR=/tmp/t"] {
        command.args(["--env", variable]);
    }
    command.arg(format!("--volume={}:/project:ro", root.display()));
    command.arg(format!("--volume={}:/usr/local/bin/cargo-larder:ro", larder.display()));
    let script = format!("{BUILD} /tmp/report.json >&2 && cat /tmp/report.json");
    let output = process::run_quietly(command.args([BUILDER, "bash", "-c", &script]))?;
    let report = scratch.join("user.json");
    fs::write(&report, output.stdout)?;
    read(&report)
}

fn read(report: &Path) -> Result<Verdicts> {
    let report: Report = serde_json::from_slice(&fs::read(report)?)?;
    let named = |unit: &larder_schema::report::UnitReport| {
        format!("{} {} {}", unit.package, unit.target, unit.mode)
    };
    Ok(report.units.iter().map(|unit| (named(unit), unit.verdict)).collect())
}
