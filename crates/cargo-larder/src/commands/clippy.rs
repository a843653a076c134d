//! `cargo larder clippy`.

use crate::args::CheckFlags;
use crate::building::{Asked, Building};
use clap::Args;

/// Check with clippy's lints
///
/// Flags for clippy follow after `--`: `cargo larder clippy -- -D warnings`.
#[derive(Args, Debug)]
pub(crate) struct Clippy {
    #[command(flatten)]
    flags: CheckFlags,
    /// Lint the chosen packages only, not the path dependencies
    #[arg(long)]
    no_deps: bool,
    /// Apply suggestions; clippy does it through cargo
    #[arg(long)]
    fix: bool,
    /// Explain a lint; clippy does it
    #[arg(long, value_name = "LINT")]
    explain: Option<String>,
    /// Flags for clippy
    #[arg(last = true, value_name = "ARGS", num_args = 0..)]
    args: Vec<std::ffi::OsString>,
}

impl Building for Clippy {
    fn asked(&self) -> Asked<'_> {
        let mut asked = self.flags.asked("clippy");
        asked.trailing = self.args.len();
        asked.trailing_is_for_compiler = true;
        asked.unmodelled.push((self.fix, "--fix"));
        asked.unmodelled.push((self.explain.is_some(), "--explain"));
        asked
    }
}
