//! `cargo xtask synthetic`: larder-test's synthetic workspace in a place that
//! stays, to look at, and to compare larder with cargo on.

use crate::{process, workspace};
use anyhow::Result;
use fs_err as fs;
use larder_test::TestEnv;
use larder_test::synthetic::{self, Shape};
use std::path::PathBuf;
use std::process::Command;

/// Write the synthetic workspace to target/synthetic, anew.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The root manifest is a package too.
    #[arg(long)]
    rooted: bool,
    /// A command to run in it, in its hermetic environment.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Cargo commands that parity is checked for, without `cargo`.
pub(crate) const COMMANDS: &[&str] = &[
    "build --workspace --all-targets",
    "build --workspace --release",
    "check --workspace --all-targets",
    "test --workspace --no-run",
    "clippy --workspace --all-targets",
    "build -p app --profile small --features extra,weak",
    "build --workspace --profile fat",
    "build --workspace --profile packed",
];

/// Runs `cargo xtask synthetic`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (env, root) = write(if args.rooted { Shape::Rooted } else { Shape::Virtual })?;
    match args.command.split_first() {
        Some((program, rest)) => process::run(env.command(program).args(rest).current_dir(root)),
        None => {
            println!("{}", workspace::shown(&root));
            Ok(())
        }
    }
}

/// The workspace and the environment that it builds in.
fn write(shape: Shape) -> Result<(TestEnv, PathBuf)> {
    let place = workspace::target("synthetic");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let env = TestEnv::at(&place).online();
    let root = synthetic::write(&env, "place", shape).root().to_path_buf();
    Ok((env, root))
}

/// `cargo xtask parity` for one command of the workspace, in its environment.
pub(crate) fn parity(shape: Shape, command: &str) -> Result<()> {
    let (env, root) = write(shape)?;
    let mut xtask: Command = env.command(std::env::current_exe()?);
    xtask.args(["parity", "--manifest-path"]).arg(root.join("Cargo.toml"));
    xtask.arg("--output").arg(workspace::target("parity/synthetic"));
    xtask.args(["--", "cargo"]).args(command.split_whitespace());
    process::run(xtask.current_dir(root))
}
