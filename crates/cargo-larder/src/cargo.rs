//! Giving a command to plain cargo: this process becomes cargo, so exit code
//! and signals are its own.

use crate::args::Split;
use crate::env_vars::{CARGO, LARDER_REAL_CARGO};
use crate::host::Host;
use anyhow::Context as _;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Cargo's own commands, with the built-in aliases. Others are external
/// (`cargo-<name>`) or aliases of the configuration.
pub(crate) const BUILT_IN: &[&str] = &[
    "add",
    "b",
    "bench",
    "build",
    "c",
    "check",
    "clean",
    "config",
    "d",
    "doc",
    "fetch",
    "fix",
    "generate-lockfile",
    "git-checkout",
    "help",
    "info",
    "init",
    "install",
    "locate-project",
    "login",
    "logout",
    "metadata",
    "new",
    "owner",
    "package",
    "pkgid",
    "publish",
    "r",
    "read-manifest",
    "remove",
    "report",
    "rm",
    "run",
    "rustc",
    "rustdoc",
    "search",
    "t",
    "test",
    "tree",
    "uninstall",
    "update",
    "vendor",
    "verify-project",
    "version",
    "yank",
];

/// Becomes cargo with `args`. Returns only if that is impossible.
pub(crate) fn become_cargo(host: &Host, split: &Split, args: &[OsString]) -> anyhow::Error {
    let mut command = match &split.toolchain {
        // Only rustup's proxy understands `+toolchain`; `CARGO` names the
        // cargo of one toolchain.
        Some(toolchain) => {
            let mut command = Command::new(proxy(host));
            command.arg(format!("+{toolchain}"));
            command
        }
        None => Command::new(host.real_cargo()),
    };
    command.args(args);
    become_program(command)
}

/// The cargo of `PATH` that is not this binary in disguise.
fn proxy(host: &Host) -> std::path::PathBuf {
    match host.var(&LARDER_REAL_CARGO) {
        Some(real) => real.into(),
        None => "cargo".into(),
    }
}

/// Becomes the program. Returns only if that is impossible.
pub(crate) fn become_program(mut command: Command) -> anyhow::Error {
    let program = command.get_program().to_owned();
    let error = command.exec();
    Err::<(), _>(error)
        .with_context(|| format!("could not execute `{}`", program.display()))
        .expect_err("it is an error")
}

/// A command for an external subcommand, as cargo starts it, but with the
/// cargo in front as `CARGO`.
pub(crate) fn external(host: &Host, split: &Split) -> Option<Command> {
    let name = split.command.as_ref()?.to_str()?;
    if BUILT_IN.contains(&name) || split.toolchain.is_some() || !split.globals.is_empty() {
        return None;
    }
    let file = format!("cargo-{name}");
    let in_home = host.cargo_home().map(|home| home.join("bin").join(&file));
    let program = in_home
        .filter(|p| crate::host::is_executable(p))
        .or_else(|| host.find_program(&file, None))?;
    let mut command = Command::new(program);
    command.arg(name).args(&split.rest);
    if let Some(front) = host.front() {
        command.env(CARGO.name, front.join("cargo"));
    }
    Some(command)
}
