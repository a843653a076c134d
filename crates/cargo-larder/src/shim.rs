//! The binary as a stand-in for rustc while cargo plans.
//!
//! `--unit-graph` on stable needs `RUSTC_BOOTSTRAP=1`, but the variable makes
//! `rustc --print cfg` longer, which pulls in other dependencies and would
//! poison cargo's cache of compiler facts. So cargo is given this shim, which
//! removes the variable unless the user had set it. Planning starts it for
//! every probe of the compiler: nothing else is read before this.

use crate::env_vars::{RUSTC_BOOTSTRAP, RUSTC_SHIM, USER_RUSTC_BOOTSTRAP};
use crate::exit::Exit;
use crate::host;
use std::os::unix::process::CommandExt as _;

/// Becomes the compiler of `argv[1..]` if this process is the shim.
pub(crate) fn run_if_asked() -> Option<Exit> {
    host::shim_var(&RUSTC_SHIM)?;
    let mut argv = host::shim_args();
    let Some(program) = argv.next() else {
        return Some(Exit::Failure);
    };
    let mut command = std::process::Command::new(&program);
    command.args(argv).env_remove(RUSTC_SHIM.name).env_remove(USER_RUSTC_BOOTSTRAP.name);
    if host::shim_var(&USER_RUSTC_BOOTSTRAP).is_none() {
        command.env_remove(RUSTC_BOOTSTRAP.name);
    }
    let error = command.exec();
    crate::console::Console::plain()
        .error(&format!("could not execute `{}`: {error}", program.display()));
    Some(Exit::Failure)
}
