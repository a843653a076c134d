//! `cargo larder build`.

use crate::args::{
    Common, Compile, CompileTimeDeps, Features, FutureIncompat, KeepGoing, LarderFlags,
    ManifestFlags, ManyPackages, MessageFormats, Release, Targets,
};
use crate::building::{Asked, Building};
use clap::Args;
use std::path::PathBuf;

/// Compile packages and their dependencies
///
/// Every unit that was built before, in any checkout on this machine, comes from the store. What
/// you asked for is delivered to the target directory under cargo's names.
#[derive(Args, Debug)]
pub(crate) struct Build {
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
    keep_going: KeepGoing,
    #[command(flatten)]
    compile_time_deps: CompileTimeDeps,
    /// Copy the results to this directory (unstable); such a build is cargo's
    #[arg(long, value_name = "PATH", help_heading = "Compilation Options")]
    artifact_dir: Option<PathBuf>,
    #[command(flatten)]
    manifest: ManifestFlags,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    larder: LarderFlags,
}

impl Building for Build {
    fn asked(&self) -> Asked<'_> {
        Asked {
            keep_going: self.keep_going.keep_going,
            names_package: self.packages.names_package(),
            unmodelled: vec![
                (self.future.future_incompat_report, "--future-incompat-report"),
                (self.compile_time_deps.compile_time_deps, "--compile-time-deps"),
                (self.artifact_dir.is_some(), "--artifact-dir"),
            ],
            ..Asked::new(
                "build",
                &self.common,
                &self.format,
                &self.compile,
                &self.manifest,
                &self.larder,
            )
        }
    }
}
