//! `cargo larder run`.

use crate::args::{
    Common, Compile, Features, KeepGoing, LarderFlags, ManifestFlags, MessageFormats, OnePackage,
    Release, RunTargets,
};
use crate::building::{self, Asked, Building, Context};
use crate::exit::Exit;
use crate::launch;
use clap::Args;
use std::ffi::OsString;

/// Build and start a binary or an example
///
/// The program replaces larder: its exit code and signals are its own. Its arguments follow, after
/// `--` where they look like flags.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Arguments for the program
    #[arg(value_name = "ARGS", num_args = 0.., trailing_var_arg = true)]
    args: Vec<OsString>,
    #[command(flatten)]
    format: MessageFormats,
    #[command(flatten)]
    package: OnePackage,
    #[command(flatten)]
    targets: RunTargets,
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

impl Building for Run {
    fn asked(&self) -> Asked<'_> {
        Asked {
            keep_going: self.keep_going.keep_going,
            names_package: true,
            trailing: self.args.len(),
            ..Asked::new(
                "run",
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
        launch::run(context.host, &built, &self.args)
    }
}
