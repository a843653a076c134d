//! `cargo larder check`.

use crate::args::CheckFlags;
use crate::building::{Asked, Building};
use clap::Args;

/// Look for errors without producing code
///
/// Metadata of dependencies that was made before comes from the store; diagnostics of units that
/// do not run are replayed.
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    flags: CheckFlags,
}

impl Building for Check {
    fn asked(&self) -> Asked<'_> {
        self.flags.asked("check")
    }
}

impl CheckFlags {
    /// The request of a command that checks.
    pub(crate) fn asked(&self, command: &'static str) -> Asked<'_> {
        Asked {
            keep_going: self.keep_going.keep_going,
            names_package: self.packages.names_package(),
            unmodelled: vec![
                (self.future.future_incompat_report, "--future-incompat-report"),
                (self.compile_time_deps.compile_time_deps, "--compile-time-deps"),
            ],
            ..Asked::new(
                command,
                &self.common,
                &self.format,
                &self.compile,
                &self.manifest,
                &self.larder,
            )
        }
    }
}
