//! The recording: what cargo did, as a value, and how it is made.
//!
//! ```text
//! <output>/
//!   bin/            this binary under the recorder's names
//!   calls/          one JSON file per compiler call and per build-script run
//!   target/         cargo's target directory, fresh
//!   recording.json  everything, as one [`Recording`]
//! ```

use super::wrapper;
use crate::process;
use anyhow::{Context, Result, bail};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that names the directory for calls; without it the recorder
/// only passes through. It and its siblings are removed from what runs below.
pub(super) const DIR: &str = "LARDER_RECORD_DIR";
/// The recorder's executable, for build scripts to be replaced by.
pub(super) const STUB: &str = "LARDER_RECORD_STUB";
/// A file with the names of the crates that are compiled, a line each; without
/// the variable all are.
pub(super) const COMPILED: &str = "LARDER_RECORD_COMPILED";

/// A call of a compiler: rustc, clippy-driver or rustdoc.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    /// What was called: `rustc`, `clippy-driver` or `rustdoc`, as a path.
    pub(crate) program: String,
    /// Arguments after the program; for a workspace wrapper after the rustc
    /// that follows it.
    pub(crate) args: Vec<String>,
    /// The rustc that a workspace wrapper was given.
    pub(crate) wrapped: Option<String>,
    /// The whole environment, less the recorder's own variables.
    pub(crate) env: BTreeMap<String, String>,
    /// Working directory.
    pub(crate) cwd: String,
    /// Exit code; absent: ended by a signal.
    pub(crate) exit: Option<i32>,
    /// Nanoseconds since the epoch when it started.
    pub(crate) started: u128,
}

/// A run of a build script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The path that cargo started.
    pub(crate) program: String,
    /// The script's executable under rustc's own name, as the call that
    /// compiled it wrote it.
    pub(crate) compiled: String,
    /// Arguments after the program.
    pub(crate) args: Vec<String>,
    /// The whole environment, less the recorder's own variables.
    pub(crate) env: BTreeMap<String, String>,
    /// Working directory.
    pub(crate) cwd: String,
    /// What it printed on standard output.
    pub(crate) stdout: String,
    /// What it printed on standard error.
    pub(crate) stderr: String,
    /// Exit code; absent: ended by a signal.
    pub(crate) exit: Option<i32>,
    /// Nanoseconds since the epoch when it started.
    pub(crate) started: u128,
}

/// One file below `calls/`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entry {
    /// A compiler call.
    Rustc(Call),
    /// A build-script run.
    Run(Run),
}

/// What cargo did for one command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recording {
    /// Directory of the project, where cargo ran.
    pub(crate) project: PathBuf,
    /// The command, as the user gave it.
    pub(crate) command: Vec<String>,
    /// The environment that cargo was started in, less the recorder's own
    /// variables: a plan to compare with is made in the same one.
    pub(crate) env: BTreeMap<String, String>,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
    /// Compiler calls, in the order they started; probes left out.
    pub(crate) rustc: Vec<Call>,
    /// Build-script runs, in the order they started.
    pub(crate) runs: Vec<Run>,
    /// Cargo's `--message-format json` stream.
    pub(crate) messages: Vec<serde_json::Value>,
}

/// A command that is about to be recorded.
pub(super) struct Setting {
    cargo: Command,
    output: PathBuf,
    recording: Recording,
}

impl Setting {
    /// What is known before cargo runs: everything but what it does.
    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }
}

/// Prepares for recording `command` in `project`; everything lies below
/// `output`, which is emptied first.
pub(super) fn prepare(project: &Path, command: &[String], output: &Path) -> Result<Setting> {
    if std::env::var_os("RUSTC_WRAPPER").is_some() {
        bail!("RUSTC_WRAPPER is set; the recorder takes its place: unset it");
    }
    let [program, args @ ..] = command else { bail!("no command to record") };
    if output.exists() {
        fs::remove_dir_all(output)?;
    }
    for dir in ["bin", "calls", "target"] {
        fs::create_dir_all(output.join(dir))?;
    }
    let output = fs::canonicalize(output)?;
    let target = output.join("target");
    let stub = install(&output.join("bin"))?;

    let mut cargo = process::command(program);
    cargo.args(with_options(args, &target)?).current_dir(project);
    // A shell that stood in the project would have said so.
    cargo.env("PWD", project).env_remove("OLDPWD");
    let recording = Recording {
        project: project.to_path_buf(),
        command: command.to_vec(),
        env: process::environment(&cargo),
        target,
        rustc: Vec::new(),
        runs: Vec::new(),
        messages: Vec::new(),
    };
    cargo.env("RUSTC_WRAPPER", output.join("bin").join(wrapper::RUSTC));
    // Only documentation tests call it: build scripts of other commands are
    // told of the one that cargo would use.
    if subcommand(args).is_some_and(|at| matches!(args[at].as_str(), "test" | "t")) {
        cargo.env("RUSTDOC", output.join("bin").join(wrapper::RUSTDOC));
    }
    cargo.env(DIR, output.join("calls")).env(STUB, &stub);
    cargo.stdout(Stdio::piped());
    Ok(Setting { cargo, output, recording })
}

/// Builds with cargo and records it. Of the crates only `compiled` are really
/// compiled, if it is given; calls for others succeed and write nothing.
pub(super) fn record(setting: Setting, compiled: Option<&BTreeSet<String>>) -> Result<Recording> {
    let Setting { mut cargo, output, mut recording } = setting;
    if let Some(names) = compiled {
        let file = output.join("compiled");
        fs::write(&file, names.iter().map(|name| format!("{name}\n")).collect::<String>())?;
        cargo.env(COMPILED, file);
    }
    let child =
        cargo.spawn().with_context(|| format!("cannot start {}", process::shown(&cargo)))?;
    let finished = child.wait_with_output()?;
    if !finished.status.success() {
        bail!("{} ended with {}", process::shown(&cargo), finished.status);
    }
    recording.messages = messages(&String::from_utf8_lossy(&finished.stdout));
    for entry in fs::read_dir(output.join("calls"))? {
        let path = entry?.path();
        match serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| format!("broken recording {}", path.display()))?
        {
            Entry::Rustc(call) => recording.rustc.push(call),
            Entry::Run(run) => recording.runs.push(run),
        }
    }
    recording.rustc.sort_by_key(|call| call.started);
    recording.runs.sort_by_key(|run| run.started);
    Ok(recording)
}

/// Puts this binary below `bin` under the recorder's names; returns the one
/// that stands in for build scripts.
fn install(bin: &Path) -> Result<PathBuf> {
    let stub = bin.join("stub");
    fs::copy(crate::process::own_executable()?, &stub)?;
    for name in [wrapper::RUSTC, wrapper::RUSTDOC] {
        fs::hard_link(&stub, bin.join(name))?;
    }
    Ok(stub)
}

/// The arguments with a private target directory and JSON messages, put behind
/// the subcommand. The JSON format is the one under which cargo asks rustc for
/// what it also asks for on a terminal; a format that the user gave stays.
fn with_options(args: &[String], target: &Path) -> Result<Vec<String>> {
    let mut args = args.to_vec();
    let target = target.to_str().context("the target directory's name is not UTF-8")?;
    let at = subcommand(&args).context("no subcommand in the command to record")?;
    let mut options = vec!["--target-dir".to_owned(), target.to_owned()];
    let before_rest = args.iter().take_while(|arg| *arg != "--");
    if !before_rest.into_iter().any(|arg| arg.starts_with("--message-format")) {
        options.push("--message-format=json-diagnostic-rendered-ansi".to_owned());
    }
    args.splice(at + 1..at + 1, options);
    Ok(args)
}

/// Where the subcommand is: global flags, some with a value of their own, and a
/// toolchain may precede it.
pub(super) fn subcommand(args: &[String]) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        match arg.as_str() {
            "--config" | "-C" | "-Z" | "--color" => at += 2,
            flag if flag.starts_with('-') || flag.starts_with('+') => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// Cargo's messages among the lines; `cargo test` prints other lines too.
fn messages(stdout: &str) -> Vec<serde_json::Value> {
    stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message.get("reason").is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Vec<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        with_options(&args, Path::new("/t")).unwrap()
    }

    #[test]
    fn options_follow_the_subcommand() {
        let words = options(&["+nightly", "--config", "a.b=1", "rustc", "--lib", "--", "-g"]);
        assert_eq!(words[..6], ["+nightly", "--config", "a.b=1", "rustc", "--target-dir", "/t"]);
        assert_eq!(words[7..], ["--lib", "--", "-g"]);
        let words = options(&["check", "--message-format", "short"]);
        assert_eq!(words[1..], ["--target-dir", "/t", "--message-format", "short"]);
    }

    #[test]
    fn lines_that_are_not_messages_are_left_out() {
        let stdout = "running 1 test\n{\"reason\":\"build-finished\"}\n{\"a\":1}\n3\n";
        assert_eq!(messages(stdout).len(), 1);
    }
}
