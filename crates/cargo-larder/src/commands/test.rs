//! `cargo larder test`.

use crate::args::{
    Common, Compile, Features, FutureIncompat, LarderFlags, ManifestFlags, ManyPackages,
    MessageFormats, Release, Targets,
};
use crate::building::{self, Asked, Building, Context};
use crate::exit::Exit;
use crate::launch::{self, Kind, TestRun};
use clap::Args;
use std::ffi::OsString;

/// Build the tests and run them
///
/// Test executables come from the store where they were built before; the tests themselves always
/// run, documentation tests included. Flags for the harness follow after `--`.
#[derive(Args, Debug)]
pub(crate) struct Test {
    /// Run only tests whose name contains this
    #[arg(value_name = "TESTNAME")]
    name: Option<OsString>,
    /// Arguments for the test executables
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<OsString>,
    /// Build the tests, do not run them
    #[arg(long)]
    no_run: bool,
    /// Run all test executables, even after one failed
    #[arg(long)]
    no_fail_fast: bool,
    /// Only the documentation tests of the library
    #[arg(long, help_heading = "Target Selection")]
    doc: bool,
    #[command(flatten)]
    future: FutureIncompat,
    #[command(flatten)]
    format: MessageFormats,
    #[command(flatten)]
    packages: ManyPackages,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    features: Features,
    #[command(flatten)]
    release: Release,
    #[command(flatten)]
    compile: Compile,
    #[command(flatten)]
    manifest: ManifestFlags,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    larder: LarderFlags,
}

impl Building for Test {
    fn asked(&self) -> Asked<'_> {
        Asked {
            names_package: self.packages.names_package(),
            trailing: self.args.len(),
            unmodelled: vec![(self.future.future_incompat_report, "--future-incompat-report")],
            ..Asked::new(
                "test",
                &self.common,
                &self.format,
                &self.compile,
                &self.manifest,
                &self.larder,
            )
        }
    }

    fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let built = building::build(context, self.asked())?;
        if built.is_over() {
            return Ok(built.exit());
        }
        let run = TestRun {
            kind: Kind::Test,
            args: self.name.iter().chain(&self.args).cloned().collect(),
            no_run: self.no_run,
            no_fail_fast: self.no_fail_fast,
        };
        launch::tests(context.host, &built, &run)
    }
}
