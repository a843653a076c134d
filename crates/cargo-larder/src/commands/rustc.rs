//! `cargo larder rustc`.

use crate::args::{
    Common, Compile, Features, FutureIncompat, KeepGoing, LarderFlags, ManifestFlags,
    MessageFormats, OnePackage, Release, Targets,
};
use crate::building::{Asked, Building};
use clap::Args;

/// Compile one package with further flags for the compiler
///
/// The flags follow after `--` and count for the one target that was chosen:
/// `cargo larder rustc --bin app -- -C target-cpu=x86-64-v3`.
#[derive(Args, Debug)]
pub(crate) struct Rustc {
    /// Flags for rustc
    #[arg(value_name = "ARGS", num_args = 0.., trailing_var_arg = true)]
    args: Vec<std::ffi::OsString>,
    /// Print what the compiler knows (unstable); cargo does it
    #[arg(long, value_name = "INFO")]
    print: Option<String>,
    /// Crate types to emit, separated by commas
    #[arg(long, value_name = "CRATE-TYPE")]
    crate_type: Vec<String>,
    #[command(flatten)]
    future: FutureIncompat,
    #[command(flatten)]
    format: MessageFormats,
    #[command(flatten)]
    package: OnePackage,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    features: Features,
    #[command(flatten)]
    keep_going: KeepGoing,
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

impl Building for Rustc {
    fn asked(&self) -> Asked<'_> {
        Asked {
            keep_going: self.keep_going.keep_going,
            names_package: true,
            trailing: self.args.len(),
            trailing_is_for_compiler: true,
            unmodelled: vec![
                (self.future.future_incompat_report, "--future-incompat-report"),
                (self.print.is_some(), "--print"),
            ],
            ..Asked::new(
                "rustc",
                &self.common,
                &self.format,
                &self.compile,
                &self.manifest,
                &self.larder,
            )
        }
    }
}
