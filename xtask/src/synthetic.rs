//! `cargo xtask synthetic`: larder-test's synthetic workspace in a place that
//! stays, to look at, and to compare larder with cargo on.

use crate::{process, workspace};
use anyhow::{Result, bail};
use fs_err as fs;
use larder_test::TestEnv;
use larder_test::synthetic::{self, Shape};
use std::path::PathBuf;

/// Write the synthetic workspace to target/synthetic, anew.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The root manifest is a package too.
    #[arg(long)]
    rooted: bool,
    /// Compare larder with cargo on it, with every command, in both shapes.
    #[arg(long, conflicts_with_all = ["rooted", "command"])]
    parity: bool,
    /// A command to run in it, in its hermetic environment.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// A command that parity is checked for.
pub(crate) struct Case {
    /// Variables that the user set: `NAME=value`.
    env: &'static [&'static str],
    /// Directory in the workspace that cargo is started in.
    dir: &'static str,
    /// Without `cargo`, split at white space; `@HOST@` is the host's triple.
    command: &'static str,
}

impl Case {
    /// The case in one line.
    pub(crate) fn shown(&self) -> String {
        let env: String = self.env.iter().map(|var| format!("{var} ")).collect();
        let dir = if self.dir.is_empty() { String::new() } else { format!(" (in {})", self.dir) };
        format!("{env}cargo {}{dir}", self.command)
    }
}

const fn case(command: &'static str) -> Case {
    Case { env: &[], dir: "", command }
}

const fn within(dir: &'static str, command: &'static str) -> Case {
    Case { env: &[], dir, command }
}

const fn with(env: &'static [&'static str], command: &'static str) -> Case {
    Case { env, dir: "", command }
}

/// The virtual workspace: every command, selection and profile flag that
/// shapes a plan.
const VIRTUAL: &[Case] = &[
    // Commands over everything.
    case("build --workspace --all-targets"),
    case("build --workspace --release"),
    case("check --workspace --all-targets"),
    case("check --workspace --release --all-targets"),
    case("test --workspace --no-run"),
    case("test --workspace --no-run --all-targets"),
    case("bench --workspace --no-run"),
    case("clippy --workspace --all-targets"),
    // Packages and targets.
    case("build"),
    case("build -p app"),
    case("build --workspace --exclude app --exclude dynamic-user"),
    case("build -p d* -p leaf"),
    case("build -p tiny@2.0.0"),
    case("build -p from-git"),
    case("check -p alternative"),
    case("build --workspace --lib --bins"),
    case("build -p scripted --examples --benches --tests"),
    case("check -p app --tests"),
    case("check -p app --lib --tests"),
    case("check -p app --bin second --tests"),
    case("check -p app --benches"),
    case("check -p app --examples"),
    case("check -p app --bins"),
    case("test --no-run -p app"),
    case("test --no-run -p app --test binaries"),
    case("test --no-run -p app --lib"),
    case("run -p app"),
    case("test -p app"),
    case("test --doc --workspace -- --quiet"),
    case("test --doc -p scripted --target @HOST@"),
    // Features.
    case("build -p app --no-default-features"),
    case("build -p app --features extra,weak --all-targets"),
    case("check --workspace --all-features --all-targets"),
    // Profiles.
    case("build --workspace --profile fat"),
    case("build --workspace --profile packed"),
    case("build -p app --profile small --features extra,weak"),
    // Not `app`: its tests unwind, so that cargo builds the cdylib below it
    // twice in one place, and sometimes fails.
    case("test --no-run -p scripted --profile small"),
    case("check -p app --profile test"),
    case("clippy --release -p app --no-deps"),
    case("check -p app --config profile.dev.lto=\"thin\""),
    with(&["CARGO_PROFILE_DEV_OPT_LEVEL=1", "CARGO_PROFILE_DEV_PANIC=abort"], "check -p scripted"),
    with(&["CARGO_INCREMENTAL=0"], "build -p scripted"),
    // Platforms and flags.
    case("build --workspace --target @HOST@ --all-targets"),
    case("check --workspace --target @HOST@"),
    with(&["RUSTFLAGS=--cfg outer"], "build -p scripted --target @HOST@"),
    case("check -p leaf --config build.rustflags=[\"-Cdebuginfo=0\"]"),
    // `cargo rustc`, and arguments behind `--`.
    case("rustc -p app --bin app -- -C target-cpu=native"),
    case("rustc -p app --release --bin second -- --cfg foo"),
    case("rustc -p leaf --lib --crate-type cdylib"),
    case("clippy -p app -- -W clippy::pedantic"),
    // What shapes the calls but not the graph.
    case("check -p app -vv"),
    case("check -p app --message-format short"),
    case("check --workspace --keep-going -j 1"),
    case("build --locked --offline -p leaf"),
    with(&["RUSTC_BOOTSTRAP=1"], "check -p app"),
    // Configuration of the directory.
    within("crates/app", "build"),
    within("crates/app", "check --all-targets"),
    within("crates/app", "test --no-run"),
    within("tools/generator", "build --release"),
];

/// The same with a package in the root.
const ROOTED: &[Case] = &[
    case("build"),
    case("build --release"),
    case("run"),
    case("check --workspace --all-targets"),
    case("test --no-run"),
    case("clippy"),
    within("crates/app", "test --no-run --workspace"),
];

/// Runs `cargo xtask synthetic`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.parity {
        return parity(&|what| println!("{what}"));
    }
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

/// `cargo xtask parity` for every command, in the workspace's environment.
pub(crate) fn parity(step: &dyn Fn(&str)) -> Result<()> {
    for (shape, cases) in [(Shape::Virtual, VIRTUAL), (Shape::Rooted, ROOTED)] {
        let (env, root) = write(shape)?;
        let host = env.host();
        for case in cases {
            step(&format!("parity of the synthetic workspace ({shape:?}): {}", case.shown()));
            let dir = root.join(case.dir);
            let mut xtask = env.command(crate::process::own_executable()?);
            xtask.args(["parity", "--manifest-path"]).arg(dir.join("Cargo.toml"));
            xtask.arg("--output").arg(workspace::target("parity/synthetic"));
            xtask.args(["--", "cargo"]);
            xtask.args(case.command.split_whitespace().map(|word| word.replace("@HOST@", &host)));
            xtask.envs(case.env.iter().filter_map(|var| var.split_once('=')));
            let output = xtask.current_dir(&root).output()?;
            let said = String::from_utf8_lossy(&output.stdout);
            if !output.status.success() {
                let warned = String::from_utf8_lossy(&output.stderr);
                bail!("{}:\n{said}{warned}", case.shown());
            }
            said.lines().filter(|line| line.starts_with("units ")).for_each(|l| println!("{l}"));
        }
    }
    Ok(())
}
