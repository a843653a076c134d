//! Larder's side of the comparison: the same command, planned in the same
//! environment, with nothing executed.

use super::record::{Recording, subcommand};
use anyhow::{Context, Result, anyhow};
use larder_cargo::{Host, Request};
use larder_schema::plan::{Plan, UnitIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Plans what was recorded. With the plan comes the environment that its
/// actions inherit: rustup's proxy adds variables before cargo starts.
pub(super) fn plan(
    recording: &Recording,
    scratch: &Path,
) -> Result<(Plan, BTreeMap<String, String>)> {
    let env = recording.env.iter().map(|(n, v)| (OsString::from(n), OsString::from(v))).collect();
    let host = Host {
        env,
        cwd: recording.project.clone(),
        exe: crate::process::own_executable()?,
        larder_dir: scratch.to_path_buf(),
        layers: None,
    };
    let request = request(recording)?;
    let mut said = String::new();
    let prepared = larder_cargo::prepare(&host, &request)?;
    let gathered = prepared.gather(&mut |line| said.push_str(line));
    let (inputs, _) = gathered.map_err(|error| anyhow!("{error}\n{said}"))?;
    let plan = larder_plan::plan(&inputs)
        .map_err(|error| anyhow!("larder hands this to cargo: {error}"))?;
    let text = |text: &OsString| text.to_string_lossy().into_owned();
    let env = prepared.host.env.iter().map(|(n, v)| (text(n), text(v))).collect();
    Ok((plan, env))
}

/// Names of the crates that build scripts are made of: what has to be compiled
/// for a build to get to its end. The recorder tells crates apart by name only,
/// so that whatever has one of the names brings what is below it.
pub(super) fn needed_by_scripts(plan: &Plan) -> BTreeSet<String> {
    let mut of_name: BTreeMap<String, Vec<UnitIndex>> = BTreeMap::new();
    for (unit, u) in plan.units.iter().enumerate() {
        of_name.entry(u.target.crate_name()).or_default().push(unit);
    }
    let mut needed = BTreeSet::new();
    let mut pending: Vec<UnitIndex> =
        (0..plan.units.len()).filter(|&unit| plan.units[unit].is_run()).collect();
    while let Some(unit) = pending.pop() {
        let name = plan.units[unit].target.crate_name();
        let same = of_name.remove(&name).unwrap_or_default();
        pending.extend(same.iter().flat_map(|&u| &plan.units[u].deps).map(|dep| dep.unit));
        needed.insert(name);
    }
    needed
}

fn request(recording: &Recording) -> Result<Request> {
    let (toolchain, words) = match recording.command.get(1..).unwrap_or_default() {
        [first, rest @ ..] if first.starts_with('+') => (Some(first[1..].to_owned()), rest),
        words => (None, words),
    };
    let at = subcommand(words).context("no subcommand")?;
    let behind = &words[at + 1..];
    let split = behind.iter().position(|word| word == "--").unwrap_or(behind.len());
    let mut args = [&words[..at], &behind[..split]].concat();
    args.push("--target-dir".to_owned());
    args.push(recording.target.to_string_lossy().into_owned());
    let trailing = behind.get(split + 1..).unwrap_or_default().to_vec();
    Ok(Request { command: words[at].clone(), args, trailing, toolchain, color: false })
}

/// Acts as the rustc shim, if cargo started this process as it while planning.
pub(super) fn shim() -> Option<ExitCode> {
    std::env::var_os(larder_cargo::shim::MARKER)?;
    let host = Host {
        env: std::env::vars_os().collect(),
        cwd: std::env::current_dir().ok()?,
        exe: std::env::current_exe().ok()?,
        larder_dir: std::env::temp_dir(),
        layers: None,
    };
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let shim = larder_cargo::shim::command(&host, &args)?;
    let mut command = Command::new(&shim.program);
    command.args(&shim.args);
    for (name, value) in &shim.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let code = command.status().ok().and_then(|status| status.code()).unwrap_or(1);
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
