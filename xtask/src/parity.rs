//! `cargo xtask parity`: does larder plan what cargo does?
//!
//! Cargo builds a project while every rustc, clippy-driver and rustdoc call and
//! every build-script run is recorded with argument vector, environment,
//! directory and outcome. The recording is what a plan is compared with.
//!
//! Shallowly it compiles only what build scripts are made of: the calls are the
//! same, but of the other crates no file is there to compare.
//!
//! The recorder is this binary under other names (see [`reentered`]): cargo
//! starts it as `RUSTC_WRAPPER` and `RUSTDOC`, and in place of build scripts.
//!
//! Out of scope: a project with a `RUSTC_WRAPPER` of its own, since ours takes
//! its place.

mod artifacts;
mod compare;
mod normal;
mod passthrough;
mod planned;
mod record;
mod script;
mod wrapper;

use crate::workspace;
use anyhow::Result;
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compare what larder plans with what cargo does.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Manifest of the project.
    #[arg(long, value_name = "PATH")]
    manifest_path: PathBuf,
    /// Where the recording goes (default: below target/parity).
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Record what cargo does, and compare nothing.
    #[arg(long)]
    record_only: bool,
    /// Compile only what build scripts are made of, and answer for the rest: every call is
    /// compared all the same, in a fraction of the time. Not for commands that run what they
    /// built.
    #[arg(long, conflicts_with = "record_only")]
    shallow: bool,
    /// The command: `cargo build --release`. One that runs what it built runs it here too.
    #[arg(last = true, required = true, value_name = "CARGO COMMAND")]
    command: Vec<String>,
}

/// Runs `cargo xtask parity`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let manifest = fs::canonicalize(&args.manifest_path)?;
    let project = manifest.parent().unwrap_or(&manifest);
    let output = match &args.output {
        Some(output) => output.clone(),
        None => {
            let name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
            workspace::target("parity").join(name)
        }
    };
    let setting = record::prepare(project, &args.command, &output)?;
    let scratch = workspace::target("parity-larder");
    // A shallow build asks the plan what to compile; else the plan comes last,
    // so that nothing of it can help cargo.
    let (recording, planned) = if args.shallow {
        let (plan, inherited) = planned::plan(setting.recording(), &scratch)?;
        let compiled = planned::needed_by_scripts(&plan);
        (record::record(setting, Some(&compiled))?, Some((plan, inherited)))
    } else {
        (record::record(setting, None)?, None)
    };
    let file = output.join("recording.json");
    fs::write(&file, serde_json::to_vec(&recording)?)?;
    println!(
        "recorded {} compiler calls, {} build-script runs, {} messages: {}",
        recording.rustc.len(),
        recording.runs.len(),
        recording.messages.len(),
        workspace::shown(&file)
    );
    if args.record_only {
        return Ok(());
    }
    let (plan, inherited) = match planned {
        Some(planned) => planned,
        None => planned::plan(&recording, &scratch)?,
    };
    let mut outcome = compare::compare(&plan, &inherited, &recording);
    outcome.differences.extend(artifacts::compare(&plan, &recording));
    for difference in &outcome.differences {
        println!("{difference}");
    }
    println!("units {}, differing {}", outcome.units, outcome.differences.len());
    for line in outcome.classes.lines() {
        println!("{line}");
    }
    anyhow::ensure!(
        outcome.differences.is_empty(),
        "larder plans `{}` other than cargo",
        args.command.join(" ")
    );
    Ok(())
}

/// What this process does where it was not started as `xtask` but as the
/// recorder; `None` where it was started as itself.
pub(crate) fn reentered() -> Option<ExitCode> {
    if let Some(code) = planned::shim() {
        return Some(code);
    }
    let exe = std::env::current_exe().ok()?;
    let name = exe.file_stem()?.to_str()?;
    if name == wrapper::RUSTC {
        Some(wrapper::rustc())
    } else if name == wrapper::RUSTDOC {
        Some(wrapper::rustdoc())
    } else if script::is_script(name) {
        Some(script::run(&exe))
    } else {
        None
    }
}

/// Checks one command of one project, as the test run does.
pub(crate) fn check(manifest: &Path, command: &str, shallow: bool) -> Result<()> {
    let words = std::iter::once("cargo").chain(command.split_whitespace());
    let name = manifest.parent().and_then(Path::file_name).unwrap_or_default();
    let output = workspace::target("parity").join(name);
    run(&Args {
        manifest_path: manifest.to_path_buf(),
        output: Some(output.clone()),
        record_only: false,
        shallow,
        command: words.map(str::to_owned).collect(),
    })?;
    // Gigabytes that nobody looks at.
    fs::remove_dir_all(output.join("target"))?;
    Ok(())
}
