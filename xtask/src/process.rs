//! Starting cargo and friends as the user would have started them.
//!
//! `cargo xtask` is `cargo run`, so this process has variables that the user
//! does not: the package's, and library search paths. A child that kept them
//! would record or measure another environment than the user's own.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Variables that `cargo run`, rustup's proxies or a helper's private target
/// directory add; a prefix where it ends in `_`.
const ADDED_BY_CARGO_RUN: &[&str] = &[
    "CARGO",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_",
    "CARGO_TARGET_DIR",
    "OUT_DIR",
    "RUST_RECURSION_COUNT",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "CARGO_TERM_PROGRESS_WHEN",
];

/// A command with the user's own environment.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let added = |known: &&str| {
            if known.ends_with('_') { text.starts_with(*known) } else { text == **known }
        };
        if ADDED_BY_CARGO_RUN.iter().any(added) {
            command.env_remove(&name);
        }
    }
    for name in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        let Some(value) = std::env::var_os(name) else { continue };
        let kept: Vec<PathBuf> = std::env::split_paths(&value)
            .filter(|dir| !is_cargo_library_path(dir) && !dir.as_os_str().is_empty())
            .collect();
        match std::env::join_paths(kept) {
            Ok(kept) if !kept.is_empty() => command.env(name, kept),
            _ => command.env_remove(name),
        };
    }
    command
}

/// Whether `cargo run` put this directory into the library search path: a
/// target directory's, or a toolchain's.
fn is_cargo_library_path(dir: &Path) -> bool {
    let has = |name: &str| dir.components().any(|part| part.as_os_str() == name);
    has("toolchains")
        || has("rustlib")
        || std::env::current_exe().is_ok_and(|exe| {
            exe.parent().is_some_and(|target| dir.starts_with(target) || target.starts_with(dir))
        })
}

/// The environment that `command` starts with.
pub(crate) fn environment(command: &Command) -> BTreeMap<String, String> {
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let mut env: BTreeMap<String, String> =
        std::env::vars_os().map(|(name, value)| (text(&name), text(&value))).collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => env.insert(text(name), text(value)),
            None => env.remove(&text(name)),
        };
    }
    env
}

/// Runs a command that must succeed, its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command that must succeed; its output only where it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}:\n{}", shown(command), output.status, stderr.trim_end());
    }
    Ok(output)
}

/// Whether a program can be started and answers `--version`.
pub(crate) fn exists(program: &str, args: &[&str]) -> bool {
    command(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// This binary. `cargo xtask test` builds it again while it runs, with the
/// features of the whole workspace: then the system names the file that was
/// replaced, and what stands at its place now is the same program.
pub(crate) fn own_executable() -> std::io::Result<std::path::PathBuf> {
    let exe = std::env::current_exe()?;
    let replaced = exe.to_str().and_then(|text| text.strip_suffix(" (deleted)"));
    Ok(replaced.map_or_else(|| exe.clone(), std::path::PathBuf::from))
}
