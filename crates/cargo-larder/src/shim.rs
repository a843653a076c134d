//! The binary as a stand-in for rustc while cargo plans; what it then executes
//! is told by [`larder_cargo::shim`].
//!
//! Planning starts it for every probe of the compiler, so it comes before
//! everything else and reads nothing but the environment.

use crate::cargo::become_program;
use crate::errors;
use crate::exit::Exit;
use crate::host::{self, Host};
use std::path::PathBuf;
use std::process::Command;

/// Becomes the compiler if this process stands in for it.
pub(crate) fn run_if_asked() -> Option<Exit> {
    if !host::stands_in_for_rustc() {
        return None;
    }
    let host = Host::read();
    let machine = larder_cargo::Host {
        env: host.env,
        cwd: PathBuf::new(),
        exe: PathBuf::new(),
        larder_dir: PathBuf::new(),
        layers: None,
    };
    let shim = larder_cargo::shim::command(&machine, host.args.get(1..).unwrap_or_default())?;
    let mut command = Command::new(shim.program);
    command.args(shim.args);
    for (name, value) in shim.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let error = become_program(command);
    errors::show(&crate::console::Console::plain(), &error);
    Some(Exit::Failure)
}
