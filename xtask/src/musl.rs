//! musl's compiler, which a row of the torture collection wants: installed
//! where that can be done without asking, which is on Debian as root.
//!
//! Its paths are compiled into it, so that unpacking it somewhere does not do.

use crate::process;
use anyhow::{Context, Result};
use std::path::Path;

/// Debian's package of it.
const PACKAGE: &str = "musl-tools";

/// Installs it if need be. Says why it is not there, if so.
pub(crate) fn install() -> Result<Option<String>> {
    if process::exists("musl-gcc", &["--version"]) {
        return Ok(None);
    }
    let row = "a script's program that is linked against musl";
    if !Path::new("/etc/debian_version").exists() || !nix::unistd::geteuid().is_root() {
        return Ok(Some(format!("{row}: no musl-gcc, and it is installed on Debian as root only")));
    }
    eprintln!("==> installing {PACKAGE}");
    let apt = |args: &[&str]| {
        let mut command = process::command("apt-get");
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive").arg("-q").args(args);
        process::run_quietly(&mut command).map(drop)
    };
    let get = || apt(&["install", "-y", "--no-install-recommends", PACKAGE]);
    // A machine that never read the lists does not know the package.
    get().or_else(|_| apt(&["update"]).and_then(|()| get())).with_context(|| {
        format!("{PACKAGE} cannot be installed; install it, or a musl-gcc from elsewhere")
    })?;
    Ok(None)
}
