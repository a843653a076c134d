//! `cargo larder exec`, and what the binary does as the `cargo` that it puts
//! in front.
//!
//! The command gets a directory with a link `cargo` to this binary first in
//! `PATH`, and the link as `CARGO`. The link sends building commands through
//! larder and everything else to the real cargo. Aliases are expanded first.
//! External subcommands (`cargo nextest`) are started directly: the real cargo
//! would tell them that it is their `CARGO`. Builds see neither the link nor
//! the directory; programs that `run`, `test` and `bench` start see both, so
//! that an xtask's builds go through larder too.

use crate::args::Split;
use crate::building::Context;
use crate::cargo::{become_cargo, become_program, external};
use crate::env_vars::{CARGO, LARDER_EXEC, LARDER_REAL_CARGO, PATH};
use crate::exit::Exit;
use crate::host::Host;
use crate::settings::Settings;
use anyhow::Context as _;
use clap::Args;
use larder_schema::Digest;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Subcommands that go through larder.
const BUILDING: &[&str] =
    &["b", "bench", "build", "c", "check", "clippy", "r", "run", "rustc", "t", "test"];

/// Run a command whose calls of cargo go through larder
///
/// For tools that call cargo themselves: `cargo larder exec -- wasm-pack build`, maturin, nextest,
/// make. Calls that do not build go to cargo as they are.
#[derive(Args, Debug)]
pub(crate) struct Exec {
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true,
          allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl Exec {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let host = context.host;
        let (program, args) = self.command.split_first().context("no command was given")?;
        let mut command = Command::new(program);
        command.args(args);
        if let Some(toolchain) = &context.split.toolchain {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        if !host.is_off() {
            let exe = host.exe.as_deref().context("could not find larder's own executable")?;
            let settings = Settings::read(host)?;
            let dir = front(&settings.dir, exe)?;
            // Behind another `exec` there is a front already: one is enough,
            // and what is real stays so.
            let real = match host.var(&LARDER_REAL_CARGO) {
                Some(real) => real.into(),
                None => host.find_program("cargo", None).unwrap_or_else(|| host.real_cargo()),
            };
            let rest = host.var(&PATH).into_iter().flat_map(std::env::split_paths);
            let rest = rest.filter(|d| *d != dir && Some(d.as_path()) != host.front());
            let path = std::iter::once(dir.clone()).chain(rest);
            command
                .env(PATH.name, std::env::join_paths(path).context("`PATH` cannot be extended")?)
                .env(CARGO.name, dir.join("cargo"))
                .env(LARDER_EXEC.name, &dir)
                .env(LARDER_REAL_CARGO.name, real);
        }
        Err(become_program(command))
    }
}

/// A directory that holds nothing but `cargo`, a link to `exe`. One for each
/// executable, so that several installed larders do not fight over it.
fn front(store: &Path, exe: &Path) -> anyhow::Result<PathBuf> {
    let name = Digest::of(exe.as_os_str().as_encoded_bytes()).short();
    let dir = store.join("exec").join(name);
    let link = dir.join("cargo");
    if fs_err::read_link(&link).is_ok_and(|target| target == exe) {
        return Ok(dir);
    }
    let made = (|| {
        fs_err::create_dir_all(&dir)?;
        // Another process may be making the same: a rename replaces its link
        // by an equal one.
        let temporary = dir.join(format!(".cargo-{}", std::process::id()));
        fs_err::os::unix::fs::symlink(exe, &temporary)?;
        fs_err::rename(&temporary, &link)
    })();
    made.context("could not make the directory for the `cargo` in front")?;
    Ok(dir)
}

/// What the `cargo` in front does with a command that is not larder's; nothing
/// if it is.
pub(crate) fn stand_in(host: &Host, split: &Split) -> Option<anyhow::Result<Exit>> {
    let name = split.command.as_ref().and_then(|c| c.to_str());
    if name.is_some_and(|n| BUILDING.contains(&n)) && !host.is_off() {
        return None;
    }
    let error = match external(host, split) {
        Some(command) => become_program(command),
        None => become_cargo(host, split, &split.tokens()),
    };
    Some(Err(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let exe = dir.path().join("cargo-larder");
        let first = front(dir.path(), &exe).unwrap();
        assert_eq!(fs_err::read_link(first.join("cargo")).unwrap(), exe);
        assert_eq!(front(dir.path(), &exe).unwrap(), first);
        assert_eq!(fs_err::read_dir(&first).unwrap().count(), 1);
    }

    #[test]
    fn building_commands_stay_with_larder() {
        let host = Host::fake(&["cargo"], &[("LARDER_EXEC", "/f")], "/w");
        for name in BUILDING {
            assert!(stand_in(&host, &Split::new(&[OsString::from(name)])).is_none());
        }
    }
}
