//! `cargo larder bench`.

use crate::args::{
    Common, Compile, Features, LarderFlags, ManifestFlags, ManyPackages, MessageFormats, Targets,
};
use crate::building::{self, Asked, Building, Context};
use crate::exit::Exit;
use crate::launch::{self, Kind, TestRun};
use clap::Args;
use std::ffi::OsString;

/// Build the benchmarks and run them
///
/// Flags for the harness follow after `--`.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// Run only benchmarks whose name contains this
    #[arg(value_name = "BENCHNAME")]
    name: Option<OsString>,
    /// Arguments for the benchmark executables
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<OsString>,
    /// Build the benchmarks, do not run them
    #[arg(long)]
    no_run: bool,
    /// Run all benchmark executables, even after one failed
    #[arg(long)]
    no_fail_fast: bool,
    #[command(flatten)]
    format: MessageFormats,
    #[command(flatten)]
    packages: ManyPackages,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    features: Features,
    #[command(flatten)]
    compile: Compile,
    #[command(flatten)]
    manifest: ManifestFlags,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    larder: LarderFlags,
}

impl Building for Bench {
    fn asked(&self) -> Asked<'_> {
        Asked {
            names_package: self.packages.names_package(),
            trailing: self.args.len(),
            ..Asked::new(
                "bench",
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
            kind: Kind::Bench,
            args: self.name.iter().chain(&self.args).cloned().collect(),
            no_run: self.no_run,
            no_fail_fast: self.no_fail_fast,
        };
        launch::tests(context.host, &built, &run)
    }
}
