//! The library that build scripts load is formatted and without warnings. It
//! is no crate of the workspace, so that cargo's commands do not reach it.

use crate::process;
use anyhow::Result;
use std::path::Path;

const ROOT: &str = "crates/larder-sandbox/preload/lib.rs";
const EDITION: &str = "--edition=2024";

/// What is wrong with it.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let made = tempfile::tempdir()?;
    let mut format = process::command("rustfmt");
    format.args(["--check", EDITION, ROOT]);
    let mut lint = process::command("clippy-driver");
    lint.args([EDITION, "--crate-name=preload", "--crate-type=cdylib", "-Cpanic=abort"])
        .args(["--emit=metadata", "-Dwarnings", "-Wclippy::undocumented_unsafe_blocks", ROOT, "-o"])
        .arg(made.path().join("preload.rmeta"));
    let mut complaints = Vec::new();
    for command in [&mut format, &mut lint] {
        // Its code is for this architecture only.
        if !cfg!(target_arch = "x86_64") {
            continue;
        }
        let output = command.current_dir(root).output()?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            complaints.push(format!("{ROOT}: {}", String::from_utf8_lossy(&said).trim()));
        }
    }
    Ok(complaints)
}
