//! Starting what was built: `run`, `test`, `bench`, with cargo's lines, order,
//! working directories, messages and exit codes.

use crate::args::MessageFormat;
use crate::building::Built;
use crate::cargo::become_program;
use crate::errors::{self, AlreadyPrinted, WithCode};
use crate::exit::Exit;
use crate::host::Host;
use crate::reporter::{TargetKind, expand};
use crate::session::{DoctestOptions, Launch};
use crate::shell::escape;
use anyhow::{Context as _, bail};
use larder_schema::plan::{Mode, UnitIndex};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// What is run after the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `test`
    Test,
    /// `bench`
    Bench,
    /// Documentation tests.
    Doctest,
}

/// `test` and `bench`, as asked for.
#[derive(Clone, Debug)]
pub(crate) struct TestRun {
    /// Which.
    pub(crate) kind: Kind,
    /// Arguments for the harness, the name filter first.
    pub(crate) args: Vec<OsString>,
    /// Build only.
    pub(crate) no_run: bool,
    /// Run all, whichever fail.
    pub(crate) no_fail_fast: bool,
}

impl Launch {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.cwd);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// As cargo prints commands; with the variables for `-vv`.
    pub(crate) fn shown(&self, with_env: bool) -> String {
        let mut text = String::from("`");
        if with_env {
            for (name, value) in &self.env {
                if let Some(value) = value {
                    text.push_str(&format!("{}={} ", name.display(), escape(value)));
                }
            }
        }
        text.push_str(&self.program.to_string_lossy());
        for arg in &self.args {
            text.push(' ');
            text.push_str(&escape(arg));
        }
        text.push('`');
        text
    }
}

/// Becomes the program that was built.
pub(crate) fn run(host: &Host, built: &Built<'_>, args: &[OsString]) -> anyhow::Result<Exit> {
    let plan = &built.outcome.plan;
    let mut programs = built.outcome.executables.iter().filter(|(unit, _)| {
        let unit = &plan.units[*unit];
        unit.mode == Mode::Build
            && matches!(TargetKind::of(&unit.target), TargetKind::Bin | TargetKind::Example)
    });
    let (unit, executable) = match (programs.next(), programs.next()) {
        (Some(only), None) => only,
        (None, _) => bail!("a bin target must be available for `cargo run`"),
        (Some(_), Some(_)) => {
            let mut names: Vec<&str> = built
                .outcome
                .executables
                .iter()
                .map(|(unit, _)| plan.units[*unit].target.name.as_str())
                .collect();
            names.sort_unstable();
            bail!(
                "`cargo run` could not determine which binary to run. Use the `--bin` option to \
                 specify a binary, or the `default-run` manifest key.\navailable binaries: {}",
                names.join(", ")
            );
        }
    };
    let cwd = host.cwd.as_deref().context("could not find the working directory")?;
    let executable = match executable.strip_prefix(cwd) {
        // A bare name would be searched for in `PATH`.
        Ok(name) if name.components().count() == 1 => Path::new(".").join(name),
        Ok(relative) => relative.to_owned(),
        Err(_) => executable.clone(),
    };
    let mut launch = built.session.launch(&built.outcome, *unit, &executable)?;
    launch.args.extend_from_slice(args);
    launch.cwd = cwd.to_owned();
    let shown = launch.shown(built.console.verbosity() == crate::console::Verbosity::VeryVerbose);
    built.console.status("Running", &shown);
    Err(become_program(launch.command())
        .context(format!("could not execute process {shown} (never executed)")))
}

/// Something to run, with its failure so far.
struct Failed {
    unit: UnitIndex,
    kind: Kind,
}

/// Runs test or bench executables, then documentation tests.
pub(crate) fn tests(host: &Host, built: &Built<'_>, run: &TestRun) -> anyhow::Result<Exit> {
    let very_verbose = built.console.verbosity() == crate::console::Verbosity::VeryVerbose;
    let mut executables: Vec<&(UnitIndex, PathBuf)> = built
        .outcome
        .executables
        .iter()
        .filter(|(unit, _)| built.outcome.plan.units[*unit].mode == Mode::Test)
        .collect();
    // Units are in cargo's order, which is also that of running them.
    executables.sort_by_key(|(unit, _)| *unit);
    let mut args = run.args.clone();
    if run.kind == Kind::Bench && !run.no_run {
        args.push("--bench".into());
    }

    let mut failed = Vec::new();
    for (unit, executable) in executables {
        if run.no_run && built.format.is_json() {
            continue;
        }
        let mut launch = built.session.launch(&built.outcome, *unit, executable)?;
        launch.args.extend_from_slice(&args);
        if built.outcome.plan.units[*unit].target.harness && built.console.is_quiet() {
            launch.args.push("--quiet".into());
        }
        let label = if run.no_run { "Executable" } else { "Running" };
        if built.console.is_verbose() {
            built.console.status(label, &launch.shown(very_verbose));
        } else {
            let kind = if run.no_run && run.kind == Kind::Bench { "benches" } else { "unittests" };
            built.console.status(label, &described(host, built, *unit, executable, kind));
        }
        if !run.no_run {
            one(built, &Failed { unit: *unit, kind: run.kind }, &launch, run, &mut failed)?;
        }
    }
    if run.kind == Kind::Test && !run.no_run {
        doctests(built, run, very_verbose, &mut failed)?;
    }
    all_failures(built, &failed)
}

fn doctests(
    built: &Built<'_>,
    run: &TestRun,
    very_verbose: bool,
    failed: &mut Vec<(String, Kind)>,
) -> anyhow::Result<()> {
    let plan = &built.outcome.plan;
    let options = DoctestOptions {
        test_args: run
            .args
            .iter()
            .map(|arg| arg.to_str().map(str::to_owned).context("an argument is not valid UTF-8"))
            .collect::<anyhow::Result<_>>()?,
        quiet: built.console.is_quiet(),
        color: built.console.color().as_str(),
        error_format: match built.format {
            MessageFormat::Human => "human",
            MessageFormat::Short => "short",
            MessageFormat::Json { .. } => "json",
        },
    };
    for unit in (0..plan.units.len()).filter(|unit| plan.units[*unit].mode == Mode::Doctest) {
        built.console.status("Doc-tests", &plan.units[unit].target.name);
        let launch = built.session.doctest(&built.outcome, unit, &options)?;
        if built.console.is_verbose() {
            built.console.status("Running", &launch.shown(very_verbose));
        }
        one(built, &Failed { unit, kind: Kind::Doctest }, &launch, run, failed)?;
    }
    Ok(())
}

/// Runs one process; an error if it failed and the rest is not to run.
fn one(
    built: &Built<'_>,
    this: &Failed,
    launch: &Launch,
    run: &TestRun,
    failed: &mut Vec<(String, Kind)>,
) -> anyhow::Result<()> {
    let status = launch.command().status();
    let code = match &status {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.code(),
        Err(_) => None,
    };
    let what = match this.kind {
        Kind::Test => "test failed",
        Kind::Bench => "bench failed",
        Kind::Doctest => "doctest failed",
    };
    let rerun = rerun_args(built, this);
    let message = format!("{what}, to rerun pass `{rerun}`");
    // libtest ends with 101 when tests fail: that says nothing new.
    let error = match status {
        Ok(_) if code == Some(101) => anyhow::Error::msg(message),
        Ok(status) => anyhow::Error::msg(format!(
            "process didn't exit successfully: {} ({})",
            launch.shown(false),
            describe(status)
        ))
        .context(message),
        Err(error) => anyhow::Error::from(error)
            .context(format!("could not execute process {} (never executed)", launch.shown(false)))
            .context(message),
    };
    errors::show(built.console, &error);
    let nocapture = run.args.iter().any(|a| a == "--nocapture" || a == "--no-capture");
    let harness = built.outcome.plan.units[this.unit].target.harness;
    if code.is_some_and(|c| c != 101) && harness && !nocapture {
        built.console.note(
            "test exited abnormally; to see the full output pass --no-capture to the harness.",
        );
    }
    failed.push((rerun, this.kind));
    if run.no_fail_fast {
        return Ok(());
    }
    Err(AlreadyPrinted(code.map_or(Exit::Failure, Exit::Program)).into())
}

fn all_failures(built: &Built<'_>, failed: &[(String, Kind)]) -> anyhow::Result<Exit> {
    if failed.is_empty() {
        return Ok(built.exit());
    }
    let list: Vec<String> = failed.iter().map(|(args, _)| format!("    `{args}`")).collect();
    let targets = if failed.len() == 1 { "target" } else { "targets" };
    Err(WithCode {
        message: format!("{} {targets} failed:\n{}", failed.len(), list.join("\n")),
        code: i32::from(Exit::Failure.code()),
    }
    .into())
}

/// Flags that choose this one target again.
fn rerun_args(built: &Built<'_>, failed: &Failed) -> String {
    let plan = &built.outcome.plan;
    let unit = &plan.units[failed.unit];
    // Cargo counts the members that its flags choose from; those of the plan
    // are what larder knows of them.
    let members: BTreeSet<usize> =
        plan.units.iter().map(|u| u.package).filter(|p| plan.packages[*p].member).collect();
    let package = if built.names_package || members.len() > 1 {
        format!("-p {} ", plan.packages[unit.package].name)
    } else {
        String::new()
    };
    let name = &unit.target.name;
    let target = match (failed.kind, TargetKind::of(&unit.target)) {
        (Kind::Doctest, _) => "--doc".to_owned(),
        (_, TargetKind::Lib | TargetKind::BuildScript) => "--lib".to_owned(),
        (_, TargetKind::Bin) => format!("--bin {name}"),
        (_, TargetKind::Test) => format!("--test {name}"),
        (_, TargetKind::Bench) => format!("--bench {name}"),
        (_, TargetKind::Example) => format!("--example {name}"),
    };
    package + &target
}

/// `unittests src/lib.rs (target/debug/deps/app-0123)`
fn described(
    host: &Host,
    built: &Built<'_>,
    unit: UnitIndex,
    executable: &Path,
    kind: &str,
) -> String {
    let plan = &built.outcome.plan;
    let unit = &plan.units[unit];
    let root = expand(plan, &plan.packages[unit.package].root);
    let source = expand(plan, &unit.target.src_path);
    let source = source.strip_prefix(root).unwrap_or(&source).display();
    let cwd = host.cwd.as_deref().unwrap_or(Path::new(""));
    let executable = executable.strip_prefix(cwd).unwrap_or(executable).display();
    match TargetKind::of(&unit.target) {
        TargetKind::Test | TargetKind::Bench => format!("{source} ({executable})"),
        _ => format!("{kind} {source} ({executable})"),
    }
}

/// `exit status: 1`, `signal: 11, SIGSEGV: invalid memory reference`
pub(crate) fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    let Some(signal) = status.signal() else {
        return status.to_string();
    };
    // Numbers that Linux and macOS share.
    let name = match signal {
        1 => ", SIGHUP: hangup",
        2 => ", SIGINT: terminal interrupt signal",
        3 => ", SIGQUIT: terminal quit signal",
        4 => ", SIGILL: illegal instruction",
        5 => ", SIGTRAP: trace/breakpoint trap",
        6 => ", SIGABRT: process abort signal",
        8 => ", SIGFPE: erroneous arithmetic operation",
        9 => ", SIGKILL: kill",
        11 => ", SIGSEGV: invalid memory reference",
        13 => ", SIGPIPE: write on a pipe with no one to read",
        14 => ", SIGALRM: alarm clock",
        15 => ", SIGTERM: termination signal",
        7 if cfg!(target_os = "linux") => ", SIGBUS: access to undefined memory",
        10 if cfg!(target_os = "macos") => ", SIGBUS: access to undefined memory",
        31 if cfg!(target_os = "linux") => ", SIGSYS: bad system call",
        12 if cfg!(target_os = "macos") => ", SIGSYS: bad system call",
        _ => "",
    };
    format!("signal: {signal}{name}")
}

#[cfg(test)]
mod tests;
